"""The report's sentences, for the people who sign it. Nothing is rounded in anybody's favour."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import ceil, floor
from typing import Any

from pacs_monitor.config.format import percent
from pacs_monitor.format.human import duration, exact_percentage, with_decimal_mark
from pacs_monitor.language import N_, _
from pacs_monitor.messages.reasons import REASON_TEXTS
from pacs_monitor.model import SECOND

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
SLOW_COUNTED = {"up": N_("Slow, counted as up: {time}."), "down": N_("Slow, counted as down: {time}.")}
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


def verdict(row: Mapping[str, Any]) -> list[str]:
    """`Counted under SLA 4.2: 99.93 %, met.` and what goes with it, for one row of an agreement."""
    seconds = row["seconds"]
    said = [_not_assessable(row)] if row["verdict"] == "not_assessable" else [_counted(row), _allowance(row)]
    said.append(_("As users felt it: {share}.", share=felt(row)))
    if seconds["degraded"]:
        said.append(_(SLOW_COUNTED[row["degraded"]], time=exact(seconds["degraded"])))
    if seconds["excluded"]:
        said.append(_("Left out as planned maintenance: {time}.", time=exact(seconds["excluded"])))
    if seconds["forgiven"]:
        least, time = exact(row["minimum_outage_seconds"]), exact(seconds["forgiven"])
        said.append(_("Not counted, shorter than {least}: {time}.", least=least, time=time))
    if seconds["unknown"]:
        said.append(_("Not measured, counted for nobody: {time}.", time=exact(seconds["unknown"])))
    return said + decided(row)


def decided(row: Mapping[str, Any]) -> list[str]:
    """The second figure, with what people said counts or does not; nothing where it is the same."""
    if row.get("decided") is None or row["decided"]["verdict"] == "not_assessable":
        return []
    other = {**row, **row["decided"]}
    kept, time = _(VERDICTS[other["verdict"]]), exact(ceil(other["used_seconds"]))
    return [
        _(
            "With what people said counts or does not: {figure}, {verdict}; counted {time}.",
            figure=of(other),
            verdict=kept,
            time=time,
        )
    ]


def brief(row: Mapping[str, Any]) -> str:
    """`99.83 % – NOT met.`, where it is said already under what."""  # noqa: RUF002 - as people write it
    if row["verdict"] == "not_assessable":
        return _not_assessable(row)
    return _("{share} – {judged}.", share=of(row), judged=_(VERDICTS[row["verdict"]]))  # noqa: RUF001 - as above


def agreed(row: Mapping[str, Any]) -> str:
    """The target, and in which hours."""
    if row["calendar"]:
        return _("Agreed: {target}, in the hours of {calendar}.", target=target(row), calendar=row["calendar"])
    return _("Agreed: {target}, in all hours.", target=target(row))


def _counted(row: Mapping[str, Any]) -> str:
    share, judged = of(row), _(VERDICTS[row["verdict"]])
    if not row["contract"]:
        return _("Counted: {share} – {judged}.", share=share, judged=judged)  # noqa: RUF001 - as people write it
    return _("Counted under {contract}: {share} – {judged}.", contract=row["contract"], share=share, judged=judged)  # noqa: RUF001 - as above


def _not_assessable(row: Mapping[str, Any]) -> str:
    measured = percentage(row["measured_seconds"], row["to_measure_seconds"])
    needed = _percent(row["coverage_needed"])
    cause, lost = max(row["unknown_by_cause"].items(), key=lambda item: item[1], default=("", 0))
    if not lost:
        return _(
            "Not assessable: {measured} of the agreed time was measured; {needed} are needed.",
            measured=measured,
            needed=needed,
        )
    return _(
        "Not assessable: {measured} of the agreed time was measured ({cause} for {time}); {needed} are needed.",
        measured=measured,
        cause=_(CAUSES[cause]),
        time=exact(lost),
        needed=needed,
    )


def _allowance(row: Mapping[str, Any]) -> str:
    budget, used = row["budget_seconds"], row["used_seconds"]
    allowed, counted = exact(floor(budget)), exact(ceil(used))
    if used <= budget:
        left = exact(floor(budget - used))
        return _("Allowed {allowed}, counted {counted}, left {left}.", allowed=allowed, counted=counted, left=left)
    over = exact(ceil(used - budget))
    return _("Allowed {allowed}, counted {counted}, over by {over}.", allowed=allowed, counted=counted, over=over)


def of(row: Mapping[str, Any]) -> str:
    """The figure that counts."""
    return percentage(row["counted_time_seconds"] - row["used_seconds"], row["counted_time_seconds"], decimals(row))


def felt(row: Mapping[str, Any]) -> str:
    """The figure as users felt it."""
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
        return _(SHARES[row["per"]], share=_percent(row["target"]))
    return _(ALLOWANCES[row["per"]], time=exact(row["allowed_seconds"]))


def _percent(share: float) -> str:
    return with_decimal_mark(percent(share).replace("%", " %"))


def percentage(part: float, whole: float, places: int = 2) -> str:
    """Of two amounts of seconds, rounded down; in words where there is nothing to divide by."""
    if not whole:
        return _("not measured")
    return with_decimal_mark(exact_percentage(round(part * SECOND), round(whole * SECOND), places))


def exact(seconds: float) -> str:
    """`1 h 26 min 3 s`."""
    return duration(round(seconds, 3) if seconds < 60 else round(seconds), exact=True)


def definitions(row: Mapping[str, Any]) -> list[str]:
    """The terms of an agreement, one sentence each."""
    said = [
        agreed(row),
        _("Counted is all downtime that users felt.")
        if row["counts"] == "felt"
        else _("Counted is downtime of the system itself, not what was unreachable behind a network fault."),
        _(BOUNDS[row["outage"]]),
        _(RULES[row["maintenance"]]),
        _(SLOW[row["degraded"]]),
    ]
    if row["notice_seconds"]:
        time = exact(row["notice_seconds"])
        said.append(_("Maintenance is left out only if it was announced {time} before.", time=time))
    if row["cap_seconds"] is not None:
        said.append(_(MOST_LEFT_OUT[row["per"]], time=exact(row["cap_seconds"])))
    if row["minimum_outage_seconds"]:
        said.append(_("Outages shorter than {time} do not count.", time=exact(row["minimum_outage_seconds"])))
    return said


def reason(code: str | None) -> str:
    """What was wrong, in words, with its code."""
    text = REASON_TEXTS.get(code or "")
    return f"{_(text.meaning)} ({code})" if text else code or ""


def rule(text: str) -> str:
    """Of a service: `all of 3`, `any of 2`, `2 of 3`."""
    need, __, count = text.partition(" of ")
    if need == "all":
        return _("all of {count}", count=count)
    return _("any of {count}", count=count) if need == "any" else _("{need} of {count}", need=need, count=count)
