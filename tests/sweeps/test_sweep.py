"""Sweeps that run: what is in the folder, whoever solves the chunks and however often it was interrupted."""

import concurrent.futures
import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import polars as pl
import pytest
from support.command_line import one_line
from support.sweeps import QUICK, rows_of, same_rows

import j3o_jax as j3o
from j3o_jax.benchmarks import NAMES
from j3o_jax.cli._app import run
from j3o_jax.experiments import _run as running
from j3o_jax.experiments._rows import solve_chunk
from j3o_jax.io import FileError, example_deployment
from j3o_jax.sweeps import LocalWorkers, SweepError, read_chunks, read_manifest, read_sweep, summarize_sweep, sweep

MAIN = "from j3o_jax.cli import main; main()"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "out"
    sweep(QUICK, folder)
    return folder


def spec_file(folder, **changes):
    path = folder / "spec.json"
    path.write_text(json.dumps(QUICK | changes), encoding="utf-8")
    return str(path)


def test_rows_are_what_solve_says(undisturbed):
    rows = rows_of(undisturbed)
    assert rows.height == 48
    for point, share in enumerate((0.3, 0.6)):
        scenarios = NAMES["cityscapes3d"]().sample(0, 24, clients=4, edges=2, edge_uplink_fraction=share)
        plans = j3o.solve(scenarios, j3o.FullLocal())
        own = rows.filter(pl.col("point") == point)
        np.testing.assert_array_equal(own["objective"], plans.objective)
        assert own["edge_uplink_fraction"].unique().to_list() == [share]
        assert own["seed"].to_list() == list(range(24))
        served = np.sum(scenarios.demand * plans.local, axis=(1, 2)) / np.sum(scenarios.demand, axis=(1, 2))
        np.testing.assert_allclose(own["local"], served)
        assert own["bound"].null_count() == 24
    assert set(rows["status"]) == {"converged"}


def test_the_folder_says_what_it_is_of(undisturbed):
    manifest = read_manifest(undisturbed)
    assert (manifest.scenarios, manifest.rows, manifest.chunks) == (48, 48, 12)
    assert manifest.precision == "float64"
    chunks = read_chunks(undisturbed)
    assert chunks["rows"].sum() == 48
    assert (chunks["seconds"] >= 0.0).all()
    assert set(os.listdir(undisturbed)) == {"manifest.json", "rows"}


def test_the_summary_is_that_of_the_rows(undisturbed):
    from scipy.stats import t as student

    table, rows = summarize_sweep(undisturbed), rows_of(undisturbed)
    assert table["edge_uplink_fraction"].to_list() == [0.3, 0.6]
    own = rows.filter(pl.col("point") == 0)["objective"].to_numpy()
    interval = student.interval(0.95, 23, own.mean(), own.std(ddof=1) / 24**0.5)
    assert table["objective"][0] == pytest.approx(own.mean())
    assert table["objective_ci"][0] == pytest.approx((interval[1] - interval[0]) / 2)
    assert table["failures"].to_list() == [0, 0]


def test_what_is_done_is_not_solved_again(undisturbed, tmp_path, monkeypatch):
    solved = []

    def count(chunk):
        solved.append(chunk.name)
        return solve_chunk(chunk)

    monkeypatch.setattr(running, "solve_chunk", count)
    out = tmp_path / "out"
    sweep(QUICK, out)
    lost = sorted(os.listdir(out / "rows"))[2:5]
    for name in lost:
        os.unlink(out / "rows" / name)
    solved.clear()
    sweep(QUICK, out)
    assert sorted(f"{name}.parquet" for name in solved) == lost
    same_rows(out, undisturbed)


@pytest.mark.parametrize(("method", "rtol", "values"), [("full-local", 1e-12, 3), ("rand-ao", 1e-9, 6)])
def test_rows_do_not_depend_on_their_chunk_nor_does_what_is_drawn_at_random(tmp_path, method, rtol, values):
    spec = QUICK | {"seeds": 3, "methods": [method]}
    for size in (6, 4):
        sweep(spec | {"chunk": size}, tmp_path / f"{size}")
    found, wanted = rows_of(tmp_path / "4"), rows_of(tmp_path / "6")
    np.testing.assert_allclose(found["objective"], wanted["objective"], rtol=rtol)
    # What is answered on the clients does not depend on the uplink.
    assert wanted["objective"].n_unique() == values


def test_failures_are_rows_with_a_reason(tmp_path):
    spec = QUICK | {"seeds": 2, "parameters": {"clients": 4, "edges": 2, "allow_unserved": [True, False]}}
    spec["parameters"]["client_compute_scale"] = 0.01
    sweep(spec, tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    failed = rows.filter(~pl.col("allow_unserved"))
    assert failed["status"].to_list() == ["infeasible"] * 2
    assert failed["objective"].null_count() == 2
    assert all("no plan that serves all the load" in reason for reason in failed["reason"])
    assert rows.filter(pl.col("allow_unserved"))["objective"].null_count() == 0


# Who else can solve chunks


@pytest.mark.parametrize("workers", [1, 2, None])
def test_processes_and_any_executor_leave_the_same_rows(undisturbed, tmp_path, workers):
    sweep(QUICK, tmp_path / "out", workers=workers, executor=None if workers else ThreadPoolExecutor(3))
    same_rows(tmp_path / "out", undisturbed)


class DyingWorkers(concurrent.futures.Executor):
    """Solves some chunks, then dies with all that it was given; `restart` makes it solve a few more."""

    def __init__(self, lives, chunks_of_a_life):
        self.lives, self.each = lives, chunks_of_a_life
        self.left = chunks_of_a_life

    def submit(self, fn, /, *args, **kwargs):
        future = concurrent.futures.Future()
        if self.left == 0:
            future.set_exception(BrokenProcessPool("a process ended abruptly"))
        else:
            self.left -= 1
            future.set_result(fn(*args, **kwargs))
        return future

    def restart(self):
        self.lives -= 1
        self.left = self.each


def test_dead_workers_are_replaced(undisturbed, tmp_path):
    executor = DyingWorkers(lives=9, chunks_of_a_life=3)
    sweep(QUICK, tmp_path / "out", executor=executor)
    assert executor.lives < 9
    same_rows(tmp_path / "out", undisturbed)


def test_workers_that_only_die_are_given_up(undisturbed, tmp_path):
    with pytest.raises(SweepError, match=r"workers died .*take fewer workers or a smaller chunk"):
        sweep(QUICK, tmp_path / "out", executor=DyingWorkers(lives=9, chunks_of_a_life=0))
    sweep(QUICK, tmp_path / "out")
    same_rows(tmp_path / "out", undisturbed)


def test_a_killed_process_is_replaced(undisturbed, tmp_path):
    executor = LocalWorkers(2)
    killed = []

    def kill_one(done, total, chunk):
        if chunk is not None and not killed:
            killed.extend(list(executor._pool._processes)[:1])
            os.kill(killed[0], signal.SIGKILL)

    with executor:
        sweep(QUICK, tmp_path / "out", executor=executor, progress=kill_one)
    assert killed
    same_rows(tmp_path / "out", undisturbed)


def test_workers_take_turns_with_accelerators(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    with LocalWorkers(3) as executor:
        seen = {executor.submit(_device).result() for _ in range(30)}
    assert seen <= {("CUDA", "3"), ("CUDA", "5")}
    assert seen


def _device():
    time.sleep(0.05)
    return "CUDA", os.environ["CUDA_VISIBLE_DEVICES"]


def test_dask_solves_them_though_a_worker_is_killed(undisturbed, tmp_path):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        killed = []

        def kill_one(done, total, chunk):
            if chunk is not None and not killed:
                worker = next(iter(cluster.workers.values()))
                killed.append(worker.pid)
                os.kill(worker.pid, signal.SIGKILL)

        sweep(QUICK, tmp_path / "out", executor=client.get_executor(), progress=kill_one)
        assert killed
    same_rows(tmp_path / "out", undisturbed)


# What can go wrong


def test_a_chunk_that_fails_does_not_end_the_others(tmp_path, monkeypatch):
    first = []

    def fail_once(chunk):
        if not first:
            first.append(chunk.name)
            raise MemoryError("no room")
        return solve_chunk(chunk)

    monkeypatch.setattr(running, "solve_chunk", fail_once)
    with pytest.raises(SweepError, match=rf"1 of 12 chunks could not be solved: chunk {'.*'}: MemoryError: no room"):
        sweep(QUICK, tmp_path / "out")
    assert read_chunks(tmp_path / "out").height == 11


def test_a_full_disk_loses_nothing(undisturbed, tmp_path, capsys, monkeypatch):
    out, left = tmp_path / "out", [5]
    real = os.fsync

    def fsync(number):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        real(number)

    spec = spec_file(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", fsync)
        assert run(["sweep", spec, "--out", str(out)]) == 2
    one_line(capsys.readouterr(), "No space left on device", "make room")
    assert not [name for name in os.listdir(out / "rows") if not name.endswith(".parquet")]
    assert run(["sweep", spec, "--out", str(out)]) == 0
    same_rows(out, undisturbed)


def test_another_sweep_s_folder_is_refused(undisturbed, tmp_path, capsys):
    before = sorted(os.listdir(undisturbed / "rows"))
    assert run(["sweep", spec_file(tmp_path, seeds=25), "--out", str(undisturbed)]) == 2
    one_line(capsys.readouterr(), "holds another sweep, with seeds.count = 24 where this one has 25")
    assert sorted(os.listdir(undisturbed / "rows")) == before


def test_a_deployment_that_was_edited_since_is_named(tmp_path):
    (tmp_path / "site.yaml").write_text(example_deployment())
    spec = tmp_path / "spec.yaml"
    spec.write_text("deployment: site.yaml\nseeds: 2\nparameters: {demand_spread: 0.1}\nmethods: [full-local]\n")
    sweep(spec, tmp_path / "out")
    (tmp_path / "site.yaml").write_text(example_deployment().replace("memory_mb: 256", "memory_mb: 255"))
    with pytest.raises(FileError, match=r"the deployment site\.yaml has changed since: name another folder"):
        sweep(spec, tmp_path / "out")
    # Where more than the deployment differs, that is what is told.
    spec.write_text(spec.read_text().replace("seeds: 2", "seeds: 3"))
    with pytest.raises(FileError, match=r"holds another sweep, with seeds\.count = 2 where this one has 3"):
        sweep(spec, tmp_path / "out")


def test_another_version_s_folder_is_refused(tmp_path):
    sweep(QUICK | {"seeds": 1}, tmp_path / "out")
    path = tmp_path / "out" / "manifest.json"
    path.write_text(path.read_text().replace('"version": "', '"version": "0.0.'), encoding="utf-8")
    with pytest.raises(FileError, match=r"was begun by j3o-jax 0\.0\."):
        sweep(QUICK | {"seeds": 1}, tmp_path / "out")


def test_the_digest_of_the_code_is_of_all_that_solves_a_chunk():
    code = f"""
import sys
from j3o_jax._machine import source_files
from j3o_jax.experiments._chunks import chunks_of
from j3o_jax.experiments._rows import solve_chunk
from j3o_jax.experiments._spec import sweep_spec

solve_chunk(next(chunks_of(sweep_spec({QUICK!r}), "1")))
digested = {{str(path) for _, path in source_files()}}
ours = [module.__file__ for name, module in sys.modules.items() if name.split(".")[0] in ("j3o_jax", "j3o_kernels")]
print(*{{path for path in ours if path not in digested}}, sep="\\n")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # Reading the specification's file is no part of it: what was read is in the folder.
    assert {path.split("/")[-2] for path in done.stdout.split()} == {"io"}


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("x")
    with pytest.raises(FileError, match=r"holds other files, such as 'thesis.tex': name an empty folder"):
        sweep(QUICK, tmp_path / "out")


def test_two_at_a_time_are_refused(undisturbed):
    from j3o_jax.experiments._folder import Folder

    code = f"from j3o_jax.experiments._folder import Folder\nwith Folder({str(undisturbed)!r}).locked(): pass\n"
    with Folder(str(undisturbed)).locked():
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "is being written by another sweep" in ended.stderr


def test_what_is_no_sweep_is_said(tmp_path):
    with pytest.raises(FileError, match="is not there"):
        read_sweep(tmp_path / "none")
    with pytest.raises(FileError, match="holds no sweep"):
        read_sweep(tmp_path)


def test_a_specification_from_python_is_checked():
    with pytest.raises(FileError, match=r"spec: seeds is missing"):
        sweep({"benchmark": "taskonomy5", "methods": ["j3o"]}, "nowhere")


# Killed at any moment


def test_killed_again_and_again_it_ends_with_the_same_rows(undisturbed, tmp_path):
    spec, out = spec_file(tmp_path), tmp_path / "out"
    command = [sys.executable, "-c", MAIN, "sweep", spec, "--out", str(out), "--json"]
    rng = random.Random(0)
    kills = 0
    # `python -m bench sweeping` kills more often.
    while True:
        there = len(os.listdir(out / "rows")) if (out / "rows").is_dir() else 0
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            # At least a chunk more, so that the test ends; then any moment.
            while process.poll() is None and not ((out / "rows").is_dir() and len(os.listdir(out / "rows")) > there):
                time.sleep(0.002)
            time.sleep(rng.uniform(0.0, 0.02))
            if kills == 3:
                process.wait()
        finally:
            ended = process.poll() is not None
            process.kill()
            output, errors = process.communicate()
        if ended:
            break
        kills += 1
    assert process.returncode == 0, errors
    assert kills > 0
    assert json.loads(output)["rows"] == 48
    same_rows(out, undisturbed)
    assert set(os.listdir(out)) == {"manifest.json", "rows"}
    assert all(name.endswith(".parquet") and not name.startswith(".") for name in os.listdir(out / "rows"))


def test_ctrl_c_says_how_far_it_came(tmp_path):
    spec, out = spec_file(tmp_path, seeds=2000), tmp_path / "out"
    heed = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from j3o_jax.cli import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", heed, "sweep", spec, "--out", str(out)], stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and not ((out / "rows").is_dir() and os.listdir(out / "rows")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert "of 4,000 scenarios are done; the same command goes on from there" in errors
    assert errors.count("\n") == 1
