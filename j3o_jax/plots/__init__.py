"""Pictures of plans, simulations and batch profiles. They need matplotlib, loaded by the first picture, not before."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Written out in full in annotations, these are found at run time too.
    import matplotlib.figure

    import j3o_jax.profiles
    import j3o_jax.replanning._run
    import j3o_jax.report.difference
    import j3o_jax.report.summary
    import j3o_jax.simulation

SUFFIXES = (".png", ".svg", ".pdf")


def plot_plan(scenario: "j3o_jax.Scenario", solution: "j3o_jax.Solution") -> "matplotlib.figure.Figure":
    """Draw one plan: who holds which model, where the queries of each task go, and how full every node is.

    More nodes than a reader can tell apart are drawn as shares: the clients of each edge as one row, or, with many
    edges, each tier as one.

    **Raises:** `ValueError` for a batch, and for a solution without a plan; `ImportError` without matplotlib.
    """
    require_matplotlib()
    from ._plan import draw_plan

    return draw_plan(scenario, solution)


def plot_comparison(summaries: Mapping[str, "j3o_jax.report.summary.Summary"]) -> "matplotlib.figure.Figure":
    """Draw the plans of several methods on one scenario side by side: accuracy, and where the queries go.

    **Raises:** `ValueError` if no method has a plan; `ImportError` without matplotlib.
    """
    require_matplotlib()
    from ._comparison import draw_comparison

    return draw_comparison(summaries)


def plot_difference(difference: "j3o_jax.report.difference.Difference") -> "matplotlib.figure.Figure":
    """Draw what changes from one plan to another: MB moved to each edge and its clients, and accuracy by task.

    **Raises:** `ImportError` without matplotlib.
    """
    require_matplotlib()
    from ._difference import draw_difference

    return draw_difference(difference)


def plot_replanning(course: "j3o_jax.replanning._run.Course") -> "matplotlib.figure.Figure":
    """Draw a replanning: demand, accuracy, MB moved and regret over time, for every strategy.

    **Raises:** `ImportError` without matplotlib.
    """
    require_matplotlib()
    from ._replanning import draw_replanning

    return draw_replanning(course)


def plot_simulation(simulation: "j3o_jax.simulation.Simulation") -> "matplotlib.figure.Figure":
    """Draw a simulation: how long the requests of each task waited, sizes of batches, and use of the edges.

    Edges are drawn one by one where they are few, else the fullest of them.

    **Raises:** `ImportError` without matplotlib.
    """
    require_matplotlib()
    from ._simulation import draw_simulation

    return draw_simulation(simulation)


def plot_batch_profiles(profiles: Mapping[str, "j3o_jax.profiles.BatchProfile"]) -> "matplotlib.figure.Figure":
    """Draw batch profiles by name of their model: measured latencies, the fitted lines, and how far they are off.

    **Raises:** `ValueError` if there is none; `ImportError` without matplotlib.
    """
    require_matplotlib()
    from ._batch_profile import draw_batch_profiles

    return draw_batch_profiles(profiles)


def plot_front(sizing: "j3o_jax.Sizing", currency: str = "") -> "matplotlib.figure.Figure":
    """Draw the front of price and accuracy, what is proven to be out of reach, and what to buy for how much.

    **Arguments:**

    - `currency`: what prices are in.

    **Raises:** `ValueError` where no option has a plan; `ImportError` without matplotlib.
    """
    require_matplotlib()
    from ._front import draw_front

    return draw_front(sizing, currency)


def save_figure(figure: "matplotlib.figure.Figure", path: str | Path) -> None:
    """Write a picture as the suffix of `path` says, whole or not at all: nobody sees half of a file.

    The same figure gives the same bytes, and text in a PDF is set in fonts that publishers accept.

    **Raises:** `ValueError` for a suffix other than those in `SUFFIXES`, `FileError` if it cannot be written.
    """
    check_suffix(path)
    from .style import write

    write(figure, Path(path))


def check_suffix(path: str | Path) -> None:
    """Raise `ValueError` unless `path` is named as a picture that can be written."""
    suffix = Path(path).suffix
    if suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path}: pictures end in {', '.join(SUFFIXES)}, not in {suffix!r}")


def require_matplotlib() -> None:
    """Raise `ImportError` that says what to install, if matplotlib is missing."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ImportError("pictures need matplotlib: pip install 'j3o-jax[plots]'") from error
