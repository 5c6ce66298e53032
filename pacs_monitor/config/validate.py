"""Trees to settings: types, secrets out of files, each problem at its line, warnings for what takes effect later."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from pacs_monitor.config.errors import as_written, sentence, unknown_key
from pacs_monitor.config.members import Later
from pacs_monitor.config.problems import Path, Problem, dotted
from pacs_monitor.config.shapes import ListOf, MapOf, Scalar, Shape, inner, shapes
from pacs_monitor.config.tree import Branch, Items, Mark, Text, Tree, at
from pacs_monitor.model import PacsMonitorError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)
FROM_FILE = "_file"
LARGEST_SECRET = 1 << 20
"""Bytes of a file that holds a secret."""
NOT_ACTED_ON = "not acted on yet"


class _UnfitSecretError(PacsMonitorError):
    """What a file holds is no secret."""


@dataclass
class Validator:
    """Reads blocks of a tree as settings and collects what is wrong with them."""

    folder: FilePath
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    used: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables of the environment that the file names: their values stand in no message."""
    _spoilt: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._spoilt.update(problem.path for problem in self.problems)

    def read(
        self, model: type[M], tree: Tree, path: Path, also: Collection[str] = (), *, partial: bool = False
    ) -> M | None:
        """The settings in a block, or None after reporting its problems; `also` are keys that others read from it.

        A `partial` block (of a template) may leave out what its users say themselves.
        """
        known_problems = len(self.problems)
        data = self._plain(tree, model, path)
        try:
            settings = model.model_validate(data, context={"folder": self.folder})
        except ValidationError as error:
            for details in error.errors(include_url=False):
                if not (partial and details["type"] == "missing"):
                    self._explain(details, model, tree, path, also)
            return None
        if len(self.problems) > known_problems:
            return None
        self._warn(settings, tree, path)
        return settings

    def error(self, mark: Mark, path: Path, message: str) -> None:
        where = dotted(path)
        self.problems.append(Problem(mark.file, mark.line, where, as_written(message, self.used)))
        self._spoilt.add(where)

    def warn(self, mark: Mark, path: Path, message: str) -> None:
        self.warnings.append(Problem(mark.file, mark.line, dotted(path), as_written(message, self.used)))

    def spoilt(self, path: Path) -> bool:
        """Whether the value at a path could not be had, so that nothing more can be said of it."""
        return dotted(path) in self._spoilt

    def branch(self, tree: Tree | None, path: Path) -> Branch:
        """A block of keys; where nothing stands, an empty one."""
        if isinstance(tree, Branch):
            return tree
        mark = tree.mark if tree else Mark("", 1)
        if tree is not None and not (isinstance(tree, Text) and tree.nothing):
            self.error(mark, path, "must be a block of keys")
        return Branch(mark, {}, 1)

    def items(self, tree: Tree | None, path: Path) -> Items:
        """A list; where nothing stands, an empty one."""
        if isinstance(tree, Items):
            return tree
        mark = tree.mark if tree else Mark("", 1)
        if tree is not None and not (isinstance(tree, Text) and tree.nothing):
            self.error(mark, path, "must be a list")
        return Items(mark, (), 1)

    def _plain(self, tree: Tree, shape: Shape, path: Path) -> Any:
        if isinstance(tree, Branch):
            return self._plain_branch(tree, shape, path)
        if isinstance(tree, Items):
            return [self._plain(item, inner(shape, n), (*path, n)) for n, item in enumerate(tree.items)]
        if not isinstance(shape, Scalar) and tree.nothing:
            return [] if isinstance(shape, ListOf) else {}
        if tree.nothing:
            self.error(tree.mark, path, "has no value; write one, or leave the key out")
        return tree.text

    def _plain_branch(self, tree: Branch, shape: Shape, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, child in tree.entries.items():
            base = key.removesuffix(FROM_FILE)
            if base != key and _is_secret(shape, base) and not _has(shape, key):
                if base in tree.entries:
                    self.error(child.mark, path, f"write either {base!r} or {key!r}, not both")
                else:
                    data[base] = self._from_file(child, (*path, key))
            else:
                data[key] = self._plain(child, inner(shape, key), (*path, key))
        return data

    def _from_file(self, tree: Tree, path: Path) -> str:
        if not isinstance(tree, Text):
            self.error(tree.mark, path, "must be the path of a file")
            return ""
        try:
            return _secret_in(small_file(self.folder / tree.text))
        except _UnfitSecretError as error:
            self.error(tree.mark, path, f"{tree.written} {error}")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "this is not a path"
            self.error(tree.mark, path, f"{tree.written} cannot be read: {why}")
        return ""

    def _explain(
        self, error: ErrorDetails, model: type[BaseModel], tree: Tree, path: Path, also: Collection[str]
    ) -> None:
        location: Path = tuple(error["loc"])
        parent, last = location[:-1], str(location[-1]) if location else ""
        if error["type"] == "missing":
            self.error(at(tree, parent).mark, (*path, *parent), f"the key {last!r} is missing")
        elif error["type"] == "extra_forbidden":
            known = _known(_shape_at(model, parent)) | (set() if parent else set(also))
            self.error(at(tree, location).mark, (*path, *parent), unknown_key(last, known))
        else:
            self._explain_value(error, model, tree, path)

    def _explain_value(self, error: ErrorDetails, model: type[BaseModel], tree: Tree, path: Path) -> None:
        location = followed(tree, tuple(error["loc"]))
        shape = _shape_at(model, tuple(error["loc"])[: len(location)])
        if not self.spoilt((*path, *location)):
            secret = isinstance(shape, Scalar) and shape.secret
            here = at(tree, location)
            self.error(here.mark, (*path, *location), sentence(error, here, secret))

    def _warn(self, settings: BaseModel, tree: Tree, path: Path) -> None:
        said = settings.model_fields_set
        for name, info in type(settings).model_fields.items() if said else ():
            if name not in said:
                continue
            key = info.alias or name
            here, value = (*path, key), getattr(settings, name)
            if value and any(isinstance(extra, Later) for extra in info.metadata):
                self.warn(at(tree, (key,)).mark, here, NOT_ACTED_ON)
            elif isinstance(value, BaseModel):
                self._warn(value, at(tree, (key,)), here)


def _has(shape: Shape, key: str) -> bool:
    return isinstance(shape, type) and key in shapes(shape)


def small_file(path: FilePath) -> bytes:
    """What a small file holds; one that may wait for a writer (a FIFO) or never ends (a device) is not read."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        content = file.read(LARGEST_SECRET + 1)
    if len(content) > LARGEST_SECRET:
        raise OSError(errno.EFBIG, "it is larger than 1 MiB")
    return content


def _secret_in(content: bytes) -> str:
    """The secret that a file holds: its text, without the one line end that editors leave behind it."""
    try:
        secret = content.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise _UnfitSecretError("is not UTF-8 text") from None
    if "\0" in secret:
        raise _UnfitSecretError("contains a NUL character; write the secret alone, as UTF-8 text")
    if secret.endswith(("\n", "\r")):
        raise _UnfitSecretError("ends in an empty line; write the secret alone: printf %s SECRET > FILE")
    if not secret:
        raise _UnfitSecretError("is empty; write the secret into it, or leave the key out")
    return secret


def _is_secret(shape: Shape, key: str) -> bool:
    found = inner(shape, key)
    return isinstance(found, Scalar) and found.secret


def followed(tree: Tree, location: Path) -> Path:
    """A location of pydantic, as far as it can be followed down a tree; a secret may stand under `KEY_file`."""
    for depth, part in enumerate(location):
        here = at(tree, location[:depth])
        if at(here, (part,)) is here:
            file = f"{part}{FROM_FILE}"
            found = isinstance(here, Branch) and file in here.entries
            return (*location[:depth], file) if found else location[:depth]
    return location


def _shape_at(model: type[BaseModel], location: Path) -> Shape:
    shape: Shape = model
    for part in location:
        shape = inner(shape, part)
    return shape


def _known(shape: Shape) -> set[str]:
    if isinstance(shape, Scalar | MapOf | ListOf):
        return set()
    own: Mapping[str, Shape] = shapes(shape)
    return set(own) | {f"{key}{FROM_FILE}" for key in own if _is_secret(shape, key)}
