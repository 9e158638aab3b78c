"""A whole horizon of periods: the best plans by one program, and a proven bound by prices."""
