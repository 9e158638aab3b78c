"""Paths: which names go with what, and whether a file can be there. Needs none of the libraries that read files."""

import os
from typing import Literal, TypeAlias

import j3o_jax

from ._errors import FileError
from ._write import check_destination

Path: TypeAlias = str | os.PathLike[str]
Word: TypeAlias = Literal["deployment", "plan"]
Kind: TypeAlias = Word | type["j3o_jax.Scenario"] | type["j3o_jax.Solution"]
"""What a file holds: the class, or the word for it, which needs no loading."""

_SUFFIXES: dict[Word, tuple[str, ...]] = {
    "deployment": (".yaml", ".yml", ".json", ".npz"),
    "plan": (".json", ".npz"),
}


def check_readable(path: Path, want: Kind | None = None) -> None:
    """Raise the `FileError` that `load` would raise over the path alone, without a look into the file.

    **Arguments:**

    - `path`: the file to read.
    - `want`: what it is to hold, where only one kind will do.
    """
    name = plain_path(path)
    if not os.path.isfile(name):
        raise FileError(name, _no_file(name))
    # Without a kind any suffix will do, and the suffixes of deployments are all there are.
    word = word_of(want) if want else "deployment"
    _check_suffix(name, _SUFFIXES[word], f"a {word}" if want else "a deployment or plan")


def check_text(path: Path, what: str) -> None:
    """Raise `FileError` unless there is a YAML or JSON file at `path`; `what` it is to hold has its article."""
    name = plain_path(path)
    if not os.path.isfile(name):
        raise FileError(name, _no_file(name))
    _check_suffix(name, (".yaml", ".yml", ".json"), what)


def check_writable(path: Path, kind: Kind = "deployment", *, batch: bool = False) -> None:
    """Raise the `FileError` that `save` would raise over the destination; to be asked before the work is done.

    **Arguments:**

    - `path`: where to write.
    - `kind`: what is to be written there.
    - `batch`: whether that is a batch.
    """
    name = plain_path(path)
    word = word_of(kind)
    words = f"a batch of {word}s" if batch else f"a {word}"
    _check_suffix(name, (".npz",) if batch else _SUFFIXES[word], words)
    check_destination(name)


def word_of(kind: Kind) -> Word:
    """Name the kind of file that holds this."""
    if isinstance(kind, str):
        return kind
    return "deployment" if kind is j3o_jax.Scenario else "plan"


def plain_path(path: Path) -> str:
    """Return the path as a string; raises `FileError` if it can be no path."""
    name = os.fspath(path)
    if "\0" in name:
        raise FileError(name, "is not a path, it holds a zero byte: name a file")
    return name


def suffix_of(name: str) -> str:
    """Return the suffix that tells how a file is written, in lower case."""
    return os.path.splitext(name)[1].lower()


def _check_suffix(name: str, known: tuple[str, ...], words: str) -> None:
    if suffix_of(name) not in known:
        *others, last = known
        listed = f"{', '.join(others)} or {last}" if others else last
        raise FileError(name, f"is no name for {words}: use the suffix {listed}")


def _no_file(name: str) -> str:
    if os.path.isdir(name):
        return "is a directory: name a file"
    return "is not a regular file: name a file" if os.path.exists(name) else "is not there: check the path"
