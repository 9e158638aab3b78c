"""Counting what a JAX program does: it is run operation by operation, loops as often as they go round."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

# Operations on every element of the result, and on every element of the argument.
_ARITHMETIC = {"add", "sub", "mul", "div", "neg", "abs", "sqrt", "exp", "log", "pow", "integer_pow", "sign", "floor"}
_COMPARISONS = {"max", "min", "clamp", "select_n", "is_finite", "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"}
_ELEMENTWISE = _ARITHMETIC | _COMPARISONS
_REDUCTIONS = {"reduce_sum", "reduce_max", "reduce_min", "reduce_and", "reduce_or", "argmax", "argmin", "cumsum"}


@dataclasses.dataclass
class Counts:
    """Operations on elements, and bytes that stages read and write."""

    operations: int = 0
    moved: int = 0


def counted(function: Callable[..., Any], *arguments: Any) -> Counts:
    """What one call does. Stages are the calls that `j3o_kernels.stages` keeps from being inlined."""
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
        results = _evaluate(parameters["jaxpr"], inputs, counts)
        if "inlineable" in (equation.ctx.xla_metadata or {}):
            counts.moved += sum(np.asarray(array).nbytes for array in [*inputs, *results])
        return results
    if name == "while":
        of_condition, of_body = parameters["cond_nconsts"], parameters["body_nconsts"]
        condition, body = inputs[:of_condition], inputs[of_condition : of_condition + of_body]
        state = inputs[of_condition + of_body :]
        while _evaluate(parameters["cond_jaxpr"], [*condition, *state], counts)[0]:
            state = _evaluate(parameters["body_jaxpr"], [*body, *state], counts)
        return state
    if name == "cond":
        return _evaluate(parameters["branches"][int(inputs[0])], inputs[1:], counts)
    if name == "scan":
        return _scan(parameters, inputs, counts)
    results = equation.primitive.bind(*inputs, **parameters)
    results = results if equation.primitive.multiple_results else [results]
    if name in _ELEMENTWISE:
        counts.operations += results[0].size
    elif name in _REDUCTIONS:
        counts.operations += np.size(inputs[0])
    return results


def _scan(parameters: dict[str, Any], inputs: list[Any], counts: Counts) -> list[Any]:
    fixed, carried = parameters["num_consts"], parameters["num_carry"]
    constants, state, sequences = inputs[:fixed], inputs[fixed : fixed + carried], inputs[fixed + carried :]
    turns = range(parameters["length"])
    collected = []
    for turn in reversed(turns) if parameters["reverse"] else turns:
        results = _evaluate(parameters["jaxpr"], [*constants, *state, *(own[turn] for own in sequences)], counts)
        state = results[:carried]
        collected.append(results[carried:])
    if parameters["reverse"]:
        collected.reverse()
    return [*state, *(np.stack(own) for own in zip(*collected, strict=True))]
