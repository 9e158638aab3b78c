"""Upper bound on what one placement can earn in many scenarios, and the prices of every scenario that prove it.

The prices of each scenario's own relaxation are those to begin with: at them the bound is that of a placement that
could wait for the scenario. A descent on all prices together goes on to the bound of a common one.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from j3o_kernels.client_groups import ClientGroups
from j3o_kernels.price_bound import Prices, price_bound
from j3o_kernels.shared_bound import shared_descent

from ..._compiled_functions import program_at
from ..._levels import Level
from ..._scenario import Scenario
from ..dual_bound import DualBound, capacity_prices, scaled_relaxation

# What unit, importance and their product may lose to rounding.
_SAFE = 1.0 + 16.0 * np.finfo(np.float64).eps


class SharedBound(NamedTuple):
    """Proven bound on Σ_s q_s F_s of every common placement.

    - `bound`: ``[]``
    - `own`: what the same prices prove of each scenario alone, and the prices. ``[S]``
    """

    bound: Any
    own: DualBound


def shared_bound(
    scenarios: Scenario,
    groups: ClientGroups,
    start: Prices,
    importance: Any,
    *,
    rounds: int,
    level: Level,
) -> SharedBound:
    """Bound scenarios of one axis by a descent from given prices, in NumPy.

    **Arguments:**

    - `start`: prices as the kernel has them, such as `DualBound.point`.
    - `importance`: q ≥ 0, which sum to 1. ``[S]``
    - `rounds`: of each run of the descent.
    - `level`: of the program.
    """
    descend = _program(level)
    bound, own = descend(scenarios, groups, start, importance, np.asarray(rounds))
    return SharedBound(float(bound), jax.tree.map(np.asarray, own))


@functools.cache
def _program(level: Level) -> Any:
    return program_at(level)(_descend)


def _descend(
    scenarios: Scenario, groups: ClientGroups, start: Prices, importance: Any, rounds: Any
) -> tuple[Any, DualBound]:
    problem, unit, scales = scaled_relaxation(scenarios, groups)
    scaled = importance * unit
    # Adam's steps do not depend on the scale of the objective, as long as its ε is far below.
    most = scaled.max()
    point, bound = shared_descent(problem, start, scaled / most, rounds)
    iterations = jnp.full(unit.shape, rounds)
    own = DualBound(price_bound(problem, point) * unit * _SAFE, capacity_prices(point, unit, scales), iterations, point)
    return bound * most * _SAFE, own
