"""YAML as a tree of texts that know their file and line; nothing has a type until its field reads it.

The tree is grown from the events of libyaml rather than by `yaml.compose`: as quick, without resolving types, and safe
from files that are nested without end or that multiply by aliases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

import yaml

from pacs_monitor.config.problems import ConfigError, Path, Problem, dotted

DEEPEST = 32
"""Levels of nesting."""
LARGEST = 1_000_000
"""Values in one file once its aliases are followed."""
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>[A-Za-z_]\w*)(?::-(?P<fallback>[^}]*))?\}|(?P<broken>\{))", re.ASCII)
_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")
"""What no answer, database or header can hold; os.environ has a lone surrogate for each byte that is not UTF-8."""
_STR = "tag:yaml.org,2002:str"


class Mark(NamedTuple):
    """Where something stands: for a value of a mapping, where its key does."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar: what it says, and how it is written before the environment's variables come in."""

    mark: Mark
    text: str
    written: str
    plain: bool
    size: int = 1

    @property
    def nothing(self) -> bool:
        """`ping:` with no value (YAML 1.2, 10.3.2): an empty mapping or list, where one is expected."""
        return self.plain and self.written in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Items:
    mark: Mark
    items: tuple[Tree, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Branch:
    mark: Mark
    entries: Mapping[str, Tree]
    size: int

    def only(self, keys: frozenset[str]) -> Branch:
        return Branch(self.mark, {key: tree for key, tree in self.entries.items() if key in keys}, self.size)

    def without(self, keys: frozenset[str]) -> Branch:
        return Branch(self.mark, {key: tree for key, tree in self.entries.items() if key not in keys}, self.size)


Tree = Text | Items | Branch


def at(tree: Tree, path: Path) -> Tree:
    """The tree at a path, or the last one on the way to it."""
    for part in path:
        if isinstance(tree, Branch) and part in tree.entries:
            tree = tree.entries[str(part)]
        elif isinstance(tree, Items) and isinstance(part, int) and part < len(tree.items):
            tree = tree.items[part]
        else:
            break
    return tree


def parse_yaml(
    text: str, file: str, environ: Mapping[str, str], problems: list[Problem], used: dict[str, str] | None = None
) -> Tree:
    """The tree of one YAML document. What can be read around goes to `problems`, the rest raises ConfigError.

    `used` takes the variables of the environment that the document names, and their values.
    """
    grower = _TreeBuilder(file, environ, problems, {} if used is None else used)
    try:
        return grower.document(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        line = mark.line if mark else 0
        problems.append(Problem(file, line + 1, "", f"not YAML: {what}{_likely_cause(text, line)}"))
    raise ConfigError(problems)


def _likely_cause(text: str, line: int) -> str:
    """The two faults that people make most, where YAML's own words do not help."""
    written = text.splitlines()[line : line + 1] or [""]
    if written[0].lstrip(" ").startswith("\t"):
        return "; indent with spaces, not with a tab"
    if re.search(r"[{\[,:]\s*\$\{", written[0]):
        return '; within {…} or […], write "${…}" in quotes'
    return ""


@dataclass
class _TreeBuilder:
    file: str
    environ: Mapping[str, str]
    problems: list[Problem]
    used: dict[str, str]
    anchors: dict[str, Tree] = field(default_factory=dict)
    events: Iterator[yaml.Event] = field(default_factory=lambda: iter(()))

    def document(self, text: str) -> Tree:
        self.events = yaml.parse(text, Loader=yaml.CSafeLoader)
        next(self.events)  # the stream starts
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return Branch(Mark(self.file, 1), {}, 1)
        tree = self._node(next(self.events), Mark(self.file, 1), ())
        next(self.events)  # the document ends
        event = next(self.events)
        if isinstance(event, yaml.DocumentStartEvent):
            self._give_up(self._mark(event), (), "write one document per file: a second one begins here")
        return tree

    def _node(self, event: yaml.Event, mark: Mark, path: Path) -> Tree:
        if len(path) > DEEPEST:
            self._give_up(mark, path[:4], f"is nested more than {DEEPEST} levels deep")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, mark, path)
        if getattr(event, "tag", None) not in (None, "!", _STR):
            self._error(mark, path, "has a tag; write the value without it")
        tree = self._build(event, mark, path)
        if tree.size > LARGEST:
            self._give_up(mark, path, f"contains more than {LARGEST:,} values once its aliases are expanded")
        anchor = getattr(event, "anchor", None)
        if anchor:
            self.anchors[anchor] = tree
        return tree

    def _build(self, event: yaml.Event, mark: Mark, path: Path) -> Tree:
        if isinstance(event, yaml.MappingStartEvent):
            return self._branch(mark, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._items(mark, path)
        if isinstance(event, yaml.ScalarEvent):
            return self._text(event, mark, path)
        return self._give_up(mark, path, "is not a value")

    def _alias(self, event: yaml.AliasEvent, mark: Mark, path: Path) -> Tree:
        known = self.anchors.get(event.anchor or "")
        return known or self._give_up(mark, path, f"the anchor &{event.anchor} is not defined before its alias")

    def _branch(self, mark: Mark, path: Path) -> Branch:
        entries: dict[str, Tree] = {}
        lines: dict[str, int] = {}
        size = 1
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            here = self._mark(event)
            if not isinstance(event, yaml.ScalarEvent):
                self._give_up(here, path, "a key must be text")
            key = event.value
            if _NO_TEXT.search(key):
                self._give_up(here, path, "a key contains a NUL character; remove it")
            child = self._node(next(self.events), here, (*path, key))
            size += child.size
            if key in entries:
                self._error(here, path, f"duplicate key {key!r}, first on line {lines[key]}")
            else:
                entries[key], lines[key] = child, here.line
        return Branch(mark, entries, size)

    def _items(self, mark: Mark, path: Path) -> Items:
        items: list[Tree] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self._node(event, self._mark(event), (*path, len(items))))
        return Items(mark, tuple(items), 1 + sum(item.size for item in items))

    def _text(self, event: yaml.ScalarEvent, mark: Mark, path: Path) -> Text:
        written = event.value
        if _NO_TEXT.search(written):
            self._error(mark, path, "contains a NUL character; remove it")
            written = ""
        text = written
        if "$" in written:
            text = _VARIABLE.sub(lambda found: self._variable(found, mark, path), written)
        return Text(mark, text, written, event.style is None or event.style == "")

    def _variable(self, found: re.Match[str], mark: Mark, path: Path) -> str:
        name, fallback = found["name"], found["fallback"]
        if found["broken"]:
            self._error(
                mark,
                path,
                "write ${NAME}, ${NAME:-fallback}, or $$ for a dollar sign: this '${' does not begin a variable",
            )
            return found[0]
        if name is None:
            return "$"
        value = self.environ.get(name)
        if value and _NO_TEXT.search(value):
            self._error(mark, path, f"the environment variable {name} is not UTF-8 text; write it as one")
            return ""
        if value:
            self.used[name] = value
        if fallback is not None:
            return value or fallback
        if value is None:
            self._error(
                mark, path, f"set the environment variable {name}, or write ${{{name}:-fallback}}: it is not set"
            )
            return ""
        return value

    def _mark(self, event: yaml.Event) -> Mark:
        return Mark(self.file, event.start_mark.line + 1 if event.start_mark else 1)

    def _error(self, mark: Mark, path: Path, message: str) -> None:
        self.problems.append(Problem(mark.file, mark.line, dotted(path), message))

    def _give_up(self, mark: Mark, path: Path, message: str) -> NoReturn:
        self._error(mark, path, message)
        raise ConfigError(self.problems)
