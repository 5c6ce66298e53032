"""The board and incidents as lines for a terminal at night: nothing truncated, times in the monitor's zone.

The worst stands last, right above the prompt. Lines are rich's markup; what came from outside is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from rich.markup import escape

from pacs_monitor.cli import services, story
from pacs_monitor.format.human import moment, pluralized
from pacs_monitor.format.names import first
from pacs_monitor.messages import evidence, paged
from pacs_monitor.messages.paged import When
from pacs_monitor.model import CALENDAR, ONCALL, RECORD, parse_iso

COLOURS = {"up": "green", "degraded": "yellow", "down": "red", "absent": "blue", "unknown": "magenta"}
WORST_LAST = ("up", "absent", "unknown", "degraded", "down")
SEVERE_LAST = ("info", "warning", "critical")
QUIET, HANDLED, OPEN = range(3)
"""Parts of the board, from top to bottom."""
FAULT = {"node": "the node's fault", "network": "the network's fault", "monitor": "not the node's fault"}

Row = Mapping[str, Any]


def reader_of_times(zone: str, now: int) -> When:
    """Times as the monitor's people read their clocks."""
    return lambda text: moment(parse_iso(text), ZoneInfo(zone), now)


def board(status: Mapping[str, Any], when: When) -> list[str]:
    """Every check; below what is in trouble its detail, who was paged and who has it; counts at the end.

    What is acknowledged stands apart, before what is not.
    """
    of_check, others = _by_member(status.get("incidents", ()))
    checks = [(f"{node['node']}/{check['check']}", check) for node in status["nodes"] for check in node["checks"]]
    places = {name: _place(check, of_check.get(name, ())) for name, check in checks}
    checks.sort(key=lambda item: places[item[0]])
    last = {incident["id"]: name for name, _ in checks for incident in of_check.get(name, ())}
    heads = _aligned([_standing(name, check, when) for name, check in checks])
    lines: dict[int, list[str]] = {QUIET: [], HANDLED: [], OPEN: []}
    for head, (name, check) in zip(heads, checks, strict=True):
        colour, place = COLOURS[check["state"]], lines[places[name][0]]
        detail = check.get("absence") or (check["last"] or {}).get("detail")
        place.append(f"[{colour}]{escape(head)}[/{colour}]")
        forbidden = (check.get("restriction") or {}).get("text")
        planned = check.get("window")
        place += [f"    {escape(maintained(planned, when))}"] if planned and not forbidden else []
        place += [f"    {escape(forbidden)}"] if forbidden else []
        place += [f"    {escape(detail)}"] if detail and not (forbidden and check["state"] == "unknown") else []
        for incident in of_check.get(name, ()):
            place += _below(incident, when, status["time"]) if last[incident["id"]] == name else [_see(incident, last)]
    for incident in others:
        lines[HANDLED if incident.get("acknowledged") else OPEN] += _other(incident, when, status["time"])
    delivery = {row["cause"]: row for row in status.get("incidents", ()) if row["kind"] == "delivery"}
    for channel in status.get("channels", ()):
        incident = delivery.get(channel["channel"], {})
        lines[HANDLED if incident.get("acknowledged") else OPEN] += [*_channel(channel, when), *_said(incident, when)]
    lines[OPEN] += [_approval(row) for row in status.get("approvals", ())]
    lines[OPEN] += [_calendar(row, when) for row in status.get("maintenance_calendars", ()) if row["trouble"]]
    lines[OPEN] += _heartbeat(status.get("heartbeat") or {}, when)
    return [*_apart(lines), *services.lines(status, COLOURS), *_counts(status, when)]


def _apart(lines: Mapping[int, list[str]]) -> list[str]:
    """With headings, if anything is acknowledged."""
    if not lines[HANDLED]:
        return [*lines[QUIET], *lines[OPEN]]
    rest = ["[bold]not acknowledged:[/bold]", *lines[OPEN]] if lines[OPEN] else []
    return [*lines[QUIET], "[bold]acknowledged, being handled:[/bold]", *lines[HANDLED], *rest]


def _place(check: Row, incidents: Sequence[Row]) -> tuple[int, int, int]:
    """Where a check stands on the board; the worst has the highest."""
    state, severity = check["state"], check["severity"]
    place = OPEN
    if incidents and all(incident.get("acknowledged") for incident in incidents):
        place = HANDLED
    elif state not in ("degraded", "down") and not incidents:
        place = QUIET
    return place, WORST_LAST.index(state), SEVERE_LAST.index(severity)


def _other(incident: Row, when: When, now: str) -> list[str]:
    """An incident that is about no one check: a group, a task of the monitor."""
    fails = "cannot be reached" if incident["kind"] == "group" else "has been failing"
    if incident["kind"] == "summary":
        fails = "fail"
    if incident["kind"] == "group" and incident["state"] == "absent":
        fails = "have been gone together"
    what = f"{about(incident)} {fails} since {when(incident['since'])}"
    return [f"[yellow]{escape(what)}[/yellow]", *_below(incident, when, now)]


def _below(incident: Row, when: When, now: str) -> list[str]:
    """For whom it is, whom to call, who was paged about it, who has it, and what users were told."""
    needed = {"impact": incident.get("impact"), "call": incident.get("support_phone")}
    lines = [f"    {name}: {escape(value)}" for name, value in needed.items() if value]
    return [*lines, f"    {escape(paged.line(incident, when, now))}", *_said(incident, when)]


def _see(incident: Row, last: Mapping[str, str]) -> str:
    """The incident is told of once, below the worst of its checks."""
    return f"    {escape(incident['severity'])} incident {incident['id']}: see {escape(last[incident['id']])} below"


def _said(incident: Row, when: When) -> list[str]:
    said, note = incident.get("acknowledged"), incident.get("public_note")
    lines = [f"    {escape(acknowledged(said, when))}"] if said else []
    if said and said["at"] < incident["since"]:
        lines.append("    that was said before this began, and still holds: nobody is paged for it")
    if note:
        colour = ("[red]", "[/red]") if note["overdue"] else ("", "")
        lines.append(f"    {colour[0]}{escape(told(note, when))}{colour[1]}")
    return lines


def _counts(status: Row, when: When) -> list[str]:
    counts = ", ".join(f"{count} {state}" for state, count in status["counts"].items() if count) or "no checks"
    head = f"[bold]{escape(status['monitor'])}[/bold] at {when(status['time'])}"
    return [f"{head}: {counts}; paging {status['paging']}"]


def maintained(window: Row, when: When) -> str:
    """`in maintenance until 04:00:00 CET: archive patching (by change 4712)`."""
    by = f" (by {window['by']})" if window["by"] else ""
    return f"in maintenance until {when(window['end'])}: {window['name']}{by}"


def incidents(rows: Iterable[Mapping[str, Any]], when: When) -> list[str]:
    """One line each: those that have ended, the newest last; what is acknowledged; what is not, the worst last."""
    rows = sorted(sorted(rows, key=lambda row: str(row["since"])), key=_order)
    cells = [
        (
            row["id"],
            row["severity"],
            ", ".join((row["state"], *row.get("flags", ()))),
            about(row),
            row["reason"] or "",
            f"since {when(row['since'])}",
            f"{row['ending']} {when(row['ended'])}" if row["ended"] else _held(row),
        )
        for row in rows
    ]
    heads = _aligned(cells)
    return [line for head, row in zip(heads, rows, strict=True) for line in (escape(head), *_words(row, when))]


def _order(row: Row) -> tuple[int, int, int]:
    if row["ended"]:
        return QUIET, 0, 0
    place = HANDLED if row.get("acknowledged") else OPEN
    return place, SEVERE_LAST.index(row["severity"]), WORST_LAST.index(row["state"])


def _held(row: Row) -> str:
    return "acknowledged" if row.get("acknowledged") else "open, not acknowledged"


def _words(row: Row, when: When) -> list[str]:
    """What people have said of an open incident; of an ended one, how it ended."""
    return [f"    {escape(row['summary'])}"] if row["ended"] else _said(row, when)


def audit(entries: Iterable[Mapping[str, Any]], when: When) -> list[str]:
    """One line each, the newest last; below it what was asked for, and why."""
    lines: list[str] = []
    for entry in list(entries)[::-1]:
        token = f" ({entry['token']}, {entry['role']})" if entry["token"] else ""
        who = f"{entry['by'] or 'somebody'}{token} from {entry['address'] or 'unknown'}"
        times = f"{entry['count']} times " if entry["count"] > 1 else ""
        outcome = f"{entry['outcome']} ({entry['status']})"
        about = f"  ({entry['subject']})" if entry.get("subject") else ""
        lines.append(escape(f"{when(entry['at'])}  {who}  {times}{entry['action']}{about}  {outcome}"))
        said = [f"{key} {_shown(value)}" for key, value in entry["details"].items()]
        said += [f"why: {entry['why']}"] if entry["why"] else []
        lines += [f"    {escape(', '.join(said))}"] if said else []
    return lines


def _shown(value: Any) -> str:
    """`node=archive site=east,west` for a match."""
    if isinstance(value, dict):
        return " ".join(f"{key}={_shown(each)}" for key, each in value.items())
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def declared_list(rows: Iterable[Mapping[str, Any]], when: When) -> list[str]:
    """One line each, the newest last; below it what was stated of it."""
    lines = ["[bold]declared by people, not measured[/bold]"] if rows else []
    for row in list(rows)[::-1]:
        lines.append(escape(f"{row['id']}  {declared_line(row, when)}"))
        said = evidence.sentence(row["evidence"], when)
        lines += [escape(f"    {said}")] if said != evidence.NOTHING else []
    return lines


def declared_line(row: Mapping[str, Any], when: When) -> str:
    """`node archive from … to …: CT 2 could not send (by it-duty)`."""
    what = f"node {row['node']}" if row["node"] else f"service {row['service']}"
    until = f"to {when(row['ended'])}" if row["ended"] else "on"
    return f"{what} from {when(row['since'])} {until}: {row['known_by']} (by {row['by']})"


def _declared(found: Mapping[str, Any], when: When) -> list[str]:
    lines = [f"[bold]declared by people, not measured[/bold]: {escape(declared_line(found, when))}"]
    return [*lines, *_stated(found, when), "[bold]what was said[/bold]", *story.lines(found["story"], when)]


def _stated(found: Mapping[str, Any], when: When) -> list[str]:
    said = evidence.sentence(found["evidence"], when)
    return [f"  evidence: {escape(said)}"] if said != evidence.NOTHING else []


def incident(found: Mapping[str, Any], when: When) -> list[str]:
    """One incident: what, whose fault, what next, when; then its story."""
    if found["kind"] == "declared":
        return _declared(found, when)
    colour = COLOURS[found["state"]]
    head = f"[bold]{escape(about(found))}[/bold]  {found['severity']}  [{colour}]{found['state']}[/{colour}]"
    lines = [head + (f"  {reason(found)}" if found["reason"] else "")]
    lines += [f"  {escape(found['detail'])}"] if found["detail"] else []
    lines += [f"  → {escape(found['next_step'])}"] if found["next_step"] else []
    if not found["ended"]:
        support = ", ".join(f"{key} {value}" for key, value in found["support"].items())
        more = {"impact": found["impact"], "support": support, "runbook": found["runbook"]}
        lines += [f"  {name}: {escape(value)}" for name, value in more.items() if value]
    times = [("last good", "last_good"), ("since", "since"), ("noticed", "noticed"), (found["ending"], "ended")]
    lines.append("  " + ", ".join(f"{word} {when(found[key])}" for word, key in times if found[key]))
    lines += [] if found["ended"] else [line[2:] for line in _said(found, when)]
    lines += _stated(found, when) if "evidence" in found else []
    also = [("linked with", ", ".join(found["linked"])), ("part of group", found["group"])]
    stands_for = found["kind"] in ("group", "summary")
    lines += [f"  {word} {escape(value)}" for word, value in also if value and not stands_for]
    stuck = frozenset(row["id"] for row in found["notifications"] if row.get("stuck"))
    return [*lines, "[bold]what happened[/bold]", *story.lines(found["story"], when, stuck)]


def acknowledged(said: Mapping[str, Any], when: When) -> str:
    """Who deals with it, until when, why."""
    ticket, why = f" (ticket {said['ticket']})" if said["ticket"] else "", f": {said['why']}" if said["why"] else ""
    return f"acknowledged by {said['by']} until {when(said['until'])}{ticket}{why}"


def told(note: Mapping[str, Any], when: When) -> str:
    """What users were told, and when they are to hear more."""
    if not note["next_update"]:
        return f"users were told: {note['text']}"
    overdue = ", which is OVERDUE" if note["overdue"] else ""
    return f"users were told: {note['text']} (next update {when(note['next_update'])}{overdue})"


def reason(row: Mapping[str, Any]) -> str:
    """`tcp_refused in phase connect, the node's fault`."""
    phase = f" in phase {row['phase']}" if row["phase"] else ""
    return f"{row['reason']}{phase}, {FAULT[row['blame']]}"


def _standing(name: str, check: Mapping[str, Any], when: When) -> tuple[str, ...]:
    last = check["last"] or {"status": "not run yet", "reason": None}
    leaning = f" → {check['leaning']}?" if check["leaning"] else ""
    said = " ".join(filter(None, (last["status"], last["reason"])))
    if last["status"] == "fail" and not check.get("proven", True):
        said += ", has never worked: is it configured correctly?"
    return name, check["state"] + leaning, check["severity"], f"since {when(check['since'])}", f"last: {said}"


def _channel(row: Mapping[str, Any], when: When) -> list[str]:
    """What is wrong with a channel; nothing while it works."""
    name, lines = row["channel"], []
    if not row["works"]:
        what = f"channel {name} has delivered nothing since {when(row['failing_since'])} ({row['reason']})"
        waits = pluralized(row["pending"], "notification waits", "notifications wait")
        lines.append(f"[red]{escape(what)}; {waits}[/red]")
    for stuck in row["stuck"]:
        what = f"channel {name} refuses ({stuck['reason']}), but accepts others: {stuck['summary']}"
        lines.append(f"[yellow]{escape(what)}[/yellow]")
    lines += [f"[yellow]{escape(f'channel {name}: {warning}')}[/yellow]" for warning in row.get("warnings", ())]
    return lines


def _approval(row: Mapping[str, Any]) -> str:
    """One that ends soon, or has ended."""
    ends = "has ended, so it does not run; it ended with" if row["ended"] else "ends with"
    what = f"the approval of {row['node']}/{row['check']} by {row['enabled_by']} {ends} {row['last_day']}"
    return f"[yellow]{escape(what)}[/yellow]"


def _heartbeat(row: Mapping[str, Any], when: When) -> list[str]:
    """What is wrong with the dead man's switch outside; nothing while it works."""
    if not row.get("trouble"):
        return []
    last = f"last accepted {when(row['last_success'])}" if row["last_success"] else "none was accepted yet"
    return [f"[yellow]{escape('heartbeat: ' + row['trouble'] + f' ({last})')}[/yellow]"]


def _calendar(row: Mapping[str, Any], when: When) -> str:
    """A maintenance calendar that is not current."""
    last = f"last read as of {when(row['last_success'])}" if row["last_success"] else "never read yet"
    return f"[yellow]{escape('maintenance calendar ' + row['name'] + ': ' + row['trouble'] + f' ({last})')}[/yellow]"


def about(row: Mapping[str, Any]) -> str:
    """The checks, the site, the channel, or the task of the monitor."""
    if row["kind"] == "delivery":
        return f"channel {row['cause']}"
    if row["kind"] == "summary":
        return f"summary to channel {row['cause'].partition(' ')[0]}, {len(row['members'])} checks"
    if row["kind"] == "fault":
        return _fault(row["cause"])
    if row["kind"] == "group":
        what = f"{len(row['members'])} modalities" if row["state"] == "absent" else f"{len(row['members'])} nodes"
        return f"site {row['cause'].removeprefix('absent:')}, {what}"
    return first(row["members"], 3)


def _fault(cause: str) -> str:
    if cause.startswith(CALENDAR):
        return f"maintenance calendar {cause.removeprefix(CALENDAR)}"
    if cause.startswith(ONCALL):
        return f"nobody on call by the rota {cause.removeprefix(ONCALL)}"
    return "the monitor's history" if cause == RECORD else f"the monitor's task {cause}"


def _by_member(incidents: Sequence[Row]) -> tuple[Mapping[str, list[Row]], list[Row]]:
    """Open incidents by the checks that they are about; groups and the monitor's own apart; channels show theirs."""
    of_check: dict[str, list[Row]] = {}
    for incident in incidents:
        for member in incident["members"] if incident["kind"] not in ("group", "summary") else ():
            of_check.setdefault(member, []).append(incident)
    return of_check, [incident for incident in incidents if incident["kind"] in ("fault", "group", "summary")]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Cells in columns, however wide."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
