"""Text to plain data: mappings, lists, text, numbers, true, false, nothing; and the line of each of them.

Both parsers turn down what could be read in two ways or without end: keys that are there twice, tags, deep nesting,
several documents in one file, aliases that multiply.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from ._errors import FileError
from .words import Loc, shown

_TOO_LARGE = 10**309
_DEEPEST = 16
# Values that all the aliases of a file may stand for: a thousand clients that share what they have, and not ten to the
# tenth copies of nothing.
_MOST_ALIASED = 1_000_000
_NO_KEY = "has a list or mapping as a key: write a name"
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
    """What a text says, and on which line each value is."""

    data: Any
    lines: Mapping[Loc, int]


def parse_yaml(path: str, text: str) -> Parsed:
    """YAML 1.2 as plain data; raises `FileError` with the line."""
    builder = _Builder(path)
    try:
        # Events rather than a ready-made object: nothing is expanded or built before it is looked at.
        for event in YAML(typ="safe", pure=True).parse(text):
            builder.take(event)
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
    return Parsed(builder.document, builder.lines)


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


class _Anchored(NamedTuple):
    """What an anchor marks: its value, how many values that is, and how deep they are nested."""

    value: Any
    size: int
    depth: int
    scalar: str | None


class _Level:
    """A mapping or list under construction; `key` is that of a mapping's value to come.

    `merged` is what merge keys bring, the nearest first, `size` and `depth` as in `_Anchored`.
    """

    def __init__(self, loc: Loc, held: dict[str, Any] | list[Any], anchor: str | None):
        self.loc = loc
        self.held = held
        self.anchor = anchor
        self.key: str | None = None
        self.merges = False
        self.merged: list[dict[str, Any]] = []
        self.size = 1
        self.depth = 1


class _Builder:
    """Puts parser events together. With a stack of its own: depth is our limit, not Python's."""

    def __init__(self, path: str):
        self.path = path
        self.document: Any = None
        self.lines: dict[Loc, int] = {}
        self._levels: list[_Level] = []
        self._documents = 0
        self._anchors: dict[str, _Anchored | None] = {}
        self._aliased = 0

    def take(self, event: Any) -> None:
        if isinstance(event, ScalarEvent):
            self._refuse_tags(event)
            plain = event.implicit[0]
            value = _scalar(event.value) if plain else event.value
            if event.anchor is not None:
                self._anchors[event.anchor] = _Anchored(value, 1, 0, event.value)
            if self._wants_key():
                self._open_key(self._levels[-1], event, event.value, merges=plain and event.value == _MERGE)
            else:
                self._put(value, event)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._refuse_tags(event)
            held = {} if isinstance(event, MappingStartEvent) else []
            loc = self._put(held, event)
            self._levels.append(_Level(loc, held, event.anchor))
            if event.anchor is not None:
                self._anchors[event.anchor] = None
            if len(self._levels) > _DEEPEST:
                raise self._error(_TOO_DEEP, event)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._close(event)
        elif isinstance(event, AliasEvent):
            self._take_alias(event)
        elif isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._error("holds several documents: write one in each file, without '---'", event)

    def _take_alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            anchor = shown(event.anchor)
            raise self._error(
                f"has an alias of {anchor}, which nothing above is marked with: quote it if it is text", event
            )
        anchored = self._anchors[event.anchor]
        if anchored is None:
            raise self._error(
                f"has an alias of {shown(event.anchor)} within what that marks: it would have no end", event
            )
        self._aliased += anchored.size
        if self._aliased > _MOST_ALIASED:
            raise self._error(
                f"has aliases (*) that stand for more than {_MOST_ALIASED:,} values: write them out, or use fewer",
                event,
            )
        if len(self._levels) + anchored.depth > _DEEPEST:
            raise self._error(_TOO_DEEP, event)
        if self._wants_key():
            if anchored.scalar is None:
                raise self._error(_NO_KEY, event)
            self._open_key(self._levels[-1], event, anchored.scalar, merges=False)
            return
        self._put(anchored.value, event)
        if self._levels:
            level = self._levels[-1]
            level.size += anchored.size - 1
            level.depth = max(level.depth, anchored.depth + 1)

    def _close(self, event: Any) -> None:
        level = self._levels.pop()
        if isinstance(level.held, dict) and level.merged:
            # Keys of the mapping itself come first, then those of what it names first.
            own = dict(level.held)
            for mapping in level.merged:
                for key, value in mapping.items():
                    own.setdefault(key, value)
            level.held.update(own)
        if level.anchor is not None:
            self._anchors[level.anchor] = _Anchored(level.held, level.size, level.depth, None)
        if self._levels:
            above = self._levels[-1]
            above.size += level.size - 1
            above.depth = max(above.depth, level.depth + 1)
            if above.merges:
                self._merge(above, level.held, event)

    def _wants_key(self) -> bool:
        """Whether a key comes next, not a value."""
        level = self._levels[-1] if self._levels else None
        return level is not None and isinstance(level.held, dict) and level.key is None and not level.merges

    def _open_key(self, level: _Level, event: Any, key: str, *, merges: bool) -> None:
        if merges:
            level.merges = True
            return
        # Always text, so that a task may be called 3 or yes without quotes.
        if key in level.held:
            raise self._error(_twice(key), event)
        level.key = key
        self.lines[(*level.loc, key)] = event.start_mark.line + 1

    def _put(self, value: Any, event: Any) -> Loc:
        if not self._levels:
            self.document = value
            self.lines[()] = event.start_mark.line + 1
            return ()
        level = self._levels[-1]
        if isinstance(level.held, list):
            loc = (*level.loc, len(level.held))
            self.lines[loc] = event.start_mark.line + 1
            level.held.append(value)
        elif level.merges:
            loc = (*level.loc, _MERGE)
            # One that is still to be read is merged when it ends.
            if isinstance(event, AliasEvent | ScalarEvent):
                self._merge(level, value, event)
        elif level.key is None:
            raise self._error(_NO_KEY, event)
        else:
            loc = (*level.loc, level.key)
            level.held[level.key] = value
            level.key = None
        level.size += 1
        return loc

    def _merge(self, level: _Level, value: Any, event: Any) -> None:
        mappings = value if isinstance(value, list) else [value]
        if not all(isinstance(mapping, dict) for mapping in mappings):
            raise self._error("merges (<<) what is no mapping: name a mapping or a list of them, or quote '<<'", event)
        level.merged += mappings
        level.merges = False

    def _refuse_tags(self, event: Any) -> None:
        if event.tag is not None:
            raise self._error("uses a tag (!): take it out, or quote the text", event)

    def _error(self, message: str, event: Any) -> FileError:
        return FileError(self.path, message, event.start_mark.line + 1)
