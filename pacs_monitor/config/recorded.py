"""A configuration of the record (pacs_monitor.config.canonical) as an Estate again: without secrets, not to be run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, TypeAdapter, ValidationError

from pacs_monitor import channels, probes, systems
from pacs_monitor.calendars import Calendar, Hours
from pacs_monitor.config import recorded_rota
from pacs_monitor.config.canonical import CHECKS_OWN
from pacs_monitor.config.closed_days import recorded
from pacs_monitor.config.estate import Estate, Route, Step
from pacs_monitor.config.hours import calendar_of
from pacs_monitor.config.sections import CalendarSettings, Fallback, MonitorSettings, SiteSettings
from pacs_monitor.fields import Match
from pacs_monitor.model import (
    Check,
    CheckId,
    DeliveryError,
    Failure,
    Located,
    Node,
    Notification,
    PacsMonitorError,
    Paging,
    Presence,
    Severity,
    Thresholds,
)


class NotReadableError(PacsMonitorError):
    """A recorded configuration is of another version, or has what this installation does not know."""


class RecordedChannel:
    """A channel of the record, of which only the name is known: where it leads is a secret."""

    kind: ClassVar[str] = "recorded"
    settings: ClassVar[type[BaseModel]] = BaseModel
    owns_escalation: ClassVar[bool] = False
    takes_answers: ClassVar[bool] = False

    def deliver(self, _notification: Notification, _timeout: float) -> str:
        raise DeliveryError("unsendable", "this channel is of the record", failure=Failure.UNSENDABLE)


class EscalatingChannel(RecordedChannel):
    """One of a kind that escalates by itself."""

    owns_escalation: ClassVar[bool] = True


class Hidden(BaseModel):
    """Settings of which the record has only placeholders."""


def of_record(document: Mapping[str, Any], file: Path, revision: str) -> Estate:
    """The estate that a recorded document describes, as far as deciding needs it; raises NotReadableError."""
    try:
        return _estate(document, file, revision)
    except (KeyError, TypeError, ValueError) as error:
        raise NotReadableError(f"the recorded configuration {revision[:12]} cannot be read: {error!r}") from error


def _estate(document: Mapping[str, Any], file: Path, revision: str) -> Estate:
    monitor = {key: document["monitor"][key] for key in ("name", "timezone", "paging", "site")}
    calendars = calendars_of(document["calendars"], ZoneInfo(monitor["timezone"]))
    nodes = {name: _node(name, said) for name, said in document["nodes"].items()}
    return Estate(
        file=file,
        revision=revision,
        monitor=MonitorSettings.model_validate(monitor),
        nodes=nodes,
        checks={
            check.id: check
            for name, said in document["nodes"].items()
            for check in _checks(nodes[name], said, calendars)
        },
        channels={name: _channel(said["type"]) for name, said in document["channels"].items()},
        openings_per_minute={
            name: most for name, said in document["channels"].items() if (most := said.get("openings_per_minute"))
        },
        fallbacks={
            name: Fallback.model_validate(found)
            for name, said in document["channels"].items()
            if (found := said.get("fallback"))
        },
        routes=tuple(_route(said, calendars) for said in document["routes"]),
        default_route=_route(document["default_route"], calendars),
        oncall={name: recorded_rota.read(name, one) for name, one in document.get("oncall", {}).items()},
        sites={name: _settings(SiteSettings, said) for name, said in document["sites"].items()},
        calendars=calendars,
    )


def calendars_of(said: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Calendar]:
    """The calendars of a recorded document, with the closed days that were known then."""
    built: dict[str, Calendar] = {}
    settings = {name: _calendar(one) for name, one in said.items()}
    for name in settings:
        calendar_of(name, settings, zone, built)
    return built


def _calendar(said: Mapping[str, Any]) -> CalendarSettings:
    return CalendarSettings.model_construct(
        hours=Hours.parse(said["hours"]) if "hours" in said else None,
        outside_of=said.get("not"),
        exceptions=tuple(map(recorded, said.get("except", ()))),
        opening_grace=said["opening_grace"],
    )


def _channel(kind: str) -> RecordedChannel:
    known = channels.kinds().get(kind)
    return EscalatingChannel() if known is not None and known.owns_escalation else RecordedChannel()


@cache
def _nodes() -> TypeAdapter[Node]:
    """Made when it is first needed: most commands read no recorded estate."""
    return TypeAdapter(Node)


def _node(name: str, said: Mapping[str, Any]) -> Node:
    own = {key: value for key, value in said.items() if key not in ("checks", "systems")}
    kinds = systems.kinds()
    blocks = {kind: _settings(kinds[kind].settings, block) for kind, block in said["systems"].items()}
    return _nodes().validate_python({**own, "name": name, "systems": blocks})


def _checks(node: Node, said: Mapping[str, Any], calendars: Mapping[str, Calendar]) -> Iterator[Check]:
    for name, of in said["checks"].items():
        probe = probes.kinds()[of["probe"]]
        own = {key: value for key, value in of.items() if key not in CHECKS_OWN | {"settings"}}
        own |= {
            "thresholds": _thresholds(of["thresholds"], calendars),
            "severity": Severity(of["severity"]),
            "paging": Paging(of["paging"]),
            "calendar": calendars.get(of.get("calendar") or ""),
        }
        settings = _settings(probe.settings, of["settings"])
        yield Check(CheckId(node.name, name), node, probe, settings if _is_located(settings, node) else Hidden(), **own)


def _thresholds(said: Mapping[str, Any], calendars: Mapping[str, Calendar]) -> Thresholds:
    expected = calendars.get(said.get("expected") or "")
    return Thresholds(**{**said, "presence": Presence(said["presence"]), "expected": expected})


def _is_located(settings: object, node: Node) -> bool:
    """Whether they can say where the check asks: not if that is a secret."""
    try:
        return not isinstance(settings, Located) or bool(settings.peer(node))
    except (AttributeError, TypeError, ValueError):
        return False


def _route(said: Mapping[str, Any], calendars: Mapping[str, Calendar]) -> Route:
    calendar = calendars.get(said.get("calendar") or "")
    match, to = Match.model_validate(said["match"]), tuple(said["channels"])
    steps = tuple(
        Step(step["after"], tuple(step["channels"]), tuple(step.get("oncall", ()))) for step in said.get("escalate", ())
    )
    return Route(match, to, said["continue_"], said["remind"], calendar, steps, tuple(said.get("oncall", ())))


def _settings(model: type[BaseModel], said: Mapping[str, Any]) -> Any:
    """Where a placeholder stands for a secret, what it stands for cannot be checked."""
    try:
        return model.model_validate(said)
    except ValidationError:
        return model.model_construct(**said)
