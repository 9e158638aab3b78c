"""What one placement for many scenarios is worth, beside the plan of the mean, for a terminal."""

import dataclasses
from collections.abc import Iterator, Mapping

from rich.console import Console, ConsoleOptions, RenderableType

from .._uncertainty import RiskFigures
from .tables import Sheet, facts_list
from .wording import BY_WORD, accuracy, count, gap_percent, listed, percent

_ROWS = {"shared": "this plan's", "mean": "the mean's"}


@dataclasses.dataclass(frozen=True)
class UncertaintySummary:
    """Figures of a placement for an uncertain demand or failing edges.

    **Arguments:**

    - `demand_noise`: relative standard deviation of every stream's demand, 0 for none.
    - `samples`: draws of the demand.
    - `edge_failures`: probability of every single edge to be down, 0 for none.
    - `cvar`, `cvar_weight`: part of the scenarios that counts as the worst, and what it counts; None for the mean.
    - `scenarios`, `unseen_scenarios`: what was planned for, and what was evaluated on.
    - `objective`, `bound`, `gap`, `certified`: of the placement, over the scenarios that were planned for.
    - `planned`, `unseen`: accuracy over the scenarios, of the placement and of that of the mean.
    - `nominal`: accuracy of both for the demand as it is.
    """

    demand_noise: float
    samples: int
    edge_failures: float
    cvar: float | None
    cvar_weight: float | None
    scenarios: int
    unseen_scenarios: int
    objective: float
    bound: float
    gap: float
    certified: bool
    planned: Mapping[str, RiskFigures]
    unseen: Mapping[str, RiskFigures]
    nominal: Mapping[str, float]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield what was planned for and how good the placement is, and a table of both placements."""
        yield ""
        yield facts_list(self._facts())
        sets = ((self.scenarios, self.planned, "planned for"), (self.unseen_scenarios, self.unseen, "unseen"))
        rows = [("as it is", label, accuracy(self.nominal[key]), "", "") for key, label in _ROWS.items()]
        for number, figures, word in sets:
            rows += [
                (f"{number:,} {word}", label, *map(accuracy, dataclasses.astuple(figures[key])))
                for key, label in _ROWS.items()
            ]
        title = "Accuracy with these models, every scenario with its best routing"
        yield Sheet(title, ("Scenarios", "Models", "Mean", "Worst tenth", "Worst"), rows)

    def _facts(self) -> Iterator[tuple[str, str]]:
        what = []
        if self.demand_noise:
            what.append(f"a demand that varies by {percent(self.demand_noise)} in every stream")
        if self.edge_failures:
            what.append(f"every single edge down with a probability of {self.edge_failures:g}")
        seen = f"{count(self.scenarios, 'scenario')}, and {self.unseen_scenarios:,} unseen ones"
        yield "Placed for", f"{listed(what)}: {seen}"
        aim = "the mean"
        if self.cvar is not None and self.cvar_weight is not None:
            worst = f"the mean of the worst {percent(self.cvar)}"
            mixed = f"{percent(self.cvar_weight)} {worst}, the rest the mean of all"
            aim = worst if self.cvar_weight == 1.0 else mixed
        word = "" if self.certified else f", {BY_WORD}"
        best = f"at most {gap_percent(self.gap)} better is possible{word}"
        yield "Objective", f"{accuracy(self.objective)}, {aim}; {best}"
