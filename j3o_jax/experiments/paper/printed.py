"""Figures that the paper (arXiv 2508.13380) prints in Table IV and Section VI-B, to stand beside ours.

Loads no library.
"""

import dataclasses
from collections.abc import Mapping
from typing import Literal

Measure = Literal["loss", "accuracy"]

ACCURACY_BENCHMARKS = frozenset({"domainnet6", "motivating"})
"""Where the paper prints accuracy; everywhere else it prints loss, 1 − accuracy."""


@dataclasses.dataclass(frozen=True)
class Printed:
    """One row of Table IV: means and standard deviations over 20 seeds.

    **Arguments:**

    - `mean`, `deviation`: of the benchmark's measure, loss or accuracy.
    - `milliseconds`, `milliseconds_deviation`: of the time per scenario.
    """

    mean: float
    deviation: float
    milliseconds: float
    milliseconds_deviation: float


TABLE_IV: Mapping[str, Mapping[str, Printed]] = {
    "taskonomy5": {
        "greedy-ao": Printed(0.151, 0.081, 574.82, 10.44),
        "opt-ao": Printed(0.081, 0.047, 2078.33, 369.35),
        "rand-ao": Printed(0.276, 0.073, 562.67, 10.53),
        "full-local": Printed(0.507, 0.074, 633.71, 244.23),
        "exact-milp": Printed(0.073, 0.037, 65791.68, 21030.78),
        "j3o": Printed(0.094, 0.048, 797.87, 8.43),
    },
    "domainnet6": {
        "greedy-ao": Printed(0.735, 0.025, 552.27, 10.74),
        "opt-ao": Printed(0.770, 0.015, 2015.34, 304.71),
        "rand-ao": Printed(0.640, 0.054, 537.89, 13.92),
        "full-local": Printed(0.397, 0.037, 597.49, 237.37),
        "exact-milp": Printed(0.774, 0.013, 75122.31, 18706.57),
        "j3o": Printed(0.754, 0.018, 937.08, 29.79),
    },
    "cityscapes3d": {
        "greedy-ao": Printed(0.164, 0.014, 98.73, 5.38),
        "opt-ao": Printed(0.163, 0.010, 216.62, 21.20),
        "rand-ao": Printed(0.221, 0.044, 95.81, 5.16),
        "full-local": Printed(0.439, 0.098, 40.22, 4.34),
        "exact-milp": Printed(0.159, 0.008, 1123.47, 303.61),
        "j3o": Printed(0.162, 0.010, 165.10, 12.02),
    },
}

J3O_SHARES: Mapping[str, float] = {"taskonomy5": 0.977, "domainnet6": 0.975, "cityscapes3d": 0.997}
"""J3O's part of the optimal accuracy, as Section VI-B has it."""


def measure_of(benchmark: str) -> Measure:
    """Return what the paper prints for a benchmark."""
    return "accuracy" if benchmark in ACCURACY_BENCHMARKS else "loss"


def share_of_optimum(benchmark: str, method: str) -> float | None:
    """Return the paper's part of the optimal accuracy: printed for J3O, else the quotient of Table IV's accuracies."""
    rows = TABLE_IV.get(benchmark, {})
    if method not in rows or "exact-milp" not in rows:
        return None
    if method == "j3o":
        return J3O_SHARES[benchmark]
    loss = measure_of(benchmark) == "loss"
    reached, best = (1.0 - rows[name].mean if loss else rows[name].mean for name in (method, "exact-milp"))
    return reached / best
