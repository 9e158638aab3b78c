"""The best placement for many scenarios by the extensive form, with HiGHS."""

import numpy as np

from ..._highs import solve_milp
from ..._risk import Risk
from ..._scenario import Scenario
from ..._time_limit import seconds_left
from ..exact.extensive_formulation import extensive_form
from ..milp import ExactMILP
from .found import SharedPlacement


def place_exactly(method: ExactMILP, scenarios: Scenario, risk: Risk) -> SharedPlacement:
    """Placement of scenarios of one axis, in NumPy; its bound is the solver's word."""
    form = extensive_form(scenarios, risk)
    answer = solve_milp(
        form.program,
        gap=float(method.gap),
        time_limit=min(float(method.time_limit), seconds_left()),
        threads=method.threads,
    )
    client_models = np.zeros((scenarios.clients, scenarios.models), dtype=bool)
    edge_models = np.zeros((scenarios.edges, scenarios.models), dtype=bool)
    if answer.values is not None:
        client_models, edge_models = form.models(answer.values)
    return SharedPlacement(
        client_models=client_models,
        edge_models=edge_models,
        bound=answer.bound,
        limited=answer.outcome == "limit",
        reason="" if answer.outcome in ("optimal", "limit") else answer.message,
        stats={},
    )
