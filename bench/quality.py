"""Loss and time of the methods on the paper's benchmarks, beside its Table IV.

    python bench/quality.py --benchmark taskonomy5 --seeds 20

Every plan passes the independent checker, or the run fails. Times are per scenario of a batch, after a first call
that compiles; compile time is listed apart.
"""

import argparse
import os
import platform
import time

import jax
import numpy as np

import j3o_jax as j3o

METHODS = {"J3O": j3o.J3O(), "Full-Local": j3o.FullLocal()}
# Table IV: average loss (1 − accuracy where it prints accuracy), mean and standard deviation over 20 seeds.
TABLE_IV = {
    "taskonomy5": {"J3O": (0.094, 0.048), "Full-Local": (0.507, 0.074)},
    "domainnet6": {"J3O": (0.246, 0.018), "Full-Local": (0.603, 0.037)},
    "cityscapes3d": {"J3O": (0.162, 0.010), "Full-Local": (0.439, 0.098)},
}


def measure(scenarios, method, repeats):
    """Solution, seconds of the first call, and the median seconds of the following ones."""
    times = []
    for _ in range(1 + repeats):
        start = time.perf_counter()
        solution = j3o.solve(scenarios, method, throw=True)
        times.append(time.perf_counter() - start)
    j3o.check(scenarios, solution).raise_if_violated()
    return solution, times[0], float(np.median(times[1:]))


def main():
    """Print one table per benchmark, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--benchmark", choices=[*TABLE_IV, "all"], default="all")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--smoke", action="store_true", help="the smallest run that goes through everything")
    options = parser.parse_args()
    if options.smoke:
        options.seeds, options.repeats = 2, 1
    names = list(TABLE_IV) if options.benchmark == "all" else [options.benchmark]
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, JAX {jax.__version__} on "
        f"{jax.devices()[0].device_kind}, {options.seeds} seeds\n"
    )
    for name in names:
        scenarios = getattr(j3o.benchmarks, name)().sample(0, n=options.seeds)
        print(f"| {name} | average loss | Table IV | ms per scenario | first call, s |\n|---|---|---|---|---|")
        for label, method in METHODS.items():
            solution, first, usual = measure(scenarios, method, options.repeats)
            loss, paper = 1.0 - solution.objective, TABLE_IV[name][label]
            print(
                f"| {label} | {loss.mean():.3f} ± {loss.std():.3f} | {paper[0]:.3f} ± {paper[1]:.3f} | "
                f"{1e3 * usual / options.seeds:.1f} | {first:.1f} |"
            )
        print()


if __name__ == "__main__":
    main()
