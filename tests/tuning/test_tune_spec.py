"""Specifications of tunings: what they mean, and what is said of mistakes in them."""

import dataclasses

import pytest

from j3o_jax.experiments._values import Grid
from j3o_jax.experiments.tune._space import Range
from j3o_jax.io import FileError
from j3o_jax.tuning import read_tune_spec, tune_spec

GOOD = """\
benchmark: cityscapes3d
parameters: {clients: 6}
seeds: 8
held_out: 4
method: {method: j3o, multiplier: subgradient, steps: 10}
search:
  step_size: {from: 0.001, to: 1000, count: 7, scale: log}
"""


@pytest.fixture
def read(tmp_path):
    """Reads a specification; `changes` are pairs of a text and what stands in its place."""

    def read(*changes, text=GOOD):
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "spec.yaml"
        path.write_text(text)
        return read_tune_spec(str(path))

    return read


def test_what_is_left_out_has_a_default(read):
    spec = read()
    assert spec.base.plain() == {"method": "j3o", "steps": 10, "multiplier": "subgradient"}
    assert spec.search == {"step_size": Grid((0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0))}
    assert (spec.training.first_seed, spec.training.seeds) == (0, 8)
    # A number of held-out seeds follows those of the training.
    assert (spec.held_out.first_seed, spec.held_out.seeds) == (8, 4)
    assert (spec.sampler, spec.objective, spec.trials, spec.gap, spec.seed) == ("grid", "quality", None, None, 0)


MANY = """\
  step_size: {log_uniform: [0.01, 10]}
  steps: {from: 1, to: 1000, count: 4, scale: log}
  max_iterations: {uniform: [2, 5]}
  schedule: [inverse, null]
  tolerance: {from: 0, to: 0.3, count: 4}
sampler: random
trials: 9
"""


def test_settings_are_read_in_every_way(read):
    spec = read(
        (
            "  step_size: {from: 0.001, to: 1000, count: 7, scale: log}\n",
            MANY,
        ),
        ("held_out: 4", "held_out: {first: 100, count: 2}"),
    )
    assert spec.search == {
        "step_size": Range(0.01, 10.0, log=True, whole=False),
        "steps": Grid((1, 10, 100, 1000)),
        "max_iterations": Range(2.0, 5.0, log=False, whole=True),
        "schedule": Grid(("inverse", None)),
        "tolerance": Grid((0.0, 0.1, 0.2, 0.3)),
    }
    assert spec.held_out.first_seed == 100
    assert spec.method_at({"schedule": None, "steps": 25}).plain() == {
        "method": "j3o",
        "steps": 25,
        "multiplier": "subgradient",
    }


def test_ranges_are_drawn_from_within_their_ends():
    whole = Range(2.0, 5.0, log=False, whole=True)
    assert [whole.at(u) for u in (0.0, 0.2, 0.3, 0.6, 0.99)] == [2, 2, 3, 4, 5]
    spread = Range(0.01, 100.0, log=True, whole=False)
    assert [spread.at(u) for u in (0.0, 0.25, 0.5)] == pytest.approx([0.01, 0.1, 1.0])


def test_what_is_the_subgradients_alone_is_left_out_of_the_dual_search(read):
    spec = read(("search:\n", "search:\n  multiplier: [dual_search, subgradient]\n"))
    assert spec.method_at({"multiplier": "dual_search", "step_size": 2.0}).plain() == {
        "method": "j3o",
        "steps": 10,
        "multiplier": "dual_search",
    }
    assert spec.relevant({"multiplier": "subgradient"}) == ("multiplier", "step_size")


def test_the_digest_is_of_what_the_trials_depend_on(read):
    spec = read()
    assert spec.digest == read(("seeds: 8", "seeds: {first: 0, count: 8}")).digest
    # The last comparison and the name are not.
    assert spec.digest == read(("held_out: 4", "held_out: 5\nname: other")).digest
    for change in (("seeds: 8", "seeds: 9"), ("clients: 6", "clients: 7"), ("to: 1000", "to: 100"), ("10}", "11}")):
        assert spec.digest != read(change).digest
    assert spec.digest != dataclasses.replace(spec, seed=1).digest


STEPS = "{from: 0.001, to: 1000, count: 7, scale: log}"
MISTAKES = {
    "nothing to search": (("search:\n", "serach:\n"), ":6: serach is not a known key: did you mean 'search'?"),
    "no held-out seeds": (("held_out: 4\n", ""), "held_out is missing: write a whole number of seeds"),
    "held-out seeds that are none": (("held_out: 4", "held_out: 0"), ":4: held_out = 0 is a number: write a whole"),
    "held-out seeds that are searched on": (
        ("held_out: 4", "held_out: {first: 7, count: 4}"),
        ":4: held_out are seeds 7 to 10, and 0 to 7 are searched on: write other seeds",
    ),
    "held-out seeds with a slip": (
        ("held_out: 4", "held_out: {frist: 70, count: 4}"),
        ":4: held_out.frist is not a known key: did you mean 'first'?",
    ),
    "a method without settings to tune": (
        ("{method: j3o, multiplier: subgradient, steps: 10}", "exact-milp"),
        ":5: method = 'exact-milp' is not tuned: write one of j3o, baj3o, price-directed",
    ),
    "a method on the host": (("steps: 10", "lp: highs"), ":5: method.lp is on the host, and tuning runs in batches"),
    "no such setting": (("step_size", "stepsize"), ":7: search.stepsize is no setting of j3o to search over: did you"),
    "a setting of the other multiplier": (
        ("multiplier: subgradient", "multiplier: dual_search"),
        ":7: search.step_size is of the subgradient, and the multiplier is dual_search",
    ),
    "one value": ((STEPS, "0.5"), ":7: search.step_size = 0.5 is a number: write a list"),
    "no value": ((STEPS, "[]"), ":7: search.step_size is an empty list: write at least one value"),
    "a value twice": ((STEPS, "[1, 1.0]"), ":7: search.step_size[1] = 1.0 is there twice: keep one of them"),
    "a value out of range": ((STEPS, "[1, -1]"), ":7: search.step_size[1] = -1 is a number: write a number above 0"),
    "a word for a number": ((STEPS, "[fast]"), ":7: search.step_size[0] = 'fast' is text: write a number above 0"),
    "an end out of range": (("from: 0.001", "from: -1"), ":7: search.step_size.from = -1 is a number: write a number"),
    "the ends the wrong way round": (("to: 1000", "to: 1e-9"), ":7: search.step_size.to = 1e-09 is not above 0.001"),
    "no count": ((", count: 7", ""), ":7: search.step_size wants a number as count"),
    "one of a range": (("count: 7", "count: 1"), ":7: search.step_size.count = 1 does not do: write a whole number"),
    "another scale": (
        ("scale: log", "scale: loud"),
        ":7: search.step_size.scale = 'loud' is text: write linear",
    ),
    "no logarithm": (
        ("step_size: {from: 0.001", "tolerance: {from: 0"),
        ":7: search.tolerance.from = 0 has no logarithm: write a number above 0",
    ),
    "a range of words": (
        (f"step_size: {STEPS}", "schedule: {uniform: [1, 2]}"),
        ":7: search.schedule is a mapping, and the setting takes words: write a list of them",
    ),
    "no such law": ((STEPS, "{normal: [0, 1]}"), ":7: search.step_size.normal is no range: did you mean 'uniform'?"),
    "a range without end": ((STEPS, "{uniform: [1]}"), ":7: search.step_size.uniform must be a list of two numbers"),
    "a range in a grid": ((STEPS, "{uniform: [1, 2]}"), ":7: search.step_size is a range, which no grid goes through"),
    "too large a grid": (
        ("count: 7", "count: 99999"),
        ("search:\n", "search:\n  steps: [1, 2]\n"),
        ":6: search has a grid of 199,998 settings",
    ),
    "no sampler": (("seeds: 8", "seeds: 8\nsampler: tpe"), ":4: sampler = 'tpe' is unknown: write 'grid', 'random'"),
    "trials of a grid": (("seeds: 8", "seeds: 8\ntrials: 9"), ":4: trials is the grid's own affair: leave it out"),
    "no trials": (("seeds: 8", "seeds: 8\nsampler: random"), "trials is missing: write how many settings random is"),
    "a batch of a grid": (("seeds: 8", "seeds: 8\nbatch: 9"), ":4: batch is of sampler: optuna: leave it out"),
    "no gap": (("seeds: 8", "seeds: 8\nobjective: time"), "gap is missing: write the gap that the time is taken to"),
    "a gap for quality": (("seeds: 8", "seeds: 8\ngap: 0.1"), ":4: gap is of objective: time: leave one of them out"),
    "a tolerance for quality": (("seeds: 8", "seeds: 8\nwithin: 0.1"), ":4: within is of objective: both: leave one"),
    "another format": (("seeds: 8", "seeds: 8\nformat: j3o-sweep-1"), ":4: format = 'j3o-sweep-1' is a format that"),
    "a list": ((GOOD, "- j3o\n"), ":1: is a list: write `benchmark: taskonomy5`"),
    "nothing at all": ((GOOD, ""), ": is empty: write `benchmark: taskonomy5`"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_where_it_is(read, case):
    *changes, words = MISTAKES[case]
    with pytest.raises(FileError) as raised:
        read(*changes)
    assert f"spec.yaml{words}" in str(raised.value) or f"spec.yaml: {words}" in _without_line(str(raised.value))
    assert "\n" not in str(raised.value)


def _without_line(text):
    """What is missing has the line of what should hold it, which depends on nothing here."""
    path, _, rest = text.partition("spec.yaml")
    return f"{path}spec.yaml: {rest.partition(' ')[2]}"


def test_all_mistakes_are_counted(read):
    with pytest.raises(FileError, match=r"benchmark = 'nowhere' .* \(and 2 more problems\)"):
        read(("seeds: 8", "seeds: 0"), ("cityscapes3d", "nowhere"), ("method: j3o", "method: j4o"))


def test_a_specification_may_be_plain_data():
    data = {
        "deployment": "nowhere.yaml",
        "seeds": 2,
        "held_out": 2,
        "method": "j3o",
        "search": {"greedy": ["paper", "plus_max"]},
    }
    del data["deployment"]
    spec = tune_spec(data | {"benchmark": "taskonomy5"})
    assert spec.search["greedy"].values == ("paper", "plus_max")
