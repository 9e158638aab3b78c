"""Compiled programs on disk: made once, found again, in the folder that was chosen."""

import json
import os
import subprocess
import sys
from pathlib import Path

import j3o_jax as j3o

J3O = ["solve", "site.yaml", "--method", "j3o", "--json"]
SOLVE = [sys.executable, "-c", "from j3o_jax.cli import main; main()", *J3O]


def test_the_second_command_finds_what_the_first_has_compiled(tmp_path):
    (tmp_path / "site.yaml").write_text(j3o.io.example_deployment())
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"} | home
    found = []
    for _ in range(2):
        run = subprocess.run(SOLVE, cwd=tmp_path, env=environment, check=True, capture_output=True)
        found.append((json.loads(run.stdout), {path.name for path in tmp_path.rglob("*jit_own*")}))
    (first, compiled), (second, compiled_later) = found
    assert compiled
    assert compiled_later == compiled
    assert first["compile_seconds"] > 0.0
    assert second["objective"] == first["objective"]


def test_a_folder_that_was_chosen_with_jax_is_kept():
    assert j3o.cache_compilations() == Path(os.environ["JAX_COMPILATION_CACHE_DIR"])
