"""Arrays of exact numbers: every float is a whole number times a power of two, and so are sums and products of them."""

from fractions import Fraction
from typing import Any

import numpy as np


class Exact:
    """An array of Python integers `whole`, times 2 to the power `exponent`. Nothing that it does rounds.

    Shapes broadcast as NumPy's do.
    """

    def __init__(self, whole: Any, exponent: int):
        self.whole, self.exponent = np.asarray(whole, dtype=object), exponent

    def _both(self, other: "Exact", operation: Any) -> "Exact":
        exponent = min(self.exponent, other.exponent)
        return Exact(operation(self._at(exponent), other._at(exponent)), exponent)

    def _at(self, exponent: int) -> np.ndarray:
        # As objects, even a single one: NumPy's own integers would overflow.
        return np.asarray(self.whole << (self.exponent - exponent), dtype=object)

    def __add__(self, other: "Exact") -> "Exact":
        return self._both(other, np.add)

    def __sub__(self, other: "Exact") -> "Exact":
        return self._both(other, np.subtract)

    def __mul__(self, other: "Exact") -> "Exact":
        return Exact(self.whole * other.whole, self.exponent + other.exponent)

    def __getitem__(self, index: Any) -> "Exact":
        return Exact(self.whole[index], self.exponent)

    def above(self, other: "Exact") -> np.ndarray:
        """Elementwise test of being more than another."""
        return np.asarray(self._both(other, np.greater).whole, dtype=bool)

    def most(self, other: "Exact") -> "Exact":
        """Return the larger of two."""
        return self._both(other, np.maximum)

    def least(self, other: "Exact") -> "Exact":
        """Return the smaller of two."""
        return self._both(other, np.minimum)

    def where(self, mask: Any, other: "Exact") -> "Exact":
        """Itself where the mask says so, and another elsewhere."""
        return self._both(other, lambda one, two: np.where(mask, one, two))

    def sum(self, axis: int | None = None) -> "Exact":
        """Of all, or along an axis."""
        return Exact(self.whole.sum(axis=axis), self.exponent)

    def max(self, axis: int) -> "Exact":
        """Return the largest along an axis."""
        return Exact(self.whole.max(axis=axis), self.exponent)

    def by_edge(self, client_edge: np.ndarray, edges: int) -> "Exact":
        """Sum over the clients of each edge, ``[E, ...]`` from ``[C, ...]``."""
        sums = np.zeros((edges, *self.whole.shape[1:]), dtype=object)
        for edge in np.unique(client_edge):
            sums[edge] = self.whole[client_edge == edge].sum(axis=0)
        return Exact(sums, self.exponent)

    def fractions(self) -> list[Fraction]:
        """All its numbers in flattened order."""
        up, down = 1 << max(self.exponent, 0), 1 << max(-self.exponent, 0)
        return [Fraction(whole * up, down) for whole in self.whole.ravel().tolist()]

    def fraction(self) -> Fraction:
        """Its only number."""
        (only,) = self.fractions()
        return only


def exact(array: Any) -> Exact:
    """Finite floats as they are."""
    mantissa, exponent = np.frexp(np.asarray(array, dtype=np.float64))
    whole = (mantissa * 2.0**53).astype(np.int64)
    some = whole != 0
    lowest = int(exponent[some].min()) if some.any() else 0
    shift = np.where(some, exponent - lowest, 0)
    return Exact(np.asarray(whole.astype(object)) << np.asarray(shift.astype(object)), lowest - 53)


ZERO, ONE = Exact(0, 0), Exact(1, 0)


def quotients_up(value: Exact, divisor: Exact, bits: int) -> np.ndarray:
    """Quotients as whole numbers of units 2⁻ᵇⁱᵗˢ, rounded up."""
    shift = bits + value.exponent - divisor.exponent
    return -(-(value.whole << max(shift, 0)) // (divisor.whole << max(-shift, 0)))
