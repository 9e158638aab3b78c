"""Whatever becomes of the bytes of a file: it loads, or a `FileError` says why not."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.file_examples import SMALL
from support.handmade_plans import rough_plan

from j3o_jax import Names, Scenario, Solution
from j3o_jax.io import FileError, example_deployment, load, save

# Bytes that mean something to a parser, and some that mean nothing anywhere.
TELLING = [bytes([code]) for code in b"\0\t\n\r \"#%&'*,-.:;<>?@[\\]`{|}!~0e\x7f\x80\xc3\xff"]
TELLING += [b"\xef\xbb\xbf", "\u2028".encode(), b"\\u", b"\\UFFFFFFFF"]
TELLING += [b"- - ", b"? ", b"<<: ", b"---\n", b"%YAML 1.1\n"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, bytes]:
    """One good file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "small.yaml").write_text(SMALL, encoding="utf-8")
    scenario = load(folder / "small.yaml", want=Scenario)
    names = Names(tasks=("a: b", "c"), models=("größe",), clients=("x", "y"), edges=("1", "2"))
    plan = rough_plan(dataclasses.replace(scenario, names=names))
    (folder / "example.yaml").write_text(example_deployment(), encoding="utf-8")
    save(scenario, folder / "deployment.json")
    save(scenario, folder / "scenario.npz")
    save(plan, folder / "plan.json")
    save(plan, folder / "plan.npz")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_loads_or_says_why(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        loaded = load(path)
    except FileError as error:
        text = str(error)
        assert text.startswith(str(path))
        assert text.isprintable()
        assert len(text) < len(str(path)) + 800
    else:
        assert isinstance(loaded, Scenario | Solution)


KINDS = ["small.yaml", "example.yaml", "deployment.json", "plan.json", "scenario.npz", "plan.npz"]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15)
@given(data=st.data())
def test_cut_short(whole, tmp_path_factory, kind, data):
    content = whole[kind]
    end = data.draw(st.integers(0, len(content) - 1))
    assert_loads_or_says_why(tmp_path_factory.getbasetemp() / f"cut-{kind}", content[:end])


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(data=st.data())
def test_bytes_changed_put_in_or_taken_out(whole, tmp_path_factory, kind, data):
    content = bytearray(whole[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        gone = data.draw(st.integers(0, 3))
        content[start : start + gone] = data.draw(st.sampled_from(TELLING) | st.binary(max_size=3))
    assert_loads_or_says_why(tmp_path_factory.getbasetemp() / f"changed-{kind}", bytes(content))


@pytest.mark.parametrize("suffix", [".yaml", ".json", ".npz"])
@settings(max_examples=60)
@given(content=st.binary(max_size=60) | st.lists(st.sampled_from(TELLING), max_size=30).map(b"".join))
def test_anything_at_all(tmp_path_factory, suffix, content):
    assert_loads_or_says_why(tmp_path_factory.getbasetemp() / f"anything{suffix}", content)


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
@settings(max_examples=60)
@given(data=st.data())
def test_values_of_other_kinds_anywhere(tmp_path_factory, suffix, data):
    odd = st.sampled_from(["", "x", "3", "-1", "1e999", "true", "null", "[]", "{}", "[[]]", "{a: 1}", '"1"', "9" * 400])
    lines = SMALL.splitlines()
    index = data.draw(st.integers(0, len(lines) - 1))
    pieces = lines[index].split(": ")
    pieces[data.draw(st.integers(0, len(pieces) - 1))] = data.draw(odd)
    lines[index] = ": ".join(pieces)
    assert_loads_or_says_why(tmp_path_factory.getbasetemp() / f"odd{suffix}", "\n".join(lines).encode())
