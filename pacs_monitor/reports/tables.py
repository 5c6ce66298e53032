"""Services, nodes, gaps and changes of a period, as data of the report."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from pacs_monitor import reliability
from pacs_monitor.calendars import outside
from pacs_monitor.history import HistoryReader
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, Micros, iso
from pacs_monitor.pieces import Cause, Class
from pacs_monitor.reliability import Sight, View
from pacs_monitor.reports import outages
from pacs_monitor.reports.periods import Period, days
from pacs_monitor.reports.record import Record, brief
from pacs_monitor.services import Service, Track, cut
from pacs_monitor.uptime import Account

LONGEST_GAP = 300 * SECOND
"""Shorter gaps, as of a restart, are not listed."""
WORST = 5
CLASSES = tuple(kind.value for kind in Class)
CAUSES = tuple(cause.value for cause in Cause)
"""As an account has them, in this order."""
WORST_FIRST = (Class.DOWN, Class.UNREACHABLE, Class.DEGRADED, Class.MAINTENANCE, Class.ABSENT, Class.UP, Class.UNKNOWN)
_NAMES = dict(zip(Class, CLASSES, strict=True))
"""A table, since there are many days: `.value` takes several times as long."""


class Listing(NamedTuple):
    """Rows, and the outages of all of them."""

    rows: list[dict[str, Any]]
    outages: list[dict[str, Any]]


def services(record: Record, period: Period, until: Micros) -> Listing:
    """Every service that was configured at some time."""
    during, found = Interval(period.interval.start, until), Listing([], [])
    rules: dict[str, Service] = {}
    for reign in record.reigns_in(during):
        rules |= reign.said.services
    for name, service in rules.items():
        views = _views(record.sight_of_service(name), during)
        account, outages = _account(views, during)
        failed = {"brief_failures": brief(record.runs(during), record.members(name, during))}
        months = {"months": _months(_days(views(View.MEASURED), days(during, period.timezone)))}
        found.rows.append(
            {"service": name, "rule": service.rule, "members": list(service.members)} | account | failed | months
        )
        found.outages.extend({"kind": "service", "of": name} | outage for outage in outages)
    return found


def nodes(record: Record, period: Period, until: Micros) -> Listing:
    """Every node, all of its checks together."""
    during, found = Interval(period.interval.start, until), Listing([], [])
    known = record.said_at(until).nodes
    earlier = {name: node for reign in record.reigns for name, node in reign.said.nodes.items()}
    calendar, failed = days(during, period.timezone), Counter[str]()
    sights = [(name, record.sight_of_node(name)) for name in record.nodes(during=during)]
    for check, counted in record.runs(during).items():
        failed[check.node] += counted.brief
    for name, sight in sights:
        node = known.get(name) or earlier[name]
        views = _views(sight, during)
        account, outages = _account(views, during)
        each_day = _days(views(View.MEASURED), calendar)
        facts = {"node": name, "title": node.title or name, "site": node.site, "role": node.role}
        more = {"brief_failures": failed[name], "months": _months(each_day), "days": each_day}
        found.rows.append(facts | account | more)
        found.outages.extend({"kind": "node", "of": name} | outage for outage in outages)
    found.rows.sort(key=lambda row: (row["role"], row["site"], row["node"]))
    return found


def places(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The nodes of each role and site together: sums, and the worst, since a mean would hide it."""
    found = []
    for (role, site), group in groupby(rows, key=lambda row: (row["role"], row["site"])):
        nodes = list(group)
        measured = [row for row in nodes if row["availability"] is not None]
        worst = min(measured, key=lambda row: row["availability"], default=None)
        found.append(
            {
                "place": place(role, site),
                "role": role,
                "site": site,
                "nodes": len(nodes),
                "outages": sum(row["outages"] for row in nodes),
                "down_seconds": sum(row["seconds"]["down"] for row in nodes),
                "unreachable_seconds": sum(row["seconds"]["unreachable"] for row in nodes),
                "unknown_seconds": sum(row["seconds"]["unknown"] for row in nodes),
                "lowest_availability": worst and worst["availability"],
                "lowest": worst and worst["node"],
            }
        )
    return found


def place(role: str, site: str) -> str:
    """`modality, east`."""
    return ", ".join(filter(None, (role or "no role", site)))


def worst(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The nodes with the lowest availability of those that were down."""
    hurt = [row for row in rows if row["seconds"]["down"] or row["seconds"]["unreachable"]]
    return [
        {key: row[key] for key in ("node", "title", "role", "site", "availability", "availability_attributable")}
        | {f"{kind}_seconds": row["seconds"][kind] for kind in ("down", "unreachable")}
        | {"outages": row["outages"]}
        for row in sorted(hurt, key=lambda row: (row["availability"], row["node"]))[:WORST]
    ]


def _views(sight: Sight, during: Interval) -> Callable[[View], Track]:
    return reliability.ways(cut(sight, during)).__getitem__


def _account(views: Callable[[View], Track], during: Interval) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Where its time went and what its outages come to, and the list of these."""
    track = views(View.MEASURED)
    account = accounted(track)
    working = account.classes[Class.UP] + account.classes[Class.DEGRADED]
    found, listed = outages.of_tracks(views, during, working)
    row = figures(account) | {
        "outages": found["outages"],
        "reliability": found,
        "maintenance": outages.planned(reliability.maintenance(track)),
    }
    return row, listed


def accounted(track: Track) -> Account:
    """Where the time of a track went."""
    account = Account()
    classes, causes = account.classes, account.causes
    for start, end, standing in track:
        kind = standing.counted
        classes[kind] += end - start
        if standing.cause is not None and kind is Class.UNKNOWN:
            causes[standing.cause] += end - start
    return account


def figures(account: Account) -> dict[str, Any]:
    """Where the time of a check, a node or a service went."""
    return {
        "seconds": _named(CLASSES, account.classes.values()),
        "unknown_by_cause": _named(CAUSES, account.causes.values()),
        "availability": account.availability(),
        "availability_attributable": account.attributable(),
        "coverage": _coverage(account),
    }


def _named(names: Iterable[str], times: Iterable[Micros]) -> dict[str, float]:
    return {name: time / SECOND for name, time in zip(names, times, strict=True)}


def _coverage(account: Account) -> float | None:
    """The share of the time in which it was watched that was measured."""
    watched = sum(account.classes.values()) - account.causes[Cause.NOT_WATCHED]
    unknown = account.classes[Class.UNKNOWN] - account.causes[Cause.NOT_WATCHED]
    return (watched - unknown) / watched if watched else None


def _months(each_day: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Month by month, from the days."""
    found: dict[str, dict[str, Micros]] = defaultdict(dict)
    for run in each_day:
        times = [(kind, round(seconds * SECOND)) for kind, seconds in run["seconds"].items()]
        for month, count in _months_of(run["day"], run["count"]):
            of_month = found[month]
            for kind, time in times:
                of_month[kind] = of_month.get(kind, 0) + time * count
    return [{"month": month} | _of_month(times) for month, times in found.items()]


@lru_cache(10_000)
def _months_of(day: str, count: int) -> list[tuple[str, int]]:
    """How many of some days in a row are in which month; most nodes have the same rows."""
    first, found = date.fromisoformat(day), list[tuple[str, int]]()
    while count > 0:
        within = min(count, monthrange(first.year, first.month)[1] - first.day + 1)
        found.append((first.isoformat()[:7], within))
        first, count = first + timedelta(days=within), count - within
    return found


def _of_month(times: Mapping[str, Micros]) -> dict[str, Any]:
    account = Account(classes={kind: times.get(kind, 0) for kind in Class})
    return {
        "seconds": _named(CLASSES, account.classes.values()),
        "availability": account.availability(),
        "availability_attributable": account.attributable(),
    }


def by_day(track: Track, calendar: Sequence[tuple[str, Interval]]) -> list[dict[Class, Micros]]:
    """How much of each day was spent in each class, by what it counts as; days alike may be one object."""
    spans = [span for _, span in calendar]
    of_days: list[dict[Class, Micros]] = [{} for _ in spans]
    alike: dict[tuple[Class, Micros], dict[Class, Micros]] = {}
    first, count = 0, len(spans)
    for start, end, standing in track:
        kind = standing.counted
        while first < count and spans[first].end <= start:
            first += 1
        for place in range(first, count):
            begin, until = spans[place]
            if begin >= end:
                break
            if start <= begin and until <= end:
                of_days[place] = alike.setdefault((kind, until - begin), {kind: until - begin})
            else:
                time, of_day = min(end, until) - max(start, begin), of_days[place]
                of_day[kind] = of_day.get(kind, 0) + time
    return of_days


def _days(track: Track, calendar: Sequence[tuple[str, Interval]]) -> list[dict[str, Any]]:
    """Day by day, equal days in a row as one: the seconds of each class, and the worst state."""
    rows: list[dict[str, Any]] = []
    last: dict[Class, Micros] | None = None
    for (day, _), seconds in zip(calendar, by_day(track, calendar), strict=True):
        if seconds is last or seconds == last:
            rows[-1]["count"] += 1
            continue
        worst = min(seconds, key=WORST_FIRST.index, default=Class.UNKNOWN)
        in_order = {_NAMES[kind]: time / SECOND for kind, time in sorted(seconds.items())}
        rows.append({"day": day, "count": 1, "worst": _NAMES[worst], "seconds": in_order})
        last = seconds
    return rows


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
