"""The report of a sweep: one page to look at, the same pictures for papers, the figures as tables.

Needs polars, matplotlib and jinja2: ``pip install 'j3o-jax[experiments]'``; they are loaded when they are used.
"""

from ._report import REMEDY as REMEDY
from ._report import Report as Report
from ._report import read_statistics as read_statistics
from ._report import require_report_libraries as require_report_libraries
from ._report import write_files as write_files
from ._report import write_report as write_report
