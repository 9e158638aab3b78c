"""The deployment to start from."""

import importlib.resources


def example_deployment() -> str:
    """Return a small deployment in YAML, with comments that explain every key."""
    return importlib.resources.files("j3o_jax.io").joinpath("example.yaml").read_text("utf-8")
