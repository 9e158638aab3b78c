"""solve(): validate, flatten the batch, run the method, guard what it returns."""

import math
import time
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ._model import Plan, capacities, objective, usage
from ._names import Names
from ._precision import double_precision
from ._scenario import Scenario
from ._solution import Solution
from ._status import Status
from .methods import J3O, AbstractMethod

# A plan is accepted if it keeps every limit to this part of the limit.
_TOLERANCE = 1e-6


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

    **Returns:** a `Solution` of float64 NumPy arrays with the batch axes of the scenario, after those of a grid of the
    method's own parameters if it has one. Answers do not depend on what else is in the batch.
    """
    if not isinstance(scenario, Scenario):
        raise TypeError(f"solve wants a Scenario, got {type(scenario).__name__}")
    if not isinstance(method, AbstractMethod):
        raise TypeError(f"solve wants a method such as J3O(), got {method!r}")
    if scenario.batching is not None and not method.supports_batching:
        raise ValueError(f"batching: {type(method).__name__} does not know the batching limit (28)")
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

    start = time.perf_counter()
    with double_precision():
        outcome = method.run(flat, _as_key(key))
        values, worst = (np.asarray(figure) for figure in _evaluate(flat, outcome.plan))
    seconds = time.perf_counter() - start

    status = np.asarray(outcome.status, dtype=np.int64)
    broken = ~np.isfinite(values) | ~np.isfinite(worst) | (worst > _TOLERANCE)
    status = np.where(broken & (status != Status.infeasible), Status.numerical_error, status)
    status = np.where(invalid, Status.invalid, status)
    success = np.isin(status, [s for s in Status if s.success])
    for instance in np.flatnonzero(~success & ~invalid):
        if outcome.reasons and outcome.reasons[instance]:
            reasons[instance] = outcome.reasons[instance]
        elif status[instance] == Status.infeasible:
            reasons[instance] = _unserved_reason(flat, outcome.plan, int(instance), scenario.labels)
    plan = outcome.plan
    solution = Solution(
        **plan._asdict(),
        objective=np.where(success, values, np.nan),
        bound=np.where(success, outcome.bound, np.nan),
        status=status,
        history=np.where(success[:, None], outcome.history, np.nan),
        stats=outcome.stats | {"seconds": np.full(status.shape, seconds / max(status.size, 1))},
        reasons=tuple(map(str, reasons)),
        names=scenario.names,
    )
    solution = jax.tree.map(lambda array: np.asarray(array).reshape(shape + np.shape(array)[1:]), solution)
    return solution.raise_for_status() if throw else solution


def _as_key(key: Any) -> jax.Array:
    if isinstance(key, np.ndarray) and key.shape == ():
        key = key.item()
    if key is None or isinstance(key, int | np.integer):
        return jax.random.key(0 if key is None else int(key), impl="threefry2x32")
    return jnp.asarray(key)


def _blank(flat: Scenario, invalid: np.ndarray) -> Scenario:
    """The batch with instances that ask for nothing in place of those that are not valid."""

    def blank(array: np.ndarray) -> np.ndarray:
        return np.where(invalid.reshape(invalid.shape + (1,) * (array.ndim - 1)), np.zeros_like(array), array)

    blanked = jax.tree.map(blank, flat)
    if blanked.batching is None:
        return blanked
    window = np.where(invalid[:, None], 1.0, blanked.batching.window)
    return eqx.tree_at(lambda s: s.batching.window, blanked, window)


@eqx.filter_jit
def _evaluate(scenarios: Scenario, plans: Plan) -> tuple[Any, Any]:
    """F and, per instance, the largest excess: over a limit, of shares over the whole, of shares without a model."""

    def one(scenario: Scenario, plan: Plan) -> tuple[jax.Array, jax.Array]:
        used, limits = usage(scenario, plan), capacities(scenario)
        excess = [_excess(u, limit) for u, limit in zip(used, limits, strict=True)]
        shares = jnp.stack([plan.local, plan.edge, plan.cloud, plan.unserved])
        excess += [jnp.max(-shares), jnp.max(jnp.abs(jnp.sum(shares, axis=0) - 1.0))]
        at_edge = plan.edge_choice[scenario.client_edge]
        for share, choice in ((plan.local, plan.client_choice), (plan.edge, at_edge)):
            excess.append(jnp.max(jnp.where((choice < 0) & (scenario.demand > 0.0), share, 0.0)))
        if not scenario.allow_unserved:
            excess.append(jnp.max(jnp.where(scenario.demand > 0.0, plan.unserved, 0.0)))
        return objective(scenario, plan), jnp.max(jnp.stack(excess))

    return jax.vmap(one)(scenarios, plans)


def _excess(used: jax.Array, limit: jax.Array) -> jax.Array:
    over = jnp.where(used > limit, used - limit, 0.0)
    return jnp.max(jnp.where(over > 0.0, over / jnp.where(limit > 0.0, limit, jnp.finfo(used.dtype).tiny), 0.0))


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
