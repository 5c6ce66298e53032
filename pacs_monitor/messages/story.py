"""The story of an incident in words: a sentence for each thing that happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pacs_monitor.format.human import duration
from pacs_monitor.language import N_, _, _n
from pacs_monitor.messages import paged
from pacs_monitor.messages.findings import finding
from pacs_monitor.messages.paged import When
from pacs_monitor.messages.told import told

Line = Mapping[str, Any]

BECAME = {
    "pending": N_("not delivered yet"),
    "refused": N_("refused: the channel cannot send it"),
    "given_up": N_("given up"),
    "shadow": N_("not sent: shadow mode"),
    "dropped": N_("not sent: it was no longer of use"),
}
"""What became of a notification, by its status; delivered ones say when."""
GROUP = {
    False: N_("part of group {incident} ({cause}): the group is notified of instead"),
    True: N_("group {incident} ({cause}) has ended"),
}
EVENTS = (
    N_("opened"),
    N_("reminded"),
    N_("escalated"),
    N_("acknowledged"),
    N_("changed"),
    N_("resolved"),
    N_("withdrawn"),
    N_("closed"),
    N_("merged"),
    N_("group opened"),
    N_("group changed"),
    N_("group resolved"),
)
"""What a notification says."""


def text(line: Line, when: When, *, stuck: bool = False) -> str | None:
    """One line of the story as the API has it, without its time; None for what is from a newer daemon.

    `stuck`: its channel refuses it while it accepts others.
    """
    write = _TEXTS.get(line["what"])
    if write is None:
        return None
    return write(line, when) + (_("; refused while others are accepted, retried hourly") if stuck else "")


def _opened(line: Line, when: When) -> str:
    later = line["page_due"] > line["at"]
    return _("incident opens") + (_("; it pages from {at} on", at=when(line["page_due"])) if later else "")


def _because(line: Line) -> str:
    """`: 10.0.0.1 refused the connection`."""
    detail = line["detail"]
    return f": {finding(detail) or told(detail)}" if detail else ""


def _transition(line: Line, when: When) -> str:
    why, detail = f" ({line['reason']})" if line["reason"] else "", _because(line)
    moved = f"{line['check']}: {_(line['before'])} → {_(line['after'])}{why}"
    return moved + _(" since {since}", since=when(line["since"])) + detail


def _measured(line: Line, _when: When) -> str:
    leaning = _("; its state is about to change") if line["leaning"] else ""
    return _("{check}: run again at once, a fresh result", check=line["check"]) + leaning


def _unknown(line: Line, when: When) -> str:
    known = {"check": line["check"], "since": when(line["since"]), "why": line["reason"]}
    return _("{check}: no valid result since {since} ({why})", **known) + _because(line)


def _known(line: Line, _when: When) -> str:
    return _("{check}: a valid result again", check=line["check"])


def _started(line: Line, when: When) -> str:
    off = line["off_since"]
    return _("the monitor starts") + (_("; it was off since {since}", since=when(off)) if off else "")


def _site_cut(line: Line, when: When) -> str:
    since = when(line["since"])
    return _(
        "site {site} cannot be reached from ours since {since}: its references do not answer",
        site=line["site"],
        since=since,
    )


def _site_reached(line: Line, _when: When) -> str:
    return _("site {site} can be reached from ours again, or nothing tells any more", site=line["site"])


def _reloaded(line: Line, _when: When) -> str:
    return _("the configuration is reloaded (revision {revision})", revision=line["revision"])


def _clock_set(line: Line, _when: When) -> str:
    by = duration(abs(line["seconds"]))
    if line["seconds"] > 0:
        return _("the monitor's clock is set forward by {time}", time=by)
    return _("the monitor's clock is set back by {time}", time=by)


def _after_colon(words: str) -> str:
    return f": {words}" if words else ""


def _acknowledge(line: Line, when: When) -> str:
    until = _(" until {until}", until=when(line["until"])) if line["until"] else ""
    ticket = _(" (ticket {ticket})", ticket=line["ticket"]) if line["ticket"] else ""
    return _("{by} acknowledges it", by=line["by"]) + until + ticket + _after_colon(line["why"])


def _note(line: Line, when: When) -> str:
    promised = _(" (next update {at})", at=when(line["next_update"])) if line["next_update"] else ""
    said = {"by": line["by"], "text": line["text"]}
    text = _("{by} notes for the public: {text}", **said) if line["public"] else _("{by} notes: {text}", **said)
    return text + promised


STATED = {
    "reported": N_("vendor called"),
    "responded": N_("vendor responded"),
    "workaround": N_("workaround in place"),
    "restored": N_("vendor says restored"),
    "from": N_("it began"),
    "to": N_("it ended"),
    "ticket": N_("ticket"),
    "responsible": N_("responsible"),
    "standing": N_("the parties"),
    "counts": N_("counts"),
}
"""What people add for reports, by its key."""


def _evidence(line: Line, when: When) -> str:
    """`anna: vendor called`, `anna corrects: vendor responded 03:52:00, not 04:10:00: typed late`."""

    def shown(value: str) -> str:
        return when(value) if line["is_time"] else value

    value, before = line["value"], line["before"]
    known = {"by": line["by"], "what": _(str(STATED.get(line["said"], line["said"])))}
    said = "" if value in (None, line["at"]) else f" {shown(value)}"
    if before and value:
        text = _("{by} corrects: {what}{value}, not {before}", **known, value=said, before=shown(before))
    elif before:
        text = _("{by} takes back: {what} {before}", **known, before=shown(before))
    else:
        text = f"{line['by']}: {known['what']}{said}"
    return text + _after_colon(line["why"])


def _declared(line: Line, when: When) -> str:
    known = {"by": line["by"], "since": when(line["since"]), "text": line["text"]}
    if line["ended"]:
        return _("{by} declares an outage from {since} to {until}: {text}", **known, until=when(line["ended"]))
    return _("{by} declares an outage from {since}, which goes on: {text}", **known)


def _close(line: Line, _when: When) -> str:
    return _("{by} closes it", by=line["by"]) + _after_colon(line["why"])


def _flapping(line: Line, _when: When) -> str:
    if line["goes_on"]:
        return _(
            "{check}: flapping, five failures within an hour; the incident stays open over its recoveries",
            check=line["check"],
        )
    return _("{check}: flapping no longer, 30 min without a change", check=line["check"])


def _overdue(line: Line, when: When) -> str:
    return _("no update came, which was promised for {at}", at=when(line["at"]))


def _linked(line: Line, _when: When) -> str:
    known = {"incident": line["incident"], "cause": line["cause"]}
    return _("linked with incident {incident}: the same cause ({cause}), both were notified of", **known)


def _absorbed(line: Line, _when: When) -> str:
    known = {"incident": line["incident"], "cause": line["cause"]}
    return _("incident {incident} ({cause}) becomes part of this one: the same cause", **known)


def _group(line: Line, _when: When) -> str:
    known = {"incident": line["incident"], "cause": line["cause"]}
    if line["kind"] != "group":
        return _("stands for incident {incident} ({cause})", **known)
    return _(GROUP[line["ended"]], **known)


def _suppressed(line: Line, when: When) -> str:
    to, why = line["channel"] or _("anybody"), paged.reason(line["why"], line["detail"])
    return _("to {channel}: {event}, suppressed: {why}", channel=to, event=_event(line), why=why) + _until(line, when)


def _until(line: Line, when: When) -> str:
    """How long the reason held; at once if it was asked once."""
    if line["until"] is None:
        return _(", still") if line["why"] not in ONCE else ""
    return _(", until {at}", at=when(line["until"])) if line["until"] > line["at"] else ""


ONCE = frozenset({"page_after", "channel_removed"})
"""Reasons that say what was not sent at one moment, and do not go on."""


def _notified(line: Line, when: When) -> str:
    instead = line.get("fallback_for")
    because = _(" (because {other} does not answer)", other=instead) if instead else ""
    page = _(", worse (page {number})", number=line["page"]) if line["worse"] else ""
    unrecorded = _(", sent while it could not be recorded") if line["unrecorded"] else ""
    to = _("to {channel}", channel=line["channel"])
    return f"{to}{because}: {_event(line)}{page}, {_became(line, when)}{unrecorded}: {line['summary']}"


def _became(line: Line, when: When) -> str:
    attempts = line["attempts"]
    tries = _n(" after {count} attempt", " after {count} attempts", attempts) if attempts > 1 else ""
    if line["status"] != "delivered":
        return _(str(BECAME.get(line["status"], line["status"]))) + tries
    if tries and line["settled"]:
        return _("delivered at {at}", at=when(line["settled"])) + tries
    return _("delivered") + tries


def _ended(line: Line, when: When) -> str:
    ended = _("incident ends: {ending}", ending=_(line["ending"]))
    into = _(" into incident {incident}", incident=line["into"]) if line.get("into") else ""
    at = _(", over since {at}", at=when(line["ended"])) if line["ended"] < line["at"] else ""
    return ended + into + at


def _event(line: Line) -> str:
    """`opened`, or `group opened`."""
    return _(str(line["event"]).removeprefix("incident.").replace(".", " "))


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
