"""Chunks one after the other in this process, with what surrounds solving at its side."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias

from .._scenario import Scenario
from ._chunks import Chunk
from ._rows import Planned, Solved, pack_chunk, plan_chunk

Outcome: TypeAlias = tuple[Chunk, Solved | None, str]
"""A chunk with its file, or with what went wrong."""


def outcome_of(chunk: Chunk, result: Callable[[], Solved]) -> Outcome:
    """What came of a chunk: one chunk's trouble must not end the others."""
    try:
        return chunk, result(), ""
    except Exception as error:
        return chunk, None, " ".join(f"{type(error).__name__}: {error}".split())


def solved_in_turn(chunks: Sequence[Chunk]) -> Iterator[Outcome]:
    """Every chunk with what came of it, in order.

    While a chunk is solved, a thread draws the scenarios of the next one and checks and packs the one before: both
    leave cores idle that solving could use, a fifth of the time on two cores.
    """
    with ThreadPoolExecutor(1) as beside:
        packed: tuple[Chunk, Future[Solved]] | None = None
        drawn = beside.submit(chunks[0].sample) if chunks else None
        for chunk, following in zip(chunks, [*chunks[1:], None], strict=True):
            own, drawn = drawn, beside.submit(following.sample) if following is not None else None
            assert own is not None
            planned = _plan(chunk, own)
            if packed is not None:
                yield outcome_of(packed[0], packed[1].result)
            packed = chunk, beside.submit(_pack, chunk, planned)
        if packed is not None:
            yield outcome_of(packed[0], packed[1].result)


def _plan(chunk: Chunk, drawn: "Future[Scenario]") -> Planned | Exception:
    try:
        return plan_chunk(chunk, drawn.result())
    except Exception as error:
        return error


def _pack(chunk: Chunk, planned: Planned | Exception) -> Solved:
    if isinstance(planned, Exception):
        raise planned
    return pack_chunk(chunk, planned)
