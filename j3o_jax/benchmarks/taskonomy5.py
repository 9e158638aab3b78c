"""Taskonomy-5: five indoor vision tasks, 31 Xception networks with published losses."""

import functools
from typing import Any

import numpy as np

from ._base import Benchmark
from ._paper import INT8_MEMORY, SMALL_DEVICES, Library, PaperRecipe, paper_settings
from ._tables import rows

_TASKS = {
    "s": "semantic segmentation",
    "d": "depth",
    "n": "surface normals",
    "k": "keypoints",
    "e": "Canny edges",
}
_DESCRIPTION = (
    "Taskonomy-5: 5 vision tasks, 31 multi-task Xception networks (every non-empty subset of the tasks). "
    "Real: the 80 test losses (Standley et al., ICML 2020, setting 2), the model costs (Table II of the paper) "
    "and the devices (Table III). "
    "Assumed: accuracy is 1 − loss; INT8 client variants lose none of it; the cloud has accuracy 1; "
    "4000 queries/s in all. Synthetic: the demand, Dirichlet over clients and over each one's tasks."
)


def taskonomy5(**parameters: Any) -> Benchmark:
    """Return the paper's first benchmark (Section VI-A, Tables II(a) and III).

    Every network costs the same at an edge, as Table II has it: 73.66 MB, 9.17 GFLOP/query, 0.79 MB of input.
    `parameters` are other defaults.
    """
    benchmark = Benchmark("taskonomy5", _DESCRIPTION, _recipe(), paper_settings(4000.0))
    return benchmark.with_defaults(**parameters)


@functools.cache
def _recipe() -> PaperRecipe:
    losses = rows("taskonomy5_losses")
    models = tuple(dict.fromkeys(row["model_id"] for row in losses))
    letters = tuple(_TASKS)
    accuracy = np.zeros((len(models), len(letters)))
    for row in losses:
        accuracy[models.index(row["model_id"]), letters.index(row["task"])] = 1.0 - float(row["loss"])
    memory = np.full(len(models), 73.66)
    library = Library(
        tasks=tuple(_TASKS.values()),
        models=models,
        accuracy=accuracy,
        client_memory=INT8_MEMORY * memory,
        edge_memory=memory,
        compute=np.full(len(models), 9.17),
        input_size=0.79,
    )
    return PaperRecipe(library, SMALL_DEVICES)
