"""What differs between two revisions, in the words of the report: the data have names of their own for all of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from pacs_monitor.language import N_, _, _n
from pacs_monitor.reports import dates, words
from pacs_monitor.reports.differences import is_duration, is_share
from pacs_monitor.reports.words import DASH, exact, percentage

GROUPS = {
    "objectives": N_("Agreement"),
    "latency_objectives": N_("Agreement on how long runs take"),
    "services": N_("Service"),
    "nodes": N_("Node"),
    "checks": N_("Check"),
    "incidents": N_("Outage of a check"),
    "outages": N_("Outage"),
    "trend": N_("Four quarters"),
    "worst": N_("Nodes with the lowest availability"),
    "places": N_("Role, site"),
    "latency": N_("How long operations took"),
    "evidence": N_("Evidence that people added"),
    "declared": N_("Declared outage"),
    "declared_sums": N_("Sum of declared outages"),
    "maintenance": N_("Planned maintenance"),
    "gaps": N_("Gap in the measurement"),
    "revisions": N_("Configuration"),
    "revision": N_("Configuration"),
    "changes": N_("Change of a system"),
    "document": N_("First page"),
    "period": N_("Period"),
    "months": N_("Month"),
    "quarters": N_("Quarter"),
    "windows": N_("Planned maintenance"),
    "seconds": N_("where the time went"),
    "unknown_by_cause": N_("not measured, by cause"),
    "reliability": N_("outages and means"),
    "maintenance_work": N_("planned maintenance"),
    "maintenance_included": N_("if planned maintenance counted"),
    "decided": N_("with what people said"),
    "unmeasured": N_("not measured"),
    "slow": N_("slow or impaired"),
    "corrections": N_("Correction"),
    "parties": N_("Party"),
    "hours": N_("agreed hours"),
}
"""Lists of rows, and groups of figures."""
ROWS = frozenset(GROUPS) - {"seconds", "unknown_by_cause", "reliability", "maintenance_work", "document", "period"}
"""Whose parts have names of their own."""
FIGURES = {
    "verdict": N_("result"),
    "met": N_("met"),
    "availability": N_("availability with network faults"),
    "availability_attributable": N_("availability without network faults"),
    "availability_experienced": N_("availability as users felt it"),
    "availability_counted": N_("availability by its terms"),
    "lowest_availability": N_("lowest availability"),
    "lowest": N_("node with the lowest availability"),
    "coverage": N_("share that was measured"),
    "coverage_needed": N_("share that must be measured"),
    "target": N_("agreed share"),
    "allowed_seconds": N_("agreed allowance"),
    "budget_seconds": N_("allowed"),
    "used_seconds": N_("counted downtime"),
    "left_seconds": N_("left of the allowance"),
    "counted_time_seconds": N_("time that counts"),
    "felt_seconds": N_("downtime with network faults"),
    "felt_time_seconds": N_("time that counts, with network faults"),
    "attributable_seconds": N_("downtime without network faults"),
    "attributable_time_seconds": N_("time that counts, without network faults"),
    "experienced_seconds": N_("downtime as users felt it"),
    "experienced_time_seconds": N_("time as users felt it"),
    "measured_seconds": N_("measured time"),
    "to_measure_seconds": N_("time to be measured"),
    "tolerated_seconds": N_("time not assessed that may be downtime"),
    "down_seconds": N_("downtime"),
    "at_least_seconds": N_("downtime at least"),
    "at_most_seconds": N_("downtime at most"),
    "planned_seconds": N_("planned"),
    "overrun_seconds": N_("down after the end of maintenance"),
    "excluded_seconds": N_("left out as planned"),
    "left_out_seconds": N_("left out as planned"),
    "forgiven_seconds": N_("too short to count"),
    "unreachable_seconds": N_("behind a network fault"),
    "unknown_seconds": N_("not measured"),
    "slow_seconds": N_("slow or impaired"),
    "slow_from": N_("slow or impaired from"),
    "counted_seconds": N_("counted downtime"),
    "seconds": N_("length"),
    "longest_seconds": N_("longest"),
    "longest_since": N_("longest, since"),
    "longest_from": N_("longest, from"),
    "longest_to": N_("longest, to"),
    "mttr_seconds": N_("mean time to restore"),
    "mtbf_seconds": N_("mean time between failures"),
    "time_to_notice_seconds": N_("mean time to notice"),
    "longest_time_to_notice_seconds": N_("longest time to notice"),
    "outages": N_("outages"),
    "planned_outages": N_("outages that were wholly planned"),
    "brief_failures": N_("brief failures"),
    "runs": N_("runs"),
    "since": N_("first failed result"),
    "last_good": N_("last good result before"),
    "last_failed": N_("last failed result"),
    "ended": N_("first good result after"),
    "noticed": N_("noticed"),
    "reason": N_("reason"),
    "id": N_("incident or window"),
    "from": N_("from"),
    "to": N_("to"),
    "goes_on": N_("goes on"),
    "announced": N_("announced"),
    "notice_days": N_("days of notice"),
    "notice_seconds": N_("agreed notice"),
    "cap_seconds": N_("most maintenance that is left out"),
    "minimum_outage_seconds": N_("shortest outage that counts"),
    "in_time": N_("in time"),
    "slow": N_("slower"),
    "slow_permitted": N_("slower, permitted"),
    "failed_sooner": N_("failed sooner"),
    "share_in_time": N_("share in time"),
    "counted_since": N_("counted since"),
    "so_far": N_("so far"),
    "accounted_until": N_("accounted until"),
    "added": N_("on record since"),
    "added_late_seconds": N_("too late to count"),
    "planned_from": N_("planned from"),
    "planned_to": N_("planned to"),
    "extended": N_("extended"),
    "ended_early": N_("ended early"),
    "by": N_("by whom"),
    "who": N_("by whom"),
    "nodes": N_("nodes"),
    "checks": N_("checks"),
    "covers": N_("checks that it covers"),
    "members": N_("checks that it rests on"),
    "because": N_("because of"),
    "changed": N_("changes of the terms"),
    "counts": N_("which downtime counts"),
    "counts_by": N_("who said whether it counts"),
    "counts_why": N_("why it counts or not"),
    "contract": N_("contract"),
    "consequence": N_("what the contract says of a breach"),
    "calendar": N_("calendar"),
    "closed_days": N_("closed days"),
    "title": N_("name"),
    "name": N_("name"),
    "cause": N_("why"),
    "spans": N_("stretches"),
    "rule": N_("rule"),
    "operated_by": N_("who runs the monitor"),
    "logo": N_("logo"),
    "language": N_("language"),
    "paper": N_("paper"),
    "address": N_("address"),
    "signed_by": N_("who signs"),
    "role": N_("role"),
    "site": N_("site"),
    "node": N_("node"),
    "check": N_("check"),
    "service": N_("service"),
    "of": N_("of what"),
    "subject": N_("of what"),
    "kind": N_("kind"),
    "place": N_("role, site"),
    "per": N_("agreed period"),
    "period": N_("period"),
    "periods": N_("agreed periods"),
    "periods_met": N_("agreed periods that were met"),
    "quarter": N_("quarter"),
    "month": N_("month"),
    "timezone": N_("time zone"),
    "weekly": N_("hours of the week"),
    "outside": N_("all hours outside of these"),
    "maintenance": N_("how planned maintenance counts"),
    "degraded": N_("what slowness counts as"),
    "outage": N_("from when to when an outage lasts"),
    "planned": N_("how much of it was planned"),
    "window": N_("incident or window"),
    "measure": N_("what is timed"),
    "within_seconds": N_("agreed time"),
    "interval_seconds": N_("every"),
    "timeout_seconds": N_("time-out"),
    "failures_to_down": N_("down after so many failed runs"),
    "hash": N_("revision"),
    "monitor": N_("name of the monitor"),
}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_AT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"
_MOMENT_NAMED = re.compile(rf"\b{_AT}")
_PERIOD = re.compile(rf"\b(\d{{4}}-(?:Q[1-4]|0[1-9]|1[0-2]))\b(?![-T])(?: {_AT})?")
"""With its beginning, which follows from it."""
_VERSIONS = re.compile(r"calculated by version (\S+), before by (\S+)")
_MORE = re.compile(r"and (\d+) more")
_ROWS = re.compile(r"(\d+) rows")


def what(one: Mapping[str, Any], zone: ZoneInfo) -> str:
    """What differs: `Agreement: PACS availability archive-service 3rd quarter of 2026`."""
    if not one["path"]:
        found = _MORE.fullmatch(one["what"])
        return _n("and {count} more", "and {count} more", int(found[1])) if found else _("The report")
    return ", ".join(_names(one["path"], zone))


def _names(path: list[str], zone: ZoneInfo) -> list[str]:
    """Each group with the name of its row."""
    said: list[str] = []
    for place, part in enumerate(path):
        named = place > 0 and path[place - 1] in ROWS and part not in GROUPS
        if named:
            said.append(f"{said.pop()} {_named(part, zone)}")
        else:
            said.append(_(GROUPS[part]) if part in GROUPS else _(words.STATES.get(part, part)))
    return said


def _named(name: str, zone: ZoneInfo) -> str:
    """The name of a row, with periods and moments as people write them."""
    with_periods = _PERIOD.sub(lambda found: dates.period(found[1]), name)
    return _MOMENT_NAMED.sub(lambda found: dates.moment(zone, found[0]), with_periods)


def figure(one: Mapping[str, Any], zone: ZoneInfo) -> str:
    """Which of its figures; of a row that is in one of both alone, its name."""
    key, within = one["figure"], one["path"][-1] if one["path"] else ""
    if within == "unknown_by_cause":
        return _(words.CAUSES.get(key, key))
    if within == "seconds":
        return _(words.STATES.get(key, words.CLASSES.get(key, key)))
    known = FIGURES.get(key) or GROUPS.get(key)
    if known is None:
        return _named(key, zone) if within in ROWS else key.replace("_", " ")
    return _(known)


def value(one: Mapping[str, Any], side: str, zone: ZoneInfo) -> str:
    """A figure of `before` or `after`: seconds as durations, shares as percentages, neither rounded up."""
    found, key = one[side], one["figure"]
    if found is None:
        return DASH
    if isinstance(found, bool):
        return _("yes") if found else _("no")
    if isinstance(found, int | float):
        if is_duration(one):
            return exact(found)
        return percentage(round(found * 10**9) / 10**6, 1000.0, 4) if is_share(one) else str(found)
    return _text(key, str(found), zone)


def _text(key: str, text: str, zone: ZoneInfo) -> str:
    if key == "verdict" and text in words.VERDICTS:
        return _(words.VERDICTS[text])
    if key == "reason":
        return words.reason(text)
    if rows := _ROWS.fullmatch(text):
        return _n("{count} row", "{count} rows", int(rows[1]))
    if text == "listed":
        return _("listed")
    return dates.moment(zone, text) if _MOMENT.match(text) else text


def why(one: Mapping[str, Any]) -> str:
    """What somebody did, in their words, or that another version calculated it."""
    text = one["why"] or ""
    if found := _VERSIONS.fullmatch(text):
        return _("calculated by version {new}, before by version {old}", new=found[1], old=found[2])
    return text or _("not on record")
