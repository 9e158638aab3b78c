"""Benchmarks of j3o-jax: run `python -m bench --help`."""
