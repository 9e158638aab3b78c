"""Extensive form of a placement for many scenarios: one mixed-integer program with one x, and z and flows for each.

Every scenario has the choices, flows and limits of its own strong formulation, on the same x. Where the objective has a
part for the worst scenarios, CVaR_α(F) = max_η η − Σ_s w_s u_s / α with u_s ≥ η − F_s makes it linear.
"""

from typing import NamedTuple

import numpy as np

from ..._highs import MILP
from ..._risk import Risk
from ..._scenario import Scenario
from ..._types import Bool, Float, Int
from .program_builder import ProgramBuilder
from .strong_formulation import add_scenario, flows_of


class ExtensiveForm(NamedTuple):
    """A `MILP` whose optimum is that of a placement for all scenarios, and where x stands in it.

    `client_held` ``[C, M]``, `edge_held` ``[E, M]``: numbers of its variables, −1 where there is none.
    """

    program: MILP
    client_held: Int[np.ndarray, "C M"]
    edge_held: Int[np.ndarray, "E M"]

    def models(self, values: Float[np.ndarray, " N"]) -> tuple[Bool[np.ndarray, "C M"], Bool[np.ndarray, "E M"]]:
        """Models x at clients and at edges, of a solution."""
        padded = np.append(values, 0.0)  # column −1
        return padded[self.client_held] > 0.5, padded[self.edge_held] > 0.5


def extensive_form(scenarios: Scenario, risk: Risk) -> ExtensiveForm:
    """Extensive form of scenarios of one axis, in NumPy."""
    each = [scenarios[number] for number in range(scenarios.batch_shape[0])]
    flows = [flows_of(scenario) for scenario in each]
    build = ProgramBuilder()
    client_held = build.variables(np.any([own.local_open.any(axis=2) for own in flows], axis=0), integer=True)
    edge_held = build.variables(np.any([own.edge_used.any(axis=2) for own in flows], axis=0), integer=True)
    tail, tail_weight = float(risk.tail), float(risk.tail_weight)
    of_tail = np.ones(1, dtype=bool)
    threshold = build.variables(of_tail, tail_weight) if tail_weight > 0.0 else None
    for scenario, own, weight in zip(each, flows, risk.weights.tolist(), strict=True):
        of_scenario = add_scenario(build, scenario, own, client_held, edge_held, (1.0 - tail_weight) * weight)
        if threshold is None or weight == 0.0:
            continue
        below = build.variables(of_tail, -tail_weight * weight / tail)
        streams = np.concatenate([part.ravel() for part in (of_scenario.local, of_scenario.edge, of_scenario.cloud)])
        gains = np.concatenate([gain.ravel() for gain in own.gains(scenario)])
        # η − u_s − F_s ≤ 0
        columns, entries = np.concatenate([threshold, below, streams]), np.concatenate([[1.0, -1.0], -gains])
        build.limit(columns[None], entries[None], 0.0)
    return ExtensiveForm(build.program(), client_held, edge_held)
