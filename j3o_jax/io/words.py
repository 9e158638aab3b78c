"""Words for messages: every piece stays on one line, whatever a file holds."""

import difflib
import functools
import re
from typing import TypeAlias

Loc: TypeAlias = tuple[str | int, ...]
"""Where a value is in a document: keys and list positions, from the top."""

_LONGEST = 60
_MOST_LISTED = 8
_PLAIN_KEY = re.compile(r"[\w+-]+")


def one_line(text: str) -> str:
    """`text` with whatever does not print written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shortened(text: str) -> str:
    """`text` on one line, cut where it is long."""
    line = one_line(text[: _LONGEST + 1])
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def shown(value: object) -> str:
    """Write a value as the file would have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{shortened(value)}'" if isinstance(value, str) else shortened(repr(value))


def described(value: object) -> str:
    """Say what a value is, to follow its place: ``= 'a' is text``, ``is a list``."""
    if value is None:
        return "is empty"
    if isinstance(value, dict):
        return "is a mapping"
    if isinstance(value, list):
        return "is a list"
    kind = "a yes/no value" if isinstance(value, bool) else "text" if isinstance(value, str) else "a number"
    return f"= {shown(value)} is {kind}"


def place_words(loc: Loc) -> str:
    """Write a place as ``clients[2].demand_per_s.depth``."""
    words = ""
    for step in loc:
        if isinstance(step, int):
            words += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            words += ("." if words else "") + shortened(step)
        else:
            words += f"[{shown(step)}]"
    return words


# Cached: a file with one wrong edge name tends to have it at a thousand clients.
@functools.lru_cache(maxsize=256)
def nearest(name: str, known: tuple[str, ...]) -> str | None:
    """Find the known name that `name` was probably meant to be."""
    return next(iter(difflib.get_close_matches(name, known, n=1)), None)


def suggestion(name: str, known: tuple[str, ...]) -> str:
    """Say which known name `name` was probably meant to be, or what there is to choose from."""
    near = nearest(name, known)
    if near is not None:
        return f"did you mean {shown(near)}?"
    listed = ", ".join(shown(other) for other in known[:_MOST_LISTED])
    return f"known are {listed}" + (", ..." if len(known) > _MOST_LISTED else "")
