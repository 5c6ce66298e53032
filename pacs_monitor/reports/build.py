"""The uptime report of a period as the data of `report --format json`; every other format is made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from pacs_monitor import __version__, uptime
from pacs_monitor.config.then import CheckThen
from pacs_monitor.history import HistoryReader
from pacs_monitor.history.periods import Counted
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, CheckId, Incident, IncidentKind, Micros, iso
from pacs_monitor.pieces import Class
from pacs_monitor.reliability import reliability
from pacs_monitor.reports import agreements, decided, evidence, in_time, latency, maintenance, outages, tables, trend
from pacs_monitor.reports.paper import document
from pacs_monitor.reports.periods import Period
from pacs_monitor.reports.record import Record


def build(
    reader: HistoryReader, period: Period, now: Micros, checks: Collection[CheckId] | None = None
) -> dict[str, Any]:
    """The report for these checks, or for all that were watched in the period; durations in seconds, times RFC 3339.

    The figures of a check, a node, a service and an objective are the same whichever checks are asked for.
    """
    interval = period.interval
    until = max(interval.start, min(interval.end, now))
    during = Interval(interval.start, until)
    record = agreements.record_of(reader, period)
    record.count_runs(during)
    durations = latency.by_check(record, during)
    nodes, services = tables.nodes(record, period, until), tables.services(record, period, until)
    incidents = record.reader.incidents(start=record.during.start, end=record.during.end)
    in_period = [
        one for one in incidents if one.since < interval.end and (one.ended is None or one.ended > interval.start)
    ]
    slow = durations.result()
    rows = _checks(record, during, in_period, slow, checks)
    worst = tables.worst(nodes.rows)
    said = decided.decisions(record, incidents)
    agreed = list(decided.add(record, agreements.rows(record, period, now), period, until, said))
    selected = None if checks is None else {check.node for check in checks}
    declared, declared_sums = evidence.declared(record, period, until)
    shown = {row["node"] for row in nodes.rows} if selected is None else selected
    return {
        "monitor": reader.name,
        "version": __version__,
        "made": period.local(now),
        "document": document(reader, now),
        "period": _period(period, now),
        "revision": _revision(reader, until),
        "coverage": uptime.covered(record.coverage, interval, now),
        "objectives": agreed,
        "latency_objectives": list(in_time.rows(record, period, now)),
        "services": services.rows,
        "trend": trend.rows(record, period, until, worst),
        "worst": worst,
        "places": tables.places(nodes.rows),
        "nodes": [row for row in nodes.rows if row["node"] in shown],
        "checks": rows,
        "incidents": _in_order(rows),
        "outages": outages.in_order(
            [*services.outages, *(outage for outage in nodes.outages if outage["of"] in shown)]
        ),
        "latency": latency.rows(slow, nodes.rows),
        "evidence": evidence.rows(record, in_period, period, until, selected),
        "declared": declared,
        "declared_sums": declared_sums,
        "maintenance": maintenance.rows(record, period, until),
        "gaps": tables.gaps(record, period, until),
        "revisions": tables.revisions(record, period, until),
        "changes": tables.changes(reader, period, until),
    }


def _checks(
    record: Record,
    during: Interval,
    incidents: Iterable[Incident],
    slow: Mapping[CheckId, Mapping[str, Any]],
    checks: Collection[CheckId] | None,
) -> list[dict[str, Any]]:
    of_check: dict[CheckId, list[Incident]] = defaultdict(list)
    for incident in incidents:
        if incident.kind is IncidentKind.NODE:
            for member in incident.members:
                of_check[member].append(incident)
    runs, known = record.runs(during), record.said_at(during.end).checks
    return [
        _check(
            check,
            record.account(check, during),
            of_check[check],
            runs.get(check, Counted(0, 0)),
        )
        | _settings(known.get(check))
        | {"latency": latency.percentiles(slow[check]["buckets"]) if check in slow else None}
        for check, watched in record.watched.items()
        if any(w.start < during.end and w.end > during.start for w in watched) and (checks is None or check in checks)
    ]


def _settings(check: CheckThen | None) -> dict[str, Any]:
    """How it was measured last; null where that is not on record."""
    return {
        "interval_seconds": check and check.interval,
        "timeout_seconds": check and check.timeout,
        "failures_to_down": check and check.failures,
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


def _check(check: CheckId, account: uptime.Account, incidents: Sequence[Incident], runs: Counted) -> dict[str, Any]:
    return {
        "node": check.node,
        "check": check.check,
        **tables.figures(account),
        "reliability": outages.summary(
            reliability(account.outages, account.classes[Class.UP] + account.classes[Class.DEGRADED])
        ),
        "incidents": [_outage(outage, _incident_of(outage, incidents)) for outage in account.outages],
        "runs": runs.runs,
        "brief_failures": runs.brief,
    }


def _outage(outage: uptime.Outage, incident: Incident | None) -> dict[str, Any]:
    return {
        "id": incident and incident.id,
        **outages.listed(outage),
        "last_good": None if outage.last_good is None else iso(outage.last_good),
        "last_failed": None if outage.last_failed is None else iso(outage.last_failed),
        "reason": outage.reason,
        "unreachable_seconds": outage.unreachable / SECOND,
    }


def _incident_of(outage: uptime.Outage, incidents: Iterable[Incident]) -> Incident | None:
    """The one of these that was open when the outage began."""
    for incident in incidents:
        open_then = incident.since <= outage.since and (incident.ended is None or incident.ended > outage.since)
        if open_then:
            return incident
    return None


def _in_order(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return outages.in_order(
        {"node": row["node"], "check": row["check"], **outage} for row in rows for outage in row["incidents"]
    )
