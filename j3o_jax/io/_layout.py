"""Plain data as text that people like to read: small mappings on one line, large ones spread out."""

import json
import re
from typing import Any

_WIDTH = 100
_HEAD = "# Units are in the names of the keys. `j3o new` writes an example that explains every key.\n"
# Starts like a word and has nothing in it that YAML, of any version, takes for its own.
_PLAIN = re.compile(r"[^\W\d_][\w.+/-]*( [\w.+/-]+)*")
_TAKEN = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def yaml_text(document: dict[str, Any]) -> str:
    """`document`, of mappings and of lists of mappings, as YAML 1.2; readers of 1.1 take it the same way."""
    return _HEAD + "\n".join(_block(document)) + "\n"


def json_text(document: dict[str, Any]) -> str:
    """`document` as JSON."""
    return _spread(document, "") + "\n"


def _block(mapping: dict[str, Any]) -> list[str]:
    """Lines of a mapping, not yet indented."""
    lines = []
    for key, value in mapping.items():
        name = _text(key)
        if isinstance(value, list):
            lines += [f"{name}:", *(f"  {line}" for line in _items(value))]
        elif not isinstance(value, dict) or len(name) + len(_flow(value)) <= _WIDTH:
            lines.append(f"{name}: {_flow(value)}")
        else:
            lines += [f"{name}:", *(f"  {line}" for line in _block(value))]
    return lines


def _items(mappings: list[dict[str, Any]]) -> list[str]:
    flows = [_flow(mapping) for mapping in mappings]
    # All of a list in the same way: a table of clients should not change its shape halfway.
    if max(map(len, flows)) <= _WIDTH:
        return [f"- {flow}" for flow in flows]
    lines = []
    for mapping in mappings:
        first, *rest = _block(mapping)
        lines += [f"- {first}", *(f"  {line}" for line in rest)]
    return lines


def _flow(value: Any) -> str:
    """Write a value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        digits = repr(value)
        # 1e-05 is a number in YAML 1.2 and text in 1.1; 1.0e-05 is a number in both.
        return digits if "." in digits else digits.replace("e", ".0e")
    return _text(value) if isinstance(value, str) else str(value)


def _text(text: str) -> str:
    """Text without quotes where it can be taken for nothing else."""
    if _PLAIN.fullmatch(text) and text.lower() not in _TAKEN:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _spread(value: Any, indent: str) -> str:
    """JSON of a value, on one line where it fits or is a row of numbers or words."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    row = not isinstance(value, dict) and not any(isinstance(item, dict | list) for item in held)
    if row or (indent and len(indent) + len(line) <= _WIDTH):
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key, ensure_ascii=False)}: {_spread(item, inner)}" for key, item in value.items()]
    else:
        parts = [_spread(item, inner) for item in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    return f"{start}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{end}"
