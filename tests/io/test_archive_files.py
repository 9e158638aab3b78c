import io
import pickle
import zipfile

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from support.file_examples import (
    SMALL,
    assert_same_scenario,
    assert_same_solution,
    scenario_fields,
    scenario_from,
    solution_fields,
    solution_from,
)

from j3o_jax import Batching, Scenario, Solution
from j3o_jax.io import FileError, load, save


@pytest.fixture
def scenario(tmp_path) -> Scenario:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return load(path, want=Scenario)


def batch_of(arrays: dict, shape: tuple[int, ...]) -> dict:
    return {name: np.broadcast_to(array, shape + np.shape(array)) for name, array in arrays.items()}


@settings(max_examples=20)
@given(fields=scenario_fields())
@pytest.mark.parametrize("shape", [(1,), (2, 3)])
def test_batches_of_scenarios_are_loaded_bit_for_bit(tmp_path_factory, shape, fields):
    single = scenario_from(fields)
    arrays = batch_of(single.arrays(), shape)
    window, setup = arrays.pop("batching.window", None), arrays.pop("batching.setup", None)
    batching = None if single.batching is None else Batching(window=window, setup=setup)
    batch = Scenario(**arrays, batching=batching, allow_unserved=single.allow_unserved)
    path = tmp_path_factory.mktemp("batch") / "batch.npz"
    save(batch, path)
    loaded = load(path)
    assert loaded.batch_shape == shape
    assert_same_scenario(loaded, batch)


@settings(max_examples=20)
@given(fields=solution_fields())
def test_batches_of_plans_are_loaded_bit_for_bit(tmp_path_factory, fields):
    parts = {
        part: jax.tree.map(lambda price: np.broadcast_to(price, (2, *np.shape(price))), fields.pop(part))
        for part in ("certificate", "prices")
    }
    arrays = {name: x for name, x in fields.items() if name not in ("stats", "reasons", "names")}
    stats = batch_of(fields["stats"], (2,))
    batch = Solution(**batch_of(arrays, (2,)), stats=stats, reasons=("", "too little memory"), **parts)
    path = tmp_path_factory.mktemp("batch") / "plans.npz"
    save(batch, path)
    assert_same_solution(load(path, want=Solution), batch)
    with pytest.raises(FileError, match=r"is no name for a batch of plans: use the suffix \.npz"):
        save(batch, path.with_suffix(".json"))


def test_the_keys_are_the_names_of_the_fields(tmp_path, scenario):
    arrays = scenario.arrays()
    batching = Batching(window=np.ones(2), setup=np.zeros((2, 1)))
    save(Scenario(**arrays, batching=batching), tmp_path / "scenario.npz")
    with np.load(tmp_path / "scenario.npz", allow_pickle=False) as archive:
        assert set(archive.files) == {*arrays, "batching_window", "batching_setup", "allow_unserved"}


def test_entries_of_a_batch_are_left_to_solve(tmp_path, scenario):
    arrays = batch_of(scenario.arrays(), (2,))
    arrays["demand"] = arrays["demand"] * np.array([1, np.nan])[:, None, None]
    save(Scenario(**arrays), tmp_path / "batch.npz")
    assert np.isnan(load(tmp_path / "batch.npz", want=Scenario).demand[1]).all()


OBJECTS = np.array([{}, []], dtype=object)


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        ({"demand": None}, "demand", "is missing: add the array of that name"),
        ({"extra": 1}, "extra", "is not a known key: known are 'demand', 'client_edge'"),
        ({"demand": None, "demnd": 1}, "demnd", "is not a known key: did you mean 'demand'?"),
        ({"batching_window": [1, 1]}, "batching_setup", "is missing: add the array of that name"),
        ({"batching_setup": [[1], [1]]}, "batching_window", "is missing"),
        ({"demand": OBJECTS}, "demand", "holds Python objects: write numbers, with numpy.savez"),
        ({"demand": ["a", "b"]}, "", "demand: wants an array of numbers, got"),
        ({"demand": [[1j, 2], [3, 4]]}, "", "demand: wants an array of numbers, got"),
        ({"demand": [1, 2]}, "", "demand: has shape [2], wants [clients, tasks]"),
        ({"demand": [[1, 2, 3], [4, 5, 6]]}, "", "demand: has shape [2, 3], wants [clients, tasks] = [2, 2]"),
        ({"demand": [[1, 2], [3, np.nan]]}, "", "demand[1, 1] = nan: must be a finite rate >= 0 in queries/s"),
        ({"demand": [[1, -2], [3, 4]]}, "", "demand[0, 1] = -2.0: must be a finite rate"),
        ({"client_edge": [0, 2]}, "", "client_edge[1] = 2: must be the index of an edge, 0 to 1"),
        ({"client_edge": [0, 0.5]}, "", "client_edge[1] = 0.5: must be a whole number"),
        ({"edge_memory": [], "edge_compute": [], "edge_uplink": []}, "", "edge"),
        ({"batching_window": [1, 0], "batching_setup": [[1], [1]]}, "", "batching_window[1] = 0.0: must be a finite"),
        ({"allow_unserved": 1}, "allow_unserved", "is not a single yes/no value: write True or False"),
        ({"allow_unserved": [True]}, "allow_unserved", "is not a single yes/no value"),
    ],
)
def test_a_slip_in_an_archive_is_named(tmp_path, scenario, change, place, words):
    arrays = scenario.arrays() | change
    path = tmp_path / "scenario.npz"
    np.savez(path, **{name: np.asarray(array) for name, array in arrays.items() if array is not None})
    with pytest.raises(FileError) as caught:
        load(path)
    assert caught.value.place == place
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"local": None}, "local is missing"),
        ({"stat_seconds": 1.0}, "stat_seconds is not a known key"),
        ({"local": np.zeros((5, 5))}, "local: has shape"),
        ({"local": np.zeros(5)}, "local: has shape [5], wants [clients, tasks]"),
        ({"local": np.array("x")}, "local: wants numbers, got"),
        ({"client_models": np.zeros((1, 1))}, "client_models: wants true or false, got float64"),
        ({"status": np.array(17)}, "status: wants 0 to 5"),
        ({"reasons": np.array([1, 2])}, "reasons: wants text, got int64"),
        ({"stats_x": OBJECTS}, "stats_x holds Python objects"),
        ({"stats_x": np.array(1, dtype="datetime64[s]")}, "stats['x']: wants numbers or text"),
    ],
)
@settings(max_examples=1)
@given(fields=solution_fields())
def test_a_slip_in_an_archive_of_plans_is_named(tmp_path_factory, change, words, fields):
    path = tmp_path_factory.mktemp("plans") / "plan.npz"
    save(solution_from(fields), path)
    with np.load(path, allow_pickle=False) as archive:
        arrays = dict(archive) | change
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(FileError) as caught:
        load(path)
    assert words in str(caught.value)


def test_what_is_no_archive(tmp_path, scenario):
    buffer = io.BytesIO()
    np.save(buffer, OBJECTS)
    pickled = buffer.getvalue()
    save(scenario, tmp_path / "good.npz")
    good = (tmp_path / "good.npz").read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "hello")
    foreign = buffer.getvalue()
    cases = [
        (b"", "is no .npz archive, or damaged"),
        (b"hello", "is no .npz archive, or damaged"),
        (good[: len(good) // 2], "is no .npz archive, or damaged ("),
        (pickled, "is no .npz archive, or damaged"),
        (pickle.dumps({"demand": [1.0]}), "or damaged: write it with j3o_jax.io.save or numpy.savez"),
        (np.arange(3).tobytes(), "is no .npz archive, or damaged"),
        (foreign, "has no key of a scenario or plan, such as demand or client_models: write it with"),
    ]
    for content, words in cases:
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(FileError) as caught:
            load(tmp_path / "bad.npz")
        assert words in str(caught.value)
        assert str(caught.value).isprintable()
    with (tmp_path / "bad.npz").open("wb") as file:
        np.save(file, np.arange(3))
    with pytest.raises(FileError, match="holds a single array, not an archive"):
        load(tmp_path / "bad.npz")


def test_a_key_that_is_there_twice(tmp_path, scenario):
    save(scenario, tmp_path / "twice.npz")
    with zipfile.ZipFile(tmp_path / "twice.npz", "a") as archive:
        content = archive.read("demand.npy")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("demand.npy", content)
    with pytest.raises(FileError, match="demand is there twice: keep one of them"):
        load(tmp_path / "twice.npz")
