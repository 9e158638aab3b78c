"""Requests from a file: counted as by hand, routed by the shares, and refused in one line where a row is bad."""

import dataclasses
import gzip

import numpy as np
import pytest
from support.scenarios import by_hand

import j3o_jax as j3o
from j3o_jax.simulation import _trace


def site():
    """Two clients of one edge, one model, two tasks; the edge answers all of the first, the cloud of the second."""
    names = j3o.Names(tasks=("detect", "depth"), models=("all",), clients=("north", "south"), edges=("hall",))
    scenario = by_hand(
        demand=[[2.0, 1.0], [2.0, 1.0]],
        client_accuracy=[[[0.6, 0.7]]],
        edge_accuracy=[[[0.8, 0.9]]],
        cloud_accuracy=[1.0, 0.95],
        edge_model_compute=[2.0],
        client_memory=[1.0, 1.0],
        client_compute=[4.0, 4.0],
        edge_memory=[1.0],
        edge_compute=[10.0],
        edge_uplink=[np.inf],
        cloud_uplink=np.inf,
        batching=j3o.Batching([1.0], [[0.1]]),
        names=names,
    )
    edge, cloud = np.array([[1.0, 0.0]] * 2), np.array([[0.0, 1.0], [0.0, 0.0]])
    local = np.array([[0.0, 0.0], [0.0, 1.0]])
    solution = j3o.Solution(
        client_models=np.array([[False], [True]]),
        edge_models=np.array([[True]]),
        client_choice=np.array([[-1, -1], [-1, 0]]),
        edge_choice=np.array([[0, -1]]),
        local=local,
        edge=edge,
        cloud=cloud,
        unserved=np.zeros((2, 2)),
        objective=np.asarray((4 * 0.8 + 0.95 + 0.7) / 6),
        bound=np.asarray(np.nan),
        status=np.asarray(int(j3o.Status.converged)),
        history=np.zeros(0),
        stats={},
        names=names,
    )
    assert j3o.check(scenario, solution).ok
    return scenario, solution


HEADER = "timestamp,client,task"
# Windows of a second from the first request: 3 at the edge in the first, 6 in the second, none in the third, 1 in the
# fourth. One request in the cloud, five at the second client within the fourth window, which can do four.
ROWS = [
    *("100.0,north,detect", "100.25,south,detect", "100.5,north,depth", "100.75,north,detect"),
    *["101.0,south,detect"] * 6,
    *["103.25,south,depth"] * 5,
    "103.5,north,detect",
]


@pytest.fixture
def trace(tmp_path):
    def write(rows, header=HEADER, encoding="utf-8"):
        path = tmp_path / "trace.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding=encoding)
        return path

    return write


def test_a_trace_is_what_it_is_by_hand(trace):
    found = j3o.simulate(*site(), trace=trace(ROWS), replications=3)
    np.testing.assert_array_equal(found.requests, [[[10.0, 0.0]]] * 3)
    np.testing.assert_array_equal(found.arrived, 16.0)
    np.testing.assert_array_equal(found.duration, [4.0])
    # 0.1 s to set up and 0.2 s for each request: 0.7, 1.3, 0 and 0.3 s.
    np.testing.assert_allclose(found.utilisation_edge, 2.3 / 4)
    np.testing.assert_allclose(found.batch_mean[:, 0, 0], 10 / 4)
    np.testing.assert_allclose(found.batch_deviation[:, 0, 0], np.std([3, 6, 0, 1]))
    # The batch of six ends 1.3 s after its window: 30 % of its requests come early enough to wait for more than two.
    np.testing.assert_allclose(found.late[:, 0, 0], 0.3 * 6 / 10)
    assert found.late_share == pytest.approx(0.18)
    np.testing.assert_allclose(found.accuracy, (10 * 0.8 + 0.95 + 5 * 0.7) / 16)
    # One second of work takes four requests; five of them are 1.25 s, in one window of four.
    np.testing.assert_allclose(found.utilisation_client, [[0.0, 1.25 / 4]] * 3)
    np.testing.assert_allclose(found.overload_client, [[0.0, 0.25]] * 3)
    assert np.isnan(found.late[:, 0, 1]).all()


def test_dropping_cuts_the_batch_that_is_too_large(trace):
    found = j3o.simulate(*site(), trace=trace(ROWS), replications=1, drop=True)
    # Of six requests four fit into a second after the set-up.
    np.testing.assert_allclose(found.dropped[:, 0, 0], 2 / 10)
    np.testing.assert_allclose(found.accuracy, (8 * 0.8 + 0.95 + 5 * 0.7) / 16)
    assert found.late_share < 1e-9


def test_other_ways_to_write_a_trace_change_nothing(trace, monkeypatch):
    expected = j3o.simulate(*site(), trace=trace(ROWS), replications=2)
    rows = []
    for row in ROWS:
        seconds, client, task = row.split(",")
        rows.append(f'{task},"x, y",2030-01-31T12:00:{float(seconds) - 90:05.2f}+01:00, {client} ')
    monkeypatch.setattr(_trace, "_ROWS_AT_ONCE", 3)
    path = trace([*rows[:3], "", *rows[3:]], "task,note,timestamp,client", "utf-8-sig")
    found = j3o.simulate(*site(), trace=path, replications=2)
    for field in dataclasses.fields(found):
        if field.name not in ("names", "trace"):
            np.testing.assert_allclose(getattr(found, field.name), getattr(expected, field.name), rtol=1e-9)
    assert dataclasses.replace(found.trace, time_unit="s") == expected.trace


def test_requests_are_routed_by_the_shares(trace, monkeypatch):
    scenario, solution = site()
    half = np.array([[0.5, 0.5], [0.5, 0.0]])
    # The first client: half and half to edge and nobody; 2,000 requests, so ± 5 standard errors are 112.
    plan = dataclasses.replace(
        solution, edge=np.array([[0.5, 0.0], [1.0, 0.0]]), unserved=half * [[1.0, 0.0], [0.0, 0.0]]
    )
    path = trace([f"{number / 100},north,detect" for number in range(2000)])
    found = j3o.simulate(scenario, plan, trace=path, replications=4, seed=1)
    assert (np.abs(found.requests[:, 0, 0] - 1000) < 112).all()
    assert len(set(found.requests[:, 0, 0])) > 1
    np.testing.assert_allclose(found.accuracy, 0.8 * found.requests[:, 0, 0] / 2000)
    monkeypatch.setattr(_trace, "_ROWS_AT_ONCE", 77)
    again = j3o.simulate(scenario, plan, trace=path, replications=4, seed=1, replications_at_once=3)
    np.testing.assert_array_equal(again.requests, found.requests)
    np.testing.assert_allclose(again.late, found.late, rtol=1e-9)
    other = j3o.simulate(scenario, plan, trace=path, replications=4, seed=2)
    assert (other.requests != found.requests).any()


@pytest.mark.parametrize(
    ("rows", "line", "words"),
    [
        (["1,north,detect", "x,north,detect"], 3, ["timestamp = 'x' is no time", "write seconds"]),
        (["1,north,detect", "nan,north,detect"], 3, ["not finite"]),
        (["2,north,detect", "1,north,detect"], 3, ["before that of the last row", "sort"]),
        (["1,norht,detect"], 2, ["client = 'norht'", "did you mean 'north'?"]),
        (["1,north,walk"], 2, ["task = 'walk'", "known are 'detect', 'depth'"]),
        (["1,north"], 2, ["has 2 columns", "has 3"]),
        (["1,north,detect", "2030-01-31,north,detect"], 3, ["not a number as in the rows before"]),
        (["1,north,detect", '2,"north,detect'], 3, ["is no CSV"]),
        (["0,north,detect", "1e12,north,detect"], 3, ["windows after the first row"]),
        ([], None, ["has no requests"]),
    ],
    ids=str,
)
def test_bad_rows_are_named(trace, rows, line, words):
    path = trace(rows)
    with pytest.raises(j3o.FileError) as caught:
        j3o.simulate(*site(), trace=path)
    text = str(caught.value)
    assert text.startswith(f"{path}:{line}: " if line else f"{path}: ")
    assert "\n" not in text
    for word in words:
        assert word in text


def test_files_that_are_no_traces_are_named(trace, tmp_path):
    with pytest.raises(j3o.FileError, match="has no column 'task'"):
        j3o.simulate(*site(), trace=trace([], header="timestamp,client,query"))
    with pytest.raises(j3o.FileError, match="cannot be opened"):
        j3o.simulate(*site(), trace=tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"timestamp,client,task\n1,n\xff,detect\n")
    with pytest.raises(j3o.FileError, match="not UTF-8"):
        j3o.simulate(*site(), trace=tmp_path / "bytes.csv")


def test_the_unit_of_timestamps_is_told_or_given(trace):
    expected = j3o.simulate(*site(), trace=trace(ROWS), replications=2)
    assert expected.trace.time_unit == "s"
    for unit, scale, start in (("ms", 1e3, 1.7e12), ("us", 1e6, 1.7e15), ("ns", 1e9, 1.7e18), ("s", 1.0, 1.7e9)):
        rows = [f"{start + scale * float(row.split(',')[0]):.0f},{row.split(',', 1)[1]}" for row in ROWS]
        if unit == "s":
            rows = [f"{start + float(row.split(',')[0])!r},{row.split(',', 1)[1]}" for row in ROWS]
        found = j3o.simulate(*site(), trace=trace(rows), replications=2)
        assert found.trace.time_unit == unit
        np.testing.assert_array_equal(found.requests, expected.requests)
        np.testing.assert_array_equal(found.duration, expected.duration)
    # Milliseconds since the start of a measurement look like seconds.
    rows = [f"{1e3 * float(row.split(',')[0]):.0f},{row.split(',', 1)[1]}" for row in ROWS]
    found = j3o.simulate(*site(), trace=trace(rows), replications=2, time_unit="ms")
    np.testing.assert_array_equal(found.requests, expected.requests)
    with pytest.raises(j3o.FileError, match="times fewer: are its timestamps in milliseconds"):
        j3o.simulate(*site(), trace=trace(rows), replications=2, strict=True)
    with pytest.raises(ValueError, match="time_unit: must be one of s, ms, us, ns, got 'min'"):
        j3o.simulate(*site(), trace=trace(rows), time_unit="min")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (100.0, "times fewer: are its timestamps in milliseconds \\(--time-unit ms\\)"),
        (100_000.0, "are its timestamps in microseconds"),
        (0.001, "167 times as many: is it of this deployment"),
    ],
)
def test_a_rate_that_differs_tenfold_is_refused_where_it_matters(trace, step, words):
    path = trace([f"{step * number},north,detect" for number in range(30)])
    with pytest.raises(j3o.FileError, match=words):
        j3o.simulate(*site(), trace=path, replications=1, strict=True)
    if step < 1000.0:
        found = j3o.simulate(*site(), trace=path, replications=1)
        assert found.trace.rate == pytest.approx(1.0 / step)
        assert found.trace.planned_rate == 6.0
        assert found.trace.differs


def test_a_rate_near_the_plan_s_and_that_of_a_few_requests_pass(trace):
    for count, step in ((30, 0.02), (30, 1.0), (9, 1000.0)):
        rows = [f"{step * number},north,detect" for number in range(count)]
        assert not j3o.simulate(*site(), trace=trace(rows), replications=1, strict=True).trace.differs


def test_streams_without_demand_or_names_are_counted(trace):
    scenario, solution = site()
    scenario = dataclasses.replace(scenario, demand=np.array([[2.0, 0.0], [2.0, 1.0]]))
    rows = ["0,north,detect", "1,north,depth", "2,north,depth", "3,south,depth"]
    found = j3o.simulate(scenario, solution, trace=trace(rows), replications=1)
    assert found.trace.without_demand == {("north", "depth"): 2}
    assert (found.trace.unknown, found.trace.requests) == ({}, 4)
    path = trace([*rows, "4,west,detect", "5,west,detect", "5,south,walk"])
    with pytest.raises(j3o.FileError, match=r"trace.csv:6: client = 'west'.*3 of 7 requests, 'west' 'detect' \(2\)"):
        j3o.simulate(scenario, solution, trace=path, replications=1)
    found = j3o.simulate(scenario, solution, trace=path, replications=1, leave_out=True)
    assert found.trace.unknown == {("west", "detect"): 2, ("south", "walk"): 1}
    assert found.trace.requests == 4
    np.testing.assert_array_equal(found.arrived, 4.0)


def test_traces_are_read_as_people_have_them(trace, tmp_path):
    expected = j3o.simulate(*site(), trace=trace(ROWS), replications=2)
    rows = [row.replace(",", ";").replace(".", ",") for row in ROWS]
    path = tmp_path / "trace.csv.gz"
    path.write_bytes(gzip.compress("\n".join(["time;camera;task", *rows]).encode()))
    columns = {"timestamp": "time", "client": "camera"}
    found = j3o.simulate(*site(), trace=path, replications=2, columns=columns)
    np.testing.assert_array_equal(found.requests, expected.requests)
    with pytest.raises(j3o.FileError, match=r"has no column 'timestamp': .*timestamp=NAME"):
        j3o.simulate(*site(), trace=path)
    with pytest.raises(j3o.FileError, match="has no column 'when', which was to be 'timestamp'"):
        j3o.simulate(*site(), trace=path, columns={"timestamp": "when"})
    with pytest.raises(ValueError, match="columns: 'time' is none of"):
        j3o.simulate(*site(), trace=path, columns={"time": "timestamp"})
