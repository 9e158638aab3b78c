"""The picture of a tuning: what settings reach against their value, and against time. Loads matplotlib."""

from collections.abc import Iterable, Mapping, Sequence

from matplotlib.figure import Figure

from ..experiments.tune._outcome import Trial, Tuning
from ..plots.panels import Curve, Panel, curves_panel
from ..plots.scales import Scale
from ..plots.sheet import draw_sheet
from ..plots.style import Drawn, distinct
from ..report.wording import count
from .wording import value_words

# Percent; what is less stands on the floor of the picture.
_FLOOR = 1e-5
# More are not told apart from each other and from what is marked.
_MOST_CURVES = 5
# A wider range than that is drawn on a logarithmic axis.
_WIDE = 30.0


def draw(tuning: Tuning) -> Figure:
    """Draw all trials, with the setting to begin from and the chosen one marked."""
    spec, trials, panels = tuning.spec, tuning.trials, []
    name = _axis(tuning)
    if name is not None:
        panels.append(_against_value(tuning, name))
    if spec.objective != "quality":
        at = {trial.number: 1e3 * trial.seconds for trial in trials}
        groups = [("", trials, None), ("no setting is better in both", tuning.front, distinct(0))]
        panels.append(_panel(tuning, "Against time", "ms per scenario, in a batch", at, groups, log=True))
    elif name is None:
        # Where no setting is a number.
        at = {trial.number: float(trial.number) for trial in trials}
        panels.append(_panel(tuning, "In the order of the trials", "trial", at, [("", trials, None)]))
    title = f"Settings of {spec.base.method}" + (f": {spec.name}" if spec.name else "")
    tried = f"{count(len(trials), 'setting')}, {count(spec.training.scenarios, 'training scenario')}"
    foot = f"{tried}; best known: the best plan of any setting for each scenario"
    return draw_sheet([("", panels)], title, foot, width=3.7)


def _panel(
    tuning: Tuning,
    title: str,
    x_label: str,
    at: Mapping[int, float],
    groups: Iterable[tuple[str, Sequence[Trial], int | None]],
    *,
    log: bool = False,
) -> Panel:
    """Draw by how much trials are below the best known plans, over their places `at`, with their numbers.

    `groups` have a name, trials that a line goes through, and a look; None are faint dots that others stand out from.
    """

    def curve(label: str, own: Sequence[Trial], look: int | None, drawn: Drawn) -> Curve:
        heights = [max(100.0 * tuning.shortfall(trial), _FLOOR) for trial in own]
        return Curve(label, look, [at[trial.number] for trial in own], heights, (), drawn)

    curves = [curve(label, own, look, "points" if look is None else "joined") for label, own, look in groups]
    marked = (("as it is", tuning.base, 3), ("chosen", tuning.chosen, 6))
    curves += [curve(word, [trial], look, "mark") for word, trial, look in marked if trial.number in at]
    scale = Scale(x_label, sorted({x for own in curves for x in own.x}), log=log)
    label = "Below the best known plans, %"
    return curves_panel(title, label, curves, scale, log=True, height=2.7, named=True)


def _against_value(tuning: Tuning, name: str) -> Panel:
    at = _numbers(tuning, name)
    others = [other for other in tuning.spec.search if other != name]
    groups: dict[str, list[Trial]] = {}
    for trial in sorted(tuning.trials[1:], key=lambda trial: at.get(trial.number, 0.0)):
        if trial.number in at:
            words = (f"{other} {value_words(trial.values[other])}" for other in others if other in trial.values)
            groups.setdefault(", ".join(words), []).append(trial)
    few = len(groups) <= _MOST_CURVES
    shown = [(label * few, own, distinct(place) if few else None) for place, (label, own) in enumerate(groups.items())]
    log = min(at.values()) > 0.0 and max(at.values()) > _WIDE * min(at.values())
    return _panel(tuning, f"Against {name}", name, at, shown, log=log)


def _axis(tuning: Tuning) -> str | None:
    """Return the setting to draw along: a number with several values, the step size before all others."""
    names = sorted(tuning.spec.search, key=lambda name: name != "step_size")
    return next((name for name in names if len(set(_numbers(tuning, name).values())) > 1), None)


def _numbers(tuning: Tuning, name: str) -> dict[int, float]:
    """Return the value of a setting in each trial that has one, by its number; the method's own default counts too."""
    found: dict[int, float] = {}
    for trial in tuning.trials:
        value = getattr(trial.method.settings, name)
        if value is None and trial.number == 0:
            value = _default(trial, name)
        if isinstance(value, int | float):
            found[trial.number] = float(value)
    return found


def _default(trial: Trial, name: str) -> float | None:
    """Return what a method has where nothing is said."""
    built = trial.method.build()
    multiplier = getattr(built, "multiplier", None)
    value = getattr(built, name, None)
    if value is None and type(multiplier).__name__ == "Subgradient":
        value = getattr(multiplier, name, None)
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None
