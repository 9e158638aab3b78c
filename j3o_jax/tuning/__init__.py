"""Tuning: which settings of a method do best on scenarios of a family, and how that holds on seeds it has not seen."""

from ..experiments.tune._outcome import Trial as Trial
from ..experiments.tune._outcome import Tuning as Tuning
from ..experiments.tune._search import trials_expected as trials_expected
from ..experiments.tune._search import tune as tune
from ..experiments.tune._spec import TuneSpec as TuneSpec
from ..experiments.tune._spec import read_tune_spec as read_tune_spec
from ..experiments.tune._spec import tune_spec as tune_spec
