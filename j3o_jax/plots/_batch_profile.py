"""The picture of batch profiles: what was measured, the lines, and how far they are off."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ..profiles import BatchProfile
from .panels import Curve, Level, Named, curves_panel
from .scales import Scale
from .sheet import draw_sheet
from .style import distinct, short

# From this ratio of the largest to the smallest batch on, small ones would lie on each other on an even scale.
WIDE = 16


def draw_batch_profiles(profiles: Mapping[str, BatchProfile]) -> Figure:
    """See `j3o_jax.plots.plot_batch_profiles`."""
    if not profiles:
        raise ValueError("plot_batch_profiles: there is no profile to draw")
    measured, residuals, names = [], [], []
    for place, (name, profile) in enumerate(profiles.items()):
        look, sizes = distinct(place), np.geomspace(np.min(profile.batch_size), np.max(profile.batch_size), 100)
        measured.append(Curve("", look, sizes.tolist(), (1e3 * profile.latency_at(sizes)).tolist(), drawn="line"))
        batches = profile.batch_size.tolist()
        measured.append(Curve("", look, batches, (1e3 * profile.latency).tolist(), drawn="points"))
        residuals.append(Curve("", look, batches, (100 * profile.relative_residuals).tolist(), drawn="points"))
        names.append(Named(_words(name, profile), look, drawn="joined"))
    places = sorted({x for curve in residuals for x in curve.x})
    wide = places[-1] >= WIDE * places[0]
    scale = Scale("Batch size, queries", places, log=wide, start=None if wide else 0.0)
    # A fit without errors would have an axis of rounding.
    reach = max(1.15 * max(abs(off) for curve in residuals for off in curve.middle), 1.0)
    ends = (None if wide else 0.0, None)
    zero = Level(0.0)
    panels = [
        curves_panel("Latency of a batch", "ms", measured, scale, log=wide, ends=ends, height=2.7),
        curves_panel(
            "Measured less fitted", "% of measured", residuals, scale, ends=(-reach, reach), level=zero, height=2.7
        ),
    ]
    return draw_sheet([("", panels)], "Batch profiles", names=names, width=3.7)


def _words(name: str, profile: BatchProfile) -> str:
    fitted = f"ν = {1e3 * profile.setup:.3g} ms, {1e3 * profile.per_query:.3g} ms per query ({profile.weighting} fit)"
    return f"{short(name)}: {fitted}" if name else fitted
