"""Upper bound on what one placement can earn in many scenarios, and the prices of every scenario that prove it.

The prices of each scenario's own relaxation are those to begin with: at them the bound is that of a placement that
could wait for the scenario. A descent on all prices together goes on to the bound of a common one.
"""

from typing import Any, NamedTuple

import numpy as np

from j3o_kernels.client_groups import ClientGroups
from j3o_kernels.dual_descent import dual_descent, warmup_cosine
from j3o_kernels.price_bound import Prices, price_bound, shared_price_bound
from j3o_kernels.price_placement import CapacityPrices

from ..._compiled_functions import program
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
    scenarios: Scenario, groups: ClientGroups, start: Prices, importance: Any, steps: int, largest_step: float
) -> SharedBound:
    """Bound scenarios of one axis by a descent from given prices, in NumPy.

    **Arguments:**

    - `start`: prices as the kernel has them, such as `DualBound.point`.
    - `importance`: q ≥ 0, which sum to 1. ``[S]``
    - `steps`, `largest_step`: of the descent.
    """
    bound, own = _descend(scenarios, groups, start, importance, np.asarray(steps), np.asarray(largest_step))
    return SharedBound(float(bound), _in_numpy(own))


def _in_numpy(own: DualBound) -> DualBound:
    import jax

    return jax.tree.map(np.asarray, own)


@program
def _descend(
    scenarios: Scenario, groups: ClientGroups, start: Prices, importance: Any, steps: Any, largest_step: Any
) -> tuple[Any, DualBound]:
    problem, unit, scales = scaled_relaxation(scenarios, groups)
    scaled = importance * unit
    # A scenario that counts a thousandth moves as far as another: steps are relative, but to no less than Adam's ε.
    most = scaled.max()

    def bound_at(problem: Any, prices: Prices) -> Any:
        return shared_price_bound(problem, prices, scaled / most)

    point, bound = dual_descent(problem, start, steps, warmup_cosine(largest_step, steps), bound_at)
    own = DualBound(price_bound(problem, point) * unit * _SAFE, capacity_prices(point, unit, scales), steps, point)
    return bound * most * _SAFE, own
