import os
import stat

import numpy as np
import pytest
from support.file_examples import SMALL, assert_same_scenario

from j3o_jax import Scenario, Solution
from j3o_jax.io import FileError, check_writable, load, save

SUFFIXES = [".yaml", ".json", ".npz"]


@pytest.fixture
def scenario(tmp_path_factory) -> Scenario:
    path = tmp_path_factory.mktemp("source") / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return load(path, want=Scenario)


def broken_at(call: str, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make one of the steps of writing fail."""

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(np if call == "savez" else os, call, fail)


@pytest.mark.parametrize("old", [None, b"what was there before"])
@pytest.mark.parametrize(
    ("suffix", "call"), [(".npz", "savez"), *((suffix, call) for suffix in SUFFIXES for call in ("fsync", "replace"))]
)
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, scenario, monkeypatch, error, call, suffix, old):
    path = tmp_path / f"scenario{suffix}"
    if old is not None:
        path.write_bytes(old)
    before = sorted(tmp_path.iterdir())
    broken_at(call, error, monkeypatch)
    expected = FileError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected) as caught:
        save(scenario, path)
    monkeypatch.undo()
    assert sorted(tmp_path.iterdir()) == before
    assert old is None or path.read_bytes() == old
    if expected is FileError:
        assert str(caught.value) == (
            f"{path}: cannot be written (No space left on device): name another file or make room"
        )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_is_replaced_and_keeps_its_permissions(tmp_path, scenario, suffix):
    path = tmp_path / f"scenario{suffix}"
    save(scenario, path)
    mask = os.umask(0o022)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    path.write_bytes(b"old")
    path.chmod(0o640)
    save(scenario, path)
    assert_same_scenario(load(path, want=Scenario), scenario)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path, scenario):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "scenario.yaml", tmp_path / "link.yaml"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    save(scenario, link)
    assert link.is_symlink()
    assert_same_scenario(load(target, want=Scenario), scenario)


def test_what_cannot_be_written_to_is_known_beforehand(tmp_path, scenario):
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "file").write_text("", encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    cases = [
        (tmp_path / "missing" / "scenario.yaml", "cannot be written, there is no directory"),
        (tmp_path / "file" / "scenario.yaml", "cannot be written, there is no directory"),
        (tmp_path / "folder.yaml", "is not a file: name a file"),
        (tmp_path / "scenario.txt", "is no name for a deployment: use the suffix .yaml, .yml, .json or .npz"),
        (tmp_path / "scenario", "use the suffix"),
        (tmp_path / ("x" * 300 + ".yaml"), "cannot be written (File name too long)"),
        (f"{tmp_path}/a\0b.yaml", "is not a path, it holds a zero byte: name a file"),
    ]
    for path, words in cases:
        for attempt in (check_writable, lambda path: save(scenario, path)):
            with pytest.raises(FileError) as caught:
                attempt(path)
            assert words in str(caught.value)
            assert str(caught.value).isprintable()
    check_writable(tmp_path / "scenario.yaml")
    assert sorted(tmp_path.iterdir()) == before


def test_each_kind_has_its_suffixes(tmp_path):
    for suffix in SUFFIXES:
        check_writable(tmp_path / f"deployment{suffix}", Scenario)
    for suffix in (".json", ".npz"):
        check_writable(tmp_path / f"plan{suffix}", Solution)
    check_writable(tmp_path / "batch.npz", Solution, batch=True)
    for path, kind, batch, words in (
        ("plan.yaml", Solution, False, "is no name for a plan: use the suffix .json or .npz"),
        ("plans.json", Solution, True, "is no name for a batch of plans: use the suffix .npz"),
        ("batch.yaml", Scenario, True, "is no name for a batch of deployments: use the suffix .npz"),
    ):
        with pytest.raises(FileError) as caught:
            check_writable(tmp_path / path, kind, batch=batch)
        assert words in str(caught.value)


def test_a_read_only_file_stays_as_it_is(tmp_path, scenario, monkeypatch):
    path = tmp_path / "scenario.yaml"
    path.write_text("old", encoding="utf-8")
    # Not by chmod: root may write everything.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(FileError, match="may not be written: give write permission"):
        save(scenario, path)
    assert path.read_text("utf-8") == "old"


def test_a_read_only_directory_is_named_as_such(tmp_path, scenario, monkeypatch):
    broken_at("open", PermissionError(13, "Permission denied"), monkeypatch)
    with pytest.raises(FileError, match="the directory is read-only: name another directory"):
        save(scenario, tmp_path / "scenario.yaml")
