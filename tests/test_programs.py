"""Compiled programs: what XLA makes of stages, levels, what is kept on disk, and what goes when there are too many."""

import contextlib
import re
import time

import jax
import numpy as np
import pytest
from support.methods import draw_batch

import j3o_jax as j3o
from j3o_jax import _compile, _levels, _programs
from j3o_jax._compiled_functions import program
from j3o_kernels.materialize import Target, fusion_barrier, tracing_for


@contextlib.contextmanager
def watched(found):
    """Every program that is compiled is put on a list; what was compiled before is compiled anew."""

    def compile_it(function, *others):
        found.append(_compile.compile_program(function, *others))
        return found[-1]

    with _programs.compiling_with(compile_it):
        yield


def calls_of(text):
    """Names of the functions that the calls of a compiled program are of, with its attributes."""
    return [line for line in text.splitlines() if re.search(r" call\(", line)]


def test_stages_stay_calls_and_nothing_within_them_is_one():
    found = []
    with watched(found):
        j3o.solve(draw_batch(3), j3o.J3O())
    text = max((program.compiled.as_text() for program in found), key=len)
    calls = calls_of(text)
    # The interior point method alone has some forty stages.
    assert len(calls) > 60
    names = {re.search(r"to_apply=%?([A-Za-z_]+)", call)[1] for call in calls}
    assert not [name for name in names if re.match(r"_?(where|clip|take|argmax|reduce|cumsum|power)", name)]


def test_what_a_stage_calls_is_inlined_into_it():
    whole = fusion_barrier(lambda x: jax.numpy.where(x > 0.0, x, -x))
    with tracing_for(Target("cpu")):
        text = jax.jit(lambda x: whole(x + 1.0).sum()).lower(np.ones(8, np.float32)).compile().as_text()
    assert len(calls_of(text)) == 1


def test_stages_stand_aside_for_other_platforms():
    whole = fusion_barrier(lambda x: x * x)
    with tracing_for(Target("cuda")):
        text = jax.jit(lambda x: whole(x + 1.0).sum()).lower(np.ones(8, np.float32)).as_text()
    assert "call @" not in text


@pytest.mark.parametrize("method", [j3o.J3O(), j3o.PriceDirected(gap=1e-3, patience=20, max_iterations=40)], ids=repr)
def test_both_levels_give_the_same_plans(method):
    batch = draw_batch(5)
    plans = []
    for level in ("light", "full"):
        with _levels.at_level(level):
            plans.append(j3o.solve(batch, method))
    for name in ("objective", "bound", "client_models", "edge_models"):
        np.testing.assert_allclose(*(getattr(plan, name).astype(float) for plan in plans), rtol=1e-9)


def test_a_level_that_there_is_not_is_named(monkeypatch):
    monkeypatch.setenv(_levels.LEVEL_VARIABLE, "heavy")
    with pytest.raises(ValueError, match="J3O_JAX_LEVEL: must be 'light' or 'full', got 'heavy'"):
        j3o.solve(draw_batch(1))


def test_brief_work_is_compiled_lightly_and_long_work_for_speed(monkeypatch):
    monkeypatch.delenv(_levels.LEVEL_VARIABLE)
    assert _levels.level_for(10, 100) == "light"
    assert _levels.level_for(101, 100) == "full"


def test_options_that_this_release_does_not_know_are_left_out():
    known = {"xla_backend_optimization_level": 1}
    assert _levels._accepted(known | {"xla_cpu_option_of_the_future": True}) == known


def test_programs_that_were_not_used_for_longest_go_when_mappings_run_short(monkeypatch):
    taken = iter([20, 20, 200, 20])
    monkeypatch.setattr(_programs, "mappings", lambda: next(taken))
    monkeypatch.setattr(_programs, "most_mappings", lambda: 200)
    programs = _programs._Programs()
    for name in "abc":
        programs(name, object)
    programs("a", object)
    programs("d", object)
    assert list(programs.programs) == ["c", "a", "d"]


@program
def doubled(numbers):
    return numbers + numbers


def test_programs_are_kept_on_disk_and_found_again(tmp_path, monkeypatch):
    folder = jax.config.jax_compilation_cache_dir
    # A program that no run of the tests before had, and JAX has in no cache.
    batch, method = draw_batch(2), j3o.J3O(max_iterations=11 + time.time_ns() % 10_007)
    heard = []

    @contextlib.contextmanager
    def listener(compilation):
        heard.append(compilation)
        yield

    monkeypatch.setattr(_programs, "_programs", _programs._Programs())
    try:
        jax.config.update("jax_compilation_cache_dir", str(tmp_path))
        with _programs.telling_compilations(listener):
            first = j3o.solve(batch, method)
            assert "program" in {compilation.name for compilation in heard}
            heard.clear()
            _programs._programs.programs.clear()
            again = j3o.solve(batch, method)
            assert "program" not in {compilation.name for compilation in heard}
            # A file that was cut short is as good as none.
            given, names = np.arange(3.0), []
            for content in (slice(None), slice(100), slice(None)):
                heard.clear()
                np.testing.assert_array_equal(doubled(given), 2.0 * given)
                names.append([compilation.name for compilation in heard])
                for path in tmp_path.rglob("*.bin"):
                    path.write_bytes(path.read_bytes()[content])
                _programs._programs.programs.clear()
            assert names == [["doubled"], [], ["doubled"]]
    finally:
        jax.config.update("jax_compilation_cache_dir", folder)
    np.testing.assert_array_equal(again.local, first.local)
