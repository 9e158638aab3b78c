"""What would a wider link to the cloud be worth? One batch answers for eight widths.

python examples/what_if.py [DEPLOYMENT]
"""

import dataclasses
import sys
import tempfile
from pathlib import Path

import jax
import numpy as np

import j3o_jax as j3o

with tempfile.TemporaryDirectory() as folder:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder, "example.yaml")
    if len(sys.argv) == 1:
        path.write_text(j3o.io.example_deployment())
    deployment = j3o.load(path)

widths = deployment.cloud_uplink * np.linspace(0.0, 2.0, 8)
batch = jax.tree.map(lambda array: np.broadcast_to(array, (8, *array.shape)), deployment)
batch = dataclasses.replace(batch, cloud_uplink=widths)
plans = j3o.solve(batch, throw=True)
j3o.check(batch, plans).raise_if_violated()
for width, accuracy in zip(widths, plans.objective, strict=True):
    print(f"{width:6.1f} MB/s to the cloud: accuracy {accuracy:.4f}")
