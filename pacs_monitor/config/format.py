"""Values as people write them in the file: the way back from what `fields` reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo

from pacs_monitor.fields import parse_duration, parse_percent, parse_size

Writer = Callable[[float], str]
MANY = 4
"""Values of a list that a default shows; of more only their number."""
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
"""Milliseconds."""
_SIZES = (("GiB", 1024**3), ("GB", 10**9), ("MiB", 1024**2), ("MB", 10**6), ("kB", 1000), ("B", 1))


def duration(seconds: float) -> str:
    """`90s`, `2h`."""
    milliseconds = round(seconds * 1000)
    unit, length = next((u, n) for u, n in _UNITS if not milliseconds % n) if milliseconds else ("s", 1)
    return f"{milliseconds // length}{unit}"


def size(number: float) -> str:
    """`20GiB`, `512MB`."""
    unit, factor = next((u, n) for u, n in _SIZES if not number % n) if number else ("B", 1)
    return f"{number // factor:.0f}{unit}"


def percent(ratio: float) -> str:
    """`90%`."""
    return f"{Decimal(f'{ratio * 100:.6g}'):f}%"


_WRITERS: Mapping[Any, Writer] = {parse_duration: duration, parse_size: size, parse_percent: percent}


def writer(mark: object) -> Writer | None:
    """How the value that carries this mark is written, if it has a unit."""
    return _WRITERS.get(mark.func) if isinstance(mark, BeforeValidator) else None


def default(field: FieldInfo) -> str:
    """The default of a setting; empty where there is none, as for what is required."""
    value = None if field.is_required() else field.get_default(call_default_factory=True)
    return _written(value, next(filter(None, map(writer, _marks(field))), None))


def choices(field: FieldInfo) -> tuple[str, ...]:
    """The values that a setting allows, where they can be listed."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if get_origin(kind) is Literal:
            return tuple(map(str, get_args(kind)))
        if isinstance(kind, type) and issubclass(kind, Enum):
            return tuple(str(member.value) for member in kind)
    return ()


def _marks(field: FieldInfo) -> Iterator[object]:
    """Those of the field, and those of the alternatives that it allows."""
    yield from field.metadata
    for part in get_args(field.annotation):
        yield from getattr(part, "__metadata__", ())


def _written(value: Any, write: Writer | None = None) -> str:
    match value:
        case None | SecretStr():
            return ""
        case bool():
            return "on" if value else "off"
        case float() | int():
            return write(value) if write else f"{value:g}"
        case BaseModel():
            return _block({key: inner for key, inner in value if inner not in (None, "")})
        case Mapping():
            return _block(value)
    return _listed(list(map(_written, value))) if isinstance(value, tuple) else str(value)


def _block(values: Mapping[str, Any]) -> str:
    return f"{{{', '.join(f'{key}: {_written(value)}' for key, value in values.items())}}}" if values else ""


def _listed(values: Sequence[str]) -> str:
    if len(values) > MANY:
        return f"{len(values)} of them"
    return f"[{', '.join(values)}]" if len(values) > 1 else "".join(values)
