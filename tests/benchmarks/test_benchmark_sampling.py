"""Seeds, keys and batches: the same seed is the same scenario, to the last bit."""

import jax
import numpy as np
import pytest

from j3o_jax import Scenario, _programs, benchmarks
from j3o_jax.benchmarks._seeds import instances_of

SMALL = {
    "cityscapes3d": benchmarks.cityscapes3d(),
    "heterogeneous": benchmarks.heterogeneous(clients=7, edges=3, tasks=4, models=6),
    "motivating": benchmarks.motivating(),
}


@pytest.fixture(params=list(SMALL))
def benchmark(request):
    return SMALL[request.param]


def same(one: Scenario, other: Scenario) -> bool:
    """Whether two scenarios are equal bit for bit."""
    assert jax.tree.structure(one) == jax.tree.structure(other)
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)


def test_an_instance_is_the_same_in_every_batch(benchmark):
    singles = [benchmark.sample(seed) for seed in range(64)]
    for size in (1, 7, 64):
        batch = benchmark.sample(0, n=size)
        assert batch.batch_shape == (size,)
        assert all(same(batch[i], singles[i]) for i in range(size))
    later = benchmark.sample(5, n=20)
    assert all(same(later[i], singles[5 + i]) for i in range(20))


def test_seeds_may_be_listed(benchmark):
    expected = [benchmark.sample(seed) for seed in (9, 2, 2**40)]
    for seeds in ([9, 2, 2**40], (9, 2, 2**40), np.array([9, 2, 2**40])):
        batch = benchmark.sample(seeds)
        assert batch.batch_shape == (3,)
        assert all(same(batch[i], scenario) for i, scenario in enumerate(expected))
    assert same(benchmark.sample(jax.numpy.array([9, 2, 4]))[1], expected[1])
    assert benchmark.sample([3]).batch_shape == (1,)
    assert same(benchmark.sample(np.int64(9)), expected[0])
    assert same(benchmark.sample(range(3))[2], expected[1])


def test_different_seeds_differ():
    batch = SMALL["cityscapes3d"].sample([0, 1, 2**32, 2**32 + 1])
    assert len({batch.demand[i].tobytes() for i in range(4)}) == 4


@pytest.mark.parametrize("make", [jax.random.key, jax.random.PRNGKey])
def test_keys(benchmark, make):
    key = make(5)
    assert same(benchmark.sample(key), benchmark.sample(5))
    batch = benchmark.sample(key, n=20)
    assert batch.batch_shape == (20,)
    assert same(batch[0], benchmark.sample(key))
    assert same(batch[:7], benchmark.sample(key, n=7))
    if benchmark.name != "motivating":
        assert not same(batch[1], batch[0])
        assert not same(batch[1], benchmark.sample(6))


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 - 1, 2**32, 2**62 + 12345])
def test_seeds_are_those_of_jax(seed):
    with jax.enable_x64(True):
        expected = jax.random.key_data(jax.random.key(seed, impl="threefry2x32"))
    np.testing.assert_array_equal(instances_of(seed).roots[0], expected)


@pytest.mark.parametrize("flag", [False, True])
def test_double_precision_whatever_the_flag(benchmark, flag):
    with jax.enable_x64(flag):
        scenario = benchmark.sample(3)
        assert jax.config.jax_enable_x64 is flag
        batch = benchmark.sample(jax.random.key(3), n=2)
        assert jax.config.jax_enable_x64 is flag
    assert same(scenario, benchmark.sample(3))
    assert same(batch[0], scenario)
    for name, array in scenario.arrays().items():
        assert isinstance(array, np.ndarray | np.generic)
        assert array.dtype == (np.int64 if name == "client_edge" else np.float64)


def test_settings_of_the_random_generator_do_not_matter():
    benchmark = SMALL["cityscapes3d"]
    expected = benchmark.sample(3)
    with jax.default_prng_impl("rbg"), jax.threefry_partitionable(False):
        assert same(benchmark.sample(3), expected)


def test_a_seed_keeps_its_scenario_from_release_to_release():
    demand = benchmarks.cityscapes3d().sample(0).demand
    np.testing.assert_allclose(demand[0], [0.7272170720425168, 1.336799563394818, 1.8417142372130288], rtol=1e-9)


def test_batches_of_any_size_share_one_program():
    benchmark = SMALL["cityscapes3d"]
    benchmark.sample(0)
    programs = _programs.kept()
    for size in (2, 16, 17, 100):
        benchmark.sample(1, n=size, total_demand=np.linspace(1, 2, size))
    benchmarks.cityscapes3d(total_demand=3.0).sample(1)
    assert _programs.kept() == programs


def test_what_instances_have_in_common_takes_no_memory():
    batch = SMALL["cityscapes3d"].sample(0, n=50)
    for name in ("client_accuracy", "edge_accuracy", "client_memory", "client_edge", "input_size"):
        assert getattr(batch, name).strides[0] == 0
    assert batch.demand.strides[0] > 0


@pytest.mark.parametrize("name", list(benchmarks.NAMES))
def test_every_sample_is_valid(name):
    benchmark = SMALL.get(name) or benchmarks.NAMES[name]()
    batch = benchmark.sample(100, n=40)
    assert batch.problems() == []
    assert benchmark.name == name
    assert (batch.clients, batch.edges, batch.tasks, batch.models) == benchmark.sizes
    assert batch.names is not None
    assert batch.names.models == benchmark.models


@pytest.mark.parametrize(
    ("key_or_seed", "n", "message"),
    [
        (True, None, "not a bool"),
        (np.True_, None, "not a bool"),
        (1.0, None, "whole number"),
        (np.float64(1), None, "whole number"),
        ("1", None, "whole number"),
        (None, None, "whole number"),
        (-1, None, "seed = -1"),
        (2**63, None, "whole number"),
        (2**63 - 2, 3, "whole number"),
        (0, 0, "n = 0"),
        (0, -3, "n = -3"),
        (0, 2.0, "n = 2.0"),
        (0, True, "n = True"),
        ([1, 2], 2, "n must be left out"),
        ([], None, "at least one seed"),
        ([[1, 2]], None, "one axis"),
        ([1, -2], None, r"seeds\[1\] = -2"),
        ([1, 2.5], None, r"seeds\[1\] = 2.5"),
        ([1, True], None, r"seeds\[1\] = True"),
        (np.array([True, False]), None, "not a bool"),
        (np.array([1, 2], np.uint32), None, "uint32"),
    ],
)
def test_bad_seeds(key_or_seed, n, message):
    with pytest.raises(ValueError, match=message):
        instances_of(key_or_seed, n)


def test_bad_keys():
    benchmark = SMALL["motivating"]
    with pytest.raises(ValueError, match="wants threefry2x32"):
        benchmark.sample(jax.random.key(0, impl="rbg"))
    with pytest.raises(ValueError, match="wants one key"):
        benchmark.sample(jax.random.split(jax.random.key(0), 3))
    with pytest.raises(ValueError, match="traced"):
        jax.jit(lambda key: benchmark.sample(key).demand)(jax.random.key(0))
