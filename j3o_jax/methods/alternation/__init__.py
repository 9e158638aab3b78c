"""Algorithm 1: placing models and routing queries in turn."""
