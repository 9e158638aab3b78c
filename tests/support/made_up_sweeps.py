"""Results of sweeps that nobody ran, as folders: their figures follow a formula and a seed."""

import itertools
import json
from pathlib import Path

import numpy as np
import polars as pl

MACHINE = {
    "processor": "Made-up 3000",
    "cores": 4,
    "device": "cpu",
    "python": "3.11.7",
    "jax": "0.10.2",
    "highspy": "1.16.0",
}
GRID = {"edge_uplink_fraction": [0.1, 0.2, 0.4, 0.6, 0.8, 1.0]}
LOCAL, EDGE, CLOUD = 0.45, 0.3, 0.2


def made_up_rows(
    grid=GRID, drawn=(), methods=("j3o", "exact-milp"), seeds=40, failing=0.0, unbounded=(), randomness=0
) -> pl.DataFrame:
    """Rows of a sweep: F rises with the grid, methods differ a little on the same seed, some scenarios fail."""
    random = np.random.default_rng(randomness)
    combinations = list(itertools.product(*grid.values()))
    seed = np.arange(seeds)
    luck = random.normal(0.0, 0.03, seeds)
    draws = {name: random.uniform(0.5, 1.5, seeds) for name in drawn}
    parts = []
    for number, combination in enumerate(combinations):
        numbers = [float(value) for value in combination if value is not None and not isinstance(value, bool)]
        tightness = sum(value / (1.0 + value) for value in numbers) / max(len(numbers), 1)
        fails = random.uniform(size=seeds) < failing * (1.0 - tightness)
        best = np.clip(0.66 + 0.35 * tightness + luck + 0.05 * (sum(draws.values()) if draws else 0.0), 0.0, 0.995)
        for index, method in enumerate(methods):
            behind = 0.012 * (index + 1) * (1.0 - tightness) * random.uniform(0.2, 1.0, seeds)
            exact = "exact" in method
            objective = best if exact else best - behind
            bound = objective * (1.0 + (5e-5 if exact else 1.0) * 10.0 ** random.uniform(-4.0, -1.5, seeds))
            lost = 0.05 * random.uniform(size=seeds)
            known = ~fails
            frame = {
                "method": [method] * seeds,
                "point": np.full(seeds, number, dtype=np.int32),
                "seed": seed,
                **{name: pl.Series([value] * seeds) for name, value in zip(grid, combination, strict=True)},
                **draws,
                "objective": _known(objective, known),
                "bound": _known(bound, known & (method not in unbounded)),
                "gap": _known(bound / objective - 1.0, known & (method not in unbounded)),
                "status": np.where(fails, "infeasible", "optimal" if exact else "converged"),
                "iterations": pl.Series([None if exact else 3 + number % 4] * seeds, dtype=pl.Int64),
                "local": _known(np.full(seeds, LOCAL * (1.4 - tightness)), known),
                "edge": _known(np.full(seeds, EDGE), known),
                "cloud": _known(1.0 - LOCAL * (1.4 - tightness) - EDGE - lost, known),
                "unserved": _known(lost, known),
                "reason": np.where(fails, f"clients[{number}] cannot be served by any node", ""),
            }
            parts.append(pl.DataFrame(frame).with_columns(_as_stored(name, values) for name, values in grid.items()))
    return pl.concat(parts)


def write_sweep(folder, rows, *, name="made-up", grid=GRID, drawn=(), missing=0, chunks_per_method=3, labels=None):
    """A folder with these rows in chunks, the last `missing` of each method not there; returns its path as text."""
    folder = Path(folder)
    (folder / "rows").mkdir(parents=True)
    methods = list(labels or rows["method"].unique(maintain_order=True))
    chunks = 0
    for order, method in enumerate(methods):
        own = rows.filter(pl.col("method") == method)
        size = -(-own.height // chunks_per_method)
        for number, first in enumerate(range(0, own.height, size)):
            chunks += 1
            if number >= chunks_per_method - missing:
                continue
            part = own.slice(first, size)
            about = {
                "seconds": part.height * (0.002 if order == 0 else 0.6),
                "compile_seconds": 8.0 if number == 0 and order == 0 else 0.0,
                "rows": part.height,
                "method": part["method"][0],
                "machine": MACHINE,
                "finished": f"2026-11-27T01:{10 + number:02d}:00+00:00",
                "version": "0.1.0",
            }
            part.write_parquet(folder / "rows" / f"m{order}-{chunks:016x}.parquet", metadata={"j3o": json.dumps(about)})
    seeds = rows["seed"].n_unique()
    points = rows["point"].n_unique()
    manifest = {
        "format": "j3o-sweep-results-1",
        "name": name,
        "digest": "0123456789abcdef" * 4,
        "spec": {
            "benchmark": "taskonomy5",
            "parameters": {
                **{parameter: list(values) for parameter, values in grid.items()},
                **{parameter: {"uniform": [0.5, 1.5]} for parameter in drawn},
                "clients": 30,
            },
            "seeds": {"first": 0, "count": seeds},
            "methods": [{"method": "j3o", "label": method} for method in methods],
            "chunk": None,
        },
        "grid": list(grid),
        "drawn": list(drawn),
        "methods": methods,
        "scenarios": points * seeds,
        "rows": points * seeds * len(methods),
        "chunks": chunks,
        "version": "0.1.0",
        "source": "0123456789ab",
        "machine": MACHINE,
        "precision": "float64",
        "created": "2026-11-27T01:00:00+00:00",
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return str(folder)


def _known(values, known):
    return pl.Series(
        [float(value) if there else None for value, there in zip(values, known, strict=True)], dtype=pl.Float64
    )


def _as_stored(name, values):
    kinds = {type(value) for value in values if value is not None}
    kind = pl.Boolean if kinds == {bool} else pl.Int64 if kinds == {int} else pl.Float64
    return pl.col(name).cast(kind)
