"""Specifications: what they mean, and what is said of mistakes."""

import numpy as np
import pytest
from support.sweeps import QUICK

import j3o_jax as j3o
from j3o_jax.benchmarks import NAMES
from j3o_jax.experiments._chunks import chunks_of
from j3o_jax.experiments._values import Drawn
from j3o_jax.io import FileError, example_deployment
from j3o_jax.sweeps import read_sweep_spec, sweep_spec

GOOD = """\
benchmark: taskonomy5
seeds: 20
parameters:
  edge_uplink_fraction: [0.4, 0.5]
methods: [j3o, exact-milp]
"""


def read(folder, text, name="spec.yaml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_sweep_spec(path)


def test_a_specification_says_what_is_solved(tmp_path):
    spec = read(
        tmp_path,
        """\
name: all there is
benchmark: cityscapes3d
seeds: {first: 100, count: 3}
parameters:
  clients: [4, 5]
  edge_uplink_fraction: {from: 0.1, to: 0.5, count: 5}
  edge_memory_scale: {from: 0.01, to: 1, count: 3, scale: log}
  client_compute_scale: {log_uniform: [0.5, 2.0]}
  allow_unserved: true
methods:
  - j3o
  - {method: j3o, label: "J3O, 10 steps", step_size: 0.5, steps: 10}
""",
    )
    assert spec.points == 30
    assert spec.scenarios == 90
    assert spec.grid["edge_uplink_fraction"].values == (0.1, 0.2, 0.3, 0.4, 0.5)
    assert spec.grid["edge_memory_scale"].values == (0.01, 0.1, 1.0)
    assert [method.label for method in spec.methods] == ["j3o", "J3O, 10 steps"]
    multiplier = spec.methods[1].build().multiplier
    assert (multiplier.steps, float(multiplier.step_size)) == (10, 0.5)


def test_the_same_sweep_in_other_words_is_the_same(tmp_path):
    one = read(tmp_path, GOOD)
    other = read(
        tmp_path,
        """\
methods: [{method: j3o}, exact-milp]
parameters: {edge_uplink_fraction: [0.40, 0.50]}
seeds: {count: 20}
benchmark: taskonomy5
name: another name
""",
    )
    assert one.digest == other.digest
    assert one.digest != read(tmp_path, GOOD.replace("20", "21")).digest


MISTAKES = {
    "misspelt key": ("seeds: 20", "seed: 20", "2: seed is not a known key: did you mean 'seeds'?"),
    "unknown benchmark": ("taskonomy5", "taskonomy", "1: benchmark = 'taskonomy' is no benchmark: did you mean"),
    "no benchmark": ("benchmark: taskonomy5\n", "", "benchmark is missing: write one of taskonomy5"),
    "both": ("seeds: 20", "seeds: 20\ndeployment: a.yaml", "3: deployment goes without a benchmark"),
    "unknown parameter": ("edge_uplink_fraction", "edge_uplink", "4: parameters.edge_uplink is no parameter of it: "),
    "value out of range": ("[0.4, 0.5]", "[0.4, -0.5]", "parameters.edge_uplink_fraction[1] = -0.5 does not do"),
    "text for a number": ("[0.4, 0.5]", "half", "4: parameters.edge_uplink_fraction = 'half' is text: write a number"),
    "unknown law": ("[0.4, 0.5]", "{unifrom: [0, 1]}", "edge_uplink_fraction.unifrom is no distribution: did you mean"),
    "ends in the wrong order": ("[0.4, 0.5]", "{uniform: [1, 0]}", "uniform = [1, 0] does not do, write two numbers"),
    "a draw beyond the range": ("[0.4, 0.5]", "{uniform: [-1, 1]}", "uniform[0] = -1 does not do: write a number"),
    "a drawn count": ("edge_uplink_fraction: [0.4, 0.5]", "clients: {uniform: [1, 3]}", "clients.uniform cannot be"),
    "no seeds": ("seeds: 20\n", "", "seeds is missing: write a whole number of seeds"),
    "no seeds at all": ("seeds: 20", "seeds: 0", "2: seeds = 0 is a number: write a whole number of seeds"),
    "unknown method": ("[j3o, exact-milp]", "[j3o, exact]", "methods[1].method = 'exact' is no method: did you mean"),
    "no methods": ("[j3o, exact-milp]", "[]", "5: methods is an empty list"),
    "a method twice": ("[j3o, exact-milp]", "[j3o, j3o]", "methods[1] has the label 'j3o' of another"),
    "unknown setting": ("exact-milp]", "{method: exact-milp, tie_limit: 9}]", "tie_limit is not a known key: did you"),
    "setting out of range": ("exact-milp]", "{method: exact-milp, gap: -1}]", "methods[1].gap = -1 is a number: write"),
    "no file of a method": ("exact-milp]", "{file: none.yaml}]", "methods[1].file = 'none.yaml' cannot be read"),
    "needs another": ("edge_uplink_fraction: [0.4, 0.5]", "setup: 0.1", "setup has no effect without batching_window"),
    "batching without": ("[j3o, exact-milp]", "[baj3o]", "methods[0] = 'baj3o' needs batching: give batching_window"),
    "chunk of nothing": ("seeds: 20", "seeds: 20\nchunk: 0", "3: chunk = 0 is a number: write scenarios of a chunk"),
    "another format": (
        "seeds: 20",
        "seeds: 20\nformat: 3",
        "3: format = 3 is a format that this version does",
    ),
    "no YAML": ("seeds: 20", "seeds: [20", "is not valid YAML"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_line_and_what_is_wanted(tmp_path, mistake):
    old, new, said = MISTAKES[mistake]
    assert old in GOOD
    with pytest.raises(FileError) as caught:
        read(tmp_path, GOOD.replace(old, new))
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "spec.yaml"))
    assert said in message
    assert "\n" not in message


def test_several_mistakes_are_counted(tmp_path):
    with pytest.raises(FileError, match=r"and 2 more problems"):
        read(tmp_path, GOOD.replace("taskonomy5", "x").replace("20", "0").replace("exact-milp", "exact"))


def test_what_is_not_random_has_one_seed(tmp_path):
    (tmp_path / "site.yaml").write_text(example_deployment(), encoding="utf-8")
    text = "deployment: site.yaml\nseeds: 5\nparameters: {demand_scale: [1, 2]}\nmethods: [j3o]\n"
    with pytest.raises(FileError, match=r"spec.yaml:2: seeds = 5 would solve the same scenarios again"):
        read(tmp_path, text)
    assert read(tmp_path, text.replace("demand_scale", "demand_spread")).scenarios == 10


def test_chunks_hold_every_scenario_once():
    spec = sweep_spec({**QUICK, "parameters": {"clients": [4, 5], "edge_uplink_fraction": [0.2, 0.3, 0.4]}, "chunk": 7})
    chunks = list(chunks_of(spec, "1"))
    assert len({chunk.name for chunk in chunks}) == len(chunks)
    places = []
    for chunk in chunks:
        index, seeds = chunk.places()
        places += [(chunk.group.points[i].values, int(seed)) for i, seed in zip(index, seeds, strict=True)]
        assert len({dict(point.values)["clients"] for point in chunk.group.points}) == 1
    assert len(set(places)) == len(places) == spec.scenarios


def test_scenarios_are_those_of_the_benchmark():
    spec = sweep_spec({**QUICK, "parameters": {**QUICK["parameters"], "client_compute_scale": {"normal": [1.0, 0.1]}}})
    chunk = list(chunks_of(spec, "1"))[3]
    index, seeds = chunk.places()
    values = {name: value for name, value in chunk.values().items() if name not in ("clients", "edges")}
    whole = NAMES["cityscapes3d"]()
    for i, scenario in enumerate(chunk.sample()[j] for j in range(chunk.size)):
        own = {name: float(value[i]) for name, value in values.items()}
        alone = whole.sample(int(seeds[i]), clients=4, edges=2, **own)
        for name, array in alone.arrays().items():
            np.testing.assert_array_equal(scenario.arrays()[name], array, err_msg=name)
    assert len(set(index)) == 2


@pytest.mark.parametrize(
    ("law", "figures", "mean", "deviation"),
    [
        ("uniform", (1.0, 3.0), 2.0, 2.0 / 12**0.5),
        ("log_uniform", (1.0, np.e), np.e - 1.0, ((np.e**2 - 1) / 2 - (np.e - 1) ** 2) ** 0.5),
        ("normal", (5.0, 0.5), 5.0, 0.5),
        ("choice", (1.0, 2.0, 6.0), 3.0, (14.0 / 3) ** 0.5),
    ],
)
def test_draws_have_the_moments_of_their_law(law, figures, mean, deviation):
    drawn = Drawn(law, figures, 0.0, 1e12)
    values = drawn.draw("client_compute_scale", np.arange(40_000))
    assert abs(values.mean() - mean) < 5.0 * deviation / 200.0
    assert abs(values.std() / deviation - 1.0) < 0.03
    assert np.array_equal(values[7:9], drawn.draw("client_compute_scale", np.arange(7, 9)))
    assert not np.array_equal(values, drawn.draw("another", np.arange(40_000)))


def test_a_normal_law_is_cut_to_the_range():
    values = Drawn("normal", (0.0, 1.0), 0.0, 1.5).draw("x", np.arange(10_000))
    assert values.min() >= 0.0
    assert values.max() <= 1.5
    assert abs(np.median(values) - 0.577) < 0.03  # of a standard normal between 0 and 1.5


def test_a_deployment_is_scaled(tmp_path):
    (tmp_path / "site.yaml").write_text(example_deployment(), encoding="utf-8")
    text = """\
deployment: site.yaml
seeds: 2000
parameters: {demand_spread: 0.3, edge_compute_scale: [0.5, 2.0], window_scale: 2.0}
methods: [j3o]
"""
    if j3o.load(tmp_path / "site.yaml").batching is None:
        text = text.replace(", window_scale: 2.0", "")
    spec = read(tmp_path, text)
    site = j3o.load(tmp_path / "site.yaml")
    (chunk, *_) = chunks_of(spec, "1")
    scenarios = chunk.sample()
    assert scenarios.problems() == []
    factor = chunk.values()["edge_compute_scale"]
    np.testing.assert_allclose(scenarios.edge_compute, factor[:, None] * site.edge_compute)
    asked = site.demand > 0.0
    ratios = scenarios.demand[:, asked] / site.demand[asked]
    assert abs(ratios.mean() - 1.0) < 0.02
    assert abs(np.log(ratios).std() - 0.3) < 0.02
    # Both points of a seed have the same demand.
    np.testing.assert_array_equal(scenarios.demand[0], scenarios.demand[1])
