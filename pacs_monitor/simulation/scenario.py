"""A scenario: a written timeline of what breaks and recovers, and what people are expected to hear of it.

    start: 2026-11-24 08:00
    timeline:
      - {at: 0s, check: archive/*, state: down, reason: tcp_refused}
      - {at: 20m, check: archive/*, state: up}
    expect:
      - "08:01:00 opened to hook: unreachable:archive (critical)"
      - "08:20:00 resolved to hook: unreachable:archive (critical)"

`at` counts from `start`; it is when the monitor has confirmed the state, `since` (as long before it) when it first saw
it. `check` names a check (`node/check`), several, or a glob.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pacs_monitor.alerting.words import Word
from pacs_monitor.config import ConfigError, Estate, Problem, load, read_document
from pacs_monitor.config.errors import unknown_name
from pacs_monitor.fields import Duration, Moment, Settings, Texts
from pacs_monitor.model import SECOND, CheckId, Micros, Reason, State
from pacs_monitor.simulation.lines import Line, lines, shown
from pacs_monitor.simulation.said import Said
from pacs_monitor.simulation.steps import Step
from pacs_monitor.simulation.world import Move, World

LASTS = 24 * 3600.0
"""Seconds that a scenario goes on after its last step, unless it says `until`."""
_DEFAULTS = {State.UP: None, State.UNKNOWN: Reason.NOT_MEASURED, State.DEGRADED: Reason.SLOW}


class Scenario(Settings):
    """What happens, from when on, and what people hear of it."""

    start: Moment
    """In the monitor's time zone."""
    timeline: tuple[Step, ...]
    """What happens."""
    until: Duration | None = None
    """How long after the start it ends; by default a day after the last step."""
    expect: Texts | None = None
    """The lines that are to be printed, all of them; none: nobody hears anything."""


class Script(NamedTuple):
    """A scenario over a configuration."""

    estate: Estate
    start: Micros
    end: Micros
    moves: tuple[Move, ...]
    words: tuple[tuple[Micros, Word], ...]
    """What people say, and when."""
    others: tuple[tuple[Micros, Step, Estate | None], ...]
    """What they say of an incident, and what happens to the monitor; with the configuration that is reloaded."""
    expect: tuple[str, ...] | None


class Played(NamedTuple):
    """What came of a scenario."""

    lines: tuple[Line, ...]
    texts: tuple[str, ...]
    """The same, as they are printed."""
    unexpected: tuple[str, ...]
    """Printed, and not expected."""
    missing: tuple[str, ...]
    """Expected, and not printed."""


def read(file: Path, estate: Estate) -> Script:
    """The scenario of a file; raises ConfigError with every problem, each with its line and what would be right."""
    document = read_document(Scenario, file)
    scenario, problems = document.settings, list[Problem]()
    zone = ZoneInfo(estate.monitor.timezone)
    there = scenario.start if scenario.start.tzinfo else scenario.start.replace(tzinfo=zone)
    start = round(there.timestamp()) * SECOND
    moves: list[Move] = []
    said, others = Said(estate, start), list[tuple[Micros, Step, Estate | None]]()
    for number, step in sorted(enumerate(scenario.timeline), key=lambda one: one[1].at):
        if why := said.take(step):
            problems.append(document.problem(("timeline", number), why))
        if step.about or step.reload or step.restart is not None or step.clock is not None:
            try:
                reloaded = None if step.reload is None else load(file.parent / step.reload)
                others.append((start + round(step.at * SECOND), step, reloaded))
            except ConfigError as error:
                wrong = f"correct {step.reload} first: {error.problems[0]}"
                problems.append(document.problem(("timeline", number, "reload"), wrong))
        for pattern in step.check:
            checks = [check for check in estate.checks if fnmatchcase(str(check), pattern)]
            moves += _moves(step, start, checks)
            if not checks:
                message = unknown_name("check", pattern, {*map(str, estate.checks)})
                problems.append(document.problem(("timeline", number, "check"), message))
    if problems:
        raise ConfigError(problems)
    last = max((step.at for step in scenario.timeline), default=0.0)
    lasts = last + LASTS if scenario.until is None else scenario.until
    end = start + round(lasts * SECOND)
    return Script(estate, start, end, said.moves(moves), tuple(said.words), tuple(others), scenario.expect)


def play(script: Script) -> Played:
    """Run it."""
    world = World(script.estate, script.start)
    for move in script.moves:
        world.plan(move)
    for moment, word in script.words:
        world.happen(moment, word)
    for moment, step, reloaded in script.others:
        _plan(world, moment, step, reloaded)
    zone = ZoneInfo(script.estate.monitor.timezone)
    found = tuple(lines(world.run(script.end)))
    texts = tuple(shown(line, script.start, zone) for line in found)
    expected = texts if script.expect is None else script.expect
    return Played(found, texts, _without(texts, expected), _without(expected, texts))


def _plan(world: World, at: Micros, step: Step, reloaded: Estate | None) -> None:
    if reloaded is not None:
        world.reload(at, reloaded)
    elif step.restart is not None:
        world.restart(at, round(step.restart * SECOND))
    elif step.clock is not None:
        world.set_clock(at, round(step.clock * SECOND))
    else:
        world.when(at, lambda: step.word(world.incident(step.about), world.now))


def _moves(step: Step, start: Micros, checks: Sequence[CheckId]) -> Iterator[Move]:
    moment = start + round(step.at * SECOND)
    state = step.state or State.UP
    reason = step.reason or _DEFAULTS.get(state, Reason.TCP_TIMEOUT)
    for check in checks:
        yield Move(moment, check, state, reason, moment - round(step.since * SECOND))


def _without(these: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    rest = list(others)
    left = []
    for line in these:
        if line in rest:
            rest.remove(line)
        else:
            left.append(line)
    return tuple(left)
