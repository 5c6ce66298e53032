"""Classes of failure: what is one cause to people, and what a network parent explains."""

from __future__ import annotations

from enum import StrEnum

from pacs_monitor.model.enums import NEVER_CONNECTED, Reason

BEHIND_PARENT = frozenset({Reason.DNS, Reason.TCP_TIMEOUT, Reason.TCP_UNREACHABLE, Reason.ABSENT})
"""What a dead network parent explains. A refusal or a reset proves that the path works."""

_NO_ANSWER = frozenset(
    {Reason.ACSE_TIMEOUT, Reason.DIMSE_TIMEOUT, Reason.CLOSED_BEFORE_ACCEPT, Reason.CLOSED, Reason.REJECTED}
    | {Reason.BUSY, Reason.ABORTED_BY_PEER, Reason.TLS_TIMEOUT, Reason.NO_ACK, Reason.TIMEOUT}
)


class FailureClass(StrEnum):
    """From bad to worse: a node that answers but refuses, one that is full, that hangs, that cannot be reached."""

    OTHER = "other"
    FULL = "full"
    UNRESPONSIVE = "unresponsive"
    UNREACHABLE = "unreachable"

    @property
    def rank(self) -> int:
        """The worst is highest."""
        return _RANKS[self]


_RANKS = {kind: rank for rank, kind in enumerate(FailureClass)}


def failure_class(reason: Reason | None, probe: str) -> FailureClass:
    """The class of a failure that a probe of this kind saw."""
    if reason in NEVER_CONNECTED or reason is Reason.ABSENT:
        return FailureClass.UNREACHABLE
    if reason in _NO_ANSWER:
        return FailureClass.UNRESPONSIVE
    if reason is Reason.OUT_OF_RESOURCES or (reason is Reason.OVER_LIMIT and probe == "disk"):
        return FailureClass.FULL
    return FailureClass.OTHER
