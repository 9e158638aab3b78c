"""Several starts of J3O: the best plan of all, one by one the same, and the first where others are hardly better."""

import numpy as np
import pytest
from support.methods import VARIANTS, draw_batch

import j3o_jax as j3o
from j3o_jax.methods._base import Outcome
from j3o_jax.methods.alternation.starts import STARTS, best_outcome


def outcome(history, status, mark):
    history = np.asarray(history, dtype=float)
    batch = len(history)
    return Outcome(
        plan=np.full((batch, 2, 3), mark),
        status=np.asarray(status),
        bound=np.full(batch, np.nan),
        history=history,
        stats={"iterations": np.full(batch, mark)},
    )


def test_the_best_is_kept_and_the_first_where_others_are_hardly_better():
    good, bad = int(j3o.Status.converged), int(j3o.Status.infeasible)
    first = outcome([[0.5, np.nan], [0.5, 0.6], [0.5, 0.6], [np.nan, np.nan], [0.9, 0.9]], [good] * 3 + [bad] * 2, 0)
    second = outcome([[0.4, 0.7], [0.6 + 1e-9, np.nan], [0.3, 0.3], [0.1, 0.1], [np.nan] * 2], [good] * 4 + [bad], 1)
    best = best_outcome([first, second])
    np.testing.assert_array_equal(best.stats["start"], [1, 0, 0, 1, 0])
    np.testing.assert_array_equal(best.stats["iterations"], best.stats["start"])
    np.testing.assert_array_equal(best.plan[:, 1, 2], best.stats["start"])
    np.testing.assert_array_equal(best.status, [good, good, good, good, bad])


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_a_plan_is_that_of_the_best_start_alone(variant):
    batch = draw_batch(20, tightness=1.5, **variant)
    together = j3o.solve(batch, j3o.J3O(starts=tuple(STARTS)))
    alone = np.stack([j3o.solve(batch, j3o.J3O(starts=(name,))).objective for name in STARTS])
    found = np.isfinite(alone).any(axis=0)
    np.testing.assert_array_equal(np.isfinite(together.objective), found)
    np.testing.assert_allclose(together.objective[found], np.nanmax(alone[:, found], axis=0), atol=2e-7)
    # The history is that of the start that was kept. Where all must be served, early rounds have no plan.
    rounds = np.isfinite(together.history).sum(axis=1)[found]
    np.testing.assert_array_equal(
        rounds if variant["allow_unserved"] else np.maximum(rounds, together.stats["iterations"][found]),
        together.stats["iterations"][found],
    )
    assert len(np.unique(together.stats["start"])) > 1


def test_starts_that_there_are_not_are_named():
    for starts in ((), ("paper", "elsewhere")):
        with pytest.raises(ValueError, match=r"starts: must be some of 'paper', 'local', 'all', 'both'"):
            j3o.J3O(starts=starts)
