"""Which problems are one incident: the cause that goes with a failure. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from pacs_monitor.alerting.situation import Cause
from pacs_monitor.model import (
    SECOND,
    Check,
    FailureClass,
    Incident,
    IncidentKind,
    Located,
    Micros,
    Problem,
    Reason,
    Severity,
    State,
    Transition,
    failure_class,
)

_CLASSES = {kind.value: kind for kind in FailureClass}


def cause_of(check: Check, reason: Reason | None) -> Cause:
    """What a failure of this check is one incident with."""
    node, kind = check.id.node, failure_class(reason, check.probe.kind)
    match kind:
        case FailureClass.UNREACHABLE:
            host, _ = asked(check)
            elsewhere = f"@{host}" if host != check.node.host else ""
            return IncidentKind.NODE, f"unreachable:{node}{elsewhere}"
        case FailureClass.UNRESPONSIVE:
            return IncidentKind.NODE, "unresponsive:{}@{}:{}".format(node, *asked(check))
        case FailureClass.FULL:
            return IncidentKind.NODE, f"full:{node}"
        case FailureClass.OTHER:
            return IncidentKind.NODE, str(check.id)


def class_of(cause: str) -> FailureClass:
    """The class of failure that a cause of kind node stands for."""
    name, colon, _ = cause.partition(":")
    return _CLASSES[name] if colon else FailureClass.OTHER


def channel_of(summary: Incident) -> str:
    """The channel that an incident of kind summary is for."""
    return summary.cause.partition(" ")[0]


def asked(check: Check) -> tuple[str, str]:
    """The host and the port that a check asks; the kind of probe stands for a port that it does not have."""
    for address in check.probe.addresses(check.node, check.settings):
        return address.host, str(address.port)
    peer = check.settings.peer(check.node) if isinstance(check.settings, Located) else ()
    url = urlsplit(peer[0]) if peer and "://" in peer[0] else None
    if url is not None and url.hostname:
        return url.hostname, str(url.port or url.scheme)
    return check.node.host, check.probe.kind


def severity(check: Check, state: State) -> Severity:
    """The check's own, but degraded is at most a warning."""
    if state is State.DEGRADED and check.severity is Severity.CRITICAL:
        return Severity.WARNING
    return check.severity


def problem_of(transition: Transition, check: Check) -> Problem:
    """The problem that a check gets into."""
    return Problem(
        transition.check,
        transition.after,
        severity(check, transition.after),
        transition.reason,
        transition.phase,
        transition.detail,
        transition.last_before if transition.before is State.UP else None,
        transition.since,
        transition.noticed,
        due_of(transition.since, transition.noticed, check.page_after),
    )


def due_of(since: Micros, noticed: Micros, page_after: float) -> Micros:
    """When people are to be notified of a problem.

    `page_after`, in seconds, counts from the first failure; nobody is notified before the failure is confirmed.
    Evidence that lies ahead was dated by a record that the clock is behind of: it does not put the page off.
    """
    return max(noticed, min(since, noticed) + round(page_after * SECOND))


def worst_severity(severities: Iterable[Severity], default: Severity) -> Severity:
    """The worst of them; the default if there is none."""
    return min(severities, key=lambda severity: severity.badness, default=default)


def summarised(incident: Incident, **fields: object) -> Incident:
    """The incident with what its active problems come to: the worst of them speaks for all.

    While nothing is known of any of them its severity holds.
    """
    first = incident.worst
    if first is None:
        return incident.changed(**fields)
    return incident.changed(
        **{
            "severity": worst_severity((problem.severity for problem in incident.in_trouble), incident.severity),
            "state": first.state,
            "reason": first.reason,
            "phase": first.phase,
            "detail": first.detail,
            "last_good": _earliest(problem.last_good for problem in incident.problems),
        }
        | fields
    )


def _earliest(moments: Iterable[Micros | None]) -> Micros | None:
    return min((moment for moment in moments if moment is not None), default=None)
