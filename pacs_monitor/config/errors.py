"""Our own words for what pydantic finds wrong: what is wrong, and what would be right."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pacs_monitor.config.tree import Branch, Items, Text, Tree
from pacs_monitor.format.names import likely, listed

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

SHORTEST_SECRET = 4
"""Characters."""
LONG = 80
"""Characters of a value that are repeated."""
_EXPECTED = {
    "int_parsing": "is not a whole number",
    "int_type": "must be a whole number",
    "float_parsing": "is not a number",
    "finite_number": "is not a finite number",
    "int_parsing_size": "is too large",
    "float_type": "must be a number",
    "bool_parsing": "is neither on nor off",
    "bool_type": "must be on or off",
    "string_type": "must be text",
    "date_parsing": "is not a date; write 2026-12-24",
    "date_from_datetime_parsing": "is not a date; write 2026-12-24",
    "date_type": "must be a date such as 2026-12-24",
    "datetime_parsing": "is not a time; write 2026-12-24 02:00",
    "datetime_from_date_parsing": "is not a time; write 2026-12-24 02:00",
    "datetime_type": "must be a time such as 2026-12-24 02:00",
}
_BLOCKS = {
    "model_type": "must be a block of keys",
    "model_attributes_type": "must be a block of keys",
    "dict_type": "must be a block of keys",
    "mapping_type": "must be a block of keys",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "frozen_set_type": "must be a list",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def unknown_key(key: str, known: Collection[str]) -> str:
    """`unknown key 'intervall'; did you mean 'interval'?`"""
    return f"unknown key {key!r}; {nearest(key, known)}"


def unknown_name(what: str, name: str, known: Collection[str]) -> str:
    """`unknown channel 'hok'; did you mean 'hook'?`"""
    return f"unknown {what} {name!r}; {nearest(name, known)}"


def unknown_kind(what: str, name: str, known: Collection[str]) -> str:
    """`unknown probe 'dicom_ecko'; did you mean 'dicom_echo'? known probes: dicom_echo, tcp`"""
    guess = likely(name, known)
    hint = f"did you mean {guess!r}? " if guess else ""
    return f"unknown {what} {name!r}; {hint}known {what}s: {listed(known)}"


def nearest(name: str, known: Collection[str]) -> str:
    """The known name that may be meant, or else all that are known."""
    guess = likely(name, known)
    return f"did you mean {guess!r}?" if guess else f"known here: {listed(known)}"


def sentence(error: ErrorDetails, tree: Tree, secret: bool) -> str:
    """What is wrong with the value at `tree`; a value that came from the environment is quoted as it is written."""
    kind, context = error["type"], error.get("ctx", {})
    quoted = f"{_brief(repr(tree.written))} " if isinstance(tree, Text) and not secret else ""
    if kind in _BLOCKS:
        return _BLOCKS[kind]
    if kind in _EXPECTED:
        return f"{quoted}{_EXPECTED[kind]}" if isinstance(tree, Text) else _must_be_scalar(tree)
    if kind in ("enum", "literal_error"):
        return f"{quoted}must be {context['expected']}" if isinstance(tree, Text) else _must_be_scalar(tree)
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"{quoted}must be {words} {context[key]}"
    if kind == "value_error":
        return _own_words(context, tree)
    return f"{quoted}is not valid: {error['msg']}"


def as_written(message: str, used: Mapping[str, str]) -> str:
    """The message with `${NAME}` for every value of a variable, and for its parts where it is a list.

    A value of few characters may stand anywhere by chance: it is replaced only where it is quoted.
    """
    for name, value in sorted(used.items(), key=lambda variable: -len(variable[1])):
        variable = f"${{{name}}}"
        message = message.replace(repr(value), repr(variable))
        for part in {value, *re.split(r"[\s,]+", value)}:
            if len(part) >= SHORTEST_SECRET:
                message = message.replace(part, variable)
    return message


def _must_be_scalar(tree: Tree) -> str:
    return "must be one value, not a list" if isinstance(tree, Items) else "must be one value, not a block of keys"


def _own_words(context: dict[str, Any], tree: Tree) -> str:
    words = str(context["error"])
    if isinstance(tree, Branch | Items):
        return words if not words.startswith(("{", "[")) else _must_be_scalar(tree)
    return words.replace(repr(tree.text), _brief(repr(tree.written)))


def _brief(quoted: str) -> str:
    """A value in a message: a number of 400 digits helps nobody."""
    return quoted if len(quoted) <= LONG else f"{quoted[:LONG]}…{quoted[-1]}"
