"""A plan, what it is worth, and what became of the attempt to find it."""

import dataclasses
import html
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import numpy as np

from ._batch import instance_numbers, pick_instances
from ._certificate import Certificate
from ._names import Names
from ._plan_text import plan_text
from ._prices import Prices
from ._risk import SharedObjective
from ._status import Status, succeeded
from ._types import AnyArray, Bool, Float, Int


class Moves(eqx.Module):
    """What moving models costs a plan of a scenario with `Switching`. A frozen pytree of NumPy arrays.

    **Arguments:**

    - `accuracy`: F (2), what the plan is worth before that cost. ``[]``
    - `moved_mb`: MB of models that nodes hold and did not hold before. ``[]``
    """

    accuracy: Float[AnyArray, "*batch"]
    moved_mb: Float[AnyArray, "*batch"]


class Solution(eqx.Module):
    """One plan, or a batch of them with the batch axes of the scenario. A frozen pytree of NumPy arrays.

    **Arguments:**

    - `client_models` ``[C, M]``, `edge_models` ``[E, M]``: x, which models each node holds.
    - `client_choice` ``[C, T]``, `edge_choice` ``[E, T]``: z, the model that serves each task, −1 for none.
    - `local`, `edge`, `cloud`, `unserved` ``[C, T]``: shares of each stream; they sum to 1.
    - `objective`: what is maximised: F, the average accuracy (2), less what moving models costs where the scenario has
      `Switching`. NaN where there is no plan. ``[]``
    - `bound`: an upper bound on the optimum of the scenario: proven where there is a certificate, else the word of the
      solver that found the plan; NaN where there is none. ``[]``
    - `status`: a `Status`, as an integer. ``[]``
    - `history`: objective after each outer iteration, padded with NaN. ``[N]``
    - `stats`: figures of the run by name; one entry per instance.
    - `reasons`: what is wrong, for each instance (in flattened order) without success; "" for the others.
    - `names`: those of the scenario.
    - `certificate`: the prices that prove the bound, None where there are none. `verify` checks them.
    - `has_demand`: whether anybody asks for anything of a stream; None where that is not known. ``[C, T]``
    - `prices`: what one more unit of each limit would bring; None where nobody asked (`shadow_prices`).
    - `moves`: accuracy and MB moved, where the scenario has `Switching`; None where moving costs nothing.
    - `shared`: what the plans of a batch that hold the same models are worth together; None but for `solve_shared`.

    ``print(solution)`` shows the plan.
    """

    client_models: Bool[AnyArray, "*batch C M"]
    edge_models: Bool[AnyArray, "*batch E M"]
    client_choice: Int[AnyArray, "*batch C T"]
    edge_choice: Int[AnyArray, "*batch E T"]
    local: Float[AnyArray, "*batch C T"]
    edge: Float[AnyArray, "*batch C T"]
    cloud: Float[AnyArray, "*batch C T"]
    unserved: Float[AnyArray, "*batch C T"]
    objective: Float[AnyArray, "*batch"]
    bound: Float[AnyArray, "*batch"]
    status: Int[AnyArray, "*batch"]
    history: Float[AnyArray, "*batch N"]
    stats: Mapping[str, Any]
    reasons: tuple[str, ...] = eqx.field(static=True, default=())
    names: Names | None = eqx.field(static=True, default=None)
    certificate: Certificate | None = None
    has_demand: Bool[AnyArray, "*batch C T"] | None = None
    prices: Prices | None = None
    moves: Moves | None = None
    shared: SharedObjective | None = None

    @property
    def accuracy(self) -> Float[AnyArray, "*batch"]:
        """F (2), the average accuracy: the objective but for the cost of moving models."""
        return self.objective if self.moves is None else self.moves.accuracy

    @property
    def moved_mb(self) -> Float[AnyArray, "*batch"]:
        """MB of models moved, held and not held before; 0 where the scenario does not say what was held."""
        return np.zeros(self.batch_shape)[()] if self.moves is None else self.moves.moved_mb

    @property
    def shared_bound(self) -> float | None:
        """Upper bound on the common objective of scenarios that share one placement; None where they do not."""
        return None if self.shared is None else float(self.shared.bound)

    @property
    def success(self) -> Bool[AnyArray, "*batch"]:
        """Whether there is a plan that keeps every limit."""
        return succeeded(self.status)

    @property
    def certified(self) -> Bool[AnyArray, "*batch"]:
        """Whether the bound comes with its proof."""
        return np.zeros(self.batch_shape, dtype=bool) if self.certificate is None else self.certificate.present

    @property
    def gap(self) -> Float[AnyArray, "*batch"]:
        """``(bound − objective) / |objective|``: how far from the optimum the plan can be at most; NaN if unproven."""
        bound, objective = np.asarray(self.bound), np.asarray(self.objective)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            # Where nothing can be gained, a plan worth 0 is optimal: 0, not 0/0.
            return np.where(bound == objective, 0.0, (bound - objective) / np.abs(objective))[()]

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Leading batch axes; ``()`` for a single plan."""
        return np.shape(self.objective)

    @property
    def labels(self) -> Names:
        """The names, or numbers in their place."""
        if self.names is not None:
            return self.names
        clients, tasks = self.local.shape[-2:]
        edges, models = self.edge_models.shape[-2:]
        return Names.numbered(tasks=tasks, models=models, clients=clients, edges=edges)

    def __str__(self) -> str:
        return plan_text(self) if isinstance(self.objective, np.ndarray | np.generic) else repr(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show the plan in IPython."""
        printer.text(repr(self) if cycle else str(self))

    def _repr_html_(self) -> str:
        """Show the plan in a notebook."""
        return f"<pre>{html.escape(str(self))}</pre>"

    def reason(self, index: Any = ()) -> str:
        """Why the instance at `index` (of the batch axes) has no plan; "" if it has one."""
        status = Status(int(np.asarray(self.status)[index]))
        if status.success:
            return ""
        if len(self.reasons) == np.size(self.status):
            own = self.reasons[int(instance_numbers(self.batch_shape, index))]
            if own:
                return own
        return status.message

    def raise_for_status(self) -> "Solution":
        """Return the solution itself if every instance has a plan; raise `SolveError` otherwise."""
        status = np.asarray(self.status)
        failed = [tuple(index) for index in np.argwhere(~succeeded(status))]
        if failed:
            first = failed[0]
            name = Status(int(status[first])).name
            where = f"instance {list(map(int, first))}: " if first else ""
            more = f" (and {len(failed) - 1} more of {status.size} instances)" if len(failed) > 1 else ""
            raise SolveError(f"{where}{name}: {self.reason(first)}{more}")
        return self

    def __getitem__(self, index: Any) -> "Solution":
        """Plan or plans of a batch; the index runs over the batch axes."""
        if not self.batch_shape:
            raise TypeError("this is a single plan, not a batch: it has no instances")
        # Some of the scenarios have another common objective.
        picked = pick_instances(dataclasses.replace(self, shared=None), self.batch_shape, index)
        if len(self.reasons) != np.size(self.status):
            return picked
        reasons = tuple(self.reasons[number] for number in instance_numbers(self.batch_shape, index).ravel())
        return dataclasses.replace(picked, reasons=reasons)


class SolveError(RuntimeError):
    """A scenario ended without a plan; the message says which and why."""
