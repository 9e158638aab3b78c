"""Numbers of models rounded up, so that deployments that differ a little share a compiled program."""

import dataclasses
from typing import Any

import numpy as np

from .._scenario import Scenario

# Numbers of models that programs are compiled for: at most a half more than there are, and fewer the more there are.
_STEPS = (1.0, 1.25, 1.5, 1.75)


def rounded_models(scenarios: Scenario) -> Scenario:
    """A batch in NumPy with models added that support no task, and so are never chosen.

    Where all queries must be served, what serves a query counts however bad it is: there none are added. What is added
    has the size of the first model, so that models of one size stay so.
    """
    models = scenarios.models
    missing = _rounded(models) - models
    if not missing or not scenarios.allow_unserved:
        return scenarios

    def with_none(accuracy: Any) -> np.ndarray:
        return np.pad(accuracy, ((0, 0), (0, 0), (0, missing), (0, 0)))

    def with_first(array: Any) -> np.ndarray:
        array = np.asarray(array)
        return np.concatenate([array, np.repeat(array[..., :1], missing, axis=-1)], axis=-1)

    batching = scenarios.batching
    return dataclasses.replace(
        scenarios,
        client_accuracy=with_none(scenarios.client_accuracy),
        edge_accuracy=with_none(scenarios.edge_accuracy),
        client_model_memory=with_first(scenarios.client_model_memory),
        edge_model_memory=with_first(scenarios.edge_model_memory),
        client_model_compute=with_first(scenarios.client_model_compute),
        edge_model_compute=with_first(scenarios.edge_model_compute),
        batching=None if batching is None else dataclasses.replace(batching, setup=with_first(batching.setup)),
        names=None,
    )


def _rounded(models: int) -> int:
    """The least of 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, … that is no less."""
    power = 1 << max(models.bit_length() - 1, 0)
    return next(number for step in (*_STEPS, 2.0) if (number := int(np.ceil(power * step))) >= models)


def of_models(plan: Any, models: int) -> Any:
    """A plan without the models that were added."""
    return plan._replace(client_models=plan.client_models[..., :models], edge_models=plan.edge_models[..., :models])
