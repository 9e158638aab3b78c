"""Settings of the rendered documentation: the pages of this folder, and a reference made of the docstrings."""

project = "j3o-jax"
author = "The j3o-jax authors"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = "j3o-jax"
exclude_patterns = ["_build"]
# Docstrings mark code by single backticks.
default_role = "literal"
myst_heading_anchors = 3
# Shapes and units are in the docstrings.
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "member-order": "bysource"}


def _link_measurements(_app, _page, source):
    """Link to the rendered page of measurements where the text names the file, so that links work in both."""
    source[0] = source[0].replace("](../bench/README.md", "](measurements.md")


def setup(app):
    """Connect what Sphinx calls."""
    app.connect("source-read", _link_measurements)
