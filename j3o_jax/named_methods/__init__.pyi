"""Methods by name and settings, as files and the command line have them."""

from ._files import read_method as read_method
from ._files import write_method as write_method
from ._named import NamedMethod as NamedMethod
from ._named import named_method as named_method
from .registry import METHODS as METHODS
from .registry import RegisteredMethod as RegisteredMethod
