"""The report's sentences, for the people who sign it. Nothing is rounded in anybody's favour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import floor
from typing import Any

from pacs_monitor.config.format import percent
from pacs_monitor.format.human import duration, exact_percentage, with_decimal_mark
from pacs_monitor.language import N_, _, _n
from pacs_monitor.messages.reasons import REASON_TEXTS
from pacs_monitor.model import SECOND
from pacs_monitor.reports import opening

DASH = "\N{EN DASH}"
VERDICTS = {
    "met": N_("met"),
    "missed": N_("NOT met"),
    "within": N_("within the allowance so far"),
    "not_assessable": N_("not assessable"),
}
WORST_FIRST = ("missed", "not_assessable", "within", "met")
"""Verdicts, the worst first."""
CAUSES = {
    "monitor_not_running": N_("the monitor did not run"),
    "refused_us": N_("the node refused the monitor itself"),
    "isolated": N_("the monitor was cut off from its site"),
    "not_measured": N_("no result, or no result yet"),
    "paused": N_("the check was paused"),
    "unproven": N_("the check has never worked with its settings"),
    "clock": N_("the clock was set"),
    "not_watched": N_("it was not in the configuration"),
}
STATES = {
    "up": N_("up"),
    "degraded": N_("slow or impaired"),
    "down": N_("down"),
    "unreachable": N_("unreachable behind a network fault"),
    "absent": N_("switched off"),
    "maintenance": N_("planned maintenance"),
    "unknown": N_("not measured"),
    "outside_hours": N_("outside of the agreed hours"),
    "excluded": N_("left out as planned maintenance"),
    "forgiven": N_("outages too short to count"),
}
CLASSES = {
    "up": N_("Up"),
    "degraded": N_("Slow or impaired"),
    "down": N_("Down"),
    "unreachable": N_("Unreachable"),
    "absent": N_("Switched off"),
    "maintenance": N_("Maintenance (windows)"),
    "unknown": N_("Not measured"),
}
"""Of time in all hours, as heads of columns."""
RULES = {
    "exclude_downtime": N_("Downtime in planned maintenance does not count."),
    "exclude_windows": N_("Planned maintenance is left out whole."),
    "include": N_("Planned maintenance counts as any other time."),
}
BOUNDS = {
    "measured": N_("An outage lasts from the first failed to the first good result."),
    "at_least": N_("An outage lasts from the first to the last failed result."),
    "at_most": N_("An outage lasts from the last good to the first good result."),
}
SLOW = {"up": N_("Slow or impaired counts as up."), "down": N_("Slow or impaired counts as down.")}
SHARES = {
    "month": N_("{share} per month"),
    "quarter": N_("{share} per quarter"),
    "year": N_("{share} per year"),
    "contract year": N_("{share} per contract year"),
}
ALLOWANCES = {
    "month": N_("at most {time} of downtime per month"),
    "quarter": N_("at most {time} of downtime per quarter"),
    "year": N_("at most {time} of downtime per year"),
    "contract year": N_("at most {time} of downtime per contract year"),
}
MET_IN = {
    "month": N_("met in {good} of {whole} months"),
    "quarter": N_("met in {good} of {whole} quarters"),
    "year": N_("met in {good} of {whole} years"),
    "contract year": N_("met in {good} of {whole} contract years"),
}
MOST_LEFT_OUT = {
    "month": N_("At most {time} of maintenance is left out per month."),
    "quarter": N_("At most {time} of maintenance is left out per quarter."),
    "year": N_("At most {time} of maintenance is left out per year."),
    "contract year": N_("At most {time} of maintenance is left out per contract year."),
}


def agreed(row: Mapping[str, Any]) -> str:
    """The target, and in which hours."""
    return _said_of(row, opening.said(row))


def _said_of(row: Mapping[str, Any], hours: str) -> str:
    what = target(row)
    if row["subject"] == "node":
        what = _("{target}, each node for itself", target=what)
    if row["calendar"]:
        what = _("{target}, in the agreed hours: {hours}", target=what, hours=hours)
    else:
        what = _("{target}, in all hours", target=what)
    return _("Agreed: {target}.", target=what) if row["contract"] else _("Target: {target}.", target=what)


def of(row: Mapping[str, Any]) -> str:
    """The figure that counts."""
    return percentage(row["counted_time_seconds"] - row["used_seconds"], row["counted_time_seconds"], decimals(row))


def experienced(row: Mapping[str, Any]) -> str:
    """The figure with all downtime in the agreed hours, planned work included."""
    whole = row["experienced_time_seconds"]
    return percentage(whole - row["experienced_seconds"], whole, decimals(row))


def with_network(row: Mapping[str, Any]) -> str:
    """The figure as agreed, and with what was unreachable behind a network fault."""
    return percentage(row["felt_time_seconds"] - row["felt_seconds"], row["felt_time_seconds"], decimals(row))


def decimals(row: Mapping[str, Any]) -> int:
    """One more than the target has, at least two."""
    if row["target"] is None:
        return 2
    written = Decimal(percent(row["target"]).rstrip("%")).normalize().as_tuple().exponent
    return max(2, 1 - written) if isinstance(written, int) else 2


def target(row: Mapping[str, Any]) -> str:
    """`99.9 % per quarter`, `at most 26 min of downtime per month`."""
    if row["target"] is not None:
        return _(SHARES[row["per"]], share=with_space(row["target"]))
    return _(ALLOWANCES[row["per"]], time=exact(row["allowed_seconds"]))


def operated(document: Mapping[str, Any]) -> str:
    """Who runs the monitor: they could change what it measures, and so it is said also where nobody stated it."""
    if document["operated_by"]:
        return _("The monitor is run by {who}, as stated in its configuration.", who=document["operated_by"])
    return _("Who runs the monitor is not stated.")


def with_space(share: float) -> str:
    return with_decimal_mark(percent(share).replace("%", " %"))


def percentage(part: float, whole: float, places: int = 2) -> str:
    """Of two amounts of seconds, rounded down; in words where there is nothing to divide by."""
    if not whole:
        return _("not measured")
    return with_decimal_mark(exact_percentage(round(part * SECOND), round(whole * SECOND), places))


def exact(seconds: float) -> str:
    """`1 h 26 min 3 s`."""
    return duration(round(seconds, 3) if seconds < 60 else round(seconds), exact=True)


def in_hours(seconds: float) -> str:
    """`2200 h 30 min`: where a day has fewer hours than 24, days would mislead."""
    hours, rest = divmod(round(seconds), 3600)
    return " ".join(filter(None, (f"{hours} h" if hours else "", exact(rest) if rest or not hours else "")))


def allowed(row: Mapping[str, Any]) -> str:
    """`2 h 12 min 1 s`, and of a share what it is of."""
    time = exact(floor(row["budget_seconds"]))
    if row["target"] is None:
        return time
    rest, whole = with_space(1 - row["target"]), in_hours(row["counted_time_seconds"])
    if row["so_far"]:
        return time
    return _("{time} ({share} of {whole} that count)", time=time, share=rest, whole=whole)


def definitions(row: Mapping[str, Any]) -> list[str]:
    """The terms of an agreement, one sentence each."""
    said = [
        _said_of(row, opening.whole(row)),
        _("Counted is all downtime, also what was unreachable behind a network fault.")
        if row["counts"] == "felt"
        else _(
            "Counted is downtime of the system itself, not time behind a network fault, in which the system itself "
            "could not be assessed."
        ),
        _(BOUNDS[row["outage"]]),
        _(RULES[row["maintenance"]]),
        _(SLOW[row["degraded"]]),
    ]
    if row["notice_seconds"]:
        said.append(
            _(
                "Maintenance is left out only if it was announced at least {time} before its start; the day of the "
                "announcement counts whole, and is as stated by whoever entered the window.",
                time=_notice(row["notice_seconds"]),
            )
        )
    if row["cap_seconds"] is not None:
        said.append(_(MOST_LEFT_OUT[row["per"]], time=exact(row["cap_seconds"])))
    if row["minimum_outage_seconds"]:
        said.append(_("Outages shorter than {time} do not count.", time=exact(row["minimum_outage_seconds"])))
    needed = with_space(row["coverage_needed"])
    said.append(_("It is assessed only if at least {share} of the agreed time was measured.", share=needed))
    return said


def consequence(row: Mapping[str, Any]) -> list[str]:
    """What the contract says of a breach, in its own words, where it is one; in a list of one sentence."""
    if row["verdict"] != "missed" or not row["consequence"]:
        return []
    return [
        _(
            "For this, {contract} says: \N{LEFT DOUBLE QUOTATION MARK}{words}\N{RIGHT DOUBLE QUOTATION MARK}. "
            "This report calculates nothing from that.",
            contract=row["contract"],
            words=row["consequence"],
        )
    ]


def consequences(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The same of several results of an agreement, once."""
    return list(dict.fromkeys(said for row in rows for said in consequence(row)))


def consequence_agreed(row: Mapping[str, Any]) -> str:
    """The same as a term, whatever the result."""
    return _(
        "If it is not met, {contract} says: \N{LEFT DOUBLE QUOTATION MARK}{words}\N{RIGHT DOUBLE QUOTATION MARK}. "
        "This report calculates nothing from that.",
        contract=row["contract"],
        words=row["consequence"],
    )


def _notice(seconds: float) -> str:
    """`7 days`."""
    days, rest = divmod(seconds, 86_400)
    return exact(seconds) if rest else _n("{count} day", "{count} days", round(days))


def reason(code: str | None) -> str:
    """What was wrong, in words, with its code."""
    text = REASON_TEXTS.get(code or "")
    return f"{_(text.meaning)} ({code})" if text else code or ""


def rule(row: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    """Of a service: `all of: archive/dicom_echo (Main archive), archive/dicom_store (Main archive)`."""
    members = ", ".join(member(name, titles) for name in row["members"])
    need = row["rule"].partition(" of ")[0]
    if need == "all":
        return _("all of: {members}", members=members)
    if need == "any":
        return _("any of: {members}", members=members)
    return _("{need} of: {members}", need=need, members=members)


def member(name: str, titles: Mapping[str, str]) -> str:
    """A check with what its node is called, or a service."""
    title = titles.get(name.partition("/")[0], "") if "/" in name else ""
    return f"{name} ({title})" if title else name


def because(said: str) -> str:
    """`ris/dicom_worklist: refuses connections (tcp_refused)`."""
    check, _colon, code = said.partition(": ")
    return f"{check}: {reason(code)}"
