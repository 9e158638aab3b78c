"""Specifications that the tests of tunings share."""

STEPS = 3
# More than 16 solves to every batch, so that all tests share one program.
SPEC = {
    "benchmark": "cityscapes3d",
    "parameters": {"clients": 6, "client_memory_scale": 0.5},
    "seeds": 17,
    "held_out": 17,
    "method": {"method": "j3o", "multiplier": "subgradient", "steps": STEPS},
    "search": {"step_size": {"from": 0.001, "to": 1000, "count": 16, "scale": "log"}},
}
SMALL = SPEC | {"search": {"step_size": [0.01, 100.0]}}
