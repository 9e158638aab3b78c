"""One engine for everything that solves families × points × seeds × methods and keeps what comes of it."""

from ._manifest import Manifest as Manifest
from ._manifest import read_manifest as read_manifest
from ._reading import read_chunks as read_chunks
from ._reading import read_sweep as read_sweep
from ._run import Progress as Progress
from ._run import SweepError as SweepError
from ._run import sweep as sweep
from ._spec import SweepSpec as SweepSpec
from ._spec import read_sweep_spec as read_sweep_spec
from ._spec import sweep_spec as sweep_spec
from ._summary import summarize_sweep as summarize_sweep
from ._workers import LocalWorkers as LocalWorkers
