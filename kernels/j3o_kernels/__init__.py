"""Array kernels of j3o-jax: arrays and static integers in, arrays out. See ``kernels/README.md``."""
