"""Sweeps: many scenarios of a family, by several methods, in chunks that any worker may solve, kept in a folder."""

from ..experiments import LocalWorkers as LocalWorkers
from ..experiments import Manifest as Manifest
from ..experiments import Progress as Progress
from ..experiments import SweepError as SweepError
from ..experiments import SweepSpec as SweepSpec
from ..experiments import read_chunks as read_chunks
from ..experiments import read_manifest as read_manifest
from ..experiments import read_sweep as read_sweep
from ..experiments import read_sweep_spec as read_sweep_spec
from ..experiments import summarize_sweep as summarize_sweep
from ..experiments import sweep as sweep
from ..experiments import sweep_spec as sweep_spec
