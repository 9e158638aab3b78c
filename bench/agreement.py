"""Whether two devices come to the same plans."""

from typing import Any, NamedTuple

import jax
import numpy as np

import j3o_jax as j3o


class Answers(NamedTuple):
    """Plans, for comparison: models held, models chosen, shares, and what they are worth."""

    held: np.ndarray
    chosen: np.ndarray
    shares: np.ndarray
    objective: np.ndarray


def solved(scenarios: j3o.Scenario, method: Any) -> Answers:
    """Plans of this process's device."""
    return answers_of(j3o.solve(scenarios, method, throw=True))


def answers_of(plans: j3o.Solution) -> Answers:
    def flat(*names: str) -> np.ndarray:
        arrays = [np.asarray(getattr(plans, name)) for name in names]
        return np.concatenate([array.reshape(array.shape[0], -1) for array in arrays], axis=1)

    held, chosen = flat("client_models", "edge_models"), flat("client_choice", "edge_choice")
    return Answers(held, chosen, flat("local", "edge", "cloud"), np.asarray(plans.objective))


def agreement(own: Answers, expected: Answers) -> dict[str, Any]:
    """How many plans are those of the CPU, and how far the others are from them."""
    same = (own.held == expected.held).all(axis=1) & (own.chosen == expected.chosen).all(axis=1)
    difference = np.abs(own.objective - expected.objective) / np.abs(expected.objective)
    shares = np.abs(own.shares - expected.shares)[same]
    return {
        "compared": len(same),
        "same_models": int(same.sum()),
        "worst_objective_difference": float(difference.max()),
        "worst_share_difference": float(shares.max(initial=0.0)),
    }


def only_cpu() -> None:
    """For a process that has not used JAX yet: an accelerator and its memory are for others."""
    jax.config.update("jax_platforms", "cpu")
