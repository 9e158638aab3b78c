"""Sizing: which hardware to buy, among thousands of combinations, with a proof."""

from ._choices import Alternative as Alternative
from ._choices import Choice as Choice
from ._choices import Options as Options
from ._deployment import Wanted as Wanted
from ._deployment import read_options as read_options
from ._result import Counts as Counts
from ._result import Sizing as Sizing
from ._search import Goal as Goal
from ._size import PLANNER as PLANNER
from ._size import Progress as Progress
from ._size import size as size
