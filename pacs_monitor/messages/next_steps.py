"""What to do first, by reason and probe kind; and which troubles only their detail explains.

One reason has many faces: `over_limit` is a disk, a queue or a clock. Where the reason's own words are too general for
somebody who was woken up, its probe kind says what to do (`next_steps` in its file).
"""

from __future__ import annotations

from collections.abc import Mapping

from pacs_monitor import probes
from pacs_monitor.language import N_, _
from pacs_monitor.messages.reasons import REASON_TEXTS
from pacs_monitor.model import Phase, Reason

GENERAL = frozenset(
    {
        Reason.ABSENT,
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

NO_DATAGRAM = N_(
    "Check that the machine is on, the service is running and no firewall is in the way; for SNMP, also the community."
)
"""The next step when nothing answered over UDP or ICMP, where any failure shows only as silence."""


def next_step(reason: str | None, kind: str | None = None, phase: str | None = None) -> str:
    """What to check first; empty without a reason. Plain strings are accepted, as the API returns them."""
    if reason is None:
        return ""
    if _by_datagram(reason, phase):
        return _(NO_DATAGRAM)
    return _(_own_steps(kind).get(reason) or REASON_TEXTS[reason].next_step)


def explained_by_detail(reason: str | None, kind: str | None = None, phase: str | None = None) -> bool:
    """Whether the detail says what is wrong, and the reason's words would say less."""
    if reason is None:
        return False
    return reason in GENERAL or reason in _own_steps(kind) or _by_datagram(reason, phase)


def _own_steps(kind: str | None) -> Mapping[str, str]:
    """What a probe kind says itself; nothing of a kind that is gone since the incident was recorded."""
    probe = probes.kinds().get(kind or "")
    return probe.next_steps if probe else {}


def _by_datagram(reason: str, phase: str | None) -> bool:
    """Silence over UDP or ICMP: nothing was ever connected."""
    return reason == Reason.TCP_TIMEOUT and phase == Phase.OPERATION
