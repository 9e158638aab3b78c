"""The device's program of J3O as a function of arrays, for what looks at it or compiles it by itself."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

import j3o_jax as j3o
from j3o_jax.methods.j3o import _sizes_differ
from j3o_kernels.client_groups import group_clients

# XLA's option for a GPU that puts loops into command buffers, so that the host neither starts their kernels nor waits
# for their conditions. The first six are what it puts there by itself.
LOOPS_IN_GRAPH = {
    "xla_gpu_enable_command_buffer": "FUSION,CUBLAS,CUBLASLT,CUSTOM_CALL,CUDNN,DYNAMIC_SLICE_FUSION,WHILE,CONDITIONAL"
}


def j3o_program(scenarios: j3o.Scenario) -> tuple[Callable[[Any, Any], Any], tuple[Any, Any]]:
    """Return the program of `J3O()` for a batch of scenarios, and the arrays that it is called with."""
    groups = group_clients(np.asarray(scenarios.client_edge), scenarios.edges)
    program, *arguments, _ = j3o.J3O().device_program(scenarios, groups, sizes_differ=_sizes_differ(scenarios))

    def j3o_batch(batch: Any, shared: Any) -> Any:
        return program(batch, shared)

    return j3o_batch, jax.tree.map(np.asarray, tuple(arguments))
