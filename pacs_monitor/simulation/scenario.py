"""A scenario: a written timeline of what breaks and recovers, and what people are expected to hear of it.

    start: 2026-11-24 08:00
    timeline:
      - {at: 0s, check: "archive/*", state: down, reason: tcp_refused}
      - {at: 20m, check: "archive/*", state: up}
    expect:
      - "08:01:00 opened to hook: unreachable:archive (critical)"

`at` counts from `start`; it is when the monitor has confirmed the state, `since` (as long before it) when it first saw
it. `check` names a check (`node/check`), several, or a glob.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

import yaml
from pydantic import BeforeValidator, ValidationError

from pacs_monitor.config import Estate
from pacs_monitor.fields import Duration, Settings, Texts
from pacs_monitor.model import SECOND, Micros, PacsMonitorError, Reason, State
from pacs_monitor.simulation.lines import Line, lines
from pacs_monitor.simulation.world import Move, World

LASTS = 24 * 3600.0
"""Seconds that a scenario goes on after its last move, unless it says `until`."""
REASONS = {reason.value: reason for reason in Reason}


class ScenarioError(PacsMonitorError):
    """A scenario cannot be read; the message says where and what would be right."""


def _reason(value: object) -> object:
    if value in (None, ""):
        return None
    if value not in REASONS:
        raise ValueError(f"unknown reason {value!r}; see docs/operations.md for all of them")
    return REASONS[str(value)]


class Step(Settings):
    """Checks that are confirmed to be in another state."""

    at: Duration
    """How long after the start."""
    check: Texts
    """`node/check`, a list, or a glob such as `archive/*`."""
    state: State
    """up, degraded, down, absent or unknown."""
    reason: Annotated[Reason | None, BeforeValidator(_reason)] = None
    """Why; by default `tcp_timeout`, or `not_measured` while unknown."""
    since: Duration = 0.0
    """How long before that it was first seen."""


class Scenario(Settings):
    """What happens, from when on, and what people hear of it."""

    start: str
    """Local time in the monitor's zone: `2026-11-24 08:00`."""
    timeline: tuple[Step, ...]
    """What happens."""
    until: Duration | None = None
    """How long it goes on after the start; by default a day after the last step."""
    expect: Texts = ()
    """The lines that `simulate` is to print, in order; anything else is an error."""


class Played(NamedTuple):
    """What came of a scenario."""

    lines: tuple[str, ...]
    unexpected: tuple[str, ...]
    """Printed, and not expected."""
    missing: tuple[str, ...]
    """Expected, and not printed."""


def read(file: Path) -> Scenario:
    """Raises ScenarioError."""
    try:
        return Scenario.model_validate(yaml.safe_load(file.read_text("utf-8")))
    except OSError as error:
        raise ScenarioError(f"{file}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ScenarioError(f"{file}: is not YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ScenarioError(f"{file}: {where}: {first['msg'].removeprefix('Value error, ')}") from None


def play(scenario: Scenario, estate: Estate) -> Played:
    """Run it over a configuration; raises ScenarioError for checks that are not in it."""
    zone = ZoneInfo(estate.monitor.timezone)
    start = _start(scenario.start, zone)
    world = World(estate, start)
    last = 0.0
    for number, step in enumerate(scenario.timeline):
        last = max(last, step.at)
        for move in _moves(step, number, start, estate):
            world.plan(move)
    lasts = last + LASTS if scenario.until is None else scenario.until
    printed = tuple(shown(lines(world.run(start + round(lasts * SECOND))), start, zone))
    expected = scenario.expect or printed
    return Played(printed, _without(printed, expected), _without(expected, printed))


def shown(every: Iterator[Line], start: Micros, zone: ZoneInfo) -> Iterator[str]:
    """Each line with its local time, and the date unless it is the first day's."""
    first = datetime.fromtimestamp(start // SECOND, zone).date()
    for line in every:
        there = datetime.fromtimestamp(line.at // SECOND, zone)
        time = f"{there:%H:%M:%S}" if there.date() == first else f"{there:%Y-%m-%d %H:%M:%S}"
        yield f"{time} {line.text}"


def _moves(step: Step, number: int, start: Micros, estate: Estate) -> Iterator[Move]:
    at = start + round(step.at * SECOND)
    reason = step.reason or (None if step.state is State.UP else _DEFAULTS.get(step.state, Reason.TCP_TIMEOUT))
    for pattern in step.check:
        checks = [check for check in estate.checks if fnmatchcase(str(check), pattern)]
        if not checks:
            known = ", ".join(sorted(map(str, estate.checks))[:5])
            raise ScenarioError(f"timeline.{number}.check: no check matches {pattern!r}; known: {known} …")
        for check in checks:
            yield Move(at, check, step.state, reason, at - round(step.since * SECOND))


_DEFAULTS = {State.UNKNOWN: Reason.NOT_MEASURED, State.DEGRADED: Reason.SLOW}


def _start(text: str, zone: ZoneInfo) -> Micros:
    try:
        there = datetime.fromisoformat(text)
    except ValueError:
        raise ScenarioError(f"start: {text!r} is no time; write it as 2026-11-24 08:00") from None
    there = there if there.tzinfo else there.replace(tzinfo=zone)
    return round(there.timestamp()) * SECOND


def _without(these: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    rest = list(others)
    left = []
    for line in these:
        if line in rest:
            rest.remove(line)
        else:
            left.append(line)
    return tuple(left)


__all__ = ["Played", "Scenario", "ScenarioError", "play", "read", "shown"]
