"""Anchors, aliases and merge keys of YAML, and what writers make of objects that are there twice."""

import numpy as np
import pytest
from ruamel.yaml import YAML
from support.file_examples import SMALL, assert_same_scenario

from j3o_jax.io import FileError, load


def loaded(tmp_path, text):
    path = tmp_path / "deployment.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_aliases_stand_for_what_they_name(tmp_path):
    wanted = loaded(tmp_path, SMALL)
    text = SMALL.replace("input_mb: 0.8}", "input_mb: &size 0.8}", 1).replace(
        "depth, input_mb: 0.8", "depth, input_mb: *size"
    )
    text = text.replace("{memory_mb: 18.4, gflop_per_query: 9.17}", "{memory_mb: 18.4, gflop_per_query: &work 9.17}")
    text = text.replace("{memory_mb: 73.7, gflop_per_query: 9.17}", "{memory_mb: 73.7, gflop_per_query: *work}")
    text = text.replace("name: depth, ", "name: &depth depth, ").replace(
        "demand_per_s: {depth: 3}", "demand_per_s: {*depth : 3}"
    )
    assert text.count("*") == 3
    assert_same_scenario(loaded(tmp_path, text), wanted)


@pytest.mark.parametrize("written", ["<<: *one", "<<: [*one]", "<<: {compute_gflop_per_s: 500, <<: *one}"])
def test_merge_keys_bring_what_is_not_said(tmp_path, written):
    wanted = loaded(tmp_path, SMALL)
    text = SMALL.replace("  - {name: camera-1", "  - &one {name: camera-1")
    start, end = text.index("  - {name: camera-2"), text.index("cloud:")
    # What is written goes before what is merged, on both sides of the merge key.
    second = f"  - {{name: camera-2, {written}, edge: edge-2, demand_per_s: {{depth: 3}}}}\n"
    assert_same_scenario(loaded(tmp_path, text[:start] + second + text[end:]), wanted)


def test_what_pyyaml_writes_of_objects_that_are_there_twice(tmp_path):
    """``yaml.dump`` of shared dictionaries, as PyYAML 6 writes it."""
    text = """\
clients:
- compute_gflop_per_s: 500
  demand_per_s: &id001
    depth: 3
  edge: edge-1
  memory_mb: 24
  name: camera-1
- compute_gflop_per_s: 500
  demand_per_s: *id001
  edge: edge-1
  memory_mb: 24
  name: camera-2
cloud:
  uplink_mb_per_s: 800
edges:
- compute_gflop_per_s: 10000
  memory_mb: 512
  name: edge-1
  uplink_mb_per_s: 500
models:
- accuracy:
    depth: 0.857
  client: &id002
    gflop_per_query: 9.17
    memory_mb: 18.4
  edge: *id002
  name: depth
tasks:
- input_mb: 0.8
  name: depth
"""
    scenario = loaded(tmp_path, text)
    np.testing.assert_array_equal(scenario.demand, [[3.0], [3.0]])
    assert scenario.edge_model_memory[0] == scenario.client_model_memory[0] == 18.4


def test_a_slip_in_what_is_shared_is_told_by_a_line(tmp_path):
    path = tmp_path / "deployment.yaml"
    path.write_text(SMALL.replace("{depth: 3}}", "&d {depth: -3}}"), encoding="utf-8")
    with pytest.raises(FileError, match=r"deployment.yaml:15: clients\[1\].demand_per_s.depth = -3 is negative"):
        load(path)


def test_a_thousand_clients_may_share_what_they_have(tmp_path):
    start = SMALL.index("clients:")
    first = "  - &c {name: c0, edge: edge-1, memory_mb: 24, compute_gflop_per_s: 500, demand_per_s: {depth: 3}}\n"
    clients = first + "".join(f"  - {{name: c{i}, <<: *c}}\n" for i in range(1, 1000))
    text = SMALL[:start] + "clients:\n" + clients + SMALL[SMALL.index("cloud:") :]
    scenario = loaded(tmp_path, text)
    assert scenario.clients == 1000
    assert (scenario.demand[:, 1] == 3.0).all()


def test_our_reader_and_ruamel_agree(tmp_path):
    from j3o_jax.io._parse import parse_yaml

    text = """\
base: &base {a: 1, b: {c: [1, 2]}, d: null}
other: &other {b: 3, e: "x"}
one: {<<: *base, a: 2}
two: {<<: [*other, *base], f: *base}
three: [*base, &s text, *s, {*s : 1}]
"<<": plain
"""
    wanted = YAML(typ="safe", pure=True).load(text)
    assert parse_yaml("text", text).data == wanted
