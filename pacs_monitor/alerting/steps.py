"""What to do first, by reason and probe kind; and which troubles only their detail can tell.

One reason has many faces: `over_limit` is a disk, a queue or a clock. Where the reason's own words are too general for
somebody who was woken up, its probe kind has a step of its own here.
"""

from __future__ import annotations

from collections.abc import Mapping

from pacs_monitor.alerting.phrases import WORDS
from pacs_monitor.model import Check, Phase, Reason

GENERAL = frozenset(
    {
        Reason.BAD_CONTENT,
        Reason.CERTIFICATE_EXPIRING,
        Reason.EXIT_STATUS,
        Reason.EXPIRING,
        Reason.HTTP_STATUS,
        Reason.MISSING,
        Reason.NOT_CONFIGURED,
        Reason.NOT_MEASURED,
        Reason.OVER_LIMIT,
        Reason.SILENT,
        Reason.SLOW,
        Reason.STALE,
        Reason.TOO_FEW,
    }
)
"""Reasons that say nothing without the detail, which has the thing, its value and its limit."""

OWN_STEPS: Mapping[tuple[str, str], str] = {
    ("database", Reason.AUTH): (
        "The database answers: check our account there, its password, and from where it may come."
    ),
    ("disk", Reason.OVER_LIMIT): "Find what grew there, and make room or extend the volume before writing fails.",
    ("disk", Reason.MISSING): "Mount it again, and look whether something was written into the empty folder meanwhile.",
    ("disk", Reason.OUT_OF_RESOURCES): (
        "Read the system log there: disk errors make a volume read-only, so have them checked before you remount."
    ),
    ("dns", Reason.BAD_CONTENT): (
        "Ask another name server the same: who changed the record? Until it is right, some reach the wrong machine."
    ),
    ("dns", Reason.MISSING): "Ask another name server the same: if that one knows it, this one lacks the zone.",
    ("dns", Reason.QUERY_REFUSED): "The name server runs: check its zone, its forwarders, and whom it may answer.",
    ("exec", Reason.EXIT_STATUS): (
        "The detail is the plugin's first line; run its command by hand as the monitor's user for the rest."
    ),
    ("exec", Reason.NOT_CONFIGURED): (
        "Run its command by hand as the monitor's user: a program, or the right to run one, is missing on this machine."
    ),
    ("exec", Reason.NOT_MEASURED): (
        "Run its command by hand as the monitor's user: if it cannot tell, an argument or an account is often wrong."
    ),
    ("file_age", Reason.BAD_CONTENT): "Look at the newest file: a job that broke off leaves a small one.",
    ("hl7_feed", Reason.MISSING): "Look in the engine whether the channel is deployed, or was renamed.",
    ("hl7_heartbeat", Reason.SILENT): (
        "It was acknowledged, so look further inside: a channel of the engine is stopped, or cannot reach our listener."
    ),
    ("host", Reason.OVER_LIMIT): "See which program takes it; users feel it only when services slow down or stop.",
    ("host", Reason.MISSING): "Start it, and read its log for why it ended.",
    ("http", Reason.BAD_CONTENT): (
        "Open the page yourself: an error page with status 200, or new words after an upgrade?"
    ),
    ("ntp", Reason.OVER_LIMIT): (
        "Compare with another time server: if that one is off by the same, the clock of the monitor's machine is."
    ),
    ("ntp", Reason.STALE): "Check from where that server takes its time.",
    ("push", Reason.EXIT_STATUS): "The job itself reported this: read its log where it runs.",
    ("push", Reason.SILENT): (
        "Look whether the job ran; if it did, whether it still reaches the monitor with its token."
    ),
    ("queue", Reason.OVER_LIMIT): "Find the destination that takes nothing, or takes it too slowly.",
    ("queue", Reason.STALE): "Nothing is worked on: is the destination or its worker stopped, or its receiver down?",
    ("queue", Reason.MISSING): "Look whether it is deployed there, or was renamed.",
    ("snmp_interface", Reason.MISSING): "Check the cable, the port of the switch, and the device at its other end.",
    ("study_flow", Reason.SILENT): "Check the send queue of the modality, then the router before the archive.",
}
"""Next steps of a probe kind where the reason's own is too general; such trouble is told by its detail."""

NO_DATAGRAM = "Is the machine on, the service running, a firewall in the way? By SNMP, also: is our community right?"
"""The next step when nothing answered over UDP or ICMP, where silence is all that is ever seen."""


def next_step(reason: str | None, kind: str | None = None, phase: str | None = None) -> str:
    """What to check first; nothing without a reason. Texts will do, as the API tells them."""
    if reason is None:
        return ""
    if _by_datagram(reason, phase):
        return NO_DATAGRAM
    return OWN_STEPS.get((kind or "", reason)) or WORDS[reason].next_step


def told_by_detail(reason: str | None, kind: str | None = None, phase: str | None = None) -> bool:
    """Whether the detail says what is wrong, and the reason's words would say less."""
    if reason is None:
        return False
    return reason in GENERAL or (kind or "", reason) in OWN_STEPS or _by_datagram(reason, phase)


def recovered(check: Check | None) -> str:
    """That it is well again; of an HL7 heartbeat without a loop, no more than an acknowledgement proves."""
    if check is not None and check.probe.kind == "hl7_heartbeat" and check.settings.verify == "none":
        return "is acknowledged again (the listener accepts, which proves no more)"
    return "is well again"


def _by_datagram(reason: str, phase: str | None) -> bool:
    """Silence over UDP or ICMP: nothing was ever connected."""
    return reason == Reason.TCP_TIMEOUT and phase == Phase.OPERATION
