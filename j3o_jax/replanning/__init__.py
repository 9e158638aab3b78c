"""Replanning along a trace: demand by period, its estimates, plans by several strategies, and what came of them."""
