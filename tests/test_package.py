"""The package as a whole: what importing it costs, and what it offers."""

import subprocess
import sys

import j3o_jax as j3o

HEAVY = ("cvxpy", "highspy", "matplotlib", "typer", "click", "rich", "pydantic", "ruamel", "scipy.optimize._highspy")


def test_import_pulls_in_no_solver_no_plotting_and_no_command_line():
    code = (
        "import sys, jax; before = set(sys.modules); import j3o_jax; "
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not set(HEAVY) & set(output.split())


def test_public_names_are_all_there():
    for name in j3o.__all__:
        assert getattr(j3o, name) is not None
    assert set(j3o.__all__) <= set(dir(j3o))
