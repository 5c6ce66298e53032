"""What is said of the result of an agreement, and what that hangs on. Nothing is rounded in anybody's favour."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor
from typing import Any

from pacs_monitor.language import N_, _, _n
from pacs_monitor.reports import dates
from pacs_monitor.reports.words import (
    CAUSES,
    VERDICTS,
    because,
    consequence,
    exact,
    experienced,
    of,
    percentage,
    with_space,
)

OUTAGES, REASONS = 2, 2
"""Outages that a result names, and reasons of each."""
BEHIND = N_("Behind a network fault, not counted: {time}; the system itself could not be assessed then.")
BEHIND_COUNTED = N_(
    "Of it behind a network fault, counted as agreed: {time}; the system itself could not be assessed then."
)
SLOW_COUNTED = {"up": N_("Slow, counted as up: {time}."), "down": N_("Slow, counted as down: {time}.")}


def verdict(row: Mapping[str, Any]) -> list[str]:
    """`Counted under SLA 4.2: 99.93 %, met.` and what goes with it, for one row of an agreement."""
    return [*result(row), *consequence(row), *reserves(row), *beside(row)]


def result(row: Mapping[str, Any]) -> list[str]:
    """The figure with its verdict, and the allowance."""
    return [_not_assessable(row)] if row["verdict"] == "not_assessable" else [_counted(row), _allowance(row)]


def judged(row: Mapping[str, Any]) -> str:
    """The verdict, with its reserve where what was not measured could have turned it."""
    if is_open(row):
        return (
            _("met by what was measured") if row["verdict"] == "met" else _("within the allowance by what was measured")
        )
    return _(VERDICTS[row["verdict"]])


def is_open(row: Mapping[str, Any]) -> bool:
    """Whether it would not be met if all that was not assessed had been downtime."""
    return row["verdict"] in ("met", "within") and row["seconds"]["unknown"] + _behind(row) > row["tolerated_seconds"]


def _behind(row: Mapping[str, Any]) -> float:
    """Seconds in which nobody knows whether the system itself worked, where only its own downtime counts."""
    return float(row["seconds"]["unreachable"]) if row["counts"] == "attributable" else 0.0


def reserves(row: Mapping[str, Any]) -> list[str]:
    """What the verdict hangs on: whoever signs must see it."""
    if row["verdict"] == "not_assessable":
        return []
    said = []
    other = row["maintenance_included"]
    if other is not None and other["met"] is not None and other["met"] != row["met"]:
        left_out, kept = exact(row["seconds"]["excluded"]), _(VERDICTS[other["verdict"]])
        said.append(
            _(
                "If the {time} left out as planned maintenance were counted: {share}, {verdict}.",
                time=left_out,
                share=of(row | other),
                verdict=kept,
            )
        )
    if is_open(row):
        said.append(_open(row))
    if row["changed"]:
        moments = ", ".join(map(dates.local, row["changed"]))
        said.append(
            _("What was agreed or covered changed on {moments}: the last terms hold for all of it.", moments=moments)
        )
    return said + _bounds(row)


def _open(row: Mapping[str, Any]) -> str:
    time, most = exact(row["seconds"]["unknown"]), exact(floor(row["tolerated_seconds"]))
    behind = _behind(row)
    if behind and not row["seconds"]["unknown"]:
        return _(
            "For {behind} it was behind a network fault, where the system itself could not be assessed; with more than "
            "{most} of downtime of its own in that time it would not be met.",
            behind=exact(behind),
            most=most,
        )
    if behind:
        return _(
            "{time} were not measured ({why}), and for {behind} it was behind a network fault, where the system itself "
            "could not be assessed; with more than {most} of downtime of its own in both it would not be met.",
            time=time,
            why=unmeasured(row),
            behind=exact(behind),
            most=most,
        )
    return _(
        "{time} were not measured ({why}); with more than {most} of downtime in that time it would not be met.",
        time=time,
        why=unmeasured(row),
        most=most,
    )


def _bounds(row: Mapping[str, Any]) -> list[str]:
    """Where the bounds of the outages lie on both sides of what is allowed."""
    least, most = (row["reliability"][f"{key}_seconds"] for key in ("at_least", "at_most"))
    if least <= row["budget_seconds"] < most:
        return [
            _(
                "Between two results nobody measures: it was down for at least {least} and at most {most}, "
                "so the outages may have been within the allowance, or not.",
                least=exact(floor(least)),
                most=exact(ceil(most)),
            )
        ]
    return []


def unmeasured(row: Mapping[str, Any]) -> str:
    """`2 Aug 2026 04:00 to 10:00, the monitor did not run`; of several stretches how many, and the longest."""
    cause = max(row["unknown_by_cause"].items(), key=lambda item: item[1])[0]
    return f"{_stretches(row['unmeasured'])}, {_(CAUSES[cause])}"


def _stretches(spans: Mapping[str, Any]) -> str:
    longest = dates.stretch(spans["longest_from"], spans["longest_to"])
    if spans["spans"] == 1:
        return longest
    return _("{count} times, the longest {longest}", count=spans["spans"], longest=longest)


def beside(row: Mapping[str, Any]) -> list[str]:
    """What goes with the figure and is no reserve."""
    seconds = row["seconds"]
    said = happened(row) if row["verdict"] == "missed" else []
    said += [_("As users felt it: {share}.", share=experienced(row))]
    if seconds["unreachable"] and not (is_open(row) and _behind(row)):
        text = BEHIND_COUNTED if row["counts"] == "felt" else BEHIND
        said.append(_(text, time=exact(seconds["unreachable"])))
    said += slow(row)
    if seconds["excluded"]:
        said.append(_left_out(row))
    if seconds["forgiven"]:
        least, time = exact(row["minimum_outage_seconds"]), exact(seconds["forgiven"])
        said.append(_("Not counted, shorter than {least}: {time}.", least=least, time=time))
    if seconds["unknown"] and not is_open(row):
        time = exact(seconds["unknown"])
        said.append(_("Not measured, in no figure: {time} ({why}).", time=time, why=unmeasured(row)))
    return said + decided(row)


def slow(row: Mapping[str, Any]) -> list[str]:
    """How long it was slow or impaired, and as what that counts; in a list of one sentence."""
    seconds = row["seconds"]["degraded"]
    if not seconds:
        return []
    when = f"{exact(seconds)} ({_stretches(row['slow'])})"
    return [_(SLOW_COUNTED[row["degraded"]], time=when)]


def happened(row: Mapping[str, Any]) -> list[str]:
    """The longest outages that counted, each with its reasons."""
    counted = sorted((one for one in row["outages"] if one["counted_seconds"]), key=lambda one: -one["counted_seconds"])
    told = [
        "; ".join([dates.stretch(one["from"], one["to"]), *map(because, one["because"][:REASONS])])
        for one in counted[:OUTAGES]
    ]
    more = len(counted) - OUTAGES
    if more > 0:
        told.append(_n("and {count} more", "and {count} more", more))
    return [_("What counted: {outages}.", outages=", ".join(told))] if told else []


def _left_out(row: Mapping[str, Any]) -> str:
    count, time = sum(1 for one in row["windows"] if one["left_out_seconds"]), exact(row["seconds"]["excluded"])
    return _n(
        "Left out as planned maintenance: {time} in {count} window.",
        "Left out as planned maintenance: {time} in {count} windows.",
        count or len(row["windows"]),
        time=time,
    )


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
    return _("{share} – {judged}.", share=of(row), judged=judged(row))  # noqa: RUF001 - as above


def _counted(row: Mapping[str, Any]) -> str:
    share, kept = of(row), judged(row)
    if not row["contract"]:
        return _("Counted: {share} – {judged}.", share=share, judged=kept)  # noqa: RUF001 - as people write it
    return _("Counted under {contract}: {share} – {judged}.", contract=row["contract"], share=share, judged=kept)  # noqa: RUF001 - as above


def _not_assessable(row: Mapping[str, Any]) -> str:
    measured = percentage(row["measured_seconds"], row["to_measure_seconds"])
    needed = with_space(row["coverage_needed"])
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
    allowed, counted = exact(floor(budget)), _with_bounds(row)
    if used <= budget:
        left = exact(floor(budget - used))
        return _("Allowed {allowed}, counted {counted}, left {left}.", allowed=allowed, counted=counted, left=left)
    over = exact(ceil(used - budget))
    return _("Allowed {allowed}, counted {counted}, over by {over}.", allowed=allowed, counted=counted, over=over)


def _with_bounds(row: Mapping[str, Any]) -> str:
    """`31 min (at least 30 min 50 s, at most 32 min)`; without bounds where these are of other time than is counted."""
    used = row["used_seconds"]
    least, most = (row["reliability"][f"{key}_seconds"] for key in ("at_least", "at_most"))
    if not least <= used <= most or least == most:
        return exact(ceil(used))
    return _(
        "{counted} (at least {least}, at most {most})",
        counted=exact(ceil(used)),
        least=exact(floor(least)),
        most=exact(ceil(most)),
    )
