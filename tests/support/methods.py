"""One table of methods and one of variants, for what holds for all of them, and the sizes at which they are tried.

Every size, variant and setting of a method that runs on the device is a program of its own, which takes seconds to
compile and far longer than to run. Tests whose intent allows it therefore take `SMALL`, and find the programs of other
tests in this process or on disk. Exact answers by enumeration need `oracle.TINY`.
"""

import numpy as np

import j3o_jax as j3o

from .scenarios import random_scenario, stack

QUICKLY = {"xla_backend_optimization_level": 0}
"""XLA's options for programs that tests compile by `jax.jit` themselves: they run once."""

SMALL = {"clients": 6, "edges": 2, "tasks": 3, "models": 5}
"""Every axis that can be mistaken for another has a length of its own, and edges have clients to choose among."""

VARIANTS = [
    {"batching": batching, "allow_unserved": allow_unserved}
    for batching in (False, True)
    for allow_unserved in (True, False)
]

PER_NODE = [
    {"batching": False, "allow_unserved": True, "per_node": True},
    {"batching": True, "allow_unserved": False, "per_node": True},
]
"""Of the variants two with costs of each node's own: those are programs of their own."""

METHODS = {
    "j3o": j3o.J3O(),
    "j3o, Algorithm 2 to the letter": j3o.J3O(greedy="paper"),
    "j3o with clarabel": j3o.J3O(lp=j3o.CvxpyLP(solver="CLARABEL")),
    "full-local": j3o.FullLocal(),
    "greedy-ao": j3o.GreedyAO(),
    "rand-ao": j3o.RandAO(max_iterations=4),
    "opt-ao, every choice tried": j3o.OptAO(),
    "opt-ao, by programs": j3o.OptAO(enumeration_limit=0),
    "exact": j3o.ExactMILP(gap=1e-6),
}


def draw_batch(count, first=0, **keywords):
    """Random scenarios of `SMALL`, of the seeds from `first` on; keywords as `random_scenario` takes them."""
    sizes = SMALL | keywords
    return stack([random_scenario(np.random.default_rng(first + seed), **sizes) for seed in range(count)])
