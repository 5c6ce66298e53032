"""The pages of a node, of a check and of an incident. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from pacs_monitor.evidence import MOMENTS, STEPS, What
from pacs_monitor.language import N_, _
from pacs_monitor.messages import evidence, story
from pacs_monitor.messages.reasons import phrase
from pacs_monitor.model import REASONS, Micros, Phase, Reason, parse_iso
from pacs_monitor.web.pages.affected import Affected
from pacs_monitor.web.pages.contacts import contacts
from pacs_monitor.web.pages.details import NodeSeen, Single
from pacs_monitor.web.pages.plots.kept import Drawn
from pacs_monitor.web.pages.plots.latency import latest
from pacs_monitor.web.pages.plots.spans import SPANS
from pacs_monitor.web.pages.render import Fragment, Page, fragment
from pacs_monitor.web.pages.signs import sign_of
from pacs_monitor.web.pages.snapshot import worst_of
from pacs_monitor.web.pages.times import Times

SPOKEN = frozenset({"acknowledge", "note", "close", "evidence"})
STEPS_TAPPED = {
    What.REPORTED: N_("I called the vendor"),
    What.RESPONDED: N_("Vendor responded"),
    What.WORKAROUND: N_("Workaround in place"),
    What.RESTORED: N_("Vendor says: restored"),
}
"""What is stated with one tap, at the time of the tap."""


class Bar(NamedTuple):
    """A phase of a run, in per cent of the longest run shown."""

    phase: str
    x: float
    width: float
    seconds: float


class Line(NamedTuple):
    """One thing that happened."""

    at: Micros
    text: str
    spoken: bool


def node_page(seen: NodeSeen, drawn: Drawn, about: Page) -> Fragment:
    """What it is, what it hangs on, how its checks are."""
    node = seen.node
    return fragment(
        "node.html",
        node.title or node.name,
        about,
        seen=seen,
        drawn=drawn,
        spans=SPANS.values(),
        node=node,
        addresses=_addresses(seen),
        call_first=contacts([node]),
        here=f"nodes/{quote(node.name, safe='')}",
        paused=bool(seen.checks) and all(check.entry.stopped for check in seen.checks),
        worst=worst_of(check.row for check in seen.checks),
        bars=[bars([check.entry.last.outcome.phases])[0] if check.entry.last else [] for check in seen.checks],
    )


def check_page(seen: Single, drawn: Drawn, about: Page) -> Fragment:
    """Its latest results, its failures, its states."""
    entry = seen.seen.entry
    return fragment(
        "check.html",
        str(entry.check.id),
        about,
        seen=seen,
        drawn=drawn,
        spans=SPANS.values(),
        latest=latest("latest", seen.recent[::-1], about.times),
        entry=entry,
        meaning=_meaning(entry.standing.reason),
        here="/".join(("checks", *(quote(part, safe="") for part in entry.check.id))),
        paused=entry.stopped is not None,
        phases=list(Phase),
        bars=bars([result.outcome.phases for result in seen.recent]),
        signs_of=sign_of,
    )


class Around(NamedTuple):
    """What stands on the page of an incident besides itself."""

    still_ok: Sequence[str]
    paged: str
    node: str
    """Where all of it is about one."""
    affected: Affected
    drawn: Drawn


def incident_page(found: Mapping[str, Any], beside: Around, about: Page) -> Fragment:
    """Made for a phone at night: the first screen says what, for whom, why, and what to do first."""
    reason = found["reason"]
    return fragment(
        "incident.html",
        _("Incident {id}", id=found["id"]),
        about,
        found=found,
        is_now=sign_of(found["state"]),
        meaning=_meaning(REASONS.get(reason)),
        story=_story(found, about.times),
        **beside._asdict(),
        steps=list(STEPS_TAPPED.items()),
        **_evidence(found, about.times, STEPS),
    )


def declared_page(found: Mapping[str, Any], about: Page) -> Fragment:
    """An outage that a person declared."""
    return fragment(
        "declared.html",
        _("Declared outage {id}", id=found["id"]),
        about,
        found=found,
        story=_story(found, about.times),
        **_evidence(found, about.times, MOMENTS),
    )


def _evidence(found: Mapping[str, Any], times: Times, events: Sequence[What]) -> Mapping[str, Any]:
    line = evidence.sentence(found["evidence"], lambda at: times.clock(parse_iso(at)))
    known = [(what, story.STATED[what]) for what in events]
    return {"events": known, "evidence_line": line if line != evidence.NOTHING else _("Nothing yet.")}


def missing(about: Page, what: str, todo: str = "", code: int = 404) -> Fragment:
    """A page that says what is not there, and what to do."""
    title = _("Not found") if code == 404 else _("Not now")
    todo = todo or _("A reload may have removed it.")
    return fragment("error.html", title, about, status=code, what=what, todo=todo)


def bars(runs: Sequence[Mapping[Phase, float]]) -> Sequence[Sequence[Bar]]:
    """The phases of each run, one after the other, to one scale."""
    longest = max((sum(phases.values()) for phases in runs), default=0.0) or 1.0
    drawn = []
    for phases in runs:
        x, row = 0.0, list[Bar]()
        for phase in Phase:
            seconds = phases.get(phase, 0.0)
            if seconds:
                width = 100 * seconds / longest
                row.append(Bar(phase.value, round(x, 2), round(width, 2), seconds))
                x += width
        drawn.append(row)
    return drawn


def _meaning(reason: Reason | None) -> str:
    return "" if reason is None else phrase(reason)


def _addresses(seen: NodeSeen) -> Sequence[tuple[str, str]]:
    node, rows = seen.node, list[tuple[str, str]]()
    if node.host:
        rows.append((_("Host"), node.host))
    if node.dicom:
        rows.append(
            (
                "DICOM",
                _(
                    "port {port}, AE title {called}, we call as {calling}",
                    port=node.dicom.port,
                    called=node.dicom.ae_title,
                    calling=node.dicom.calling_ae_title,
                ),
            )
        )
    if node.hl7:
        rows.append(("HL7", _("port {port}", port=node.hl7.port)))
    if node.systems:
        rows.append((_("Asked by API"), ", ".join(node.systems)))
    return rows


def _story(found: Mapping[str, Any], times: Times) -> Sequence[Line]:
    stuck = {row["id"] for row in found.get("notifications", ()) if row.get("stuck")}
    lines = []
    for line in found["story"]:
        text = story.text(line, lambda at: times.second(parse_iso(at)), stuck=line.get("id") in stuck)
        if text is not None:
            lines.append(Line(parse_iso(line["at"]), text, line["what"] in SPOKEN))
    return lines
