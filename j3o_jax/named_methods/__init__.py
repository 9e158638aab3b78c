"""Methods by name and settings, as files and the command line have them.

Names are imported when they are first used: who only looks into the registry loads nothing that reads files.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
