"""One engine for everything that solves families × points × seeds × methods and keeps what comes of it.

- `_values`, `_families`, `_population`, `_points`: what a specification asks for, and the scenarios that it means.
- `_spec`, `_chunks`, `_rows`, `_run`, `_workers`: a sweep, solved in chunks here, by workers or on a cluster.
- `_manifest`, `_folder`, `_reading`, `_json_lines`: what is kept, so that whatever ends it, the same call goes on.
- `_statistics`, `_means`, `_summary`: means with their uncertainty.
- `tune`: the search for settings of a method. `paper`: the paper's experiments.

`j3o_jax.sweeps` and `j3o_jax.tuning` have the public names.
Names are imported when they are first used: who only reads results loads nothing that solves.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
