import pytest

from bench.counting import Loop
from bench.launches import matched, parts_of
from bench.publish import write_tables
from bench.switching_curve import require_bounds, rises
from bench.thunks import Steps, read_steps
from bench.tracing import read_trace

STEPS = """\
000: kCommandBuffer [source       | next=002 (1)]
    001: kCustomKernel [source | next=002 (2) ] loop_fusion grid: [4, 1, 1]
    002: kCopy         [source | sink         ] kCopy
003: kWhile         [prev=000 (1) | next=008 (1)]
condition:
    004: kCustomKernel [source | sink] input_reduce_fusion
  body:
    005: kWhile         [prev=000 (1) | next=000 (1)]
condition:
        No thunks.      body:
        006: kCustomKernel [source | sink] loop_select_fusion
    007: kCopy         [source | sink ] kCopy
008: kCustomKernel [prev=003 (1) | sink ] loop_fusion
"""


def test_the_steps_of_a_program_are_read_loop_by_loop():
    program = read_steps(STEPS)
    assert (program.kernels, program.copies, program.launches) == (2, 1, 2)
    (outer,) = program.loops
    assert (outer.kernels, outer.copies, outer.launches, outer.condition) == (0, 1, 1, 1)
    (inner,) = outer.loops
    assert (inner.kernels, inner.copies, inner.condition, inner.loops) == (1, 0, 0, [])


def test_a_loop_in_a_command_buffer_is_no_launch():
    program = read_steps(
        "000: kCommandBuffer [source | sink]\n" + "".join(f"    {line}\n" for line in STEPS.split("\n"))
    )
    assert program.launches == 1
    (outer,) = program.loops
    assert outer.on_device
    assert outer.launches == 0


def test_a_loop_is_asked_once_more_than_it_goes_round():
    steps = Steps(kernels=1, launches=1, trips=1)
    steps.loops = [Steps(kernels=3, copies=1, launches=2, condition=1, trips=None)]
    loop = Loop(inner={0: Loop(known=False, entered=2, turns=5)})
    whole, inner = parts_of(steps, loop)
    assert (whole["operations"], whole["launches"], whole["reads"]) == (1, 1, 0)
    assert (inner["operations"], inner["launches"], inner["reads"]) == (5 * 4 + 7, 5 * 2 + 7, 7)


def test_loops_are_matched_by_what_they_carry_and_unrolled_ones_left_out():
    large, small = Loop(carried=[(8,), (8,)], known=False), Loop(carried=[(2,)], known=False)
    unrolled = Loop(carried=[(5,)], known=True)
    of_small, of_large = Steps(carried=[(2,)], trips=None), Steps(carried=[(8,), (8,), (1,)], trips=None)
    assert matched([of_small, of_large], [large, unrolled, small]) == [(of_large, large), (of_small, small)]


def test_a_trace_is_counted_by_the_device_s_streams():
    def named(pid, process, threads):
        yield {"ph": "M", "name": "process_name", "pid": pid, "args": {"name": process}}
        for tid, thread in threads.items():
            yield {"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": {"name": thread}}

    def event(pid, tid, name, start, length):
        return {"ph": "X", "pid": pid, "tid": tid, "name": name, "ts": start, "dur": length}

    events = [
        *named(1, "/device:GPU:0", {1: "Stream #1(Compute)", 2: "XLA Ops"}),
        *named(2, "/host:CPU", {1: "python"}),
        event(1, 1, "loop_fusion", 0.0, 10.0),
        event(1, 1, "loop_fusion", 5.0, 10.0),
        event(1, 1, "MemcpyD2H", 20.0, 5.0),
        event(1, 2, "fusion", 0.0, 100.0),
        event(2, 1, "cuLaunchKernel", 0.0, 1.0),
        event(2, 1, "cuStreamSynchronize", 1.0, 24.0),
    ]
    found = read_trace(events)
    assert (found["kernels"], found["copies"], found["reads"]) == (2, 1, 1)
    assert (found["launches"], found["waits"]) == (1, 1)
    assert [round(1e6 * found[name]) for name in ("busy_seconds", "span_seconds", "wait_seconds")] == [20, 25, 24]


def test_a_trace_without_a_device_says_so():
    assert read_trace([{"ph": "X", "pid": 1, "tid": 1, "name": "jit", "ts": 0.0}]) == {
        "not_measured": "the trace has no device in it"
    }


def _plans_at(cost, accuracy, moved_mb):
    bound = [own - cost * mb for own, mb in zip(accuracy, moved_mb, strict=True)]
    return {
        "case": "drawn",
        "method": "ExactMILP",
        "cost_per_mb": cost,
        "by_seed": {"accuracy": accuracy, "moved_mb": moved_mb, "bound": bound},
    }


def test_rises_along_the_cost_of_moving_are_counted_by_scenario():
    # Not in the order of costs; what is less than a solver's tolerance is none.
    rows = [
        _plans_at(1e-3, [0.7, 0.6], [0.0, 30.0]),
        _plans_at(0.0, [0.9, 0.8], [500.0, 20.0]),
        _plans_at(1e-5, [0.9 + 1e-9, 0.7], [100.0, 25.0]),
    ]
    assert rises(rows, "moved_mb") == (2, 4, 1, 5.0)
    assert rises(rows, "accuracy") == (0, 4, 0, 0.0)


def test_a_plan_that_is_worth_more_at_another_cost_than_what_is_proven_there_is_told():
    cheap, dear = _plans_at(1e-5, [0.9], [100.0]), _plans_at(1e-3, [0.85], [10.0])
    require_bounds([cheap, dear])
    with pytest.raises(AssertionError, match="ExactMILP at 1e-05 is above"):
        require_bounds([cheap, _plans_at(1e-3, [0.79], [10.0])])


def test_tables_in_pages_are_as_measured():
    assert write_tables(dry=True) == [], "write them with: python -m bench publish --only"
