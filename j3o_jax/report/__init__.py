"""What a plan means to a person: figures in `summary`, tables for a terminal in `terminal`."""
