"""Files: deployments as YAML or JSON, plans as JSON, batches as .npz.

Public names are listed in ``__init__.pyi`` and imported when they are first used: what is wrong with a path can be
told without the libraries that read the file.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
