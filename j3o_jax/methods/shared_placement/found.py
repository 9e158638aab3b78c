"""A placement for many scenarios, as the methods find it."""

from typing import Any, NamedTuple

import numpy as np

from ..._certificate import Certificate
from ..._types import Bool, Float


class SharedPlacement(NamedTuple):
    """Models for all scenarios, and a bound on what any placement can earn in them.

    - `client_models` ``[C, M]``, `edge_models` ``[E, M]``: x.
    - `needed`: those of them that the search itself had a use for; None where it has no others.
    - `bound`: on the common objective; +inf where there is none. ``[]``
    - `limited`: whether the search ended before it was done; `reason`: what is wrong where nothing was found.
    - `stats`: figures of the search by name.
    - `dual_weights`: weighting of the scenarios at which the certificate proves the bound. ``[S]``
    - `certificate`: its prices; None where the bound is a solver's word. `own_bounds`: what they prove of each
      scenario alone. ``[S]``
    """

    client_models: Bool[np.ndarray, "C M"]
    edge_models: Bool[np.ndarray, "E M"]
    bound: float
    limited: bool
    reason: str
    stats: dict[str, Any]
    dual_weights: Float[np.ndarray, " S"] | None = None
    certificate: Certificate | None = None
    own_bounds: Float[np.ndarray, " S"] | None = None
    needed: tuple[Bool[np.ndarray, "C M"], Bool[np.ndarray, "E M"]] | None = None
