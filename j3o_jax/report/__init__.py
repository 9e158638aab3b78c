"""Reports of plans for people: figures in `summary`, words in `wording`, tables for a terminal in the others."""
