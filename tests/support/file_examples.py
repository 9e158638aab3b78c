"""Scenarios, plans and texts for the tests of files."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from j3o_jax import Batching, Certificate, Names, Prices, Scenario, Solution, Status

SMALL = """\
format: j3o-deployment-1
tasks:
  - {name: segmentation, input_mb: 0.8}
  - {name: depth, input_mb: 0.8}
models:
  - name: seg+depth
    client: {memory_mb: 18.4, gflop_per_query: 9.17}
    edge: {memory_mb: 73.7, gflop_per_query: 9.17}
    accuracy: {segmentation: 0.966, depth: 0.857}
edges:
  - {name: edge-1, memory_mb: 512, compute_gflop_per_s: 10000, uplink_mb_per_s: 500}
  - {name: edge-2, memory_mb: 512, compute_gflop_per_s: .inf, uplink_mb_per_s: unlimited}
clients:
  - {name: camera-1, edge: edge-1, memory_mb: 24, compute_gflop_per_s: 500, demand_per_s: {segmentation: 10, depth: 3}}
  - {name: camera-2, edge: edge-2, memory_mb: 24, compute_gflop_per_s: 500, demand_per_s: {depth: 3}}
cloud: {uplink_mb_per_s: 800}
"""

_PRICE = st.floats(0.0, 1e3)

AWKWARD_NAMES = [
    *("yes", "No", "null", "~", "true", "1e3", "1_000", "0x10", "3", "-", ".inf", "2024-01-01", "unlimited"),
    *("a: b", "a #b", " padded ", "it's", 'say "x"', "back\\slash", "{x}", "[x]", "a,b", "&x", "*x", "!x", "%x"),
    *(
        "@x",
        "`x",
        "|",
        ">",
        "?",
        "? x",
        "- x",
        "x:",
        "größe",
        "深度",
        "👩\u200d🔧",
        "\xa0",
        "\u202etxet",
        "\ufeffx",
        "<<",
    ),
    "n" * 100,
]


def names(count: int) -> st.SearchStrategy[tuple[str, ...]]:
    """That many different names, awkward ones among them."""
    anything = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=20)
    one = st.sampled_from([name for name in AWKWARD_NAMES if name.strip()]) | anything.filter(str.strip)
    return st.lists(one, min_size=count, max_size=count, unique=True).map(tuple)


def _all_names(**counts: int) -> st.SearchStrategy[dict[str, Any]]:
    several = {word: names(count) for word, count in counts.items()}
    return st.fixed_dictionaries({**several, "deployment": st.none() | names(1).map(lambda one: one[0])})


def _numbers(shape: tuple[int, ...], most: float, *, unlimited: bool = False, least: float = 0.0):
    one = st.floats(least, most, exclude_min=least > 0) | st.sampled_from([most, 1.0, 0.1 if least else -0.0])
    return npst.arrays(np.float64, shape, elements=one | st.just(np.inf) if unlimited else one)


# The strategies give plain fields, not objects: the type checks of the test run use `random`, which Hypothesis
# does not want inside a strategy.


@st.composite
def scenario_fields(draw: st.DrawFn) -> dict[str, Any]:
    """What makes a single scenario with names, of numbers such as a deployment allows."""
    C, E, T, M = (draw(st.integers(1, 3)) for _ in range(4))
    usual = draw(_numbers((1, M, T), 1.0)) * np.ones((E, 1, 1))
    elsewhere = draw(_numbers((E, M, T), 1.0))

    def costs(nodes: int) -> np.ndarray:
        """Of models alone, the same at all nodes though given for each, with exceptions, or another at each."""
        of_models = draw(_numbers((M,), 1e7))
        kind = draw(st.sampled_from(["of models", "alike", "exceptions"]))
        if kind == "of models":
            return of_models
        other = draw(npst.arrays(np.bool_, (nodes, M))) & (kind == "exceptions")
        return np.where(other, draw(_numbers((nodes, M), 1e7)), of_models)

    window, setup = draw(_numbers((E,), 3600.0, least=1e-300)), draw(_numbers((E, M), 3600.0))
    return {
        "demand": draw(_numbers((C, T), 1e9)),
        "client_edge": draw(npst.arrays(np.int64, C, elements=st.integers(0, E - 1))),
        "client_accuracy": np.where(draw(npst.arrays(np.bool_, (E, M, T))), usual, elsewhere),
        "edge_accuracy": np.where(draw(npst.arrays(np.bool_, (E, M, T))), usual, elsewhere),
        "cloud_accuracy": draw(_numbers((T,), 1.0)),
        "client_model_memory": costs(C),
        "edge_model_memory": costs(E),
        "client_model_compute": costs(C),
        "edge_model_compute": costs(E),
        "client_memory": draw(_numbers((C,), 1e7, unlimited=True)),
        "client_compute": draw(_numbers((C,), 1e9, unlimited=True)),
        "edge_memory": draw(_numbers((E,), 1e7, unlimited=True)),
        "edge_compute": draw(_numbers((E,), 1e9, unlimited=True)),
        "edge_uplink": draw(_numbers((E,), 1e7, unlimited=True)),
        "cloud_uplink": draw(_numbers((), 1e7, unlimited=True)),
        "input_size": draw(_numbers((T,), 1e5)),
        "batching": draw(st.sampled_from([None, {"window": window, "setup": setup}])),
        "allow_unserved": draw(st.booleans()),
        "names": draw(_all_names(tasks=T, models=M, clients=C, edges=E)),
    }


@st.composite
def solution_fields(draw: st.DrawFn) -> dict[str, Any]:
    """What makes a single plan with names; it need not make sense."""
    C, E, T, M, N = (draw(st.integers(1, 3)) for _ in range(5))
    figure = st.floats(-1e3, 1e3) | st.sampled_from([np.nan, np.inf, -np.inf, -0.0, 1.0])

    def figures(*shape: int) -> np.ndarray:
        return draw(npst.arrays(np.float64, shape, elements=figure))

    def choices(nodes: int) -> np.ndarray:
        return draw(npst.arrays(np.int64, (nodes, T), elements=st.integers(-1, M - 1)))

    return {
        "client_models": draw(npst.arrays(np.bool_, (C, M))),
        "edge_models": draw(npst.arrays(np.bool_, (E, M))),
        "client_choice": choices(C),
        "edge_choice": choices(E),
        "local": figures(C, T),
        "edge": figures(C, T),
        "cloud": figures(C, T),
        "unserved": figures(C, T),
        "objective": figures(),
        "bound": figures(),
        "status": np.int64(draw(st.sampled_from(Status))),
        "history": figures(draw(st.sampled_from([0, N]))),
        "stats": {
            "iterations": np.int64(draw(st.integers(-(2**62), 2**62))),
            "seconds": figures(),
            "residuals": figures(2, 2),
            "proven": np.bool_(draw(st.booleans())),
            "method": np.str_("greedy: paper"),
            "per node": np.arange(3),
        },
        "reasons": draw(st.sampled_from([(), ("",), ("too little memory\nat 'edge-1'",)])),
        "names": draw(_all_names(tasks=T, models=M, clients=C, edges=E)),
        "certificate": draw(
            st.none()
            | st.builds(
                Certificate,
                stream=npst.arrays(np.float64, (C, T), elements=_PRICE),
                client_compute=npst.arrays(np.float64, (C,), elements=_PRICE),
                edge_compute=npst.arrays(np.float64, (E,), elements=_PRICE),
                edge_uplink=npst.arrays(np.float64, (E,), elements=_PRICE),
                cloud_uplink=_PRICE.map(np.float64),
            )
        ),
        "prices": draw(
            st.none()
            | st.builds(
                Prices,
                client_compute=npst.arrays(np.float64, (C,), elements=_PRICE),
                edge_compute=npst.arrays(np.float64, (E,), elements=_PRICE),
                edge_uplink=npst.arrays(np.float64, (E,), elements=_PRICE),
                cloud_uplink=_PRICE.map(np.float64),
                client_memory=npst.arrays(np.float64, (C,), elements=_PRICE | st.just(np.nan)),
                edge_memory=npst.arrays(np.float64, (E,), elements=_PRICE | st.just(np.nan)),
            )
        ),
    }


def scenario_from(fields: dict[str, Any]) -> Scenario:
    """The scenario with these fields."""
    batching = fields["batching"] and Batching(**fields["batching"])
    return Scenario(**fields | {"batching": batching, "names": Names(**fields["names"])})


def solution_from(fields: dict[str, Any]) -> Solution:
    """The plan with these fields."""
    return Solution(**fields | {"names": Names(**fields["names"])})


def assert_same_scenario(found: Scenario, wanted: Scenario) -> None:
    """Every array bit for bit."""
    assert found.arrays().keys() == wanted.arrays().keys()
    for name, array in wanted.arrays().items():
        _assert_same_array(name, found.arrays()[name], array)
    assert found.allow_unserved == wanted.allow_unserved


def assert_same_solution(found: Solution, wanted: Solution) -> None:
    """Every field, figures of the run included, bit for bit but for the kind of NaN."""
    for name in Solution.__dataclass_fields__:
        if name not in ("stats", "reasons", "names", "certificate", "prices"):
            _assert_same_array(name, getattr(found, name), getattr(wanted, name))
    for part in ("certificate", "prices"):
        own, other = getattr(found, part), getattr(wanted, part)
        assert (own is None) == (other is None)
        for name in type(other).__dataclass_fields__ if other is not None else ():
            _assert_same_array(name, getattr(own, name), getattr(other, name))
    assert list(found.stats) == list(wanted.stats)
    for name, value in wanted.stats.items():
        _assert_same_array(name, found.stats[name], value)
    assert found.reasons == wanted.reasons


def _assert_same_array(name: str, found: object, wanted: object) -> None:
    one, other = np.asarray(found), np.asarray(wanted)
    assert (one.shape, one.dtype) == (other.shape, other.dtype), name
    if other.dtype.kind == "f":
        one, other = (np.where(np.isnan(array), np.nan, array) for array in (one, other))
    assert one.tobytes() == other.tobytes(), (name, one, other)
