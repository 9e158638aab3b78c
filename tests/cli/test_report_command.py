"""`j3o report`."""

from pathlib import Path

import pytest
from support.command_line import refused, told
from support.made_up_sweeps import made_up_rows, write_sweep

from j3o_jax.cli._app import run


@pytest.fixture
def sweep(here):
    write_sweep("sweep", made_up_rows(seeds=5, failing=0.3), missing=1)
    return "sweep"


def test_it_says_what_there_is_and_where(sweep, capsys):
    assert run(["report", sweep]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert max(map(len, captured.out.splitlines())) <= 80
    assert "exact-milp" in captured.out
    assert "Not complete: 2 chunks of 6 not here yet." in captured.out
    assert "Written: sweep/report.html; pictures and tables in sweep/figures" in captured.out
    assert Path("sweep/report.html").exists()


def test_json_is_one_object(sweep, capsys):
    found = told(capsys, "report", sweep, "--reference", "exact-milp", "--out", "page.html")
    assert found["page"] == "page.html"
    assert found["complete"] is False
    assert found["chunks"] == {"done": 4, "all": 6}
    assert found["reference"] == "exact-milp"
    first, second = found["methods"]
    assert first["method"] == "j3o"
    assert first["difference"]["mean"] < 0
    assert second["difference"] == {"mean": None, "half_width_95": None, "pairs": None}
    assert first["loss"] == pytest.approx(1 - first["objective"]["mean"])
    files = [found["page"], *found["tables"], *(path for paths in found["pictures"].values() for path in paths)]
    assert all(Path(path).exists() for path in files)
    assert found["pictures"]["objective"] == ["page-figures/objective.svg", "page-figures/objective.png"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], ("nowhere: is not there", "name the folder")),
        (["empty"], ("empty", "holds no sweep")),
        (["sweep/manifest.json"], ("is a file", "name the folder")),
        (["sweep", "--out", "page.txt"], ("--out page.txt", ".html")),
        (["sweep", "--out", "nowhere/page.html"], ("nowhere/page.html",)),
        (["sweep", "--reference", "magic"], ("--reference", "'magic'", "exact-milp, j3o")),
    ],
)
def test_what_is_wrong_is_one_line(sweep, capsys, arguments, words):
    Path("empty").mkdir()
    refused(capsys, ["report", *arguments], *words)
    assert not Path("sweep/report.html").exists()


def test_damage_is_one_line(sweep, capsys):
    chunks = sorted(Path("sweep/rows").iterdir())
    chunks[0].write_bytes(chunks[0].read_bytes()[:100])
    refused(capsys, ["report", sweep], "sweep")
    for chunk in chunks:
        chunk.unlink()
    assert "no finished chunk yet" in told(capsys, "report", sweep, code=2)["error"]["message"]
    Path("sweep/manifest.json").write_text("{")
    refused(capsys, ["report", sweep], "manifest.json")


def test_without_a_library_it_says_what_to_install(sweep, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    refused(capsys, ["report", sweep], "pip install 'j3o-jax[experiments]'", code=1)
