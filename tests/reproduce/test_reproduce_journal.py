import dataclasses
import os
import subprocess
import sys

import pytest
from made_up_rows import row_of, rows_of

from j3o_jax.experiments.paper.rows import RunLog
from j3o_jax.io import FileError

ROWS = list(rows_of("fig3").values())


@pytest.fixture
def journal(tmp_path):
    return RunLog(str(tmp_path / "runs.jsonl"))


def content(journal):
    with open(journal.path, "rb") as file:
        return file.read()


def test_what_was_added_is_read(journal):
    assert journal.read() == {}
    for row in ROWS:
        journal.append(row)
    assert journal.read() == {row.key: row for row in ROWS}
    assert journal.unreadable == 0
    assert content(journal).count(b"\n") == len(ROWS)


def test_counts_and_flags_stay_what_they_are(journal):
    run = dataclasses.replace(ROWS[0].run, overrides={"clients": 12, "allow_unserved": False, "total_demand": 12.0})
    journal.append(row_of(run))
    (row,) = journal.read().values()
    assert row.run.key == run.key
    assert list(map(type, row.overrides.values())) == [int, bool, float]


@pytest.mark.parametrize("left", [1, 20, -20, -1])
def test_a_line_that_was_cut_off_is_ended_before_the_next(journal, left):
    for row in ROWS[:3]:
        journal.append(row)
    *_, last = content(journal).splitlines(keepends=True)
    os.truncate(journal.path, len(content(journal)) - len(last) + (left % len(last)))
    assert journal.read() == {row.key: row for row in ROWS[:2]}
    assert journal.unreadable == 1
    for row in ROWS[2:5]:
        journal.append(row)
    assert journal.read() == {row.key: row for row in ROWS[:5]}
    # Cut off by its line break alone, the line is whole after all.
    assert journal.unreadable == (0 if left == -1 else 1)


def test_garbage_is_left_out_and_counted(journal):
    journal.append(ROWS[0])
    changed = ROWS[1].model_dump_json().replace('"seed":0', '"seed":1')
    assert changed != ROWS[1].model_dump_json()
    with open(journal.path, "ab") as file:
        for line in (b"garbage", b"\xff\x00\xfe", b"{}", b"[1, 2]", b"null", b"", b"  ", changed.encode()):
            file.write(line + b"\n")
    journal.append(ROWS[2])
    assert journal.read() == {row.key: row for row in (ROWS[0], ROWS[2])}
    assert journal.unreadable == 6


def test_of_two_lines_the_later_counts_but_never_an_error(journal):
    run = ROWS[0].run
    error, first, second = (
        row_of(run, error="out of memory", status=None, objective=None),
        row_of(run, seconds=1.0),
        row_of(run, seconds=2.0),
    )
    for rows, winner in (([error], error), ([first], first), ([second], second), ([error], second)):
        for row in rows:
            journal.append(row)
        assert journal.read()[run.key] == winner


def test_lines_of_several_processes_stay_whole(journal, tmp_path):
    """They start together, and every line is long."""
    code = """
import sys, time
from pathlib import Path
from j3o_jax.experiments.paper.rows import RunLog, Row

path, line, number, go = sys.argv[1:]
row, journal = Row.model_validate_json(line), RunLog(path)
Path(f"{go}.{number}").touch()
while not Path(go).exists():
    time.sleep(0.001)
for _ in range(100):
    journal.append(row)
"""
    go = tmp_path / "go"
    rows = [row.model_copy(update={"history": [0.5] * 2000}) for row in ROWS[:3]]
    processes = [
        subprocess.Popen([sys.executable, "-c", code, journal.path, row.model_dump_json(), str(number), str(go)])
        for number, row in enumerate(rows)
    ]
    while not all((tmp_path / f"go.{number}").exists() for number in range(3)):
        assert all(process.poll() is None for process in processes)
    go.touch()
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert journal.read() == {row.key: row for row in rows}
    assert journal.unreadable == 0
    # A line that is just being written looks cut off to the others, so there may be empty ones.
    assert len([line for line in content(journal).split(b"\n") if line]) == 300


def test_a_full_disk_is_told_and_the_next_line_is_whole(journal, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[: len(line) // 2]))
    with pytest.raises(FileError, match=r"runs\.jsonl: cannot be written, the disk is full: make room"):
        journal.append(ROWS[0])
    monkeypatch.undo()
    journal.append(ROWS[1])
    assert journal.read() == {ROWS[1].key: ROWS[1]}


def test_a_journal_that_cannot_be_used_is_told_in_one_line(tmp_path):
    journal = RunLog(str(tmp_path))
    for attempt in (journal.read, lambda: journal.append(ROWS[0])):
        with pytest.raises(FileError, match=r"cannot be (read|written) \(Is a directory\): name another --out"):
            attempt()
