"""Batch profiles, for a terminal and as JSON."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from ..profiles import BatchProfile
from .tables import figures, names, plain_table
from .wording import duration, percent, printable


def content_of(profiles: Mapping[str, BatchProfile]) -> list[dict[str, Any]]:
    """Return the profiles as `j3o profile --json` prints them."""
    return [
        {
            "model": model or None,
            "setup_s": profile.setup,
            "per_query_s": profile.per_query,
            "setup_ratio": profile.setup_ratio,
            "r_squared": profile.r_squared,
            "largest_relative_residual": profile.largest_relative_residual,
            "rows": len(profile.batch_size),
        }
        for model, profile in profiles.items()
    ]


@dataclasses.dataclass(frozen=True)
class ProfileReport:
    """Profiles of a file as `rich` prints them.

    **Arguments:**

    - `file`, `weighting`: what they were fitted to, and how.
    - `profiles`: by the name of their model.
    - `plot`: the picture of them, if there is one.
    """

    file: str
    weighting: str
    profiles: Mapping[str, BatchProfile]
    plot: str | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield a row for each model, and where the picture is."""
        columns = (*names("Model"), *figures("Set-up ν", "Per query", "ν/τ", "R²", "Largest error", "Rows"))
        title = f"Batch profiles of {printable(self.file)} ({self.weighting} fit)"
        table = plain_table(title, *columns, wide=False)
        for model, profile in self.profiles.items():
            table.add_row(
                printable(model) or "–",
                duration(profile.setup),
                duration(profile.per_query),
                f"{profile.setup_ratio:.2f}",
                f"{profile.r_squared:.4f}",
                percent(profile.largest_relative_residual),
                f"{len(profile.batch_size)}",
            )
        yield table
        if self.plot is not None:
            yield Text(f"Written: {printable(self.plot)}")
