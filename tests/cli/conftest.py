import pytest

from j3o_jax.io import example_deployment


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def deployment(here):
    """The example in the folder to work in."""
    (here / "site.yaml").write_text(example_deployment(), encoding="utf-8")
    return "site.yaml"


@pytest.fixture
def unsolved(monkeypatch):
    """Fails the test if the work is begun."""

    def solve(*arguments, **options):
        raise AssertionError("the work was begun")

    monkeypatch.setattr("j3o_jax.cli._plans.solve", solve)
    monkeypatch.setattr("j3o_jax.experiments.paper.solving.Runner.solve", solve)
