"""Parameters and fields in the place of what would be drawn, one by one and over a batch."""

import jax
import numpy as np
import pytest

from j3o_jax import Batching, Names, benchmarks
from j3o_jax.benchmarks._parameters import SCALES

CITY = benchmarks.cityscapes3d()


def test_parameters_are_listed_with_default_and_meaning():
    assert CITY.parameters["total_demand"] == 100
    assert CITY.parameters["batching_window"] is None
    assert CITY.parameters["clients"] == 30
    assert benchmarks.taskonomy5().parameters["total_demand"] == 4000
    assert benchmarks.domainnet6().parameters["total_demand"] == 2000
    for make in benchmarks.NAMES.values():
        benchmark = make()
        assert all(setting.meaning for setting in benchmark.settings.values())
        # Every default is one that may be asked for.
        assert benchmark.with_defaults(**benchmark.parameters).parameters == benchmark.parameters


def test_uplinks_are_fractions_of_the_input():
    scenario = CITY.sample(0, edge_uplink_fraction=0.8, cloud_uplink_fraction=0.1)
    uploaded = (scenario.demand * 25.17).sum(axis=1).reshape(3, 10).sum(axis=1)
    np.testing.assert_allclose(scenario.edge_uplink, 0.8 * uploaded, rtol=1e-12)
    np.testing.assert_allclose(scenario.cloud_uplink, 0.1 * uploaded.sum(), rtol=1e-12)


@pytest.mark.parametrize("scale", list(SCALES))
def test_capacities_are_scaled(scale):
    field = scale.removesuffix("_scale")
    plain = getattr(CITY.sample(0), field)
    np.testing.assert_allclose(getattr(CITY.sample(0, **{scale: 0.3}), field), 0.3 * plain)
    swept = getattr(CITY.sample(0, n=3, **{scale: [0.0, 1.0, 2.0]}), field)
    np.testing.assert_array_equal(swept, [0 * plain, plain, 2 * plain])


def test_numbers_may_vary_over_a_batch():
    swept = {
        "total_demand": [50.0, 0.0, 7.0, 1e6],
        "client_concentration": [0.5, 1.0, 0.1, 30.0],
        "task_concentration": jax.numpy.array([1, 2, 3, 4]),
        "edge_uplink_fraction": np.linspace(0, 1, 4),
        "client_compute_scale": (0.3, 0.5, 1.0, 2.0),
        "batching_window": [0.5, 0.6, 0.7, 0.8],
    }
    batch = CITY.sample(8, n=4, **swept)
    assert batch.problems() == []
    for i in range(4):
        single = CITY.sample(8 + i, **{name: float(values[i]) for name, values in swept.items()})
        pairs = zip(jax.tree.leaves(batch[i]), jax.tree.leaves(single), strict=True)
        assert all(a.tobytes() == b.tobytes() for a, b in pairs)
    np.testing.assert_allclose(batch.demand.sum(axis=(1, 2)), swept["total_demand"], rtol=1e-12)


def test_numbers_of_clients_and_edges():
    scenario = CITY.sample(0, clients=7, edges=4)
    assert scenario.client_edge.tolist() == [0, 0, 1, 1, 2, 2, 3]
    assert scenario.client_memory.tolist() == [1000, 2000, 2000, 3000, 4000, 1000, 2000]
    assert scenario.edge_compute.tolist() == [30_000, 40_000, 50_000, 30_000]
    assert scenario.demand.sum() == pytest.approx(100, rel=1e-12)


def test_unserved_queries_may_be_forbidden():
    assert CITY.sample(0, allow_unserved=False).allow_unserved is False


def test_batching_by_ratio_and_by_seconds():
    scenario = CITY.sample(0, batching_window=0.5)
    assert scenario.batching is not None
    assert scenario.batching.window.tolist() == [0.5] * 3
    per_query = np.array([1130, 1130, 730, 1840, 1440, 1440, 2160]) / np.array([[30e3], [40e3], [50e3]])
    np.testing.assert_allclose(scenario.batching.setup, 0.5 * per_query)
    tripled = CITY.sample(0, n=2, batching_window=0.5, setup_ratio=[0.3, 1.3])
    np.testing.assert_allclose(tripled.batching.setup, np.multiply.outer([0.3, 1.3], per_query))
    fixed = CITY.sample(0, n=2, batching_window=0.5, setup=[0.02, 0.03])
    np.testing.assert_array_equal(fixed.batching.setup, np.ones((2, 3, 7)) * [[[0.02]], [[0.03]]])
    # Edges without compute, or next to none, are valid ones.
    assert CITY.sample(0, n=2, batching_window=0.5, edge_compute_scale=[0.0, 1e-300]).problems() == []
    assert CITY.sample(0, batching_window=0.5, batching=None).batching is None


def test_fields_replace_what_is_drawn():
    memory = np.arange(30.0)
    single = CITY.sample(0, client_memory=memory, cloud_uplink=0)
    np.testing.assert_array_equal(single.client_memory, memory)
    assert single.cloud_uplink == 0
    np.testing.assert_array_equal(single.demand, CITY.sample(0).demand)

    batch = CITY.sample(0, n=4, client_memory=memory, cloud_uplink=[0, 1, 2, np.inf], input_size=[1, 2, 3])
    np.testing.assert_array_equal(batch.client_memory, np.tile(memory, (4, 1)))
    assert batch.cloud_uplink.tolist() == [0, 1, 2, np.inf]
    assert batch.input_size.tolist() == [[1, 2, 3]] * 4

    windows = Batching(window=[0.1, 0.2, 0.3], setup=np.zeros((3, 7)))
    assert CITY.sample(0, n=2, batching=windows).batching.window.tolist() == [[0.1, 0.2, 0.3]] * 2
    names = Names.numbered(tasks=3, models=7, clients=30, edges=3)
    assert CITY.sample(0, names=names).names == names
    assert CITY.sample(0, names=None).names is None


def test_constructors_take_other_defaults():
    benchmark = benchmarks.cityscapes3d(clients=7, edges=4, total_demand=12, batching_window=0.5)
    assert benchmark.parameters["clients"] == 7
    scenario = benchmark.sample(0)
    assert scenario.demand.shape == (7, 3)
    assert scenario.demand.sum() == pytest.approx(12, rel=1e-12)
    assert benchmark.sample(0, batching_window=None).batching is None
    assert CITY.parameters["clients"] == 30


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"total_demnd": 1}, "'total_demnd' is not known; did you mean 'total_demand'"),
        ({"client_memry": 1}, "did you mean 'client_memory'"),
        ({"xyzzy": 1}, r"'xyzzy' is not known; There are: .*batching.*total_demand"),
        ({"total_demand": -1}, r"total_demand = -1.0: must be a number in \[0, "),
        ({"total_demand": np.inf}, "total_demand = inf"),
        ({"total_demand": np.nan}, "total_demand = nan"),
        ({"total_demand": True}, "total_demand = True"),
        ({"total_demand": "many"}, "total_demand = 'many'"),
        ({"total_demand": None}, "total_demand = None"),
        ({"client_concentration": 0}, "client_concentration = 0.0"),
        ({"task_concentration": [0.5, -1, 0.5]}, r"task_concentration\[1\] = -1.0"),
        ({"edge_uplink_fraction": -0.1}, "edge_uplink_fraction = -0.1"),
        ({"cloud_uplink_fraction": [1, 2]}, r"cloud_uplink_fraction: has shape \[2\]"),
        ({"edge_memory_scale": -1}, "edge_memory_scale = -1.0"),
        ({"edge_memory_scale": np.inf}, "edge_memory_scale = inf"),
        ({"clients": 0}, "clients = 0"),
        ({"clients": 2.0}, "clients = 2.0"),
        ({"clients": True}, "clients = True"),
        ({"clients": [1, 2, 3]}, "clients = "),
        ({"edges": -1}, "edges = -1"),
        ({"allow_unserved": 1}, "allow_unserved = 1"),
        ({"batching_window": 0}, "batching_window = 0.0: .*or None"),
        ({"setup": 0.1}, "setup: has no effect without batching_window"),
        ({"setup_ratio": 0.1}, "setup_ratio: has no effect without batching_window"),
        ({"demand": np.ones((4, 3))}, "demand"),
        ({"client_edge": [0.5] * 30}, "client_edge"),
    ],
)
def test_bad_overrides(overrides, message):
    with pytest.raises(ValueError, match=message):
        CITY.sample(0, n=3, **overrides)


def test_an_array_needs_a_batch():
    with pytest.raises(ValueError, match=r"total_demand: has shape \[1\].*an array needs a batch"):
        CITY.sample(0, total_demand=[1.0])
    with pytest.raises(ValueError, match="parameter 'client_memory' is not known"):
        benchmarks.cityscapes3d(client_memory=1)
    with pytest.raises(ValueError, match="clients = 0"):
        benchmarks.taskonomy5(clients=0)
