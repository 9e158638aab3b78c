"""Place multi-task models on clients and edge servers; route queries between client, edge and cloud.

Public names are listed in ``__init__.pyi`` and imported when they are first used, so that importing the package,
and asking its command line for help, costs next to nothing.
"""

from importlib.metadata import version as _version

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

__version__ = _version("j3o-jax")
