"""Plans that share one placement, in exact arithmetic: what they are worth together, and the proof of their bound.

Like `_verify.py` it shares no code with the solvers, nor with `check`.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ._proof import shared_proven_bound
from ._risk import SharedObjective
from ._verification import PROVEN
from ._violations import Violation

# What a weighting of scenarios may lie outside of the risk envelope by the rounding of floats.
_ENVELOPE = Fraction(1, 10**12)


class Together:
    """Plans of scenarios that share one placement: their common objective, and the proof of its bound.

    **Arguments:**

    - `cases`: the scenarios, with data, plan, prices and objective of each, as `verify` has judged them.
    - `shared`: what is said of them together.
    - `tolerance`: as of `verify`.

    `violations` is what is wrong; `bound` what the certificate proves, None where there is none.
    """

    def __init__(self, cases: Sequence[Any], shared: SharedObjective, tolerance: Fraction):
        self.cases, self.shared, self.tolerance = cases, shared, tolerance
        self.violations: list[Violation] = []
        self.bound: Fraction | None = None
        if any(case.objective is None for case in cases):
            self._refuse("shared_objective", "a scenario has no plan")
            return
        self._models()
        self._value()
        if all(case.prices and not np.isnan(case.prices["cloud_uplink"]) for case in cases):
            self._proof()

    def _refuse(self, constraint: str, message: str, amount: float = math.inf) -> None:
        self.violations.append(Violation((), constraint, "the plans", amount, message))

    def _models(self) -> None:
        first = self.cases[0]
        for name in ("client_models", "edge_models"):
            if any((case.plan[name] != first.plan[name]).any() for case in self.cases):
                self._refuse(f"shared_{name}", "not the same in all scenarios", 1.0)
        # Else nodes could not hold one set of models for all.
        for name in ("client_edge", "client_model_memory", "edge_model_memory"):
            if any((case.given[name] != first.given[name]).any() for case in self.cases):
                self._refuse("shared_scenarios", f"{name} is not the same in all scenarios", 1.0)

    def _value(self) -> None:
        """(1 − γ) Σ w F + γ max_η (η − Σ w max(0, η − F) / α); the best η is one of the F."""
        risk, said = self.shared.risk, float(self.shared.value)
        values = [case.objective or Fraction(0) for case in self.cases]
        weights = [Fraction(weight) for weight in np.asarray(risk.weights).tolist()]
        tail, part = Fraction(float(risk.tail)), Fraction(float(risk.tail_weight))
        value = sum(weight * own for weight, own in zip(weights, values, strict=True))
        if part:
            falls = ((eta, [max(eta - own, Fraction(0)) for own in values]) for eta in set(values))
            worst = max(eta - sum(w * fall for w, fall in zip(weights, own, strict=True)) / tail for eta, own in falls)
            value = (1 - part) * value + part * worst
        off = abs(Fraction(said) - value) if math.isfinite(said) else math.inf
        if off > self.tolerance:
            self._refuse("shared_objective", f"says {said:.9g}, is worth {float(value):.9g}", float(off))
        bound = float(self.shared.bound)
        if math.isfinite(bound) and value - Fraction(bound) > self.tolerance:
            self._refuse("shared_bound", f"the bound {bound:.9g} is below the worth {float(value):.9g}")

    def _proof(self) -> None:
        said = float(self.shared.bound)
        dual = np.asarray(self.shared.dual_weights).tolist()
        if not self._in_envelope(dual):
            self._refuse("shared_certificate", "its weighting of the scenarios is not out of the risk envelope")
            return
        if self.violations:
            return
        given, prices = [case.given for case in self.cases], [case.prices for case in self.cases]
        self.bound = shared_proven_bound(given, prices, dual)
        if not (math.isfinite(said) and self.bound <= Fraction(said) * (1 + PROVEN)):
            text = f"its prices prove {float(self.bound):.12g}, which is not the bound {said:.12g}"
            self._refuse("shared_certificate", text)

    def _in_envelope(self, dual: list[float]) -> bool:
        """Whether q = (1 − γ) w + γ r with 0 ≤ r ≤ w / α and Σ r = 1, but for the rounding of floats."""
        risk = self.shared.risk
        tail, part = Fraction(float(risk.tail)), Fraction(float(risk.tail_weight))
        weights = [Fraction(weight) for weight in np.asarray(risk.weights).tolist()]
        if not part:
            return [Fraction(one) for one in dual] == weights
        rest = [Fraction(one) - (1 - part) * weight for one, weight in zip(dual, weights, strict=True)]
        inside = all(-_ENVELOPE <= r <= part * w / tail + _ENVELOPE for r, w in zip(rest, weights, strict=True))
        return inside and abs(sum(rest) - part) <= _ENVELOPE
