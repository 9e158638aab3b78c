"""Workers that were forked: what works on the host works there too, and JAX says at once that it does not."""

import os
import subprocess
import sys

import pytest

import j3o_jax as j3o

PROGRAM = """
import multiprocessing, sys
import j3o_jax as j3o
from concurrent.futures import ProcessPoolExecutor


METHODS = {
    "exact": j3o.ExactMILP(),
    "bilinear": j3o.BilinearMINLP(time_limit=20),
    "full": j3o.FullLocal(),
    "j3o": j3o.J3O(),
}

def solved(name):
    try:
        return f"{float(j3o.solve(j3o.load('site.yaml'), METHODS[name]).objective):.6f}"
    except j3o.ForkError as error:
        return f"ForkError: {error}"

if __name__ == "__main__":
    before, *after = sys.argv[1:]
    own = solved(before)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        for name in after:
            print(name, pool.submit(solved, name).result(timeout=120))
    print("parent", own)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.parametrize("before", ["exact", "j3o"])
def test_host_methods_work_after_a_fork_and_others_say_what_to_do(tmp_path, before):
    # Of the sizes of which other tests have the program.
    (tmp_path / "site.yaml").write_text(j3o.io.example_deployment())
    (tmp_path / "forks.py").write_text(PROGRAM)
    ended = subprocess.run(
        [sys.executable, "forks.py", before, "exact", "full", "bilinear", *(["j3o"] if before == "j3o" else [])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told = dict(line.split(" ", 1) for line in ended.stdout.splitlines())
    scenario = j3o.load(tmp_path / "site.yaml")
    for name, method in (("exact", j3o.ExactMILP()), ("full", j3o.FullLocal())):
        assert float(told[name]) == pytest.approx(float(j3o.solve(scenario, method).objective), abs=1e-6)
    assert float(told["bilinear"]) > 0.0
    if before == "j3o":
        assert told["j3o"].startswith("ForkError: JAX cannot compute in a process that was forked")
        assert "'spawn' or 'forkserver'" in told["j3o"]


def test_methods_say_whether_they_work_on_the_host():
    on_host = [j3o.ExactMILP(), j3o.BilinearMINLP(), j3o.FullLocal(), j3o.ExactMILP(start=j3o.FullLocal())]
    on_device = [j3o.J3O(), j3o.PriceDirected(), j3o.GreedyAO(), j3o.ExactMILP(start=j3o.J3O())]
    assert all(method.on_host for method in on_host)
    assert not any(method.on_host for method in on_device)
