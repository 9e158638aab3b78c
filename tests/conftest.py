import gc
import os
from pathlib import Path

import hypothesis
import jax
from support.types_at_run_time import check_shapes_where_there_are

# Silent broadcasting and silent casts hide mistakes in shapes and precision.
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")
# Before the package is imported.
check_shapes_where_there_are()


# Linux allows a process 65,530 memory mappings and aborts it beyond. What the package keeps takes up to 20,000 of them.
_MOST_MAPPINGS = 35_000
# Python's garbage collector goes through all that JAX keeps, which is most of what a process grows by.
_MOST_GROWTH_MB = 400


def pytest_sessionstart(session):
    """What one test compiles, or one of the processes that tests start, the others need not compile again.

    What tests solve is small: it takes longer to compile than to run.
    """
    os.environ["J3O_JAX_LEVEL"] = "light"
    # Imported here, after the hook that checks its types is in place.
    from j3o_jax import cache_compilations

    named = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    folder = cache_compilations(None if named else session.config.cache.mkdir("compiled"))
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)


_grown_from = [0.0]


def pytest_runtest_teardown():
    """What tests compile for themselves, and all that JAX has traced, it never drops unasked."""
    if _mappings() > _MOST_MAPPINGS or _megabytes() > _grown_from[0] + _MOST_GROWTH_MB:
        gc.unfreeze()
        jax.clear_caches()
        gc.collect()
        gc.freeze()
        _grown_from[0] = _megabytes()


def _mappings() -> int:
    maps = Path("/proc/self/maps")
    return maps.read_bytes().count(b"\n") if maps.exists() else 0


def _megabytes() -> float:
    pages = Path("/proc/self/statm")
    return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if pages.exists() else 0.0


hypothesis.settings.register_profile(
    "deterministic", deadline=None, derandomize=True, suppress_health_check=list(hypothesis.HealthCheck)
)
hypothesis.settings.load_profile("deterministic")
