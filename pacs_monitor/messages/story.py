"""The story of an incident in words: a sentence for each thing that happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pacs_monitor.format.human import duration
from pacs_monitor.messages import paged
from pacs_monitor.messages.paged import When

Line = Mapping[str, Any]

BECAME = {
    "pending": "not delivered yet",
    "refused": "refused: the channel cannot send it",
    "given_up": "given up",
    "shadow": "not sent: shadow mode",
    "dropped": "not sent: it was no longer of use",
}
"""What became of a notification, by its status; delivered ones say when."""
GROUP = {
    False: "part of group {incident} ({cause}): the group is notified of instead",
    True: "group {incident} ({cause}) has ended",
}


def text(line: Line, when: When, *, stuck: bool = False) -> str | None:
    """One line of the story as the API has it, without its time; None for what is from a newer daemon.

    `stuck`: its channel refuses it while it accepts others.
    """
    write = _TEXTS.get(line["what"])
    more = "; refused while others are accepted, retried hourly" if stuck else ""
    return None if write is None else f"{write(line, when)}{more}"


def _opened(line: Line, when: When) -> str:
    page = f"; it pages from {when(line['page_due'])} on" if line["page_due"] > line["at"] else ""
    return f"incident opens{page}"


def _transition(line: Line, when: When) -> str:
    why = f" ({line['reason']})" if line["reason"] else ""
    detail = f": {line['detail']}" if line["detail"] else ""
    return f"{line['check']}: {line['before']} → {line['after']}{why} since {when(line['since'])}{detail}"


def _measured(line: Line, _when: When) -> str:
    leaning = "; its state is about to change" if line["leaning"] else ""
    return f"{line['check']}: run again at once, a fresh result{leaning}"


def _unknown(line: Line, when: When) -> str:
    detail = f": {line['detail']}" if line["detail"] else ""
    return f"{line['check']}: no valid result since {when(line['since'])} ({line['reason']}){detail}"


def _known(line: Line, _when: When) -> str:
    return f"{line['check']}: a valid result again"


def _started(line: Line, when: When) -> str:
    off = f"; it was off since {when(line['off_since'])}" if line["off_since"] else ""
    return f"the monitor starts{off}"


def _site_cut(line: Line, when: When) -> str:
    return f"site {line['site']} cannot be reached from ours since {when(line['since'])}: its references do not answer"


def _site_reached(line: Line, _when: When) -> str:
    return f"site {line['site']} can be reached from ours again, or nothing tells any more"


def _reloaded(line: Line, _when: When) -> str:
    return f"the configuration is reloaded (revision {line['revision']})"


def _clock_set(line: Line, _when: When) -> str:
    direction = "forward" if line["seconds"] > 0 else "back"
    return f"the monitor's clock is set {direction} by {duration(abs(line['seconds']))}"


def _acknowledge(line: Line, when: When) -> str:
    until = f" until {when(line['until'])}" if line["until"] else ""
    ticket = f" (ticket {line['ticket']})" if line["ticket"] else ""
    return f"{line['by']} acknowledges it{until}{ticket}" + (f": {line['why']}" if line["why"] else "")


def _note(line: Line, when: When) -> str:
    promised = f" (next update {when(line['next_update'])})" if line["next_update"] else ""
    return f"{line['by']} notes{' for the public' if line['public'] else ''}: {line['text']}{promised}"


STATED = {
    "reported": "vendor called",
    "responded": "vendor responded",
    "workaround": "workaround in place",
    "restored": "vendor says restored",
    "from": "it began",
    "to": "it ended",
    "ticket": "ticket",
    "responsible": "responsible",
    "standing": "the parties",
    "counts": "counts",
}
"""What people add for reports, by its key."""


def _evidence(line: Line, when: When) -> str:
    """`anna: vendor called`, `anna corrects: vendor responded 03:52:00, not 04:10:00: typed late`."""

    def shown(value: str) -> str:
        return when(value) if line["is_time"] else value

    what, value, before = STATED.get(line["said"], line["said"]), line["value"], line["before"]
    verb = " corrects" if before and value else " takes back" if before else ""
    said = "" if value in (None, line["at"]) else f" {shown(value)}"
    was = f", not {shown(before)}" if before and value else f" {shown(before)}" if before else ""
    return f"{line['by']}{verb}: {what}{said}{was}" + (f": {line['why']}" if line["why"] else "")


def _declared(line: Line, when: When) -> str:
    until = f" to {when(line['ended'])}" if line["ended"] else ", which goes on"
    return f"{line['by']} declares an outage from {when(line['since'])}{until}: {line['text']}"


def _close(line: Line, _when: When) -> str:
    return f"{line['by']} closes it" + (f": {line['why']}" if line["why"] else "")


def _flapping(line: Line, _when: When) -> str:
    if line["goes_on"]:
        return f"{line['check']}: flapping, five failures within an hour; the incident stays open over its recoveries"
    return f"{line['check']}: flapping no longer, 30 min without a change"


def _overdue(line: Line, when: When) -> str:
    return f"no update came, which was promised for {when(line['at'])}"


def _linked(line: Line, _when: When) -> str:
    return f"linked with incident {line['incident']}: the same cause ({line['cause']}), both were notified of"


def _absorbed(line: Line, _when: When) -> str:
    return f"incident {line['incident']} ({line['cause']}) becomes part of this one: the same cause"


def _group(line: Line, _when: When) -> str:
    if line["kind"] != "group":
        return f"stands for incident {line['incident']} ({line['cause']})"
    return GROUP[line["ended"]].format_map(line)


def _suppressed(line: Line, when: When) -> str:
    to, why = line["channel"] or "anybody", paged.reason(line["why"], line["detail"])
    return f"to {to}: {_event(line)}, suppressed: {why}{_until(line, when)}"


def _until(line: Line, when: When) -> str:
    """How long the reason held; at once if it was asked once."""
    if line["until"] is None:
        return ", still" if line["why"] not in ONCE else ""
    return f", until {when(line['until'])}" if line["until"] > line["at"] else ""


ONCE = frozenset({"page_after", "channel_removed"})
"""Reasons that say what was not sent at one moment, and do not go on."""


def _notified(line: Line, when: When) -> str:
    page = f", worse (page {line['page']})" if line["worse"] else ""
    tries = f" after {line['attempts']} attempts" if line["attempts"] > 1 else ""
    became = BECAME.get(line["status"], line["status"])
    if line["status"] == "delivered":
        late = f" at {when(line['settled'])}" if tries and line["settled"] else ""
        became = f"delivered{late}"
    unrecorded = ", sent while it could not be recorded" if line["unrecorded"] else ""
    instead = f" (because {line['fallback_for']} does not answer)" if line.get("fallback_for") else ""
    return f"to {line['channel']}{instead}: {_event(line)}{page}, {became}{tries}{unrecorded}: {line['summary']}"


def _ended(line: Line, when: When) -> str:
    into = f" into incident {line['into']}" if line.get("into") else ""
    at = f", over since {when(line['ended'])}" if line["ended"] < line["at"] else ""
    return f"incident ends: {line['ending']}{into}{at}"


def _event(line: Line) -> str:
    """`opened`, or `group opened`."""
    return str(line["event"]).removeprefix("incident.").replace(".", " ")


_TEXTS: Mapping[str, Callable[[Line, When], str]] = {
    "opened": _opened,
    "transition": _transition,
    "measured": _measured,
    "unknown": _unknown,
    "known": _known,
    "started": _started,
    "site_cut": _site_cut,
    "site_reached": _site_reached,
    "reloaded": _reloaded,
    "clock_set": _clock_set,
    "acknowledge": _acknowledge,
    "note": _note,
    "close": _close,
    "evidence": _evidence,
    "declared": _declared,
    "flapping": _flapping,
    "overdue": _overdue,
    "linked": _linked,
    "absorbed": _absorbed,
    "group": _group,
    "suppressed": _suppressed,
    "notified": _notified,
    "ended": _ended,
}
