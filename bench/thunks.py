"""What XLA's GPU compiler says a program does, step by step: read from what it dumps.

A program for a GPU ends up as a list of steps ("thunks"): kernels, copies, loops with lists of their own, and command
buffers, which are graphs of kernels that the host launches as one. The names of steps are in one file, the shapes that
loops carry and how often they go round, where that is known, in another.
"""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

_STEP = re.compile(r"^( *)\d+: k(\w+)\s")
_COMPUTATION = re.compile(r"^(ENTRY )?%?([\w.\-]+) .*\{$")
_WHILE = re.compile(r" = \((.*?)\) while\(.*?body=%?([\w.\-]+)")
_SHAPE = re.compile(r"\w+\[([\d,]*)\]")
_DEPTH = 4


@dataclasses.dataclass
class Steps:
    """One list of steps: the program's, or that of a loop's body.

    - `kernels`, `copies`: by themselves or in a command buffer; `launches`: what the host starts for them.
    - `condition`: kernels and copies of the loop's condition.
    - `carried`: shapes of the arrays that the loop carries; `trips`: how often it goes round, None where it is for the
      data to say.
    - `on_device`: whether the loop is itself in a command buffer, so that the host reads nothing.
    - `loops`: those in the list, in order.
    """

    kernels: int = 0
    copies: int = 0
    launches: int = 0
    condition: int = 0
    carried: list[tuple[int, ...]] = dataclasses.field(default_factory=list)
    trips: int | None = 1
    on_device: bool = False
    loops: list["Steps"] = dataclasses.field(default_factory=list)

    @property
    def operations(self) -> int:
        """Kernels and copies."""
        return self.kernels + self.copies


def steps_of(folder: Path, module: str) -> Steps:
    """Return the steps of the program `module` in a folder of XLA's dumps."""
    (steps,) = folder.glob(f"*{module}*.thunk_sequence_after_thunk_passes.txt")
    (text,) = folder.glob(f"*{module}*_gpu_after_optimizations.txt")
    found = read_steps(steps.read_text())
    _with_shapes(found, _computations(text.read_text()), "ENTRY")
    return found


def read_steps(text: str) -> Steps:
    """Return the list of steps that a dump has."""
    lines = [line for line in text.splitlines() if line.strip()]
    steps = Steps()
    rest = _read(lines, 0, 0, steps, in_buffer=False)
    if rest < len(lines):
        raise ValueError(f"no step of a program: {lines[rest]!r}")
    return steps


def _read(lines: list[str], at: int, indent: int, steps: Steps, *, in_buffer: bool) -> int:
    """Add the steps that stand at an indentation, and return where they end."""
    while at < len(lines):
        match = _STEP.match(lines[at])
        if match is None or len(match[1]) != indent:
            break
        kind, at = match[2], at + 1
        if kind == "While":
            inner = Steps(on_device=in_buffer)
            steps.loops.append(inner)
            before = Steps()
            # "condition:", perhaps "No thunks." on the line of "body:".
            if "body:" not in lines[at]:
                at += 1
            at = _read(lines, at, indent + _DEPTH, before, in_buffer=in_buffer)
            inner.condition = before.operations
            at = _read(lines, at + 1, indent + _DEPTH, inner, in_buffer=in_buffer)
        elif kind == "CommandBuffer":
            steps.launches += not in_buffer
            at = _read(lines, at, indent + _DEPTH, steps, in_buffer=True)
        else:
            copies = kind.startswith(("Copy", "Memset", "Memzero", "DeviceToDevice"))
            steps.copies += copies
            steps.kernels += not copies
            steps.launches += not in_buffer
    return at


_Loops = dict[str, list[tuple[str, list[tuple[int, ...]], int | None]]]


def _computations(text: str) -> _Loops:
    """Return the loops of each computation of a program: body, shapes carried, and how often they go round."""
    found: _Loops = {}
    name = ""
    for line in text.splitlines():
        if (match := _COMPUTATION.match(line)) is not None:
            name = "ENTRY" if match[1] else match[2]
            found[name] = []
        elif (match := _WHILE.search(line)) is not None:
            shapes = [tuple(_numbers(shape)) for shape in _SHAPE.findall(match[1])]
            trips = re.search(r'"known_trip_count":\{"n":"(\d+)"', line)
            found[name].append((match[2], shapes, int(trips[1]) if trips else None))
    return found


def _numbers(text: str) -> Iterator[int]:
    return map(int, filter(None, text.split(",")))


def _with_shapes(steps: Steps, computations: _Loops, name: str) -> None:
    for inner, (body, shapes, trips) in zip(steps.loops, computations[name], strict=True):
        inner.carried, inner.trips = shapes, trips
        _with_shapes(inner, computations, body)
