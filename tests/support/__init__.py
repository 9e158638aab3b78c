"""What several tests need: random scenarios, and exact answers that share no code with the package.

Importable as `support` because pytest's `pythonpath` holds ``tests``.
"""

from .types_at_run_time import checked as checked
