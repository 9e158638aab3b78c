"""Text to plain data: mappings, lists, text, numbers, true, false, nothing; and the line of each of them.

Both parsers turn down what could be read in two ways or without end: keys that are there twice, tags, deep nesting,
several documents in one file, aliases that multiply.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)
from ruamel.yaml.reader import ReaderError

from ._errors import FileError
from .words import Loc, shown

_TOO_LARGE = 10**309
_DEEPEST = 16
# Values that all the aliases of a file may stand for: a thousand clients that share what they have, and not ten to the
# tenth copies of nothing.
_MOST_ALIASED = 1_000_000
_TOO_DEEP = "is nested too deeply: `j3o new` writes an example of what belongs here"

# The core schema of YAML 1.2, less numbers in base 8 and 16: `yes`, `1_000` and `2024-01-01` are text.
_NOTHING = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NO_CHARACTER = re.compile(r"\\U(?!000|0010)")
_NOT_A_NUMBER = {".nan", ".NaN", ".NAN"}
_MERGE = "<<"


class Parsed(NamedTuple):
    """Content of a text, with the line of each value."""

    data: Any
    lines: Mapping[Loc, int]


def parse_yaml(path: str, text: str) -> Parsed:
    """YAML 1.2 as plain data; raises `FileError` with the line."""
    reader = _Reader(path, text)
    try:
        return Parsed(reader.document(), reader.lines)
    except MarkedYAMLError as error:
        raise _syntax_error(path, error) from None
    except FileError:
        raise
    except (OverflowError, ValueError):
        # From chr(), by way of the scanner, which says nothing of the line.
        where = _NO_CHARACTER.search(text)
        line = None if where is None else text.count("\n", 0, where.start()) + 1
        raise FileError(path, "holds an escape that means no character: write the character itself", line) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise FileError(path, "holds a control character: take it out", line) from None


def parse_json(path: str, text: str) -> Any:
    """JSON as plain data; raises `FileError` with the line. Reads ``Infinity`` and ``NaN``, as some write it."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_int=_number, parse_float=_number)
    except json.JSONDecodeError as error:
        said = f"is not valid JSON at column {error.colno} ({error.msg}): check commas, quotes and brackets"
        raise FileError(path, said, error.lineno) from None
    except RecursionError:
        raise FileError(path, _TOO_DEEP) from None
    except _TwiceError as error:
        raise FileError(path, _twice(error.key), _line_of_twice(path, text)) from None


def json_lines(path: str, text: str) -> Mapping[Loc, int]:
    """Line of each value of a JSON text; empty where it cannot be told. JSON is YAML, all but a few corners."""
    try:
        return parse_yaml(path, text).lines
    except FileError:
        return {}


class _TwiceError(Exception):
    def __init__(self, key: str):
        super().__init__(key)
        self.key = key


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        raise _TwiceError(next(key for key, _ in pairs if key in seen or seen.add(key)))
    return made


def _twice(key: str) -> str:
    return f"has the key {shown(key)} twice: keep one of them"


def _line_of_twice(path: str, text: str) -> int | None:
    try:
        parse_yaml(path, text)
    except FileError as error:
        return error.line
    return None


def _syntax_error(path: str, error: MarkedYAMLError) -> FileError:
    mark = error.problem_mark or error.context_mark
    line = None if mark is None else mark.line + 1
    problem = error.problem or error.context or "syntax error"
    remedy = "check the indentation, quotes, colons and brackets"
    if r"'\t'" in problem:
        remedy = "indent with spaces, not tabs"
    return FileError(path, f"is not valid YAML ({problem}): {remedy}", line)


def _number(text: str) -> int | float:
    """`text` as a number; where no float64 is that large, a whole number that is larger still."""
    # int() of very long text is slow, then refused; beyond 64 bits nothing here needs whole numbers.
    if text.lstrip("+-").isdigit() and len(text) <= 20:
        return int(text)
    number = float(text)
    if math.isinf(number):
        return _TOO_LARGE if number > 0 else -_TOO_LARGE
    return number


def _scalar(text: str) -> Any:
    if text in _NOTHING:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _NUMBER.fullmatch(text):
        return _number(text)
    if _INFINITE.fullmatch(text):
        return float("-inf" if text[0] == "-" else "inf")
    return float("nan") if text in _NOT_A_NUMBER else text


class _Node(NamedTuple):
    """A value, the number of values in it, how deep they are nested, and the text of it if it is a scalar."""

    value: Any
    size: int = 1
    depth: int = 0
    text: str | None = None


class _Reader:
    """Recursive descent over the events of a parser: nothing is expanded or built before it is looked at."""

    def __init__(self, path: str, text: str):
        self.path = path
        self.lines: dict[Loc, int] = {}
        self._events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)
        self._anchors: dict[str, _Node | None] = {}
        self._aliased = 0

    def document(self) -> Any:
        """Read the only document."""
        documents, found = 0, None
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._error("holds several documents: write one in each file, without '---'", event)
            elif isinstance(event, NodeEvent):
                found = self._node(event, (), 0).value
        return found

    def _node(self, event: Any, loc: Loc, level: int) -> _Node:
        """Read what begins with `event`, inside of `level` mappings and lists."""
        self.lines.setdefault(loc, event.start_mark.line + 1)
        if isinstance(event, AliasEvent):
            return self._aliased_node(event, level)
        if event.tag is not None:
            raise self._error("uses a tag (!): take it out, or quote the text", event)
        if isinstance(event, ScalarEvent):
            node = _Node(_scalar(event.value) if event.implicit[0] else event.value, text=event.value)
        else:
            if level == _DEEPEST:
                raise self._error(_TOO_DEEP, event)
            if event.anchor is not None:
                self._anchors[event.anchor] = None
            read = self._mapping if isinstance(event, MappingStartEvent) else self._list
            node = read(loc, level + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _list(self, loc: Loc, level: int) -> _Node:
        held: list[Any] = []
        size, depth = 1, 1
        while not isinstance(event := next(self._events), SequenceEndEvent):
            node = self._node(event, (*loc, len(held)), level)
            held.append(node.value)
            size, depth = size + node.size, max(depth, node.depth + 1)
        return _Node(held, size, depth)

    def _mapping(self, loc: Loc, level: int) -> _Node:
        held: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        size, depth = 1, 1
        while not isinstance(event := next(self._events), MappingEndEvent):
            if isinstance(event, ScalarEvent) and event.implicit[0] and event.value == _MERGE:
                event = next(self._events)
                node = self._node(event, (*loc, _MERGE), level)
                merged += self._mappings(node.value, event)
            else:
                key = self._key(event, level)
                if key in held:
                    raise self._error(_twice(key), event)
                self.lines[(*loc, key)] = event.start_mark.line + 1
                node = self._node(next(self._events), (*loc, key), level)
                held[key] = node.value
            size, depth = size + node.size, max(depth, node.depth + 1)
        # Keys of the mapping itself come first, then those of what it names first.
        for mapping in merged:
            for key, value in mapping.items():
                held.setdefault(key, value)
        return _Node(held, size, depth)

    def _key(self, event: Any, level: int) -> str:
        """Read a key, which is text, so that a task may be called 3 or yes without quotes."""
        node = self._node(event, (), level) if isinstance(event, ScalarEvent | AliasEvent) else _Node(None)
        if node.text is None:
            raise self._error("has a list or mapping as a key: write a name", event)
        return node.text

    def _mappings(self, value: Any, event: Any) -> list[dict[str, Any]]:
        """Return what a merge key brings: one mapping or several."""
        mappings = value if isinstance(value, list) else [value]
        if not all(isinstance(mapping, dict) for mapping in mappings):
            raise self._error("merges (<<) what is no mapping: name a mapping or a list of them, or quote '<<'", event)
        return mappings

    def _aliased_node(self, event: Any, level: int) -> _Node:
        anchor = shown(event.anchor)
        if event.anchor not in self._anchors:
            raise self._error(
                f"has an alias of {anchor}, which nothing above is marked with: quote it if it is text", event
            )
        node = self._anchors[event.anchor]
        if node is None:
            raise self._error(f"has an alias of {anchor} within what that marks: it would have no end", event)
        self._aliased += node.size
        if self._aliased > _MOST_ALIASED:
            raise self._error(
                f"has aliases (*) that stand for more than {_MOST_ALIASED:,} values: write them out, or use fewer",
                event,
            )
        if level + node.depth > _DEEPEST:
            raise self._error(_TOO_DEEP, event)
        return node

    def _error(self, message: str, event: Any) -> FileError:
        return FileError(self.path, message, event.start_mark.line + 1)
