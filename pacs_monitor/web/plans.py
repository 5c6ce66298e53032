"""What people plan: windows of maintenance, and pauses."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Self

from fastapi import APIRouter, HTTPException, Request
from pydantic import Field, StringConstraints, model_validator
from ulid import ULID

from pacs_monitor import api as answers
from pacs_monitor.alerting.words import Extend, Finish, Hold, Plan, Resume, Word
from pacs_monitor.config.matching import covers
from pacs_monitor.fields import Day, Match
from pacs_monitor.model import SECOND, CheckId, iso
from pacs_monitor.web.routing import refuses
from pacs_monitor.web.said import answer, said, zone_of
from pacs_monitor.web.status import window as window_json
from pacs_monitor.web.view import DaemonView
from pacs_monitor.web.words import LONGEST_NAME, NOTHING, Limited, Line, Matching, PersonName, Words, moment_of, speaker
from pacs_monitor.when import parse_when
from pacs_monitor.windows import Pause, Probing, Window, spelled

PAUSED_FOR = 8 * 3600 * SECOND
"""How long a pause holds that names no end."""


class Which(Matching):
    """Words that must say which checks."""

    all: bool = False
    """Every check of the monitor, instead of `match`."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        empty = self.match is None or self.match == Match()
        if empty != self.all:
            raise ValueError("say which checks: either match, such as {node: archive}, or all: true")
        return self

    @property
    def wanted(self) -> Match:
        return self.match or Match()


class Planned(Limited, Which):
    """A window of maintenance."""

    name: Annotated[Line, StringConstraints(min_length=1)] = "maintenance"
    """What is done. No patient names or IDs."""
    start: Annotated[str, Field(max_length=LONGEST_NAME)] | None = None
    """When it begins: 22:00, tomorrow 02:00, Sun 02:00 or a time by RFC 3339; by default now. `for` counts
    from then."""
    probing: Probing = Probing.CONTINUE
    """`continue`; `read_only` stores, sends and deletes nothing; `stop` asks nothing at all."""
    announced: Day | None = None
    """When it was announced, for contracts that count only announced windows."""
    notify: PersonName = ""
    """The channel that is told when it begins and ends."""

    @model_validator(mode="after")
    def _an_end(self) -> Self:
        if self.for_ is None and self.until is None:
            raise ValueError("say how long: 'for', such as 2h, or 'until', such as Sun 04:00")
        return self


class Paused(Limited, Which):
    """Checks that are not to run."""


def add_plans(api: APIRouter, daemon: DaemonView) -> None:
    """The verbs."""
    _add_windows(api, daemon)
    _add_pauses(api, daemon)


def _add_windows(api: APIRouter, daemon: DaemonView) -> None:
    @api.get(
        "/api/v1/maintenance",
        response_model=list[answers.WindowListed],
        summary="Windows of maintenance that are not over, by their start.",
    )
    async def windows() -> list[dict[str, Any]]:
        now = daemon.clock.now()
        return [window_json(one) | {"active": one.holds(now)} for one in daemon.desk.plans.windows()]

    @api.post(
        "/api/v1/maintenance",
        response_model=answers.WindowSaid,
        responses=refuses(409),
        status_code=201,
        summary="Plan a window: nobody is paged for its checks.",
    )
    async def add(request: Request, words: Planned) -> dict[str, Any]:
        return await plan(daemon, request, words)

    @api.post(
        "/api/v1/maintenance/{window}/extend",
        response_model=answers.WindowSaid,
        responses=refuses(409),
        summary="A window lasts longer: for counts from its planned end.",
    )
    async def extend_window(request: Request, window: str, words: Limited) -> dict[str, Any]:
        return await extend(daemon, request, window, words)

    @api.delete(
        "/api/v1/maintenance/{window}",
        response_model=answers.WindowSaid,
        responses=refuses(409),
        summary="End a window now, or call one off that has not begun.",
    )
    async def end(request: Request, window: str, words: Words = NOTHING) -> dict[str, Any]:
        return await finish(daemon, request, window, words)


def window_of(daemon: DaemonView, request: Request, words: Planned) -> Window:
    """The window that words ask for; HTTPException where its times cannot be so."""
    now, zone = daemon.clock.now(), zone_of(daemon)
    start = now if words.start is None else moment_of("start", partial(parse_when, words.start, now, zone))
    end = words.ends(start if words.until is None else now, zone)
    return Window(
        str(ULID()),
        words.name,
        words.wanted,
        start,
        end or start,
        words.probing,
        str(speaker(request, words.by)),
        words.why,
        words.announced,
        words.notify,
    )


async def plan(daemon: DaemonView, request: Request, words: Planned) -> dict[str, Any]:
    """What holds now, as for each of these; HTTPException with what to do where it is not accepted."""
    planned = window_of(daemon, request, words)
    return await _done(daemon, Plan(planned), window_json(planned))


async def extend(daemon: DaemonView, request: Request, window: str, words: Limited) -> dict[str, Any]:
    """It lasts longer."""
    planned = _found(daemon, window)
    until = words.ends(planned.end if words.until is None else daemon.clock.now(), zone_of(daemon))
    if until is None:
        raise HTTPException(422, ["say how long: 'for', such as 1h more, or 'until', such as 05:00"])
    word = Extend(window, str(speaker(request, words.by)), until, words.why)
    return await _done(daemon, word, window_json(planned.changed(end=until)))


async def finish(daemon: DaemonView, request: Request, window: str, words: Words) -> dict[str, Any]:
    """It ends now, or is called off."""
    planned = _found(daemon, window)
    ended = planned.changed(end=max(daemon.clock.now(), planned.start))
    return await _done(daemon, Finish(window, str(speaker(request, words.by)), words.why), window_json(ended))


def _add_pauses(api: APIRouter, daemon: DaemonView) -> None:
    @api.get(
        "/api/v1/pauses",
        response_model=list[answers.Pause],
        summary="Checks that people have paused, by the end of the pause.",
    )
    async def pauses() -> list[dict[str, Any]]:
        return [pause_json(*one) for one in daemon.desk.plans.pauses()]

    @api.post(
        "/api/v1/pause",
        response_model=answers.PauseSaid,
        responses=refuses(409),
        status_code=201,
        summary="Stop checks for a time, by default 8 h: nothing is asked.",
    )
    async def add(request: Request, words: Paused) -> dict[str, Any]:
        return await pause(daemon, request, words)

    @api.post(
        "/api/v1/resume",
        response_model=answers.Resumed,
        responses=refuses(404, 409),
        summary="Run paused checks again.",
    )
    async def end(request: Request, words: Which) -> dict[str, Any]:
        return await resume(daemon, request, words)


async def pause(daemon: DaemonView, request: Request, words: Paused) -> dict[str, Any]:
    """Nothing is asked for a time."""
    now = daemon.clock.now()
    until = words.ends(now, zone_of(daemon)) or now + PAUSED_FOR
    held = Pause(str(ULID()), words.wanted, str(speaker(request, words.by)), now, until, words.why)
    return await _done(daemon, Hold(held), pause_json(held, covered(daemon, words.wanted)))


async def resume(daemon: DaemonView, request: Request, words: Which) -> dict[str, Any]:
    """They run again."""
    word = Resume(words.wanted, str(speaker(request, words.by)), words.why)
    return await _done(daemon, word, {"match": spelled(words.wanted)})


def pause_json(pause: Pause, checks: list[CheckId]) -> dict[str, Any]:
    """A pause, and the checks that it holds."""
    return {
        "id": pause.id,
        "match": spelled(pause.match),
        "by": pause.by,
        "why": pause.why,
        "since": iso(pause.at),
        "until": iso(pause.until),
        "checks": [str(check) for check in checks],
    }


async def _done(daemon: DaemonView, word: Word, about: dict[str, Any]) -> dict[str, Any]:
    return answer(about, await said(daemon, word))


def covered(daemon: DaemonView, match: Match) -> list[CheckId]:
    """The checks that a match means now."""
    return sorted(check.id for check in daemon.estate.checks.values() if covers(match, check))


def _found(daemon: DaemonView, identity: str) -> Window:
    for one in daemon.desk.plans.windows():
        if one.id == identity:
            return one
    raise HTTPException(404, f"no window {identity}; GET /api/v1/maintenance lists those that are not over")
