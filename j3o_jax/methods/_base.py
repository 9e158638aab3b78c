"""Interface between `solve` and the methods of solving a scenario."""

import abc
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .._certificate import Certificate
from .._model import Plan
from .._scenario import Scenario
from .._settings_text import Settings
from .._types import AnyArray, Float, Int


class Outcome(NamedTuple):
    """Result of a method for a batch of one axis B: NumPy arrays with B in front.

    - `plan`: the decisions; shapes as in `Plan` with B in front.
    - `status`: a `Status` per instance. ``[B]``
    - `bound`: upper bound on the optimum, NaN where none. ``[B]``
    - `history`: objective per outer iteration, padded with NaN. ``[B, N]``
    - `stats`: figures by name, each ``[B]``.
    - `reasons`: for each instance, what is wrong if it ends without a plan; "" or nothing at all if `solve` may say.
    - `certificate`: the proof of the bound; None where it is a solver's word.
    """

    plan: Plan
    status: Int[AnyArray, " B"]
    bound: Float[AnyArray, " B"]
    history: Float[AnyArray, "B N"]
    stats: dict[str, np.ndarray]
    reasons: tuple[str, ...] = ()
    certificate: Certificate | None = None


def require_time(time_limit: float | int) -> None:
    """Raise `ValueError` for a time limit that is none."""
    if not time_limit > 0.0:
        raise ValueError(f"time_limit: must be > 0 seconds, got {time_limit}")


class AbstractMethod(Settings):
    """A way to solve scenarios: a frozen set of parameters with one function."""

    supports_batching: ClassVar[bool] = True
    """Whether scenarios with `Batching`, limit (28), are understood."""

    @property
    def on_host(self) -> bool:
        """Whether it computes without JAX, and so in a process that was forked after JAX had begun too.

        It gets no key then.
        """
        return False

    @property
    def grid_shape(self) -> tuple[int, ...]:
        """Axes of parameters of the method itself, which come before the batch axes of what is solved.

        `solve` repeats the batch for each entry, so that `run` gets all of them as one batch, the grid's axes first.
        """
        return ()

    def run_traced(self, scenarios: Scenario) -> Outcome:
        """`run` under the caller's jit or vmap, for methods that are one JAX program.

        Instances that are not valid are blanked; all arrays may be tracers.

        **Raises:** `TypeError` where the method works on the host.
        """
        raise TypeError(
            f"{self!r} works on the host and cannot be traced by jax.jit or jax.vmap: call solve outside of them "
            "(it takes batches), or take J3O() with its default lp"
        )

    @abc.abstractmethod
    def run(self, scenarios: Scenario, key: Any) -> Outcome:
        """Solve a batch of one axis of valid scenarios, in double precision.

        The answer for an instance depends on its data and on the key alone, not on the rest of the batch.

        **Arguments:**

        - `scenarios`: NumPy arrays with one batch axis.
        - `key`: a JAX key for methods that draw at random; None for those on the host.
        """
