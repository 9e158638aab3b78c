"""Tests run the package under checks of its types: of values, and of shapes that belong together."""

import numpy as np
import pytest

from j3o_jax._levels import level_for
from j3o_kernels.client_groups import group_clients


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (level_for, ("much", 3)),
        (group_clients, (np.zeros(3, dtype=int), 2)),
        (group_clients, (np.zeros((2, 3)), 2)),
    ],
)
def test_what_is_not_as_annotated_is_refused(function, given):
    with pytest.raises(TypeError):
        function(*given)
