import json

import numpy as np
import pytest
from hypothesis import given, settings
from support.file_examples import SMALL, assert_same_scenario, scenario_fields, scenario_from

from j3o_jax import Names, Scenario, Solution
from j3o_jax.io import FileError, example_deployment, load, save


@pytest.fixture
def written(tmp_path):
    """Writes a text to a deployment file and loads it."""

    def load_text(text: str, suffix: str = ".yaml") -> Scenario:
        path = tmp_path / f"deployment{suffix}"
        path.write_text(text, encoding="utf-8")
        return load(path, want=Scenario)

    return load_text


def test_a_deployment_becomes_the_arrays_of_its_scenario(written):
    scenario = written(SMALL)
    assert written(SMALL.replace("tasks:", "name: warehouse\ntasks:", 1)).names.deployment == "warehouse"
    assert scenario.names == Names(
        tasks=("segmentation", "depth"),
        models=("seg+depth",),
        clients=("camera-1", "camera-2"),
        edges=("edge-1", "edge-2"),
    )
    np.testing.assert_array_equal(scenario.demand, [[10, 3], [0, 3]])
    np.testing.assert_array_equal(scenario.client_edge, [0, 1])
    np.testing.assert_array_equal(scenario.client_accuracy, [[[0.966, 0.857]]] * 2)
    np.testing.assert_array_equal(scenario.edge_accuracy, [[[0.966, 0.857]]] * 2)
    np.testing.assert_array_equal(scenario.cloud_accuracy, [1, 1])
    np.testing.assert_array_equal(scenario.client_model_memory, [18.4])
    np.testing.assert_array_equal(scenario.edge_model_memory, [73.7])
    np.testing.assert_array_equal(scenario.edge_compute, [10000, np.inf])
    np.testing.assert_array_equal(scenario.edge_uplink, [500, np.inf])
    assert scenario.cloud_uplink == 800
    assert scenario.batching is None
    assert scenario.allow_unserved


@pytest.mark.parametrize(
    ("said", "edge", "client"),
    [
        # edge, client: accuracy for (segmentation, depth) at edge-1, then at edge-2.
        ("", [[0.966, 0.857], [0.966, 0.857]], [[0.966, 0.857], [0.966, 0.857]]),
        (
            "at_edge: {edge-2: {accuracy: {depth: 0.5}}}",
            [[0.966, 0.857], [0.966, 0.5]],
            [[0.966, 0.857], [0.966, 0.5]],
        ),
        (
            "client_accuracy: {depth: 0.8}\n    at_edge: {edge-2: {accuracy: {depth: 0.5, segmentation: 0.4}}}",
            [[0.966, 0.857], [0.4, 0.5]],
            [[0.966, 0.8], [0.4, 0.8]],
        ),
        (
            """\
client_accuracy: {depth: 0}
    at_edge: {edge-1: {client_accuracy: {depth: 0.7}}, edge-2: {accuracy: {segmentation: 0}}}""",
            [[0.966, 0.857], [0, 0.857]],
            [[0.966, 0.7], [0, 0]],
        ),
    ],
)
def test_where_an_edge_differs_the_more_special_word_counts(written, said, edge, client):
    scenario = written(SMALL.replace("edges:\n", f"    {said}\nedges:\n"))
    np.testing.assert_array_equal(scenario.edge_accuracy[:, 0], edge)
    np.testing.assert_array_equal(scenario.client_accuracy[:, 0], client)


def test_where_a_node_is_another_machine_its_own_costs_count(written):
    more = "at_edge: {edge-2: {gflop_per_query: 12}}\n    at_client: {camera-1: {gflop_per_query: 10, memory_mb: 20}}"
    scenario = written(SMALL.replace("edges:\n", f"    {more}\nedges:\n"))
    np.testing.assert_array_equal(scenario.client_model_compute, [[10], [9.17]])
    np.testing.assert_array_equal(scenario.client_model_memory, [[20], [18.4]])
    np.testing.assert_array_equal(scenario.edge_model_compute, [[9.17], [12]])
    np.testing.assert_array_equal(scenario.edge_model_memory, [73.7])


def test_set_up_takes_no_time_unless_told(written):
    text = SMALL.replace("uplink_mb_per_s: 500", "uplink_mb_per_s: 500, batching_window_s: 0.5")
    text = text.replace("uplink_mb_per_s: unlimited", "uplink_mb_per_s: unlimited, batching_window_s: 0.25")
    np.testing.assert_array_equal(written(text).batching.window, [0.5, 0.25])
    np.testing.assert_array_equal(written(text).batching.setup, [[0], [0]])
    text = text.replace("73.7, ", "73.7, setup_s: 0.004, ")
    np.testing.assert_array_equal(written(text).batching.setup, [[0.004], [0.004]])
    text = text.replace("edges:\n", "    at_edge: {edge-2: {setup_s: 0.005}}\nedges:\n")
    np.testing.assert_array_equal(written(text).batching.setup, [[0.004], [0.005]])


def test_json_says_the_same_as_yaml(written, tmp_path):
    scenario = written(SMALL)
    save(scenario, tmp_path / "copy.json")

    def refuse_constant(word):
        raise AssertionError(f"{word} is not JSON")

    document = json.loads((tmp_path / "copy.json").read_text("utf-8"), parse_constant=refuse_constant)
    assert document["format"] == "j3o-deployment-1"
    assert document["edges"][1]["compute_gflop_per_s"] == "unlimited"
    assert document["clients"][0]["demand_per_s"] == {"segmentation": 10, "depth": 3}
    assert_same_scenario(load(tmp_path / "copy.json"), scenario)
    # As Python writes infinity when it is not asked to mind other readers.
    text = (tmp_path / "copy.json").read_text("utf-8").replace('"unlimited"', "Infinity")
    assert_same_scenario(written(text, ".json"), scenario)


@settings(max_examples=50)
@given(fields=scenario_fields())
@pytest.mark.parametrize("suffix", [".yaml", ".json", ".npz"])
def test_what_is_saved_is_loaded_bit_for_bit(tmp_path_factory, suffix, fields):
    scenario = scenario_from(fields)
    path = tmp_path_factory.mktemp("round") / f"scenario{suffix}"
    save(scenario, path)
    loaded = load(path, want=Scenario)
    assert_same_scenario(loaded, scenario)
    assert loaded.names == (None if suffix == ".npz" else scenario.names)


def test_a_scenario_without_names_gets_numbers(written, tmp_path):
    scenario = written(SMALL)
    fields = scenario.arrays()
    save(Scenario(**fields), tmp_path / "unnamed.yaml")
    loaded = load(tmp_path / "unnamed.yaml")
    assert_same_scenario(loaded, scenario)
    assert loaded.names == Scenario(**fields).labels


def test_written_yaml_reads_like_a_table(written, tmp_path):
    save(written(SMALL), tmp_path / "copy.yaml")
    lines = (tmp_path / "copy.yaml").read_text("utf-8").splitlines()
    assert lines[0].startswith("# Units")
    assert "  - {name: segmentation, input_mb: 0.8}" in lines
    assert "    accuracy: {segmentation: 0.966, depth: 0.857}" in lines
    assert "cloud: {accuracy: {segmentation: 1, depth: 1}, uplink_mb_per_s: 800}" in lines
    assert [line.split(":")[0] for line in lines[1:] if line[0] not in " #"] == [
        *("format", "allow_unserved", "tasks", "models", "edges", "clients", "cloud")
    ]


def test_the_edge_that_differs_is_the_exception(written, tmp_path):
    scenario = written(SMALL)
    accuracy = np.repeat(scenario.edge_accuracy[:1], 3, axis=0)
    accuracy[0, 0, 1] = 0.5
    three = {
        name: np.resize(array, (3,))
        for name, array in scenario.arrays().items()
        if name in ("edge_memory", "edge_compute", "edge_uplink")
    }
    fields = scenario.arrays() | three | {"edge_accuracy": accuracy, "client_accuracy": accuracy}
    save(Scenario(**fields), tmp_path / "three.json")
    model = json.loads((tmp_path / "three.json").read_text("utf-8"))["models"][0]
    assert model["accuracy"]["task 1"] == 0.857
    assert model["at_edge"] == {"edge 0": {"accuracy": {"task 1": 0.5}}}


def test_numbers_are_read_by_yaml_1_2(written):
    text = SMALL.replace("name: depth", "name: yes").replace("depth: ", "yes: ").replace("3}", "3e0}")
    scenario = written(text)
    assert scenario.names is not None
    assert scenario.names.tasks[1] == "yes"
    np.testing.assert_array_equal(scenario.demand[:, 1], [3, 3])


def test_a_byte_order_mark_and_foreign_line_ends_do_no_harm(written):
    assert_same_scenario(written("\ufeff" + SMALL.replace("\n", "\r\n")), written(SMALL))


def test_the_example_explains_every_key_and_loads(written):
    text = example_deployment()
    scenario = written(text)
    assert (scenario.tasks, scenario.models, scenario.edges, scenario.clients) == (3, 5, 2, 6)
    for key in (
        "client_accuracy",
        "at_edge",
        "at_client",
        "batching_window_s",
        "setup_s",
        "allow_unserved",
        "unlimited",
    ):
        assert key in text
    # Not everything fits: neither on the clients nor through the uplinks.
    load_mb = (scenario.demand * scenario.input_size).sum(axis=1)
    for edge in range(scenario.edges):
        assert load_mb[scenario.client_edge == edge].sum() > scenario.edge_uplink[edge]
    assert load_mb.sum() > scenario.cloud_uplink
    assert (scenario.client_memory < scenario.client_model_memory.sum()).all()
    assert (scenario.edge_memory < scenario.edge_model_memory.sum()).all()


def test_what_could_not_be_read_back_is_not_written(written, tmp_path):
    fields = written(SMALL).arrays()
    fields["demand"] = fields["demand"] * 1e12
    save(Scenario(**fields), tmp_path / "fast.npz")
    for scenario, words in (
        (Scenario(**fields), "billion queries/s"),
        (Scenario(**written(SMALL).arrays(), names=Names(("a\nb", "c"), ("m",), ("x", "y"), ("e", "f"))), "one line"),
    ):
        with pytest.raises(FileError, match=words):
            save(scenario, tmp_path / "refused.yaml")
    assert not (tmp_path / "refused.yaml").exists()


def test_a_deployment_where_a_plan_is_wanted_is_refused(tmp_path, written):
    scenario = written(SMALL)
    for suffix in (".json", ".npz"):
        save(scenario, tmp_path / f"scenario{suffix}")
        with pytest.raises(FileError, match="holds a deployment: name the file of a plan"):
            load(tmp_path / f"scenario{suffix}", want=Solution)
