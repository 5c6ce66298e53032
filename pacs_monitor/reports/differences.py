"""What differs between two reports of one period, figure by figure, and why where that is known. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pacs_monitor.history import AuditEntry

ALWAYS = frozenset({"made", "version", "frozen"})
"""What says nothing of the period."""
DERIVED = frozenset({"days", "sentences", "label"})
"""What follows from figures beside it."""
NAMES = (
    "kind",
    "name",
    "of",
    "service",
    "node",
    "check",
    "operation",
    "place",
    "quarter",
    "month",
    "period",
    "day",
    "what",
    "at",
    "from",
    "since",
    "id",
    "hash",
)
"""Keys by which rows are told apart."""
RESULT = ("verdict", "used_seconds", "counted_time_seconds")
"""Of an agreement."""
LONGEST = 100
"""Characters of a value that are shown, such as a logo's."""
MOST = 500
"""Differences that are listed."""


class Difference(NamedTuple):
    """A place where two documents are not the same."""

    path: tuple[str, ...]
    before: Any
    """None where there was nothing."""
    after: Any
    row: Mapping[str, Any]
    """What it is in."""


def same(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether both say the same of the period; a key that an older version did not write says as much as null."""
    old, new = _of_the_period(before), _of_the_period(after)
    return old == new or next(compared(old, new), None) is None


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], since: Sequence[AuditEntry] = ()
) -> list[dict[str, Any]]:
    """One for each figure, at most MOST and one that counts the rest; `since` is what people did in between."""
    found = list(compared(_of_the_period(before), _of_the_period(after), skip=DERIVED))
    found.sort(key=lambda one: one.path[-1] not in ("verdict", "met"))
    version = None
    if before.get("version") != after.get("version"):
        version = f"calculated by version {after.get('version')}, before by {before.get('version')}"
    shown = [
        {
            "what": ", ".join(one.path[:-1]),
            "path": list(one.path[:-1]),
            "figure": one.path[-1],
            "before": _brief(one.before),
            "after": _brief(one.after),
            "why": _why(one, since) or version,
        }
        for one in found[:MOST]
    ]
    if len(found) > MOST:
        more: dict[str, Any] = {
            "what": f"and {len(found) - MOST} more",
            "path": [],
            "figure": "",
            "before": None,
            "after": None,
            "why": version,
        }
        shown.append(more)
    return shown


def turned(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The results that are other ones now, each with what was counted."""
    keys = ("name", "of", "period")
    old = {tuple(row[key] for key in keys): row for row in before["objectives"]}
    return [
        {"name": row["name"], "title": row["title"], "period": row["period"]}
        | {"before": {key: was[key] for key in RESULT}, "after": {key: row[key] for key in RESULT}}
        for row in after["objectives"]
        if (was := old.get(tuple(row[key] for key in keys))) is not None and was["verdict"] != row["verdict"]
    ]


def compared(
    before: Any,
    after: Any,
    path: tuple[str, ...] = (),
    row: Mapping[str, Any] | None = None,
    skip: frozenset[str] = frozenset(),
) -> Iterator[Difference]:
    """Where two values are not the same, in the order of the first."""
    row = {} if row is None else row
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            if key not in skip:
                yield from compared(before.get(key), after.get(key), (*path, str(key)), after, skip)
    elif _are_rows(before) and _are_rows(after):
        old, new = _by_name(before), _by_name(after)
        for name in dict.fromkeys((*old, *new)):
            if name not in new or name not in old:
                yield Difference((*path, name), old.get(name), new.get(name), (new.get(name) or old[name]))
            else:
                yield from compared(old[name], new[name], (*path, name), new[name], skip)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (old_one, new_one) in enumerate(zip(before, after, strict=True)):
            yield from compared(old_one, new_one, (*path, str(number)), row, skip)
    elif before != after:
        yield Difference(path, before, after, row)


def is_duration(difference: Mapping[str, Any]) -> bool:
    """Whether its number is one of seconds."""
    figure, within = difference["figure"], difference["path"][-1:]
    return figure == "seconds" or figure.endswith("_seconds") or within in (["seconds"], ["unknown_by_cause"])


def is_share(difference: Mapping[str, Any]) -> bool:
    """Whether its number is a part of 1."""
    figure = difference["figure"]
    return figure.startswith(("availability", "coverage")) or figure in (
        "target",
        "lowest_availability",
        "share_in_time",
    )


def _of_the_period(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in ALWAYS}


def _are_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) for one in value)


def _by_name(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """With a number where two have the same name."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        name = " ".join(str(row[key]) for key in NAMES if isinstance(row.get(key), str | int)) or "row"
        number = 1
        unique = name
        while unique in found:
            number += 1
            unique = f"{name} ({number})"
        found[unique] = row
    return found


def _brief(value: Any) -> Any:
    """A value of a cell; of a whole row that it is there."""
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]}…"
    return "listed" if isinstance(value, Mapping) else f"{len(value)} rows" if isinstance(value, list) else value


def _why(one: Difference, since: Sequence[AuditEntry]) -> str | None:
    """What somebody did to the incident or window that the row is about."""
    identity = one.row.get("id")
    if not isinstance(identity, str):
        return None
    entry = next((entry for entry in since if identity in entry.action), None)
    if entry is None:
        return None
    return f"{entry.by or 'somebody'}: {entry.why or entry.action}"
