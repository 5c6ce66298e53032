"""What people stated of an incident, in one line: `reported 03:14 · responded 03:52 (38 min) · restored 05:10`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pacs_monitor.format.human import duration
from pacs_monitor.language import N_, _
from pacs_monitor.messages.paged import When
from pacs_monitor.model import SECOND, parse_iso

Evidence = Mapping[str, Any]
"""As pacs_monitor.evidence.as_json has it; a report adds what was agreed, in seconds."""
TIMES = frozenset({"reported", "responded", "workaround", "restored", "from", "to"})
"""Of what is stated, the times."""
NOTHING = "\N{EN DASH}"


def sentence(evidence: Evidence, when: When) -> str:
    """What holds; a dash where nothing was stated."""
    return " · ".join([*_steps(evidence, when), *_about(evidence)]) or NOTHING


WHAT = {
    "reported": N_("reported"),
    "responded": N_("responded"),
    "workaround": N_("workaround"),
    "restored": N_("restored"),
    "from": N_("begin"),
    "to": N_("end"),
    "ticket": N_("ticket"),
    "responsible": N_("responsible"),
    "standing": N_("agreed or disputed"),
    "counts": N_("counts"),
}
"""Names of what is stated."""


def correction(one: Mapping[str, Any], when: When) -> str:
    """`ben, 04:20, corrected responded: 03:52 instead of 04:10 (typed late)`."""
    shown = when if one["what"] in TIMES else str
    what, why = _(WHAT[one["what"]]), f" ({one['why']})" if one["why"] else ""
    said = {"by": one["by"], "at": when(one["at"]), "what": what, "before": shown(one["before"]), "why": why}
    if one["after"] is None:
        return _("{by}, {at}, took back {what}: {before}{why}", **said)
    said["after"] = shown(one["after"])
    return _("{by}, {at}, corrected {what}: {after} instead of {before}{why}", **said)


def _steps(evidence: Evidence, when: When) -> Iterator[str]:
    if at := evidence["reported"]:
        yield _("reported {at}", at=when(at))
    if at := evidence["responded"]:
        yield _("responded {at}", at=when(at)) + _taken(evidence, "response", at)
    if at := evidence["workaround"]:
        yield _("workaround {at}", at=when(at))
    if at := evidence["restored"]:
        yield _("restored {at}", at=when(at)) + _taken(evidence, "restoration", at)


def _taken(evidence: Evidence, clock: str, at: str) -> str:
    """How long it took from the report on, and how long was agreed."""
    if evidence["reported"] is None:
        return ""
    took = duration((parse_iso(at) - parse_iso(evidence["reported"])) / SECOND)
    agreed, counted = evidence.get(f"{clock}_agreed_seconds"), evidence.get(f"{clock}_counted_seconds")
    if agreed is None:
        return f" ({took})"
    within = "" if counted is None else _(", {time} of it in the agreed hours", time=duration(counted))
    return f" ({took}{within}; " + _("agreed {time}", time=duration(agreed)) + ")"


def _about(evidence: Evidence) -> Iterator[str]:
    if evidence["ticket"]:
        yield _("ticket {number}", number=evidence["ticket"])
    if evidence["responsible"]:
        yield _("responsible: {party}", party=evidence["responsible"])
    if evidence["standing"] == "agreed":
        yield _("agreed by both sides")
    elif evidence["standing"]:
        yield _("disputed ({by}: {why})", by=evidence["standing_by"], why=evidence["standing_why"])
    if said := counting(evidence):
        yield said


def counting(evidence: Evidence) -> str:
    """Whether it counts, and who says so; nothing where nobody does."""
    by, why = evidence["counts_by"], evidence["counts_why"]
    if not evidence["counts"]:
        return ""
    if evidence["counts"] != "no":
        return _("counts ({by})", by=by)
    return _("does not count ({by}: {why})", by=by, why=why) if why else _("does not count ({by})", by=by)
