"""Small sweeps whose rows come quickly, and their comparison."""

from j3o_jax.sweeps import read_sweep

QUICK = {
    "name": "quick",
    "benchmark": "cityscapes3d",
    "seeds": 24,
    "parameters": {"clients": 4, "edges": 2, "edge_uplink_fraction": [0.3, 0.6]},
    "methods": ["full-local"],
    "chunk": 4,
}
"""48 scenarios in 12 chunks by a method that takes no time."""


def rows_of(folder):
    """All rows in one order, so that two runs can be compared."""
    return read_sweep(folder).collect().sort("method", "point", "seed")


def same_rows(one, other):
    """Whether two folders have the same rows, to the bit; raises where not."""
    found, wanted = rows_of(one), rows_of(other)
    assert found.schema == wanted.schema
    assert found.select("method", "point", "seed").is_duplicated().sum() == 0
    # `equals` takes 0.0 and -0.0 for one; nothing here is so near to 0 that it could be either.
    assert found.equals(wanted, null_equal=True)
