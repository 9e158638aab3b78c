"""Time limits of searches: nested contexts, which everything that is called inside them obeys."""

import contextlib
import contextvars
from collections.abc import Iterator
from time import perf_counter

from ._programs import seconds_of_compiling

_limits: contextvars.ContextVar[tuple["TimeLimit", ...]] = contextvars.ContextVar("time_limits", default=())


class TimeLimit:
    """Seconds from now on.

    **Arguments:**

    - `seconds`: infinite for no limit.
    - `for_compiling`: the part of them that compiling may take up at most, 0 where it is not counted; what is compiled
      cannot be stopped, and what is beyond this part is not taken from the search.
    """

    def __init__(self, seconds: float, *, for_compiling: float = 0.0):
        self._seconds = seconds
        self._for_compiling = for_compiling
        self._start, self._compiled = perf_counter(), seconds_of_compiling()

    @property
    def spent(self) -> float:
        """Seconds that have passed, as far as they count."""
        compiling = seconds_of_compiling() - self._compiled
        counted = min(compiling, self._for_compiling * self._seconds) if self._for_compiling else 0.0
        return perf_counter() - self._start - compiling + counted

    @property
    def left(self) -> float:
        """Seconds that are left, negative when it is over."""
        return self._seconds - self.spent


@contextlib.contextmanager
def limiting_time(seconds: float, *, for_compiling: float = 0.0) -> Iterator[TimeLimit]:
    """Context in which `seconds_left` is no more than this limit leaves; see `TimeLimit`."""
    limit = TimeLimit(seconds, for_compiling=for_compiling)
    token = _limits.set((*_limits.get(), limit))
    try:
        yield limit
    finally:
        _limits.reset(token)


def seconds_left() -> float:
    """Return the seconds that all contexts around leave, 0 when one is over; infinite outside of any."""
    return max(min((limit.left for limit in _limits.get()), default=float("inf")), 0.0)
