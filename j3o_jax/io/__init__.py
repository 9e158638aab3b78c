"""Files: deployments as YAML or JSON, plans as JSON, batches as .npz."""

from ._errors import FileError as FileError
from ._files import check_writable as check_writable
from ._files import example_deployment as example_deployment
from ._files import load as load
from ._files import save as save

__all__ = ["FileError", "check_writable", "example_deployment", "load", "save"]
