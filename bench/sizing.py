"""What to buy: fronts against an exhaustive exact search, and a case of 5,000 options.

    python -m bench sizing

- `small`: fronts of random choices for small scenarios of three families, by PriceDirected and an exact search for what
  that leaves open, beside the front of ExactMILP over every option. Prices must be the same; how far accuracies differ.
- `large`: 30 clients, 4 edges, the devices and latencies of `benchmarks.devices`: four devices for the clients, four or
  none for each edge, two uplinks of the cloud. Prices are assumed. With its picture.

Every plan passes the independent checker. Seconds have those of compiling in them, which are also told apart.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import j3o_jax as j3o
from j3o_jax._model import model_costs
from j3o_jax._programs import seconds_of_compiling
from j3o_jax.benchmarks.devices import CLIENT_DEVICES, EDGE_DEVICES
from j3o_jax.io._deployment_write import deployment_of
from j3o_jax.io._layout import json_text
from j3o_jax.plots import plot_front, save_figure
from j3o_jax.sizing import Options, Wanted, read_options

from .record import FOLDER, machine_line, say, write_results

# Assumed: nobody publishes prices that would not be out of date.
_PRICES = dict(zip(CLIENT_DEVICES, (110, 160, 90, 70, 210), strict=True))
_PRICES |= dict(zip(EDGE_DEVICES, (900, 1300, 1100, 700), strict=True))
_PARALLEL = 4
_CLOUD = (30.0, 90.0)
_PER_MB_PER_S = 12.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cases", type=int, default=30, help="small cases")
    parser.add_argument("--gap", type=float, default=1e-3, help="of the large case")
    parser.add_argument("--without", choices=("small", "large"), default=None)
    parser.add_argument("--out", type=Path, default=FOLDER / "sizing", help="JSON, without suffix")


def run(options: argparse.Namespace) -> None:
    rows: list[dict[str, Any]] = []
    if options.without != "small":
        for number in range(1 if options.smoke else options.cases):
            say(f"small {number + 1}")
            rows.append(_small(number))
            write_results(options.out.with_suffix(".json"), {"gap": options.gap}, rows)
    if options.without != "large":
        row, sizing, currency = _large(options.gap, smoke=options.smoke)
        rows.append(row)
        write_results(options.out.with_suffix(".json"), {"gap": options.gap}, rows)
        save_figure(plot_front(sizing, currency), options.out.with_suffix(".png"))
    print(table(rows))
    print(f"\n{machine_line()}")


def _small(number: int) -> dict[str, Any]:
    family = ("taskonomy5", "heterogeneous", "devices")[number % 3]
    sizes = {"clients": 6, "edges": 2} | ({"tasks": 3, "models": 8} if family == "heterogeneous" else {})
    scenario = getattr(j3o.benchmarks, family)(**sizes).sample(number)
    choices = small_choices(scenario, np.random.default_rng(number))
    every = Options(scenario, choices)
    picks = every_pick(every)
    scenarios, price = every.scenarios(picks), every.prices(picks)
    exact = j3o.ExactMILP(gap=0.0)
    plans = j3o.solve(scenarios, exact, throw=True)
    j3o.check(scenarios, plans).raise_if_violated()
    found = j3o.size(scenario, choices, gap=0.0, exact=exact)
    best = exhaustive_front(price, plans.objective)
    front = exhaustive_front(found.price, found.accuracy)
    same = len(front) == len(best) and bool((front[:, 0] == best[:, 0]).all())
    return {
        "case": f"small {family}",
        "options": every.count,
        "points": len(best),
        "same_prices": same,
        "accuracy_off": float(np.abs(front[:, 1] / best[:, 1] - 1.0).max()) if same else None,
        "proven": int(found.proven.sum()),
        "plans": found.counts.plans,
        "share_without_plan": found.counts.share_without_plan,
    }


def small_choices(
    scenario: j3o.Scenario, rng: np.random.Generator, numbers: tuple[int, int, int, int] = (2, 2, 2, 2)
) -> tuple[j3o.Choice, ...]:
    """Machines for all clients, for the first and the last edge, and links, at random prices that rise with the part.

    **Arguments:**

    - `numbers`: of alternatives for clients, for the first edge, for the last one beside none, and for each link.
    """
    clients, first, last, links = numbers
    edge = scenario.edges - 1

    def priced(count: int) -> Iterator[tuple[float, float]]:
        prices, parts = np.sort(rng.integers(0, 400, count)), np.sort(rng.uniform(0.3, 4.0, count))
        return zip(map(float, prices), map(float, parts), strict=True)

    def machines(tier: str, nodes: tuple[int, ...], count: int) -> tuple[j3o.Alternative, ...]:
        own = {kind: getattr(scenario, f"{tier}_{kind}")[list(nodes)] for kind in ("memory", "compute")}
        return tuple(
            # Some have more memory alone, some compute alone.
            j3o.Alternative(
                f"×{part:.6g}",
                price,
                {f"{tier}_{kind}": value * rng.choice([1.0, part]) for kind, value in own.items()},
            )
            for price, part in priced(count)
        )

    def uplinks(field: str, value: float) -> tuple[j3o.Alternative, ...]:
        return tuple(j3o.Alternative(f"×{part:.6g}", price, {field: value * part}) for price, part in priced(links))

    every = tuple(range(scenario.clients))
    choices = [
        j3o.Choice("clients", machines("client", every, clients), clients=every),
        j3o.Choice("first edge", machines("edge", (0,), first), edges=(0,)),
        j3o.Choice("uplink", uplinks("edge_uplink", scenario.edge_uplink[edge]), edges=(edge,)),
        j3o.Choice("cloud", uplinks("cloud_uplink", float(scenario.cloud_uplink))),
    ]
    if edge:
        cost = model_costs(scenario).edge_compute[-1]
        others = tuple(
            # Another machine takes another time for each model.
            j3o.Alternative(
                f"{price:g} {part:.6g}", price, {"edge_model_compute": cost * rng.uniform(0.3, 1.5, cost.shape)}
            )
            for price, part in priced(last)
        )
        none = j3o.Alternative("none", 0.0, {"edge_memory": 0.0, "edge_compute": 0.0})
        choices.append(j3o.Choice("last edge", (none, *others), edges=(edge,)))
    return tuple(choices)


def every_pick(options: Options) -> np.ndarray:
    """All combinations of alternatives ``[N, D]``."""
    return np.stack(np.unravel_index(np.arange(options.count), options.sizes), axis=1)


def exhaustive_front(price: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """Points ``[F, 2]`` of price and accuracy than which no other is cheaper and as good; NaN is no plan."""
    points: list[tuple[float, float]] = []
    accuracy = np.nan_to_num(accuracy, nan=-1.0)
    for number in np.lexsort((-accuracy, price)):
        # What a solver's tolerance is worth is no better plan.
        if accuracy[number] >= 0.0 and (not points or accuracy[number] > points[-1][1] * (1.0 + 1e-7)):
            points.append((float(price[number]), float(accuracy[number])))
    return np.array(points)


def _large(gap: float, *, smoke: bool) -> tuple[dict[str, Any], j3o.Sizing, str]:
    wanted = _devices(smoke)
    say(f"large: {wanted.scenario.clients} clients")
    start, compiled = time.perf_counter(), seconds_of_compiling()
    found = j3o.size(wanted.scenario, wanted.choices, gap=gap, watch=lambda now: say(f"  {now}"))
    seconds, compiling = time.perf_counter() - start, seconds_of_compiling() - compiled
    for point in range(len(found.price)):
        assert found.solutions is not None
        j3o.check(found.scenario(point), found.solutions[point]).raise_if_violated()
    row = {
        "case": "large devices",
        "options": found.counts.options,
        "points": len(found.price),
        "proven": int(found.proven.sum()),
        "worst_gap": float(found.gap.max()),
        "plans": found.counts.plans,
        "dominated": found.counts.dominated,
        "share_without_plan": found.counts.share_without_plan,
        "seconds": seconds,
        "compile_seconds": compiling,
    }
    return row, found, wanted.currency


def _devices(smoke: bool) -> Wanted:
    """Devices to choose from for a scenario of `benchmarks.devices`, through a file, as users have it."""
    scenario = j3o.benchmarks.devices(clients=5 if smoke else 30, edges=4).sample(0)
    document = deployment_of(scenario)
    for device in document["devices"]:
        device["price"] = _PRICES[device["name"]]
    boxes = ["none", *({"device": name, "parallel": _PARALLEL} for name in EDGE_DEVICES)]
    edges = [edge["name"] for edge in document["edges"]][: 1 if smoke else 4]
    uplinks = {"uplink_mb_per_s": list(_CLOUD), "price_per_mb_per_s": _PER_MB_PER_S}
    document["options"] = {
        "choices": [
            {
                "name": "clients",
                "clients": [client["name"] for client in document["clients"]],
                "take": [{"device": name} for name in CLIENT_DEVICES[:4]],
            },
            *({"name": f"edge {number}", "edges": [name], "take": boxes} for number, name in enumerate(edges, 1)),
            {"name": "cloud", "cloud": True, "take": [uplinks]},
        ]
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "devices.json")
        path.write_text(json_text(document), encoding="utf-8")
        return read_options(str(path))


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table: small cases by family."""
    lines = [
        "| case | options | points | as an exhaustive exact search | proven | without a plan | s |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in dict.fromkeys(row["case"] for row in rows):
        own = [row for row in rows if row["case"] == case]
        mean = float(np.mean([row["share_without_plan"] for row in own]))
        same = ""
        if "same_prices" in own[0]:
            off = max((row["accuracy_off"] for row in own if row["same_prices"]), default=0.0)
            same = f"{sum(row['same_prices'] for row in own)} of {len(own)}, accuracy to {off:.0e}"
        seconds = f"{own[0]['seconds']:.0f}" if "seconds" in own[0] else ""
        points, proven = (sum(row[key] for row in own) for key in ("points", "proven"))
        name = case if len(own) == 1 else f"{len(own)} {case}"
        options = f"{sum(row['options'] for row in own) // len(own):,}"
        lines.append(f"| {name} | {options} | {points} | {same} | {proven} | {100.0 * mean:.1f} % | {seconds} |")
    return "\n".join(lines)
