"""Services, nodes, maintenance, gaps and changes of a period, as data of the report."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from pacs_monitor.calendars import outside
from pacs_monitor.history import HistoryReader
from pacs_monitor.intervals import FOREVER, Interval
from pacs_monitor.model import SECOND, Maintained, Micros, iso
from pacs_monitor.pieces import Cause, Class
from pacs_monitor.reports.periods import Period, days
from pacs_monitor.reports.record import Record
from pacs_monitor.services import Track, cut
from pacs_monitor.uptime import Account

LONGEST_GAP = 300 * SECOND
"""Shorter gaps, as of a restart, are not listed."""
WORST_FIRST = (Class.DOWN, Class.UNREACHABLE, Class.DEGRADED, Class.MAINTENANCE, Class.ABSENT, Class.UP, Class.UNKNOWN)


def services(record: Record, period: Period, until: Micros) -> list[dict[str, Any]]:
    """Every service that was configured at some time."""
    during = Interval(period.interval.start, until)
    rules: dict[str, str] = {}
    for reign in record.reigns_in(during):
        rules |= {name: service.rule for name, service in reign.said.services.items()}
    return [
        {"service": name, "rule": rule} | _account(cut(record.of_service(name), during)) for name, rule in rules.items()
    ]


def nodes(record: Record, period: Period, until: Micros, selected: Iterable[str] | None) -> list[dict[str, Any]]:
    """Every node, all of its checks together; which of them are shown changes no figure."""
    during = Interval(period.interval.start, until)
    names, wanted = record.nodes(during=during), None if selected is None else set(selected)
    known = record.said_at(until).nodes
    earlier = {name: node for reign in record.reigns for name, node in reign.said.nodes.items()}
    calendar = days(during, period.timezone)
    rows = []
    for name in names:
        if wanted is None or name in wanted:
            node = known.get(name) or earlier[name]
            track = cut(record.of_node(name), during)
            facts = {"node": name, "title": node.title or name, "site": node.site, "role": node.role}
            rows.append(facts | _account(track) | {"days": list(_days(track, calendar))})
    return sorted(rows, key=lambda row: (row["role"], row["site"], row["node"]))


def _account(track: Track) -> dict[str, Any]:
    account = Account()
    for start, end, standing in track:
        account.classes[standing.counted] += end - start
        if standing.cause is not None and standing.counted is Class.UNKNOWN:
            account.causes[standing.cause] += end - start
    outages = sum(bad for bad, _ in groupby(track, key=lambda part: part.standing.counted in WORST_FIRST[:2]))
    return figures(account) | {"outages": outages}


def figures(account: Account) -> dict[str, Any]:
    """Where the time of a check, a node or a service went."""
    return {
        "seconds": {kind.value: time / SECOND for kind, time in account.classes.items()},
        "unknown_by_cause": {cause.value: time / SECOND for cause, time in account.causes.items()},
        "availability": account.availability(),
        "availability_attributable": account.attributable(),
    }


def _days(track: Track, calendar: Sequence[tuple[str, Interval]]) -> Iterator[dict[str, Any]]:
    """Day by day, equal days in a row as one: the seconds of each class, and the worst state."""
    of_days: list[Counter[Class]] = [Counter() for _ in calendar]
    place = 0
    for start, end, standing in track:
        at = start
        while at < end:
            while calendar[place][1].end <= at:
                place += 1
            until = min(end, calendar[place][1].end)
            of_days[place][standing.counted] += until - at
            at = until
    number = 0
    for _, group in groupby(range(len(calendar)), key=lambda n: sorted(of_days[n].items())):
        count = len(list(group))
        seconds = of_days[number]
        worst = next(kind for kind in WORST_FIRST if seconds[kind] or kind is Class.UNKNOWN)
        yield {
            "day": calendar[number][0],
            "count": count,
            "worst": worst.value,
            "seconds": {kind.value: time / SECOND for kind, time in sorted(seconds.items())},
        }
        number += count


def maintenance(record: Record, period: Period, until: Micros) -> list[dict[str, Any]]:
    """Windows as they happened, with how long before they were announced."""
    windows: dict[str, list[Maintained]] = defaultdict(list)
    for spans in record.maintained.values():
        for span in spans:
            if span.since < until and (span.until is None or span.until > period.interval.start):
                windows[span.window].append(span)
    rows = []
    for identity, spans in windows.items():
        start = min(span.since for span in spans)
        end = max(FOREVER if span.until is None else span.until for span in spans)
        announced = spans[0].announced
        day = period.local(start)[:10]
        rows.append(
            {
                "id": identity,
                "name": spans[0].name,
                "from": period.local(start),
                "to": None if end == FOREVER else period.local(end),
                "seconds": (min(end, until) - max(start, period.interval.start)) / SECOND,
                "announced": announced and announced.isoformat(),
                "notice_days": None if announced is None else (date.fromisoformat(day) - announced).days,
                "nodes": sorted({span.check.node for span in spans}),
                "checks": len({span.check for span in spans}),
            }
        )
    return sorted(rows, key=lambda row: (row["from"], row["id"]))


def gaps(record: Record, period: Period, until: Micros) -> list[dict[str, Any]]:
    """When nothing can be said because of the monitor itself, for more than five minutes."""
    during = Interval(period.interval.start, until)
    running = [Interval(one.start, one.end) for one in record.coverage if one.cause is None]
    found = [(gap, Cause.MONITOR_NOT_RUNNING) for gap in outside(during, running)]
    for one in record.coverage:
        if one.cause is not None and one.start < during.end and one.end > during.start:
            found.append((Interval(max(one.start, during.start), min(one.end, during.end)), one.cause))
    return [
        {
            "from": period.local(gap.start),
            "to": period.local(gap.end),
            "seconds": (gap.end - gap.start) / SECOND,
            "cause": cause.value,
        }
        for gap, cause in sorted(found)
        if gap.end - gap.start > LONGEST_GAP
    ]


def revisions(record: Record, period: Period, until: Micros) -> list[dict[str, Any]]:
    """The configurations that came into force within the period, each with what it changed."""
    return [
        {"at": period.local(one.at), "who": one.who, "hash": one.hash, "changes": one.diff.splitlines()}
        for one in record.revisions
        if period.interval.start < one.at < until
    ]


def changes(reader: HistoryReader, period: Period, until: Micros) -> list[dict[str, Any]]:
    """What was found different about systems, such as their versions and certificates."""
    return [
        {"node": seen.check.node, "check": seen.check.check, "at": iso(seen.at)} | seen.change._asdict()
        for seen in reversed(reader.changes(period.interval.start, until))
    ]
