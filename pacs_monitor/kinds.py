"""The kinds of a package: one module each, which has one class with the module's name as its `kind`."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")


def discover(package: str, made: Callable[[Any], T] = lambda kind: kind) -> Mapping[str, T]:
    """Every kind of a package by its name, as `made` of its class; a module is imported when its kind is looked up."""
    modules = pkgutil.iter_modules(import_module(package).__path__)
    return _Kinds(package, tuple(module.name for module in modules if not module.ispkg), made)


class _Kinds(Mapping[str, T]):
    def __init__(self, package: str, names: tuple[str, ...], made: Callable[[Any], T]) -> None:
        self._names = dict.fromkeys(sorted(names))
        self._load = cache(lambda name: made(_class_of(f"{package}.{name}", name)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __getitem__(self, name: str) -> T:
        if name not in self._names:
            raise KeyError(name)
        return self._load(name)


def _class_of(module: str, kind: str) -> Any:
    for value in vars(import_module(module)).values():
        if isinstance(value, type) and vars(value).get("kind") == kind:
            return value
    raise TypeError(f"add to {module} a class with kind = {kind!r}")
