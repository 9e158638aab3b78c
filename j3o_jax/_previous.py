"""What a plan holds, as what is held already when the next one is made."""

import dataclasses
from typing import Any

import numpy as np

from ._names import Names
from ._scenario import Scenario, Switching
from ._solution import Solution
from ._types import Bool

MB_PER_GB = 1000.0
"""MB of models in a GB, by which costs of moving are told to people."""


def with_previous(scenario: Scenario, previous: Solution, cost_per_mb: Any = 0.0) -> Scenario:
    """Scenario in which the models of a plan are held already, so that others have to be moved: with `Switching`.

    Where both have names, nodes and models are matched by them: a node that the plan does not know holds nothing yet,
    and what it holds of models that there are no longer counts for nothing.

    **Arguments:**

    - `scenario`: one, or a batch.
    - `previous`: a plan, or a batch of them with the batch axes of the scenario.
    - `cost_per_mb`: what a MB that is moved costs, in objective, >= 0; for all instances or each. ``[*batch]``

    **Raises:** `ValueError` where the plan is of other numbers of nodes or models and names do not tell which is which,
    and for a cost that is none.
    """
    batch = scenario.batch_shape
    held = held_before(previous, scenario.names, scenario.clients, scenario.edges, scenario.models)
    for tier, models in zip(("clients", "edges"), held, strict=True):
        if models.shape[:-2] not in ((), batch):
            axes = f"have the batch axes {list(models.shape[:-2])}, the scenario {list(batch)}"
            raise ValueError(f"previous: its models of {tier} {axes}")
    held = (np.broadcast_to(models, (*batch, *models.shape[-2:])) for models in held)
    cost = np.broadcast_to(np.asarray(cost_per_mb, dtype=np.float64), batch)
    return dataclasses.replace(scenario, switching=Switching(*held, cost_per_mb=cost))


def with_period_before(
    scenarios: Scenario,
    plans: Solution,
    held: tuple[Bool[np.ndarray, "*runs C M"], Bool[np.ndarray, "*runs E M"]],
    costs: Any,
) -> Scenario:
    """Periods in each of which the models that the plan of the one before holds are held already.

    **Arguments:**

    - `scenarios`: the first batch axis is time. ``[K, *runs]``
    - `plans`: of all periods.
    - `held`: by clients and edges, before the first period.
    - `costs`: of moving a MB, in objective. ``[K, *runs]``
    """
    before = (
        np.concatenate([first[None], models[:-1]])
        for first, models in zip(held, (plans.client_models, plans.edge_models), strict=True)
    )
    return dataclasses.replace(scenarios, switching=Switching(*before, cost_per_mb=costs))


def held_before(
    previous: Solution, names: Names | None, clients: int, edges: int, models: int
) -> tuple[Bool[np.ndarray, "*batch C M"], Bool[np.ndarray, "*batch E M"]]:
    """Models that clients ``[*batch, C, M]`` and edges ``[*batch, E, M]`` of these names and numbers hold by a plan.

    **Raises:** `ValueError` as `with_previous`.
    """
    held = []
    for tier, nodes, own in (("clients", clients, previous.client_models), ("edges", edges, previous.edge_models)):
        own = np.asarray(own, dtype=bool)
        if names is not None and previous.names is not None:
            own = _by_name(own, previous.names, names, tier)
        if own.shape[-2:] != (nodes, models):
            shapes = f"have shape {list(own.shape)}, the scenario wants {[nodes, models]}"
            raise ValueError(f"previous: its models of {tier} {shapes}")
        held.append(own)
    return held[0], held[1]


def _by_name(models: Bool[np.ndarray, "*batch V M"], of: Names, to: Names, tier: str) -> Bool[np.ndarray, "*batch V M"]:
    """Models held ``[*batch, V, M]`` by the nodes and models of other names."""
    for own, others in ((getattr(of, tier), getattr(to, tier)), (of.models, to.models)):
        place = {name: index for index, name in enumerate(own)}
        # Beyond the last one stands what nobody holds.
        index = [place.get(name, len(own)) for name in others]
        padded = np.concatenate([models, np.zeros_like(models[..., :1, :])], axis=-2)
        # The axis of nodes first; after the turn, that of models, and back.
        models = np.swapaxes(padded[..., index, :], -1, -2)
    return models
