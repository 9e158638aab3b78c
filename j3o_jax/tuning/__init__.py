"""Tuning: which settings of a method do best on scenarios of a family, and how that holds on seeds it has not seen."""

from ._outcome import Trial as Trial
from ._outcome import Tuning as Tuning
from ._search import trials_expected as trials_expected
from ._search import tune as tune
from ._spec import TuneSpec as TuneSpec
from ._spec import read_tune_spec as read_tune_spec
from ._spec import tune_spec as tune_spec
