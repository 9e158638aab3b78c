"""What a plan means to a person: figures in `summary`, words in `wording`, tables for a terminal in the others."""
