"""What a plan holds, as what is held already when the next one is made."""

import dataclasses
from typing import Any

import numpy as np

from ._names import Names
from ._scenario import Scenario, Switching
from ._solution import Solution
from ._types import Bool


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
    held = []
    for tier, models in (("clients", previous.client_models), ("edges", previous.edge_models)):
        wanted = (getattr(scenario, tier), scenario.models)
        models = np.asarray(models, dtype=bool)
        if scenario.names is not None and previous.names is not None:
            models = _by_name(models, previous.names, scenario.names, tier)
        if models.shape[-2:] != wanted or models.shape[:-2] not in ((), batch):
            shapes = f"have shape {list(models.shape)}, the scenario wants {[*batch, *wanted]}"
            raise ValueError(f"previous: its models of {tier} {shapes}")
        held.append(np.broadcast_to(models, (*batch, *wanted)))
    cost = np.broadcast_to(np.asarray(cost_per_mb, dtype=np.float64), batch)
    return dataclasses.replace(scenario, switching=Switching(*held, cost_per_mb=cost))


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
