"""solve(): validate, flatten the batch, run the method, guard what it returns."""

import dataclasses
import math
import time
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np

from j3o_kernels.masked_select import select_leading

from ._certificate import TOLERANCE, but_for_rounding, chosen_certificate, is_refuted
from ._compiled_functions import in_numpy, program_beyond_few
from ._either import each
from ._either import either as jnp
from ._forks import refuse_after_fork
from ._least_traffic import least_traffic
from ._model import (
    Plan,
    capacities,
    client_choice_accuracy,
    edge_choice_accuracy,
    moved_mb,
    normalized_demand,
    stream_accuracy,
    usage,
)
from ._moving import settle_models
from ._names import Names
from ._precision import double_precision
from ._programs import seconds_of_compiling
from ._scenario import Scenario
from ._solution import Moves, Solution
from ._status import OPTIMAL_GAP, Status, succeeded
from ._types import AnyArray
from ._validate import all_in_range
from .methods import J3O, AbstractMethod, Outcome


def solve(
    scenario: Scenario,
    method: AbstractMethod = J3O(),  # noqa: B008 — methods are frozen
    *,
    key: Any = None,
    throw: bool | None = None,
) -> Solution:
    """Choose which models each client and edge holds and where every query stream is served.

    **Arguments:**

    - `scenario`: one `Scenario` or a batch of them.
    - `method`: how; see `j3o_jax.methods`.
    - `key`: an integer seed or a JAX key, for methods that draw at random. Default: seed 0.
    - `throw`: what is raised. None: `ValueError` for data that are not valid, with the field and the first bad
      entry; what the methods find out (such as `Status.infeasible`) is reported by status. True: besides that,
      `SolveError` if any instance ends without a plan. False: nothing; bad instances are marked `Status.invalid`.

    Methods that are one JAX program, such as the default, may also be transformed: ``jax.jit(solve)`` and
    ``jax.vmap(solve)`` work where double precision is on (``with jax.enable_x64(True):``). Bad data are then marked
    `Status.invalid`, `throw` has no say, the arrays are JAX's, and ties are left as the method has them. Without a
    transformation whole batches run faster.

    **Returns:** a `Solution` of float64 NumPy arrays with the batch axes of the scenario, after those of a grid of the
    method's own parameters if it has one; a single plan has NumPy numbers. Answers do not depend on what else is in the
    batch. At equal accuracy queries take the way of the least traffic: local before edge before cloud.
    """
    if not isinstance(scenario, Scenario):
        raise TypeError(f"solve wants a Scenario, got {type(scenario).__name__}")
    if not isinstance(method, AbstractMethod):
        raise TypeError(f"solve wants a method such as J3O(), got {method!r}")
    if scenario.batching is not None and not method.supports_batching:
        raise ValueError(f"batching: {type(method).__name__} does not know the batching limit (28)")
    if scenario.traced:
        return _solve_traced(scenario, method)
    problems = scenario.problems()
    if problems and throw is not False:
        raise ValueError(problems[0].message)

    shape = (*method.grid_shape, *scenario.batch_shape)
    flat = scenario.flattened()
    invalid = np.zeros(flat.batch_shape, dtype=bool)
    reasons = np.full(flat.batch_shape, "", dtype=object)
    for problem in reversed(problems):
        invalid[problem.instance] = True
        reasons[problem.instance] = problem.message
    if invalid.any():
        flat = _blank(flat, invalid)
    times = math.prod(method.grid_shape)
    if times != 1:
        flat, invalid, reasons = jax.tree.map(lambda array: np.concatenate([array] * times), (flat, invalid, reasons))

    start, compiled_before = time.perf_counter(), seconds_of_compiling()
    with double_precision():
        outcome = method.run(flat, None if method.on_host else _as_key(key))
        plan = _settled(flat, least_traffic(flat, outcome.plan))
        judge = in_numpy(_judge) if method.on_host else _judge
        judged = _Judged(*map(np.asarray, judge(flat, plan, outcome.status, invalid)))
    compiling = seconds_of_compiling() - compiled_before
    seconds = time.perf_counter() - start - compiling

    for instance in np.flatnonzero(~judged.success & ~invalid):
        infeasible = judged.status[instance] == Status.infeasible
        unsupported = _unsupported_reason(flat, int(instance), scenario.names) if infeasible else ""
        if unsupported:
            reasons[instance] = unsupported
        elif outcome.reasons and outcome.reasons[instance]:
            reasons[instance] = outcome.reasons[instance]
        elif infeasible:
            reasons[instance] = _unserved_reason(flat, plan, int(instance), scenario.labels)
    accuracy = _mean_accuracy(flat.demand, judged.accuracy)
    value, moves = _less_moving(flat, plan, accuracy)
    scale = None if moves is None else accuracy
    spent = {"seconds": seconds / max(invalid.size, 1), "compile_seconds": compiling}
    bound = but_for_rounding(np.asarray(outcome.bound), value, scale)
    refuted = judged.success & is_refuted(bound, value, scale)
    for instance in np.flatnonzero(refuted):
        reasons[instance] = (
            f"the plan is worth {value[instance]:.9g}, more than the bound {bound[instance]:.9g} that comes with it: "
            "one of the two is wrong; report it, and take another method"
        )
    stats = outcome.stats | {name: np.full(invalid.shape, each) for name, each in spent.items()}
    outcome = outcome._replace(plan=plan, bound=bound, stats=stats, reasons=tuple(map(str, reasons)))
    solution = _solution(scenario, flat, outcome, judged._replace(objective=value), refuted, shape, moves)
    # A single plan has numbers, not arrays without axes.
    solution = jax.tree.map(lambda array: np.asarray(array)[()], solution)
    return solution.raise_for_status() if throw else solution


def _solve_traced(scenario: Scenario, method: AbstractMethod) -> Solution:
    """`solve` inside the caller's jit or vmap: what cannot be raised there is told by the status alone."""
    if not jax.config.read("jax_enable_x64"):
        raise ValueError(
            "solve under jax.jit or jax.vmap needs double precision: call what is transformed inside "
            "`with jax.enable_x64(True):`"
        )
    if method.grid_shape:
        raise ValueError(f"{type(method).__name__}: a grid of parameters cannot be solved under jax.jit or jax.vmap")
    shape = scenario.batch_shape
    count = math.prod(shape)
    bare = dataclasses.replace(scenario, names=None)
    invalid = ~jnp.reshape(all_in_range(bare.arrays(), shape, bare.edges), count)
    flat = jax.tree.map(lambda array: jnp.reshape(array, (count, *array.shape[len(shape) :])), bare)
    flat = _blank(flat, invalid)
    outcome = method.run_traced(flat)
    outcome = outcome._replace(plan=_settled(flat, outcome.plan))
    judged = _judge(flat, outcome.plan, outcome.status, invalid)
    value, moves = _less_moving(flat, outcome.plan, judged.objective)
    scale = None if moves is None else judged.objective
    refuted = judged.success & is_refuted(outcome.bound, value, scale)
    return _solution(scenario, flat, outcome, judged._replace(objective=value), refuted, shape, moves)


def _settled(flat: Scenario, plan: Plan) -> Plan:
    """Plans of a batch that move no more than pays."""
    return plan if flat.switching is None else each(settle_models, flat, plan)


def _less_moving(flat: Scenario, plan: Plan, accuracy: AnyArray) -> tuple[AnyArray, Moves | None]:
    """Objectives of a batch, by the accuracies F, and what moving models costs ``[B]``."""
    if flat.switching is None:
        return accuracy, None
    moves = Moves(accuracy=accuracy, moved_mb=moved_mb(flat, plan.client_models, plan.edge_models))
    return accuracy - flat.switching.cost_per_mb * moves.moved_mb, moves


def _solution(
    scenario: Scenario,
    flat: Scenario,
    outcome: Outcome,
    judged: "_Judged",
    refuted: AnyArray,
    shape: tuple[int, ...],
    moves: Moves | None,
) -> Solution:
    """Solution with the batch axes `shape`, without figures where there is no plan or where they are `refuted`."""
    success = judged.success & ~refuted
    if moves is not None:
        moves = jax.tree.map(lambda array: jnp.where(success, array, jnp.nan), moves)
        # What is dropped or counted for moving may be more than a method knew.
        open_still = outcome.bound - judged.objective > (OPTIMAL_GAP + TOLERANCE) * jnp.abs(judged.objective)
        loose = (judged.status == int(Status.optimal)) & open_still
        judged = judged._replace(status=jnp.where(loose, int(Status.converged), judged.status))
    solution = Solution(
        **outcome.plan._asdict(),
        objective=jnp.where(success, judged.objective, jnp.nan),
        bound=jnp.where(success, outcome.bound, jnp.nan),
        status=jnp.where(refuted, int(Status.numerical_error), judged.status),
        history=jnp.where(success[:, None], outcome.history, jnp.nan),
        stats=outcome.stats,
        reasons=outcome.reasons,
        names=scenario.names,
        certificate=None if outcome.certificate is None else chosen_certificate(success, outcome.certificate),
        has_demand=flat.demand > 0.0,
        moves=moves,
    )
    return jax.tree.map(lambda array: jnp.reshape(array, shape + np.shape(array)[1:]), solution)


def _as_key(key: Any) -> jax.Array:
    refuse_after_fork()
    if isinstance(key, np.ndarray) and key.shape == ():
        key = key.item()
    if key is None or isinstance(key, int | np.integer):
        return jax.random.key(0 if key is None else int(key), impl="threefry2x32")
    return jax.numpy.asarray(key)


def _blank(flat: Scenario, invalid: AnyArray) -> Scenario:
    """Replace instances that are not valid by such as ask for nothing."""
    xp = jnp if flat.traced else np

    blanked = jax.tree.map(lambda array: select_leading(invalid, xp.zeros_like(array), array), flat)
    if blanked.batching is None:
        return blanked
    window = xp.where(invalid[:, None], 1.0, blanked.batching.window)
    return eqx.tree_at(lambda s: s.batching.window, blanked, window)


class _Judged(NamedTuple):
    """Judgement of the plans of a batch.

    F, the final `Status`, whether that is a success ``[B]``, and the accuracy of every stream ``[B, C, T]``.
    """

    objective: AnyArray
    status: AnyArray
    success: AnyArray
    accuracy: AnyArray


@program_beyond_few
def _judge(scenarios: Scenario, plans: Plan, status: AnyArray, invalid: AnyArray) -> _Judged:
    """Mark plans that break a limit or have no finite objective as errors, whatever the method says."""

    def one(scenario: Scenario, plan: Plan) -> tuple[AnyArray, AnyArray, AnyArray]:
        """F, the accuracy of streams, and the largest excess: over a limit, of shares, of shares without support."""
        used, limits = usage(scenario, plan), capacities(scenario)
        excess = [_excess(u, limit) for u, limit in zip(used, limits, strict=True)]
        shares = jnp.stack([plan.local, plan.edge, plan.cloud, plan.unserved])
        excess += [jnp.max(-shares), jnp.max(jnp.abs(jnp.sum(shares, axis=0) - 1.0))]
        # Without a model, or by one that does not support the task, accuracy is 0.
        at_client = client_choice_accuracy(scenario, plan.client_choice)
        at_edge = edge_choice_accuracy(scenario, plan.edge_choice)[scenario.client_edge]
        in_cloud = jnp.broadcast_to(scenario.cloud_accuracy[None, :], plan.cloud.shape)
        for share, of_share in ((plan.local, at_client), (plan.edge, at_edge), (plan.cloud, in_cloud)):
            excess.append(jnp.max(jnp.where((of_share <= 0.0) & (scenario.demand > 0.0), share, 0.0)))
        if not scenario.allow_unserved:
            excess.append(jnp.max(jnp.where(scenario.demand > 0.0, plan.unserved, 0.0)))
        accuracy = stream_accuracy(scenario, plan)
        return jnp.sum(normalized_demand(scenario) * accuracy), accuracy, jnp.max(jnp.stack(excess))

    values, accuracy, worst = each(one, scenarios, plans)
    broken = ~jnp.isfinite(values) | ~jnp.isfinite(worst) | (worst > TOLERANCE)
    status = jnp.asarray(status, dtype=jnp.int64)
    status = jnp.where(broken & (status != int(Status.infeasible)), int(Status.numerical_error), status)
    status = jnp.where(invalid, int(Status.invalid), status)
    return _Judged(values, status, succeeded(status), accuracy)


def _mean_accuracy(demand: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """F, summed by NumPy, whose order depends neither on the batch nor on how a program is compiled, ``[B]``."""
    weight = np.asarray(demand).reshape(len(demand), -1)
    total = weight.sum(axis=1)
    return (weight * accuracy.reshape(weight.shape)).sum(axis=1) / np.where(total > 0.0, total, 1.0)


def _excess(used: AnyArray, limit: AnyArray) -> AnyArray:
    over = jnp.where(used > limit, used - limit, 0.0)
    return jnp.max(jnp.where(over > 0.0, over / jnp.where(limit > 0.0, limit, jnp.finfo(used.dtype).tiny), 0.0))


def _unsupported_reason(flat: Scenario, instance: int, names: Names | None) -> str:
    """Name a task that is asked for and that nothing within reach supports; "" where there is none."""
    one = flat[instance]
    asked, home = one.demand > 0.0, one.client_edge
    at_client = one.client_accuracy.max(axis=1)[home] > 0.0
    at_edge = one.edge_accuracy.max(axis=1)[home] > 0.0
    linked = (one.edge_uplink[home] > 0.0)[:, None] | (one.input_size <= 0.0)
    to_cloud = linked & ((one.cloud_uplink > 0.0) | (one.input_size <= 0.0))
    supported = at_client | (at_edge & linked) | ((one.cloud_accuracy > 0.0) & to_cloud)
    stranded = asked & ~supported
    if not stranded.any():
        return ""
    task = int(stranded.any(axis=0).argmax())
    client = int(stranded[:, task].argmax())
    edge = int(home[client])
    # Elsewhere, on other data, a model may support it.
    everywhere = not (supported & asked)[:, task].any()
    here = "" if everywhere else f" at edge {edge if names is None else names.edges[edge]}"
    reach = " within reach" if at_edge[client, task] else ""
    cloud = "no uplink leads to the cloud" if one.cloud_accuracy[task] > 0.0 else "the cloud neither"
    return (
        f"task {task if names is None else names.tasks[task]}: no model{reach} supports it{here} and {cloud}, "
        "so it is proven that no plan serves all the load; add a model that does, or allow unserved queries"
    )


def _unserved_reason(flat: Scenario, plan: Plan, instance: int, labels: Names) -> str:
    demand = flat.demand[instance]
    left = demand * plan.unserved[instance]
    client, task = (int(i) for i in np.unravel_index(np.argmax(left), left.shape))
    return (
        f"no plan that serves all the load was found: {left.sum() / max(demand.sum(), 1e-300):.3g} of the queries "
        f"are left, most of them of {labels.clients[client]!r}, task {labels.tasks[task]!r} "
        f"({left[client, task]:.4g} of {demand[client, task]:.4g} queries/s); "
        "add capacity there or allow unserved queries"
    )
