"""The picture of a tuning: what settings reach against their value, and against time. Loads matplotlib."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from ..plots.points import PointPanel, Points, draw_points
from ..report.wording import count
from ._outcome import Trial, Tuning
from .wording import value_words

_BELOW = "Below the best known plans, %"
# Percent; what is less stands on the floor of the picture.
_FLOOR = 1e-5
# More are not told apart from each other and from what is marked.
_MOST_CURVES = 5
# A wider range than that is drawn on a logarithmic axis.
_WIDE = 30.0


def draw(tuning: Tuning) -> Figure:
    """Draw all trials, with the setting to begin from and the chosen one marked."""
    spec = tuning.spec
    panels = []
    name = _axis(tuning)
    if name is not None:
        panels.append(_against_value(tuning, name))
    if spec.objective != "quality" or name is None:
        panels.append(_against_time(tuning) if spec.objective != "quality" else _against_number(tuning))
    title = f"Settings of {spec.base.method}" + (f": {spec.name}" if spec.name else "")
    tried = f"{count(len(tuning.trials), 'setting')}, {count(spec.training.scenarios, 'training scenario')}"
    caption = f"{tried}; best known: the best plan of any setting for each scenario"
    return draw_points(panels, title, caption)


def _axis(tuning: Tuning) -> str | None:
    """The setting to draw along: a number with several values, the step size before all others."""
    names = sorted(tuning.spec.search, key=lambda name: name != "step_size")
    return next((name for name in names if len(set(_numbers(tuning, name).values())) > 1), None)


def _numbers(tuning: Tuning, name: str) -> dict[int, float]:
    """The value of a setting in each trial that has one, by its number; the method's own default counts too."""
    found: dict[int, float] = {}
    for trial in tuning.trials:
        value = getattr(trial.method.settings, name)
        if value is None and trial.number == 0:
            value = _default(trial, name)
        if isinstance(value, int | float):
            found[trial.number] = float(value)
    return found


def _default(trial: Trial, name: str) -> float | None:
    """What a method has where nothing is said."""
    built = trial.method.build()
    multiplier = getattr(built, "multiplier", None)
    value = getattr(built, name, None)
    if value is None and type(multiplier).__name__ == "Subgradient":
        value = getattr(multiplier, name, None)
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def _against_value(tuning: Tuning, name: str) -> PointPanel:
    at = _numbers(tuning, name)
    others = [other for other in tuning.spec.search if other != name]

    def words(trial: Trial) -> str:
        return ", ".join(f"{other} {value_words(trial.values[other])}" for other in others if other in trial.values)

    groups: dict[str, list[Trial]] = {}
    for trial in tuning.trials[1:]:
        if trial.number in at:
            groups.setdefault(words(trial), []).append(trial)
    few = len(groups) <= _MOST_CURVES
    shown = []
    for look, (label, group) in enumerate(groups.items()):
        group.sort(key=lambda trial: at[trial.number])
        x, y = [at[trial.number] for trial in group], _heights(tuning, group)
        shown.append(Points(label, x, y, look, joined=True) if few else Points("", x, y))
    shown += [
        Points(word, [at[trial.number]], _heights(tuning, [trial]), look, large=True)
        for word, trial, look in _marked(tuning)
        if trial.number in at
    ]
    values = list(at.values())
    logarithmic = min(values) > 0.0 and max(values) > _WIDE * min(values)
    return PointPanel(f"Against {name}", name, _BELOW, shown, logarithmic, _FLOOR)


def _against_time(tuning: Tuning) -> PointPanel:
    def points(word: str, trials: Sequence[Trial], look: int | None, **how: bool) -> Points:
        return Points(word, [1e3 * trial.seconds for trial in trials], _heights(tuning, trials), look, **how)

    shown = [
        points("", tuning.trials, None),
        points("no setting is better in both", tuning.front, 0, joined=True),
        *(points(word, [trial], look, large=True) for word, trial, look in _marked(tuning)),
    ]
    return PointPanel("Against time", "ms per scenario, in a batch", _BELOW, shown, True, _FLOOR)


def _against_number(tuning: Tuning) -> PointPanel:
    """Where no setting is a number: in the order of the trials."""
    every = Points("", [trial.number for trial in tuning.trials], _heights(tuning, tuning.trials))
    marked = [
        Points(word, [trial.number], _heights(tuning, [trial]), look, large=True)
        for word, trial, look in _marked(tuning)
    ]
    return PointPanel("In the order of the trials", "trial", _BELOW, [every, *marked], False, _FLOOR)


def _marked(tuning: Tuning) -> list[tuple[str, Trial, int]]:
    return [("as it is", tuning.base, 6), ("chosen", tuning.chosen, 5)]


def _heights(tuning: Tuning, trials: Sequence[Trial]) -> list[float]:
    return [100.0 * tuning.shortfall(trial) for trial in trials]
