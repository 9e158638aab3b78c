"""The command line `j3o`: a file in, a plan out."""

from ._app import app as app
from ._app import main as main
