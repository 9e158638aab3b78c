import os

import hypothesis
import jax

# Silent broadcasting and silent casts hide mistakes in shapes and precision.
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")


def pytest_sessionstart(session):
    """What one test compiles, or one of the processes that tests start, the others need not compile again."""
    # Imported here, after the hook that checks its types is in place.
    from j3o_jax import cache_compilations

    folder = cache_compilations(session.config.cache.mkdir("compiled"))
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)


hypothesis.settings.register_profile(
    "deterministic", deadline=None, derandomize=True, suppress_health_check=list(hypothesis.HealthCheck)
)
hypothesis.settings.load_profile("deterministic")
