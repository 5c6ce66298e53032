"""What is wrong with a request, in sentences: `detail` is always text, or a list of texts."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from math import ceil
from typing import Any, TypeVar

from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from pacs_monitor.history import HistoryError

T = TypeVar("T")

LONG = 80
"""Characters of a key that are repeated."""
_MUST_BE = {
    "string_type": "must be text",
    "string_unicode": "must be text in whole Unicode characters",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "tuple_type": "must be text or a list of texts",
    "model_attributes_type": "must be an object with keys",
    "model_type": "must be an object with keys",
    "dict_type": "must be an object with keys",
    "mapping_type": "must be an object with keys",
}


async def recorded(reading: Awaitable[T]) -> T:
    """What the record says; HTTPException 503 where it cannot be read."""
    try:
        return await reading
    except HistoryError as error:
        raise HTTPException(503, str(error)) from None


def sentences(error: RequestValidationError) -> list[str]:
    """One for each thing that is wrong; nothing of a value is repeated but what our own words quote."""
    return [_sentence(problem) for problem in error.errors()]


def of_words(error: ValidationError) -> list[str]:
    """The same, of words that have come another way than as the body of a request."""
    return [_sentence({**problem, "loc": ("body", *problem["loc"])}) for problem in error.errors()]


def later(why: str, seconds: float) -> HTTPException:
    """429 (RFC 6585 4)."""
    return HTTPException(429, why, {"Retry-After": str(ceil(seconds))})


def _sentence(problem: Mapping[str, Any]) -> str:
    kind, (place, *path) = problem["type"], problem["loc"]
    key = _dotted(path)
    if place == "body" and not path:
        return _of_the_whole(problem)
    if kind == "missing":
        return f"{key}: is missing"
    if kind == "extra_forbidden":
        return f"{key}: unknown key; the documentation is at /api/openapi.json"
    if kind == "value_error":
        return f"{key}: {problem['ctx']['error']}"
    if kind == "string_too_long":
        return f"{key}: write at most {problem['ctx']['max_length']} characters"
    return f"{key}: {_MUST_BE.get(kind) or problem['msg']}"


def _of_the_whole(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "missing":
        return 'send a JSON object as the body, such as {"why": "vendor called"}'
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    return 'the body must be a JSON object, such as {"why": "vendor called"}'


def _dotted(path: Sequence[str | int]) -> str:
    text = ".".join(str(part) for part in path)
    plain = "".join(c if c.isprintable() else "?" for c in text)
    return plain if len(plain) <= LONG else f"{plain[:LONG]}…"
