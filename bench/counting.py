"""Counting what a JAX program does: it is run operation by operation, loops as often as they go round."""

import contextlib
import dataclasses
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import jax
import numpy as np

# Operations on every element of the result, and on every element of the argument.
_ARITHMETIC = {"add", "sub", "mul", "div", "neg", "abs", "sqrt", "exp", "log", "pow", "integer_pow", "sign", "floor"}
_COMPARISONS = {"max", "min", "clamp", "select_n", "is_finite", "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"}
_ELEMENTWISE = _ARITHMETIC | _COMPARISONS
_REDUCTIONS = {"reduce_sum", "reduce_max", "reduce_min", "reduce_and", "reduce_or", "argmax", "argmin", "cumsum"}


@dataclasses.dataclass
class Loop:
    """A loop of a program, or all of the program.

    - `carried`: shapes of the arrays that go from turn to turn.
    - `known`: whether the compiler knows how often it goes round.
    - `entered`, `turns`: how often it began, and went round in all.
    - `inner`: the loops directly inside, in the order of the program.
    """

    carried: list[tuple[int, ...]] = dataclasses.field(default_factory=list)
    known: bool = True
    entered: int = 1
    turns: int = 1
    inner: dict[Hashable, "Loop"] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Counts:
    """Operations on elements, bytes that stages read and write, and the loops.

    - `loop`: the one that is being run; `calls`: those that led there within it. Afterwards the whole, and none.
    """

    operations: int = 0
    moved: int = 0
    loop: Loop = dataclasses.field(default_factory=Loop)
    calls: tuple[Hashable, ...] = ()

    @contextlib.contextmanager
    def inside(self, equation: Any, carried: list[Any], known: bool) -> Iterator[Loop]:
        """Run a loop, from its entry to its end."""
        outer, calls = self.loop, self.calls
        shapes = [np.shape(array) for array in carried]
        self.loop = outer.inner.setdefault((*calls, id(equation)), Loop(shapes, known, entered=0, turns=0))
        self.loop.entered += 1
        self.calls = ()
        yield self.loop
        self.loop, self.calls = outer, calls


def counted(function: Callable[..., Any], *arguments: Any) -> Counts:
    """Count what one call does. Stages are the calls that `j3o_kernels.materialize` keeps from being inlined."""
    counts = Counts()
    program = jax.make_jaxpr(function)(*arguments)
    _evaluate(program, jax.tree.leaves(arguments), counts)
    return counts


def _evaluate(program: Any, arguments: list[Any], counts: Counts) -> list[Any]:
    jaxpr = program.jaxpr
    values = dict(zip(jaxpr.constvars, program.consts, strict=True)) | dict(zip(jaxpr.invars, arguments, strict=True))

    def read(place: Any) -> Any:
        return place.val if hasattr(place, "val") else values[place]

    for equation in jaxpr.eqns:
        results = _apply(equation, [read(place) for place in equation.invars], counts)
        values.update(zip(equation.outvars, results, strict=True))
    return [read(place) for place in jaxpr.outvars]


def _apply(equation: Any, inputs: list[Any], counts: Counts) -> list[Any]:
    name, parameters = equation.primitive.name, equation.params
    if name in ("jit", "pjit"):
        # What is called twice is two programs once it is inlined.
        counts.calls = (*counts.calls, id(equation))
        results = _evaluate(parameters["jaxpr"], inputs, counts)
        counts.calls = counts.calls[:-1]
        if "inlineable" in (equation.ctx.xla_metadata or {}):
            counts.moved += sum(np.asarray(array).nbytes for array in [*inputs, *results])
        return results
    if name == "while":
        of_condition, of_body = parameters["cond_nconsts"], parameters["body_nconsts"]
        condition, body = inputs[:of_condition], inputs[of_condition : of_condition + of_body]
        state = inputs[of_condition + of_body :]
        with counts.inside(equation, state, known=False) as loop:
            while _evaluate(parameters["cond_jaxpr"], [*condition, *state], counts)[0]:
                state = _evaluate(parameters["body_jaxpr"], [*body, *state], counts)
                loop.turns += 1
        return state
    if name == "cond":
        return _evaluate(parameters["branches"][int(inputs[0])], inputs[1:], counts)
    if name == "scan":
        constants, state, sequences = _scanned(parameters, inputs)
        with counts.inside(equation, [*state, *sequences], known=True) as loop:
            loop.turns += parameters["length"]
            return _scan(parameters, constants, state, sequences, counts)
    results = equation.primitive.bind(*inputs, **parameters)
    results = results if equation.primitive.multiple_results else [results]
    if name in _ELEMENTWISE:
        counts.operations += results[0].size
    elif name in _REDUCTIONS:
        counts.operations += np.size(inputs[0])
    return results


def _scanned(parameters: dict[str, Any], inputs: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Return what a scan has in every turn, what it carries on, and what it takes a slice of in each."""
    if "num_consts" not in parameters:
        constants, state, sequences = map(list, parameters["ft_in"].update(inputs).unpack())
        return constants, state, sequences
    fixed, carried = parameters["num_consts"], parameters["num_carry"]  # before JAX 0.12
    return inputs[:fixed], inputs[fixed : fixed + carried], inputs[fixed + carried :]


def _scan(
    parameters: dict[str, Any], constants: list[Any], state: list[Any], sequences: list[Any], counts: Counts
) -> list[Any]:
    carried = len(state)
    turns = range(parameters["length"])
    collected = []
    for turn in reversed(turns) if parameters["reverse"] else turns:
        results = _evaluate(parameters["jaxpr"], [*constants, *state, *(own[turn] for own in sequences)], counts)
        state = results[:carried]
        collected.append(results[carried:])
    if parameters["reverse"]:
        collected.reverse()
    return [*state, *(np.stack(own) for own in zip(*collected, strict=True))]
