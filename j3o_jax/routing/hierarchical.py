"""The offloading step for whole batches on the device: an interior point method that follows the tree."""

import functools
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from j3o_kernels.client_groups import ClientGroups, group_clients
from j3o_kernels.hierarchical_lp import HierarchicalLPSolution, hierarchical_lp
from j3o_kernels.masked_select import select_leading

from .._batched import run_batched
from .._precision import double_precision
from .._types import AnyArray, Bool
from ._base import AbstractOffloadingSolver, Offloading, OffloadingProblem, no_offloading

# Arrays of streams that the interior point method has in memory.
_ARRAYS = 60


class HierarchicalLP(AbstractOffloadingSolver):
    """Interior point solver of whole batches of the offloading step at once, on the device, in float64.

    A primal-dual interior point method whose linear systems are eliminated along the tree of streams, clients, edges
    and cloud; see `j3o_kernels.hierarchical_lp`. Where several answers are best it returns their middle.

    **Arguments:**

    - `tolerance`: duality gap, relative to the optimum, at which an instance is solved. May be traced.
    - `max_iterations`: most Newton steps; an instance that needs more is not `solved`.
    """

    runs_on_device: ClassVar[bool] = True

    tolerance: float = 1e-9
    max_iterations: int = eqx.field(static=True, default=60)

    def offload(
        self,
        problem: OffloadingProblem,
        active: Bool[AnyArray, " B"],
        *,
        allow_unserved: bool,
        sparse: bool = False,
    ) -> Offloading:
        """See `AbstractOffloadingSolver`; NumPy in and out."""
        solution = self.solve(problem, active, allow_unserved=allow_unserved)
        found = Offloading(**{name: getattr(solution, name) for name in Offloading._fields})
        batch, clients, tasks = problem.data.shape
        blank = no_offloading(batch, clients, tasks, problem.edge_uplink.shape[1])._replace(feasible=solution.feasible)
        there = np.asarray(active) & solution.feasible
        return select_leading(there, found, blank)

    def solve(
        self, problem: OffloadingProblem, active: Bool[AnyArray, " B"] | None = None, *, allow_unserved: bool = True
    ) -> HierarchicalLPSolution:
        """Solve all, or the `active` instances; with gaps, residuals and iterations, in NumPy."""
        problem = OffloadingProblem(*map(np.asarray, problem))
        batch, clients, tasks = problem.data.shape
        waiting = np.ones(batch, dtype=bool) if active is None else np.asarray(active)
        groups = group_clients(np.asarray(problem.client_edge), problem.edge_uplink.shape[1])
        with double_precision():
            return run_batched(
                _solver(self.max_iterations, not allow_unserved),
                (problem, groups, waiting),
                jnp.asarray(self.tolerance),
                key=(self.max_iterations, not allow_unserved),
                bytes_per_instance=8 * _ARRAYS * tasks * (clients + groups.slots[0].size),
            )


@functools.cache
def _solver(max_iterations: int, serve_all: bool) -> Any:
    def solve(batch: tuple[OffloadingProblem, ClientGroups, Any], tolerance: Any) -> HierarchicalLPSolution:
        problem, groups, active = batch
        return hierarchical_lp(
            problem, groups, tolerance=tolerance, max_iterations=max_iterations, serve_all=serve_all, active=active
        )

    return solve
