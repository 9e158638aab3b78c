"""The paper's experiments: what they are, the runs that they take, and how those are solved and kept.

`experiments`, `methods` and `printed` say what there is, and load no library; `runs` says which runs an experiment
takes. `solving` solves them, `rows` keeps them. `j3o_jax.reproduce` makes figures of them.
"""
