"""The uptime report of a period as the data of `report --format json`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from pacs_monitor import uptime
from pacs_monitor.history import HistoryReader, Runs
from pacs_monitor.intervals import FOREVER, Interval
from pacs_monitor.model import SECOND, CheckId, Incident, IncidentKind, Micros, iso
from pacs_monitor.proof import proofs
from pacs_monitor.reports.periods import Period

HOUR = 3600 * SECOND


def build(
    reader: HistoryReader, period: Period, now: Micros, checks: Collection[CheckId] | None = None
) -> dict[str, Any]:
    """The report for these checks, or for all that were watched in the period; durations in seconds, times RFC 3339."""
    interval = period.interval
    coverage, ledgers = reader.coverage(*interval), reader.transitions()
    incidents = reader.incidents(start=interval.start, end=interval.end)
    identities, behind = reader.identities(), reader.unreachable(*interval)
    maintained = defaultdict(list)
    for span in reader.maintained(*interval):
        maintained[span.check].append(Interval(span.since, FOREVER if span.until is None else span.until))
    runs = reader.runs(interval.start - interval.start % HOUR, interval.end)
    rows = []
    for check, watched in reader.watched().items():
        if any(w.start < min(interval.end, now) and w.end > interval.start for w in watched) and (
            checks is None or check in checks
        ):
            ledger = ledgers.get(check, ())
            proven = proofs(identities.get(check, ()), ledger)
            timeline = uptime.Timeline(ledger, watched, coverage, behind.get(check, ()), maintained[check], proven)
            account = uptime.account(timeline, interval, now)
            rows.append(_check(check, account, incidents, runs.get(check, Runs())))
    return {
        "period": _period(period, now),
        "revision": _revision(reader, min(interval.end, now)),
        "coverage": uptime.covered(coverage, interval, now),
        "objectives": [],
        "checks": rows,
        "incidents": _in_order(rows),
    }


def _period(period: Period, now: Micros) -> dict[str, Any]:
    interval = period.interval
    return {
        "name": period.name,
        "from": period.local(interval.start),
        "to": period.local(interval.end),
        "timezone": period.timezone,
        "so_far": period.so_far(now),
        "accounted_until": period.local(min(interval.end, now)),
    }


def _revision(reader: HistoryReader, at: Micros) -> dict[str, Any] | None:
    revision = reader.revision(at)
    return {"hash": revision.hash, "since": iso(revision.at), "who": revision.who} if revision else None


def _check(check: CheckId, account: uptime.Account, incidents: Sequence[Incident], runs: Runs) -> dict[str, Any]:
    return {
        "node": check.node,
        "check": check.check,
        "seconds": _seconds(account.classes),
        "unknown_by_cause": _seconds(account.causes),
        "availability": account.availability(),
        "availability_attributable": account.attributable(),
        "incidents": [_outage(outage, _incident_of(check, outage, incidents)) for outage in account.outages],
        "runs": runs.total,
        "brief_failures": runs.brief,
    }


def _seconds(micros: Mapping[Any, Micros]) -> dict[str, float]:
    return {str(name): time / SECOND for name, time in micros.items()}


def _outage(outage: uptime.Outage, incident: Incident | None) -> dict[str, Any]:
    return {
        "id": incident and incident.id,
        "at_least_seconds": outage.at_least / SECOND,
        "at_most_seconds": outage.at_most / SECOND,
        "last_good": None if outage.last_good is None else iso(outage.last_good),
        "since": iso(outage.since),
        "noticed": iso(outage.noticed),
        "ended": None if outage.ended is None else iso(outage.ended),
        "reason": outage.reason,
    }


def _incident_of(check: CheckId, outage: uptime.Outage, incidents: Iterable[Incident]) -> Incident | None:
    """The incident that was open when the outage began."""
    for incident in incidents:
        open_then = incident.since <= outage.since and (incident.ended is None or incident.ended > outage.since)
        if incident.kind is IncidentKind.NODE and check in incident.members and open_then:
            return incident
    return None


def _in_order(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    outages = [{"node": row["node"], "check": row["check"], **outage} for row in rows for outage in row["incidents"]]
    return sorted(outages, key=lambda outage: (outage["since"], outage["node"], outage["check"]))
