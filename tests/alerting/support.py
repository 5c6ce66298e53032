"""An estate of three checks on two nodes, a board, and cases to decide on; the clock is the caller's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pacs_monitor.alerting.causes import cause_of, problem_of, summarised
from pacs_monitor.alerting.events import (
    ChannelFailing,
    ChannelWorks,
    Happening,
    KnownAgain,
    OpenedRefused,
    Reloaded,
    Transitioned,
    UnknownSince,
    event_id,
)
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.alerting.situation import Situation, Subject
from pacs_monitor.alerting.timeline import Decided, Timeline
from pacs_monitor.alerting.turn import Effects
from pacs_monitor.channels.webhook import Webhook, WebhookSettings
from pacs_monitor.config.estate import Estate, Route
from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.fields import Match
from pacs_monitor.model import (
    SECOND,
    Channel,
    Check,
    CheckId,
    DicomEndpoint,
    Incident,
    Micros,
    Node,
    Reason,
    Result,
    Severity,
    Standing,
    State,
    Thresholds,
    Transition,
)
from pacs_monitor.probes import kinds

T0 = 1_764_000_000 * SECOND
"""2025-11-24T16:00:00Z."""
ARCHIVE, DISK, RIS = CheckId("archive", "dicom_echo"), CheckId("archive", "archive_disk"), CheckId("ris", "dicom_echo")
NODES = {
    "archive": Node(
        "archive",
        host="127.0.0.1",
        title="Main archive",
        site="east",
        role="archive",
        labels={"vendor": "acme"},
        impact="no priors",
        support={"phone": "4711"},
        dicom=DicomEndpoint(11112, "ARCHIVE", "PACSMON"),
    ),
    "ris": Node("ris", host="127.0.0.1", role="ris", dicom=DicomEndpoint(11113, "WORKLIST", "PACSMON")),
}


def a_check(identity: CheckId, severity: Severity = Severity.WARNING, **more: Any) -> Check:
    probe = kinds()["dicom_echo"]
    return Check(
        identity,
        NODES[identity.node],
        probe,
        probe.settings(),
        60.0,
        10.0,
        10.0,
        Thresholds(),
        severity,
        **{"page_after": 60.0, "unknown_after": 900.0} | more,
    )


CHECKS = {
    ARCHIVE: a_check(ARCHIVE, Severity.CRITICAL),
    DISK: a_check(DISK),
    RIS: a_check(RIS, Severity.INFO, page_after=0.0),
}


TO_HOOK = Route(channels=("hook",))


def nowhere(name: str) -> Channel:
    """A channel where only its name counts."""
    return Webhook(name, WebhookSettings.model_validate({"url": "http://127.0.0.1:1/"}))


def an_estate(
    checks: Iterable[Check] = CHECKS.values(),
    routes: tuple[Route, ...] = (),
    default: Route = TO_HOOK,
    channels: Mapping[str, Channel] | Iterable[str] = ("hook", "oncall"),
    **monitor: Any,
) -> Estate:
    known = channels if isinstance(channels, Mapping) else {name: nowhere(name) for name in channels}
    settings = {"name": "east-campus", "timezone": "Europe/Berlin", "external_url": "https://monitor.example.org"}
    return Estate(
        Path("monitor.yaml"),
        "0" * 64,
        MonitorSettings.model_validate(settings | monitor),
        nodes=NODES,
        checks={check.id: check for check in checks},
        channels=known,
        routes=routes,
        default_route=default,
    )


def route(
    *channels: str, remind: float | None = None, continue_: bool = False, vendor: str | None = None, **match: str
) -> Route:
    labels = {} if vendor is None else {"labels.vendor": vendor}
    return Route(Match.model_validate(match | labels), channels, continue_, remind)


def moved(
    after: State,
    noticed: float,
    check: CheckId = ARCHIVE,
    *,
    before: State = State.UP,
    since: float | None = None,
    reason: Reason | None = None,
) -> Transition:
    """A transition, in seconds after T0; its first evidence 20 s before it was noticed."""
    began = noticed - 20 if since is None else since
    if reason is None and after is not State.UP:
        reason = Reason.TCP_REFUSED if after is not State.UNKNOWN else Reason.DNS
    return Transition(check, before, after, at(began - 60), at(began), at(noticed), reason)


def opened(transition: Transition, check: Check, identity: str) -> Incident:
    """The incident that a check opens by getting into trouble."""
    problem = problem_of(transition, check)
    incident = Incident(
        identity,
        *cause_of(check, problem.reason),
        problem.severity,
        problem.state,
        problem.reason,
        problem.phase,
        problem.detail,
        problem.last_good,
        problem.since,
        problem.noticed,
        members=(check.id,),
        problems=(problem,),
    )
    return replace(summarised(incident), version=1)


def at(seconds: float) -> Micros:
    return T0 + round(seconds * SECOND)


@dataclass
class Talk:
    """Has one thing after the other decided, keeping what came of it."""

    estate: Estate = field(default_factory=an_estate)
    said: list[tuple[float, str, str, str]] = field(default_factory=list)
    """When it was asked, event, channel, status."""
    suppressed: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Event, why, channel; once, when it begins."""
    now: float = 0.0
    effects: list[Effects] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._serial = 0
        self.timeline = Timeline(Rules(self.estate), self._identity)
        self._failing: set[str] = set()

    @property
    def situation(self) -> Situation:
        return self.timeline.situation

    @property
    def subjects(self) -> list[Subject]:
        """The open ones, the oldest first."""
        return sorted(self.situation.subjects.values(), key=lambda subject: subject.incident.id)

    def ask(
        self,
        now: float,
        *transitions: Transition,
        unknown: Mapping[CheckId, tuple[Micros, Reason]] | None = None,
        failing: Iterable[str] = (),
    ) -> Micros | None:
        """What happens until now, and when something falls due next; `unknown` checks are so since, and why."""
        self.now = now
        self.timeline.postpone(min((transition.noticed for transition in transitions), default=at(now)))
        for transition in transitions:
            self._sort(now, self.timeline.happen(transition.noticed, Transitioned(transition)))
        self._sort(now, self.timeline.pass_until(at(now)))
        for check in set(self.situation.unknown) - set(unknown or {}):
            self.happen(now, KnownAgain(check))
        for check, (since, reason) in (unknown or {}).items():
            if check not in self.situation.unknown or self.situation.unknown[check].reason is not reason:
                self.happen(now, UnknownSince(check, since, reason))
        for channel in sorted(set(failing) ^ self._failing):
            self.happen(
                now, ChannelFailing(channel, at(now), "http_401") if channel in failing else ChannelWorks(channel)
            )
        self._failing = set(failing)
        self._sort(now, self.timeline.pass_until(at(now)))
        return self.timeline.wake_at

    def happen(self, now: float, what: Happening) -> None:
        self._sort(now, self.timeline.happen(at(now), what))

    def heard(self) -> list[tuple[str, str]]:
        """Event and channel of what is really sent."""
        return [(event, channel) for _, event, channel, status in self.said if status == "pending"]

    def incidents(self) -> list[Incident]:
        """Every form that they had."""
        return [incident for effects in self.effects for incident in effects.incidents.values()]

    def reload(self, estate: Estate) -> None:
        self.estate, self.timeline.rules = estate, Rules(estate)
        self.happen(self.now, Reloaded(estate.revision))

    def lose(self, channel: str) -> None:
        """The channel refused the opened of every open incident."""
        for subject in self.subjects:
            self.happen(self.now, OpenedRefused(subject.incident.id, channel))

    def restart(self, situation: Situation) -> None:
        """Another process goes on from here."""
        self.timeline = Timeline(self.timeline.rules, self._identity, situation)

    def _sort(self, now: float, decisions: Iterable[Decided]) -> None:
        for decided in decisions:
            if decided.failure is not None:
                raise decided.failure
            for owed in decided.effects.owed:
                self.said.append((now, owed.event.removeprefix("incident."), owed.channel, owed.status))
            self.suppressed += [
                (held.event.removeprefix("incident."), held.why, held.channel)
                for held in decided.effects.suppressed
                if held.ended is None or held.ended == held.at
            ]
            self.effects.append(decided.effects)

    def _identity(self, moment: Micros) -> str:
        self._serial += 1
        return event_id(moment, self._serial)


@dataclass
class Spot:
    """A check on the board."""

    standing: Standing
    lapse_at: float | None = None
    last: Result | None = None
    proven: bool = True


@dataclass
class Board:
    entries: dict[CheckId, Spot] = field(default_factory=dict)
