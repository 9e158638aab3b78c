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


def _link_pages(_app, _page, source):
    """Link to rendered pages where the text names files beyond this folder, so that links work in both."""
    for file, page in {"../bench/README.md": "measurements.md", "../README.md": "index.md"}.items():
        source[0] = source[0].replace(f"]({file}", f"]({page}")


def setup(app):
    """Connect what Sphinx calls."""
    app.connect("source-read", _link_pages)
