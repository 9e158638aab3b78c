"""Folders of work that goes on: of the same inputs and the same program, by one writer, or refused."""

import json

import numpy as np
import pytest
from support.scenarios import random_scenario

from j3o_jax.io import FileError, WorkFolder, inputs_of

INPUTS = {"demand": np.arange(3.0), "cost": 0.1, "method": "j3o"}


def begun(path, inputs=INPUTS, work="search"):
    folder = WorkFolder(str(path), "rounds", work)
    folder.begin_of(inputs)
    return folder


def test_a_folder_of_the_same_inputs_goes_on_and_is_left_as_it_is(tmp_path):
    begun(tmp_path / "out")
    manifest = tmp_path / "out" / "manifest.json"
    before = manifest.stat().st_mtime_ns, manifest.read_text()
    begun(tmp_path / "out", INPUTS | {"demand": np.arange(3.0)})
    assert (manifest.stat().st_mtime_ns, manifest.read_text()) == before


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (INPUTS | {"cost": 0.2}, "another cost: name another folder"),
        (INPUTS | {"demand": np.arange(3.0)[None]}, "another demand: name"),
        (INPUTS | {"seed": 0}, "another seed: name"),
        ({"cost": 0.1, "method": "j3o"}, "another demand: name"),
        ({"a": 0, "b": 0}, "another a, b, demand and 2 more: name"),
    ],
)
def test_what_differs_is_named(tmp_path, inputs, words):
    begun(tmp_path / "out")
    with pytest.raises(FileError, match=f"out: holds plans of {words}"):
        begun(tmp_path / "out", inputs)


def test_another_program_s_folder_is_refused(tmp_path):
    begun(tmp_path / "out")
    path = tmp_path / "out" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"source": "0" * 12}))
    with pytest.raises(FileError, match=r"was begun by j3o-jax .*, code 000000000000, and this is"):
        begun(tmp_path / "out")


@pytest.mark.parametrize("text", ["", "[]", '{"format": "j3o-search-1"}'])
def test_what_is_no_manifest_is_refused(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(FileError, match="is no manifest of a search: name another folder"):
        begun(tmp_path)


def test_the_folder_of_other_work_is_refused(tmp_path):
    begun(tmp_path / "out", work="replanning")
    with pytest.raises(FileError, match="is no manifest of a search"):
        begun(tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "words"),
    [("no/where", "there is no directory"), ("file", "is not a directory"), ("a\0b", "it holds a zero byte")],
)
def test_where_no_folder_can_be_made_is_said(tmp_path, name, words):
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=words):
        begun(tmp_path / name)


def test_leftovers_of_writers_that_died_are_no_other_files_and_are_removed(tmp_path):
    (tmp_path / ".j3o-0.tmp").touch()
    folder = begun(tmp_path)
    (tmp_path / "rounds" / ".j3o-1.tmp").touch()
    (tmp_path / "rounds" / "round-1.npz").touch()
    with folder.locked(), pytest.raises(FileError, match="is being written by another search"):
        begun(tmp_path).locked().__enter__()
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "manifest.json",
        "rounds",
        "rounds/round-1.npz",
    ]


def test_all_of_a_deployment_but_its_names_is_among_its_inputs(tmp_path):
    served_or_not, all_served = (
        random_scenario(np.random.default_rng(0), clients=2, edges=1, tasks=2, models=2, allow_unserved=allowed)
        for allowed in (True, False)
    )
    begun(tmp_path / "out", inputs_of(served_or_not))
    with pytest.raises(FileError, match="holds plans of another deployment's allow_unserved: name"):
        begun(tmp_path / "out", inputs_of(all_served))
