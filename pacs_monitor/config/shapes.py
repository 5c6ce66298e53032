"""The shape of a settings class: where its secrets, its own blocks, its lists and its mappings are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from pacs_monitor.config.format import Writer, writer

Model = type[BaseModel]


@dataclass(frozen=True, slots=True)
class Scalar:
    """One text; `secret` ones never print and may come from a file, those with a unit are written by `write`."""

    secret: bool = False
    write: Writer | None = None


@dataclass(frozen=True, slots=True)
class MapOf:
    inner: Shape


@dataclass(frozen=True, slots=True)
class ListOf:
    inner: Shape


Shape = Scalar | MapOf | ListOf | Model

ANY = Scalar()


@cache
def shapes(model: Model) -> Mapping[str, Shape]:
    """The shape of each key as it is written in the file."""
    return {field.alias or name: _field_shape(field) for name, field in model.model_fields.items()}


def inner(shape: Shape, part: str | int) -> Shape:
    """The shape one step further down a path."""
    if isinstance(shape, MapOf | ListOf):
        return shape.inner
    if isinstance(shape, Scalar):
        return ANY
    return shapes(shape).get(str(part), ANY)


def _field_shape(field: FieldInfo) -> Shape:
    if not field.repr:
        return Scalar(secret=True)
    return _with_unit(_shape(field.annotation), field.metadata)


def _with_unit(shape: Shape, metadata: Iterable[Any]) -> Shape:
    write = next(filter(None, map(writer, metadata)), None)
    return Scalar(write=write) if write and shape == ANY else shape


def _shape(annotation: Any) -> Shape:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _with_unit(_shape(args[0]), args[1:])
    if origin in (Union, UnionType):
        return next((found for found in map(_shape, args) if found != ANY), ANY)
    if origin in (tuple, list, frozenset):
        return ListOf(_shape(args[0]))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return MapOf(_shape(args[1]))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return Scalar(secret=annotation is SecretStr)
