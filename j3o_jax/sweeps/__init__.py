"""Sweeps: many scenarios of a family, by several methods, in chunks that any worker may solve, kept in a folder.

Names are imported when they are first used: who only reads results loads nothing that solves.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
