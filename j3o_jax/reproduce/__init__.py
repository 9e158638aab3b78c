"""The paper's experiments as tables and pictures.

`summary` makes figures of the runs, which `sheets`, `terminal`, `tables` and `drawing` put into words, Parquet and
pictures, and `results` into files. What the experiments are, and how they are solved, is in `experiments.paper`.
"""
