"""The offloading step through cvxpy: a model of the program, compiled once per shape, and any of its LP solvers."""

import functools
import threading
import warnings
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import numpy as np

from .._highs import silence_banner
from .._types import AnyArray, Bool
from ._base import AbstractOffloadingSolver, Offloading, OffloadingProblem, no_offloading


class CvxpyLP(AbstractOffloadingSolver):
    """Solves the offloading step with cvxpy, one instance at a time, on the host.

    The program is written once per shape with cvxpy parameters in place of the data (disciplined parametrised
    programming), so that each instance only fills in numbers.

    **Arguments:**

    - `solver`: name of an installed cvxpy LP solver, such as ``"HIGHS"`` or ``"CLARABEL"``.
    - `options`: keyword arguments for ``cvxpy.Problem.solve``. None takes, for HiGHS, the simplex method where a
      sparse answer is wanted, and else its interior point method without crossover: where several answers are best
      that returns their middle, which does not depend on the order of clients, tasks or models, and spreads the
      traffic that the next onloading step sees.
    """

    solver: str = eqx.field(static=True, default="HIGHS")
    options: Mapping[str, Any] | None = eqx.field(static=True, default=None)

    def offload(
        self,
        problem: OffloadingProblem,
        active: Bool[AnyArray, " B"],
        *,
        allow_unserved: bool,
        sparse: bool = False,
    ) -> Offloading:
        """See `AbstractOffloadingSolver`; NumPy in and out."""
        if self.solver.upper() == "HIGHS":
            silence_banner()
        self._require_solver()
        batch, clients, tasks = problem.data.shape
        edges = problem.edge_uplink.shape[1]
        options = self._options(sparse)
        answer = no_offloading(batch, clients, tasks, edges)
        # JAX would slice each field of each instance by a program of its own.
        fields = jax.tree.map(np.asarray, problem)
        for instance in np.flatnonzero(active):
            one = OffloadingProblem(*(field[instance] for field in fields))
            home = one.client_edge.astype(np.int64)
            # Where queries may be left, what the cloud does not support earns nothing there: `settle_shares` drops it.
            closes_cloud = not allow_unserved and bool((one.wanted & ~one.cloud_open).any())
            template = _template(clients, tasks, edges, home.tobytes(), allow_unserved, closes_cloud)
            with template.lock:
                found, feasible = template.solve(one, self.solver, options)
                if found is None and feasible and self.options is None and not sparse:
                    # Without crossover the interior point method may stop short of an answer; the simplex method not.
                    found, feasible = template.solve(one, self.solver, self._options(sparse=True))
            answer.feasible[instance] = feasible
            if found is not None:
                for field, value in zip(answer, found, strict=True):
                    field[instance] = value
        return answer

    def _require_solver(self) -> None:
        """Raise `ValueError` if there is no such solver, which is no matter of a single instance."""
        import cvxpy as cp

        installed = cp.installed_solvers()
        if self.solver.upper() not in installed:
            raise ValueError(f"CvxpyLP.solver: {self.solver!r} is not installed; there are {', '.join(installed)}")

    def _options(self, sparse: bool) -> dict[str, Any]:
        if self.options is not None:
            return dict(self.options)
        if self.solver.upper() == "HIGHS":
            middle = {"solver": "ipm", "run_crossover": "off"}
            return {"highs_options": {"solver": "simplex"} if sparse else middle}
        return {}


@functools.lru_cache(maxsize=64)
def _template(
    clients: int, tasks: int, edges: int, home: bytes, allow_unserved: bool, closes_cloud: bool
) -> "_Template":
    return _Template(clients, tasks, edges, np.frombuffer(home, dtype=np.int64), allow_unserved, closes_cloud)


class _Template:
    """The cvxpy problem of one shape and one map of clients to edges.

    Rows are divided by their capacity and the objective by the mean value of a stream, so that the solvers'
    absolute tolerances mean the same whatever the units and however many clients there are.
    """

    def __init__(
        self, clients: int, tasks: int, edges: int, home: np.ndarray, allow_unserved: bool, closes_cloud: bool
    ):
        import cvxpy as cp
        import scipy.sparse

        shape = (clients, tasks)
        self.home = home
        self.value = [cp.Parameter(shape) for _ in range(3)]
        self.local_row = cp.Parameter(shape, nonneg=True)
        self.edge_row = cp.Parameter(shape, nonneg=True)
        self.edge_uplink_row = cp.Parameter(shape, nonneg=True)
        self.cloud_uplink_row = cp.Parameter(shape, nonneg=True)
        self.right = [cp.Parameter(size, nonneg=True) for size in (clients, edges, edges, 1)]
        self.local_limit = cp.Parameter(shape, nonneg=True)
        self.edge_limit = cp.Parameter(shape, nonneg=True)
        self.cloud_limit = cp.Parameter(shape, nonneg=True)
        self.shares = [cp.Variable(shape, nonneg=True) for _ in range(3)]
        local, edge, cloud = self.shares
        at_edge = scipy.sparse.csr_array((np.ones(clients), (home, np.arange(clients))), shape=(edges, clients))
        self.limits = [
            cp.sum(cp.multiply(self.local_row, local), axis=1) <= self.right[0],
            at_edge @ cp.sum(cp.multiply(self.edge_row, edge), axis=1) <= self.right[1],
            at_edge @ cp.sum(cp.multiply(self.edge_uplink_row, edge + cloud), axis=1) <= self.right[2],
            cp.sum(cp.multiply(self.cloud_uplink_row, cloud)) <= self.right[3],
        ]
        served = local + edge + cloud
        constraints = [
            *self.limits,
            local <= self.local_limit,
            edge <= self.edge_limit,
            served <= 1 if allow_unserved else served == 1,
        ]
        if closes_cloud:
            constraints.append(cloud <= self.cloud_limit)
        gain = sum(cp.sum(cp.multiply(v, share)) for v, share in zip(self.value, self.shares, strict=True))
        self.problem = cp.Problem(cp.Maximize(gain), constraints)
        # The numbers are part of the problem, which threads share.
        self.lock = threading.Lock()

    def solve(self, one: OffloadingProblem, solver: str, options: dict[str, Any]) -> tuple[Offloading | None, bool]:
        """Fill in the numbers and solve; None without an optimum, and False if it is proven that there is none."""
        import cvxpy as cp

        values = (one.local_value, one.edge_value, one.cloud_value)
        # Streams that nobody asks for count for nothing, so that adding some does not change the numbers.
        wanted = max(int(one.wanted.sum()), 1)
        value_scale = sum(float(np.sum(value)) for value in values) / (3 * wanted) or 1.0
        everyone, cloud_only = np.arange(self.home.size), np.zeros_like(self.home)
        limits = (
            (self.local_row, one.local_load, one.client_compute, everyone),
            (self.edge_row, one.edge_load, one.edge_compute, self.home),
            (self.edge_uplink_row, one.data, one.edge_uplink, self.home),
            (self.cloud_uplink_row, one.data, np.reshape(one.cloud_uplink, 1), cloud_only),
        )
        scales = []
        for (row, load, capacity, node_of), right in zip(limits, self.right, strict=True):
            scale = _row_scale(np.asarray(load), np.asarray(capacity), node_of)
            row.value = load / scale[node_of][:, None]
            right.value = capacity / scale
            scales.append(scale)
        for parameter, value in zip(self.value, values, strict=True):
            parameter.value = value / value_scale
        self.local_limit.value = one.local_open.astype(float)
        self.edge_limit.value = one.edge_open.astype(float)
        # Streams that nobody asks for are the cloud's where all must be served.
        self.cloud_limit.value = (one.cloud_open | ~one.wanted).astype(float)

        try:
            with warnings.catch_warnings():
                # cvxpy warns of an inaccurate answer; we read that from the status.
                warnings.simplefilter("ignore", UserWarning)
                self.problem.solve(solver=solver, warm_start=False, **options)
        except (cp.SolverError, ValueError):
            # cvxpy raises the latter where the solver gives up without a verdict.
            return None, True
        if self.problem.status != cp.OPTIMAL:
            return None, self.problem.status != cp.INFEASIBLE
        client, edge_compute, edge_uplink, cloud_uplink = (
            np.abs(np.asarray(limit.dual_value)) * value_scale / scale
            for limit, scale in zip(self.limits, scales, strict=True)
        )
        local, edge, cloud = (np.asarray(share.value) for share in self.shares)
        found = Offloading(
            local=local,
            edge=edge,
            cloud=cloud,
            client_price=client,
            edge_price=edge_compute,
            edge_uplink_price=edge_uplink,
            cloud_uplink_price=cloud_uplink[0],
            solved=np.asarray(True),
            feasible=np.asarray(True),
        )
        return found, True


def _row_scale(load: np.ndarray, capacity: np.ndarray, node_of: np.ndarray) -> np.ndarray:
    """Largest number in each node's row: its capacity or one of its loads; 1 where all are 0."""
    scale = capacity.astype(float)
    np.maximum.at(scale, node_of, load.max(axis=1))
    return np.where(scale > 0.0, scale, 1.0)
