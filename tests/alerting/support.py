"""An estate of three checks on two nodes, a board, and cases to decide on; the clock is the caller's."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pacs_monitor.alerting.cases import Case, Key
from pacs_monitor.alerting.policy import Dark, Decision, News, decide
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.channels.webhook import Webhook, WebhookSettings
from pacs_monitor.config.estate import Estate, Route
from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.delivery import ChannelTrouble
from pacs_monitor.fields import Match
from pacs_monitor.model import (
    SECOND,
    Channel,
    Check,
    CheckId,
    DicomEndpoint,
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


def at(seconds: float) -> Micros:
    return T0 + round(seconds * SECOND)


@dataclass
class Talk:
    """Asks policy again and again, keeping what it answered."""

    estate: Estate = field(default_factory=an_estate)
    cases: Mapping[Key, Case] = field(default_factory=dict)
    said: list[tuple[float, str, str, str]] = field(default_factory=list)
    """When it was asked, event, channel, status."""
    withheld: list[tuple[str, str, str | None]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)
        self.rules = Rules(self.estate)

    def ask(
        self,
        now: float,
        *transitions: Transition,
        dark: Mapping[CheckId, Dark] | None = None,
        failing: Iterable[str] = (),
    ) -> Decision:
        news = News(transitions, dark or {}, failing=dict.fromkeys(failing, ChannelTrouble(at(now), "http_401")))
        decision = decide(self.cases, news, self.rules, at(now), lambda: f"incident-{next(self._ids)}")
        self.cases = decision.cases
        for due in decision.dues:
            event = due.event.removeprefix("incident.")
            self.said.append((now, event, due.channel, due.status))
        self.withheld += [(held.event.removeprefix("incident."), held.why, held.channel) for held in decision.withheld]
        self.decisions.append(decision)
        return decision

    def heard(self) -> list[tuple[str, str]]:
        """Event and channel of what is really sent."""
        return [(event, channel) for _, event, channel, status in self.said if status == "pending"]

    def reload(self, estate: Estate) -> None:
        self.estate, self.rules = estate, Rules(estate)

    def lose(self, channel: str) -> None:
        """The channel refused the opened of every case."""
        self.cases = {
            key: case.tell(channel, replace(case.told[channel], lost=True)) for key, case in self.cases.items()
        }


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
