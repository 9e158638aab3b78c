"""Trials that are made up, so that tests of what is done with them are quick."""

import dataclasses
import math

import numpy as np
import pytest


@pytest.fixture
def made_up(monkeypatch):
    """Counts what is solved, and makes up what comes of it: best at a step size of 3, slower with more steps."""
    from j3o_jax.tuning._laboratory import Laboratory, Measured

    calls = []

    def measured(self, method):
        settings = method.settings
        size = settings.step_size or 1.0
        quality = 0.9 - 0.01 * math.log(size / 3.0) ** 2 + 1e-5 * (settings.steps or 50)
        spread = 1e-3 * np.arange(self.spec.seeds)
        return Measured(quality + spread, 0, 1e-3 * (settings.steps or 50), 0.5 if self.gap else math.nan)

    def together(self, methods):
        calls.append([method.settings.step_size for method in methods])
        return [dataclasses.replace(measured(self, method), seconds=math.nan) for method in methods]

    def alone(self, method):
        calls.append([method.settings.step_size])
        return measured(self, method)

    monkeypatch.setattr(Laboratory, "together", together)
    monkeypatch.setattr(Laboratory, "alone", alone)
    monkeypatch.setattr(Laboratory, "seeds", property(lambda self: np.arange(self.spec.seeds)))
    return calls
