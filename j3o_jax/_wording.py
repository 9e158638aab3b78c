"""Numbers and words that `print(solution)` and the reports write alike."""

import math

# A smaller share is what a solver's rounding leaves behind.
NEGLIGIBLE = 1e-6

# Where there is no figure.
NOTHING = "–"

# Where no certificate comes with a bound.
BY_WORD = "by the solver's word"


def count(size: int, word: str) -> str:
    """``1 client``, ``3,000 clients``; a word in -y takes -ies."""
    plural = word[:-1] + "ies" if word.endswith("y") else word + "s"
    return f"{size:,} {word if size == 1 else plural}"


def gap_percent(gap: float) -> str:
    """Write a distance from the optimum in per cent, to two significant digits; "–" for NaN."""
    return NOTHING if math.isnan(gap) else f"{100.0 * gap:.2g} %"
