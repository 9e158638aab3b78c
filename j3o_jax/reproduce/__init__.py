"""The paper's experiments run again: what they are, their runs, a journal that survives interruption, the tables.

`experiments`, `entries` and `paper` say what there is, and load no library; `runs` says which runs an experiment takes.
`laboratory` solves them, `journal` keeps them. `summary` makes figures of them, which `sheets`, `terminal`, `tables`
and `drawing` put into words, Parquet and pictures, and `results` into files.
"""
