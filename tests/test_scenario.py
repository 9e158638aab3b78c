"""Scenarios: what is refused and with which words, and how they behave as pytrees and batches."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from support.scenarios import CAPACITIES, arguments, broken_scenarios, build, random_scenario, stack, tiny_scenarios

from j3o_jax import Batching, Names, Scenario

SIZES = {"clients": 4, "edges": 2, "tasks": 3, "models": 5}


def draw(seed: int = 0, **variant) -> Scenario:
    return random_scenario(np.random.default_rng(seed), **SIZES, **variant)


def same(one: Scenario, other: Scenario) -> bool:
    mine, its = one.arrays(), other.arrays()
    return mine.keys() == its.keys() and all(np.array_equal(mine[name], its[name]) for name in mine)


class TestBroken:
    @pytest.mark.parametrize(
        ("field", "given"),
        [pytest.param(field, given, id=f"{field}: {defect}") for field, defect, given in broken_scenarios()],
    )
    def test_field_is_named(self, field, given):
        with pytest.raises(ValueError, match=rf"^{re.escape(field)}(\[|:| )"):
            build(given)

    def test_the_valid_ones_are_not_refused(self):
        assert isinstance(draw(batching=True), Scenario)

    @pytest.mark.parametrize(
        ("field", "index", "value", "message"),
        [
            ("demand", (1, 2), -3.0, "demand[1, 2] = -3.0: must be a finite rate >= 0 in queries/s"),
            ("client_edge", (3,), 2, "client_edge[3] = 2: must be the index of an edge, 0 to 1"),
            ("edge_accuracy", (1, 4, 0), 1.5, "edge_accuracy[1, 4, 0] = 1.5: must be an accuracy in [0, 1]"),
            ("cloud_uplink", (), np.nan, "cloud_uplink = nan: must be a capacity >= 0 in MB/s"),
        ],
    )
    def test_first_bad_entry_is_quoted(self, field, index, value, message):
        array = np.array(getattr(draw(), field))
        array[index] = value
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            dataclasses.replace(draw(), **{field: array})

    def test_shape_is_quoted(self):
        with pytest.raises(ValueError, match=re.escape("edge_uplink: has shape [3], wants [edges] = [2]")):
            dataclasses.replace(draw(), edge_uplink=np.ones(3))

    def test_an_axis_of_nothing(self):
        given = arguments(draw())
        none = {name: np.asarray(given[name])[..., :0, :] for name in ("client_accuracy", "edge_accuracy")}
        none |= {name: array[:0] for name, array in given.items() if "model_" in name}
        with pytest.raises(ValueError, match="wants at least one of the models"):
            Scenario(**{**given, **none})

    def test_names(self):
        names = Names.numbered(**SIZES)
        assert dataclasses.replace(draw(), names=names).labels == names
        with pytest.raises(ValueError, match=r"^names\.edges: has 1 names for 2 edges$"):
            dataclasses.replace(draw(), names=dataclasses.replace(names, edges=("east",)))
        with pytest.raises(ValueError, match=r"^names\.tasks: 'depth' is there twice$"):
            dataclasses.replace(draw(), names=dataclasses.replace(names, tasks=("depth", "edges", "depth")))


class TestAccepted:
    @settings(max_examples=50)
    @given(tiny_scenarios())
    def test_extremes(self, scenario):
        assert scenario.problems() == []

    def test_what_comes_out_is_numpy_in_double_precision(self):
        plain = draw(batching=True)
        single = jax.tree.map(lambda x: x.astype(np.int32 if x.dtype == np.int64 else np.float32), plain)
        on_device = jax.tree.map(jnp.asarray, single)
        lists = jax.tree.map(np.ndarray.tolist, single)
        for form in (single, on_device, lists):
            given = arguments(form)
            batching = given.pop("batching")
            made = Scenario(**given, batching=Batching(batching.window, batching.setup))
            for name, array in made.arrays().items():
                assert type(array) is np.ndarray
                assert array.dtype == (np.int64 if name == "client_edge" else np.float64)
            assert same(made, jax.tree.map(lambda x: x.astype(np.float64), single))

    def test_whole_floats_are_indices(self):
        plain = draw()
        assert same(dataclasses.replace(plain, client_edge=plain.client_edge.astype(float)), plain)

    def test_infinite_capacities(self):
        free = {name: np.full_like(getattr(draw(), name), np.inf) for name in CAPACITIES}
        assert dataclasses.replace(draw(), **free).problems() == []

    def test_one_of_each(self):
        scenario = random_scenario(np.random.default_rng(0), clients=1, edges=1, tasks=1, models=1, batching=True)
        assert (scenario.clients, scenario.edges, scenario.tasks, scenario.models) == (1, 1, 1, 1)

    def test_sizes_and_labels(self):
        scenario = draw()
        assert {word: getattr(scenario, word) for word in SIZES} == SIZES
        assert scenario.batch_shape == ()
        assert scenario.labels.models == tuple(f"model {index}" for index in range(5))


class TestBatches:
    def test_a_bad_instance_is_named_and_not_refused(self):
        batch = stack([draw(seed) for seed in range(6)])
        demand, edge = batch.demand.copy(), batch.client_edge.copy()
        demand[4, 2, 1], edge[1, 3] = np.nan, -1
        bad = dataclasses.replace(batch, demand=demand, client_edge=edge)
        assert [(problem.instance, problem.field) for problem in bad.problems()] == [(1, "client_edge"), (4, "demand")]
        assert bad.problems()[1].message.startswith("demand[4, 2, 1] = nan: ")
        grid = jax.tree.map(lambda x: x.reshape(2, 3, *x.shape[1:]), bad)
        assert [problem.instance for problem in grid.problems()] == [1, 4]
        assert grid.problems()[1].message.startswith("demand[1, 1, 2, 1] = nan: ")

    @pytest.mark.parametrize("field", ["demand", "cloud_uplink", "client_edge", "edge_accuracy"])
    def test_batch_axes_must_agree(self, field):
        batch = stack([draw(seed) for seed in range(3)])
        for wrong in (getattr(batch, field)[:2], getattr(batch, field)[0], getattr(batch, field)[None]):
            with pytest.raises(ValueError, match=rf"^{field}: has shape .* wants "):
                dataclasses.replace(batch, **{field: wrong})

    def test_indexing(self):
        singles = [draw(seed, batching=True) for seed in range(6)]
        batch = stack(singles)
        assert batch.batch_shape == (6,)
        assert (batch.clients, batch.edges, batch.tasks, batch.models) == (4, 2, 3, 5)
        assert all(same(batch[index], single) for index, single in enumerate(singles))
        assert same(batch[-1], singles[-1])
        assert same(batch[1:3], stack(singles[1:3]))
        assert same(batch[np.array([5, 0])], stack([singles[5], singles[0]]))
        assert same(batch[np.arange(6) % 2 == 0], stack(singles[::2]))
        grid = jax.tree.map(lambda x: x.reshape(2, 3, *x.shape[1:]), batch)
        assert grid.batch_shape == (2, 3)
        assert same(grid[1, 2], singles[5])
        assert same(grid[1], stack(singles[3:]))
        with pytest.raises(TypeError, match="no instances"):
            singles[0][0]
        with pytest.raises(IndexError):
            batch[6]

    def test_no_instances(self):
        none = stack([draw()])[:0]
        assert none.batch_shape == (0,)
        assert none.problems() == []


class TestTransformations:
    def test_tree_map(self):
        scenario = dataclasses.replace(draw(batching=True), names=Names.numbered(**SIZES))
        doubled = jax.tree.map(lambda array: 2 * array, scenario)
        assert isinstance(doubled, Scenario)
        assert np.array_equal(doubled.demand, 2 * scenario.demand)
        assert doubled.names == scenario.names
        assert doubled.batching is not None

    @pytest.mark.parametrize("batching", [False, True])
    def test_jit(self, batching):
        scenario = dataclasses.replace(draw(batching=batching), names=Names.numbered(**SIZES))

        @jax.jit
        def busier(scenario: Scenario) -> Scenario:
            assert scenario.problems() == []
            assert (scenario.clients, scenario.batch_shape) == (4, ())
            return dataclasses.replace(scenario, demand=2 * scenario.demand)

        with jax.enable_x64(True):
            result = busier(scenario)
        assert same(result, dataclasses.replace(scenario, demand=2 * scenario.demand))
        assert result.names == scenario.names

    def test_vmap_and_grad(self):
        batch = stack([draw(seed) for seed in range(3)])

        def data(scenario: Scenario) -> jax.Array:
            assert scenario.batch_shape == ()
            return (scenario.demand * scenario.input_size[None]).sum()

        with jax.enable_x64(True):
            totals = jax.vmap(data)(batch)
            slope = jax.grad(lambda demand: data(dataclasses.replace(draw(), demand=demand)))(draw().demand)
        np.testing.assert_allclose(totals, (batch.demand * batch.input_size[:, None]).sum(axis=(1, 2)))
        np.testing.assert_allclose(slope, np.broadcast_to(draw().input_size, (4, 3)))

    def test_shapes_are_checked_while_traced(self):
        with pytest.raises(ValueError, match=r"^demand: has shape \[3, 3\], wants \[clients, tasks\] = \[4, 3\]"):
            jax.jit(lambda demand: dataclasses.replace(draw(), demand=demand).demand)(np.ones((3, 3)))

    def test_static_fields_decide_the_structure(self):
        structures = {jax.tree.structure(draw(allow_unserved=allowed)) for allowed in (True, False, True)}
        assert len(structures) == 2


def test_nobody_elses_array_can_change_a_scenario():
    given = arguments(random_scenario(np.random.default_rng(0), clients=3, edges=1, tasks=2, models=2))
    demand = np.array(given["demand"])
    scenario = Scenario(**given | {"demand": demand})
    before = scenario.demand.copy()
    demand[:] = 0.0
    np.testing.assert_array_equal(scenario.demand, before)
    with pytest.raises(ValueError, match="read-only"):
        scenario.demand[0, 0] = 1.0
