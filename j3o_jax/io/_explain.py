"""Pydantic's findings in our words: what is wrong at which key, and what to write there."""

from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from ._errors import DocumentError, Finding
from .words import Loc, described, nearest, place_words, shown, suggestion

PartT = TypeVar("PartT", bound=BaseModel)


def validated(schema: type[PartT], document: object) -> PartT:
    """`document` as a `schema`; raises `DocumentError`."""
    try:
        return schema.model_validate(document)
    except ValidationError as error:
        raise DocumentError(_findings(schema, error)) from None


def _findings(schema: type[BaseModel], error: ValidationError) -> list[Finding]:
    details = error.errors(include_url=False)
    # A key that is misspelt is both unknown and missing: one finding for one slip.
    meant: set[Loc] = set()
    for detail in details:
        if detail["type"] == "extra_forbidden":
            *parents, key = detail["loc"]
            meant.add((*parents, nearest(str(key), _keys(schema, tuple(parents))) or ""))
    return [
        Finding(detail["loc"], _message(schema, detail))
        for detail in details
        if not (detail["type"] == "missing" and detail["loc"] in meant)
    ]


def _message(schema: type[BaseModel], detail: Any) -> str:
    value, loc = detail["input"], detail["loc"]
    if value is None and loc and str(loc[-1]).isdecimal() and not isinstance(loc[-1], int):
        # In {memory_mb: 20,5} the comma ends the value.
        return "looks like the decimals of a number with a decimal comma: write it with a point, such as 20.5"
    match detail["type"]:
        case "refused":
            return detail["msg"]
        case "extra_forbidden":
            return f"is not a known key: {suggestion(str(loc[-1]), _keys(schema, loc[:-1]))}"
        case "missing":
            return f"is missing: write {_wanted(schema, loc)}"
        case "too_short":
            return f"is an empty list: write at least one of the {place_words(loc[-1:])}"
        case "bool_type":
            return f"{described(value)}: write true or false"
        case "literal_error" if loc[-1] == "format":
            return f"= {shown(value)} is a format that this version does not read: write {detail['ctx']['expected']}"
        case "literal_error":
            return f"= {shown(value)} is unknown: write {detail['ctx']['expected']}"
        case _:
            return f"{described(value)}: write {_wanted(schema, loc)}"


def _wanted(schema: type[BaseModel], loc: Loc) -> str:
    """Say what belongs at `loc`: the words of the field, or the keys that it must have."""
    field = _part_at(schema, loc[:-1]).model_fields.get(str(loc[-1])) if loc else None
    if field is not None and field.description:
        return field.description
    fields = _part_at(schema, loc).model_fields
    keys = [key for key, inner in fields.items() if inner.is_required()] or list(fields)
    mapping = "{" + ", ".join(f"{key}: ..." for key in keys) + "}"
    return f"a list of {mapping}" if field is not None and get_origin(field.annotation) is list else mapping


def _keys(schema: type[BaseModel], loc: Loc) -> tuple[str, ...]:
    return tuple(_part_at(schema, loc).model_fields)


def _part_at(schema: type[BaseModel], loc: Loc) -> type[BaseModel]:
    """Find the mapping that `loc` is in or is; names of tasks and edges on the way are no keys of the schema."""
    part = schema
    for step in loc:
        field = part.model_fields.get(str(step))
        if field is not None:
            part = _part_in(field.annotation) or part
    return part


def _part_in(annotation: Any) -> type[BaseModel] | None:
    """Find the mapping that an annotation such as ``list[Part]`` or ``dict[str, Part]`` holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((part for inner in get_args(annotation) if (part := _part_in(inner))), None)
