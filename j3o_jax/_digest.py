"""Digests of plain data, which do not depend on how the data are written."""

import hashlib
import json
from typing import Any


def canonical_json(plain: Any) -> str:
    """Plain data as JSON in one way only: keys sorted, no spaces, numbers as Python writes them."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of_array(array: Any) -> str:
    """SHA-256 of a NumPy array: of its shape and its numbers as they are in memory."""
    return hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()


def digest_of(plain: Any) -> str:
    """SHA-256 of plain data as canonical JSON."""
    return hashlib.sha256(canonical_json(plain).encode()).hexdigest()
