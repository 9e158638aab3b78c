"""Multipliers of the onloading step: by subgradient steps, (19) of the paper, or by a search along each node's dual."""

import dataclasses
from typing import Any

import equinox as eqx
import numpy as np
import optax
from jax.core import Tracer

from j3o_kernels.multipliers import SCHEDULES, UPDATES

from ..._settings_text import Settings
from ..._types import AnyArray, Float


def _as_step_size(value: Any) -> Any:
    return value if isinstance(value, Tracer) else np.asarray(value, dtype=np.float64)


class Subgradient(Settings):
    """Subgradient steps of the compute limits' multipliers, (19).

    **Arguments:**

    - `step_size`: η, relative to the price at which a node's best models would earn nothing. An array of step sizes
      solves every scenario with each of them: their axes come before the batch axes in the solution. They may vary
      without a new compilation.
    - `steps`: most updates in one onloading step.
    - `schedule`: step size at the k-th update: ``"inverse_square_root"``, the paper's η/√k; ``"inverse"``, η/k;
      ``"constant"``; ``"cosine"``, which falls from η to 0 over the steps.
    - `update`: ``"subgradient"``, or ``"adam"``.
    - `optimizer`: any optax transformation in place of all of these but `steps`. It must keep the multipliers
      non-negative (chain `optax.keep_params_nonnegative`).
    """

    step_size: Float[AnyArray, "*grid"] = eqx.field(converter=_as_step_size, default=1.0)
    steps: int = eqx.field(static=True, default=50)
    schedule: str = eqx.field(static=True, default="inverse_square_root")
    update: str = eqx.field(static=True, default="subgradient")
    optimizer: optax.GradientTransformation | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        _check_steps(self.steps)
        for name, known in (("schedule", SCHEDULES), ("update", UPDATES)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name}: must be one of {', '.join(known)}, got {getattr(self, name)!r}")

    @property
    def grid_shape(self) -> tuple[int, ...]:
        """Axes of the step sizes."""
        return np.shape(self.step_size)

    def for_batch(self, batch: int) -> "Subgradient":
        """Copy with a step size for each instance: those of a grid in turn, each for an equal part of a batch."""
        xp = self.step_size.__array_namespace__()
        sizes = xp.ravel(self.step_size)
        return dataclasses.replace(self, step_size=xp.repeat(sizes, batch // max(sizes.size, 1)))

    def transformation(self, step_size: Any) -> optax.GradientTransformation:
        """Update for one step size, on the dual that is minimised."""
        if self.optimizer is not None:
            return self.optimizer
        return UPDATES[self.update](SCHEDULES[self.schedule](step_size, self.steps))

    def for_kernel(self) -> dict[str, Any]:
        """Arguments of `j3o_kernels.batched_onloading.onload_tier`."""
        return {"steps": self.steps, "optimizer": self.transformation, "step_size": self.step_size}


class DualSearch(Settings):
    """Multipliers where the dual of each node is least, found along its one dimension instead of by (19).

    At convergence the same multipliers as the subgradient's, in a handful of evaluations, whatever the costs.

    **Arguments:**

    - `steps`: most evaluations in one onloading step.
    """

    steps: int = eqx.field(static=True, default=20)

    def __check_init__(self):
        _check_steps(self.steps)

    @property
    def grid_shape(self) -> tuple[int, ...]:
        """No axes: there is nothing to vary without a new compilation."""
        return ()

    def for_batch(self, batch: int) -> "DualSearch":
        """Itself: it has nothing of instances' own."""
        return self

    def for_kernel(self) -> dict[str, Any]:
        """Arguments of `j3o_kernels.batched_onloading.onload_tier`."""
        return {"steps": self.steps}


def _check_steps(steps: int) -> None:
    if steps < 1:
        raise ValueError(f"steps: must be at least 1, got {steps}")
