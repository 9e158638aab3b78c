"""The package as a whole: what importing it costs, and what it offers."""

import inspect
import subprocess
import sys

import j3o_jax as j3o
from j3o_jax.methods import AbstractMethod
from j3o_jax.named_methods import METHODS

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


def test_the_registry_has_every_method_and_builds_it():
    offered = {
        name for name in j3o.__all__ if inspect.isclass(kind := getattr(j3o, name)) and issubclass(kind, AbstractMethod)
    }
    assert {method.kind for method in METHODS.values()} == offered
    for name, method in METHODS.items():
        assert (method.name, type(method.build()).__name__) == (name, method.kind)
        given = {"time_limit": 3.0, **({"gap": 0.5} if method.proves else {})}
        built = method.build(**method.schema(**given).arguments())
        assert {key: getattr(built, key) for key in given} == given
        assert method.schema.model_fields.keys() & {"gap"} == ({"gap"} if method.proves else set())
        assert method.schema.model_fields.keys() & {"lp"} == ({"lp"} if method.routes else set())
        assert method.same_as in ("", *METHODS)


def test_the_registry_loads_no_library():
    code = "import sys, j3o_jax.named_methods.registry; print(*{name.split('.')[0] for name in sys.modules})"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"jax", "numpy", *HEAVY} & set(output.split())
