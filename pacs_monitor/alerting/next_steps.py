"""What to do first, by reason and probe kind; and which troubles only their detail explains.

One reason has many faces: `over_limit` is a disk, a queue or a clock. Where the reason's own words are too general for
somebody who was woken up, its probe kind has a step of its own here.
"""

from __future__ import annotations

from collections.abc import Mapping

from pacs_monitor.messages.reasons import REASON_TEXTS
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
"""Reasons too general without the detail, which names the object, its value and its limit."""

OWN_STEPS: Mapping[tuple[str, str], str] = {
    ("database", Reason.AUTH): (
        "The database answers: check the monitor's account, its password, and the addresses it may log in from."
    ),
    ("disk", Reason.OVER_LIMIT): "Find what grew, then free space or extend the volume before writes fail.",
    ("disk", Reason.MISSING): (
        "Mount it again, then check whether anything was written to the empty mount point meanwhile."
    ),
    ("disk", Reason.OUT_OF_RESOURCES): (
        "Read the system log: disk errors can make a volume read-only, so have the disk checked before you remount."
    ),
    ("dns", Reason.BAD_CONTENT): (
        "Query another name server and find out who changed the record: until it is fixed, clients may reach the "
        "wrong host."
    ),
    ("dns", Reason.MISSING): "Query another name server: if it has the record, this server lacks the zone.",
    ("dns", Reason.QUERY_REFUSED): (
        "The name server is running: check its zone, its forwarders, and which clients it may answer."
    ),
    ("exec", Reason.EXIT_STATUS): (
        "The detail is the plugin's first line; run the command by hand as the monitor's user to see the rest."
    ),
    ("exec", Reason.NOT_CONFIGURED): (
        "Run the command by hand as the monitor's user: a program, or permission to run it, is missing on this machine."
    ),
    ("exec", Reason.NOT_MEASURED): (
        "Run the command by hand as the monitor's user: UNKNOWN often means a wrong argument or account."
    ),
    ("file_age", Reason.BAD_CONTENT): "Check the newest file: an aborted job often leaves one that is too small.",
    ("hl7_feed", Reason.MISSING): "In the engine, check whether the channel is deployed or was renamed.",
    ("hl7_heartbeat", Reason.SILENT): (
        "The message was acknowledged: check whether an engine channel is stopped or cannot reach the monitor's "
        "listener."
    ),
    ("host", Reason.OVER_LIMIT): "Find which program uses it; users are affected only once services slow down or stop.",
    ("host", Reason.MISSING): "Start it, then read its log to find out why it stopped.",
    ("http", Reason.BAD_CONTENT): (
        "Open the page in a browser: is it an error page with status 200, or did its wording change in an upgrade?"
    ),
    ("ntp", Reason.OVER_LIMIT): (
        "Compare with another time server: if it shows the same offset, the monitor's own clock is wrong."
    ),
    ("ntp", Reason.STALE): "Check which time source that server synchronizes to.",
    ("push", Reason.EXIT_STATUS): "Read the job's log: the job itself reported the failure.",
    ("push", Reason.SILENT): (
        "Check whether the job ran; if it did, check that it can reach the monitor and that its token is still valid."
    ),
    ("queue", Reason.OVER_LIMIT): "Find the destination that accepts nothing or is too slow.",
    ("queue", Reason.STALE): (
        "No items are being processed: check whether the destination or its worker is stopped, or its receiver is down."
    ),
    ("queue", Reason.MISSING): "Check whether it is deployed or was renamed.",
    ("snmp_interface", Reason.MISSING): "Check the cable, the switch port, and the device at the other end.",
    ("study_flow", Reason.SILENT): "Check the send queue of the modality, then the router before the archive.",
}
"""Next steps by probe kind, where the reason's own is too general; the detail then describes the problem."""

NO_DATAGRAM = (
    "Check that the machine is on, the service is running and no firewall is in the way; for SNMP, also the community."
)
"""The next step when nothing answered over UDP or ICMP, where any failure shows only as silence."""


def next_step(reason: str | None, kind: str | None = None, phase: str | None = None) -> str:
    """What to check first; empty without a reason. Plain strings are accepted, as the API returns them."""
    if reason is None:
        return ""
    if _by_datagram(reason, phase):
        return NO_DATAGRAM
    return OWN_STEPS.get((kind or "", reason)) or REASON_TEXTS[reason].next_step


def explained_by_detail(reason: str | None, kind: str | None = None, phase: str | None = None) -> bool:
    """Whether the detail says what is wrong, and the reason's words would say less."""
    if reason is None:
        return False
    return reason in GENERAL or (kind or "", reason) in OWN_STEPS or _by_datagram(reason, phase)


def recovered(check: Check | None) -> str:
    """That the check has recovered; for an HL7 heartbeat without a loop, only what an acknowledgement proves."""
    if check is not None and check.probe.kind == "hl7_heartbeat" and check.settings.verify == "none":
        return "was acknowledged again (this proves only that the listener accepts messages)"
    return "recovered"


def _by_datagram(reason: str, phase: str | None) -> bool:
    """Silence over UDP or ICMP: nothing was ever connected."""
    return reason == Reason.TCP_TIMEOUT and phase == Phase.OPERATION
