"""Programs that several threads ask for, and those that are compiled before anybody asks."""

import contextlib
import threading

import numpy as np
import pytest
from support.methods import draw_batch

import j3o_jax as j3o
from j3o_jax import _batched, _programs

QUICK = j3o.PriceDirected(gap=1e-3, patience=20, max_iterations=40)


class Compiler:
    """A compiler that is at work until it is told what becomes of it."""

    def __init__(self, mistake=None):
        self.begun, self.may_end, self.mistake = threading.Event(), threading.Event(), mistake

    def __call__(self):
        self.begun.set()
        assert self.may_end.wait(60.0)
        if self.mistake:
            raise self.mistake
        return "program"


@pytest.fixture
def fresh(monkeypatch):
    """Programs, none of which is compiled yet."""
    programs = _programs._Programs()
    monkeypatch.setattr(_programs, "_programs", programs)
    return programs


@contextlib.contextmanager
def another_thread_compiling(programs, compiler, failures):
    """Context in which another thread compiles a program, which ends as soon as this one waits."""

    def work():
        try:
            programs("key", compiler)
        except ValueError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert compiler.begun.wait(60.0)
    try:
        yield
    finally:
        compiler.may_end.set()
        thread.join()


@contextlib.contextmanager
def waiting(compiler, heard):
    heard.append("waits")
    compiler.may_end.set()
    yield


def test_who_asks_for_a_program_that_is_being_compiled_waits_for_it(fresh):
    compiler, heard, failures = Compiler(), [], []
    before = _programs.seconds_of_compiling()
    with another_thread_compiling(fresh, compiler, failures):
        # Another program is not waited for.
        assert fresh("other", lambda: "other program") == ("other program", True)
        found = fresh("key", lambda: pytest.fail("compiled twice"), lambda: waiting(compiler, heard))
    assert found == ("program", False)
    assert heard == ["waits"]
    assert not failures
    assert _programs.seconds_of_compiling() > before


def test_a_program_that_another_thread_could_not_compile_is_compiled_by_who_waits(fresh):
    compiler, heard, failures = Compiler(ValueError("out of luck")), [], []
    with another_thread_compiling(fresh, compiler, failures):
        found = fresh("key", lambda: "own program", lambda: waiting(compiler, heard))
    assert found == ("own program", True)
    assert failures == [compiler.mistake]


@pytest.mark.parametrize("batch", [1, 5], ids=["one scenario", "a batch"])
def test_rounds_are_compiled_while_the_bound_is_searched_for_and_only_once(monkeypatch, fresh, batch):
    scenarios = draw_batch(batch)
    monkeypatch.setattr(_batched, "available_cores", lambda: 2)
    monkeypatch.setattr(_batched, "_names_compiled", [])
    ahead = j3o.solve(scenarios, QUICK)
    # What is asked for later is what was compiled: the same shapes, and no more programs than without.
    names = ["_advance.<locals>.advance", "_begin.<locals>.begin", "_program.<locals>.program"]
    assert sorted(_batched._names_compiled) == names
    fresh.programs.clear()
    monkeypatch.setattr(_batched, "available_cores", lambda: 1)
    alone = j3o.solve(scenarios, QUICK)
    assert sorted(_batched._names_compiled) == sorted(names * 2)
    np.testing.assert_array_equal(ahead.objective, alone.objective)
    np.testing.assert_array_equal(ahead.bound, alone.bound)
    j3o.check(scenarios, ahead).raise_if_violated()


def test_a_mistake_while_compiling_ahead_is_left_to_who_asks(monkeypatch, fresh):
    scenario = draw_batch(1)
    monkeypatch.setattr(_batched, "available_cores", lambda: 2)
    compiled = _batched.compiled

    def careless(function, *arguments, **others):
        if threading.current_thread().name == "compiling ahead":
            raise RuntimeError("no compiler today")
        return compiled(function, *arguments, **others)

    monkeypatch.setattr(_batched, "compiled", careless)
    assert j3o.solve(scenario, QUICK).success.all()
