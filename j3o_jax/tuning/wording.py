"""Wording of a tuning: settings in a few words, and the gain of the chosen one."""

import math

from ..experiments.tune._outcome import Score, Trial, Tuning
from ..named_methods import NamedMethod
from ..report.wording import count, duration, printable


def setting_words(trial: Trial) -> str:
    """Return the settings that were searched over; what the setting to begin from has is told of it."""
    if trial.number == 0:
        return "as it is"
    return ", ".join(f"{name} {value_words(value)}" for name, value in trial.values.items()) or "as it is"


def method_words(method: NamedMethod) -> str:
    """Return a method with all of its settings."""
    settings = ", ".join(f"{name} {value_words(value)}" for name, value in method.settings.given().items())
    return f"{method.method}: {settings}" if settings else f"{method.method} at its defaults"


def value_words(value: object) -> str:
    """Return a value, to five digits."""
    if value is None:
        return "at its default"
    return f"{value:.5g}" if isinstance(value, float) else f"{value}"


def difference_words(tuning: Tuning) -> str:
    """Return the held-out difference with its interval."""
    held_out = tuning.held_out
    interval = "" if math.isnan(held_out.half_width) else f" ± {held_out.half_width:.2g} (95 %)"
    return f"{held_out.difference:+.2g}{interval}"


def score_words(score: Score) -> str:
    """Mean F and time."""
    reached = "" if math.isnan(score.reached) else f", {100 * score.reached:.1f} % reach the gap"
    lost = f", {count(score.failed, 'scenario')} without a plan" if score.failed else ""
    return f"accuracy {score.quality:.6f}, {duration(score.seconds)} per scenario{reached}{lost}"


def verdict_of(tuning: Tuning) -> str:
    """Return what came of it, in a sentence."""
    if tuning.chosen.number == 0:
        return "No setting did better than the one to begin from."
    held_out = tuning.held_out
    if math.isnan(held_out.half_width) or abs(held_out.difference) > held_out.half_width:
        # Of exact zeros the interval is nothing.
        if held_out.difference == 0.0:
            return "On held-out seeds the plans are worth the same."
        return f"On held-out seeds the plans are {'better' if held_out.difference > 0.0 else 'worse'}."
    return "On held-out seeds there is no difference in the plans that chance does not explain."


def comment_of(tuning: Tuning) -> str:
    """Return what the file of the chosen setting says of itself."""
    spec, held_out = tuning.spec, tuning.held_out
    family = next(iter(spec.training.family.plain().values()))
    first, last = spec.held_out.first_seed, spec.held_out.first_seed + spec.held_out.seeds - 1
    tried, solved = count(len(tuning.trials), "setting"), count(spec.training.scenarios, "scenario")
    return "\n".join(
        [
            f"Chosen by j3o tune for {spec.objective} out of {tried} on {solved} of {printable(family)}.",
            f"Held-out seeds {first} to {last}, {count(held_out.scenarios, 'scenario')}:",
            f"  before, {method_words(spec.base)}: {score_words(held_out.base)}",
            f"  now: {score_words(held_out.chosen)}",
            f"  difference in accuracy: {difference_words(tuning)}",
        ]
    )
