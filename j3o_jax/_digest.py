"""What plain data are known by: a digest that does not depend on how they are written."""

import hashlib
import json
from typing import Any


def digest_of(plain: Any) -> str:
    """SHA-256 of plain data as canonical JSON: keys sorted, no spaces, numbers as Python writes them."""
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
