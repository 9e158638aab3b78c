"""Trials that are made up, so that tests of what is done with them are quick."""

import dataclasses
import math

import numpy as np
import pytest


@pytest.fixture
def made_up(monkeypatch):
    """Counts what is solved, and makes up what comes of it: best at a step size of 3, slower with more steps."""
    from j3o_jax.experiments.tune._evaluator import Evaluator, Measured
    from j3o_jax.experiments.tune._outcome import Score

    calls = []

    def measured(self, method):
        settings = method.settings
        size = settings.step_size or 1.0
        quality = 0.9 - 0.01 * math.log(size / 3.0) ** 2 + 1e-5 * (settings.steps or 50)
        objective = quality + 1e-3 * np.arange(self.population.seeds)
        score = Score(float(objective.mean()), 0, 1e-3 * (settings.steps or 50), 0.5 if self.gap else math.nan)
        return Measured(objective, score)

    def together(self, methods):
        calls.append([method.settings.step_size for method in methods])
        found = [measured(self, method) for method in methods]
        return [Measured(own.objective, dataclasses.replace(own.score, seconds=math.nan)) for own in found]

    def alone(self, method):
        calls.append([method.settings.step_size])
        return measured(self, method)

    monkeypatch.setattr(Evaluator, "together", together)
    monkeypatch.setattr(Evaluator, "alone", alone)
    monkeypatch.setattr(Evaluator, "seeds", property(lambda self: np.arange(self.population.seeds)))
    return calls
