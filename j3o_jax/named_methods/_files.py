"""Files that hold one method with its settings: what `j3o tune` writes, and `solve` and `sweep` read."""

from io import BytesIO
from typing import Any

from ruamel.yaml import YAML

from ..io import write_file
from ..io.documents import described, read_document, refused
from ._named import NamedMethod, named_method

METHOD_FORMAT = "j3o-method-1"
_REMEDY = "write `method: j3o` and its settings"


def read_method(path: str) -> NamedMethod:
    """Read the method in a YAML or JSON file; raise `FileError` with the line."""
    return read_document(path, "a method", _REMEDY).become(_method_of)


def write_method(method: NamedMethod, path: str, comment: str = "") -> None:
    """Write a method as a file that `read_method` reads, in one step; `comment` goes above it.

    **Raises:** `FileError`.
    """
    document: dict[str, Any] = {"format": METHOD_FORMAT, **method.plain()}
    if method.label != method.method:
        document["label"] = method.label
    buffer = BytesIO()
    YAML().dump(document, buffer)
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    write_file(path, lambda file: file.write(head.encode() + buffer.getvalue()))


def _method_of(data: object) -> NamedMethod:
    if not isinstance(data, dict):
        raise refused((), f"{described(data)}: {_REMEDY}")
    if data.get("format", METHOD_FORMAT) != METHOD_FORMAT:
        raise refused(("format",), f"{described(data['format'])}: write {METHOD_FORMAT}")
    return named_method({key: value for key, value in data.items() if key != "format"})
