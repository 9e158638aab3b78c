"""Numerical tolerances, each with one meaning wherever it is used."""

ROUNDING = 1e-9
"""Sizes, loads and times add up with rounding: three models of 0.1 MB fit a memory of 0.3 MB.

A limit may be exceeded by so small a part of it, and a value counts as higher if it is higher by more than that."""

TIES = 1e-12
"""Relative tolerance for ties: the last bits of a sum must decide nothing."""

ROWS_KEPT = 1e-8
"""An interior point method's rows that are kept this well are kept, whatever the tolerance for its gap."""

ALL_SERVED = 1e-6
"""Where every query must be served, so small a share of a stream counts as none; so do those of all streams together
by a bound on what can be served."""
