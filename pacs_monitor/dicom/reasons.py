"""What a peer's refusals mean: reject triples, aborts and DIMSE statuses as a Reason and a sentence for people.

Nothing that a peer wrote as free text gets into a sentence.
"""

from __future__ import annotations

from typing import NamedTuple

from pynetdicom.status import GENERAL_STATUS

from pacs_monitor.dicom.names import name_of
from pacs_monitor.dicom.pdu import Aborted, Rejected
from pacs_monitor.model import Reason

_TRANSIENT = 2
_DIAGNOSTICS = {
    (1, 1): "no reason given",
    (1, 2): "application context name not supported",
    (1, 3): "calling AE title not recognized",
    (1, 7): "called AE title not recognized",
    (2, 1): "no reason given",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}
"""(source, diagnostic) of PS3.8 table 9-21."""
_ABORT_REASONS = {
    0: "reason not specified",
    1: "unrecognized PDU",
    2: "unexpected PDU",
    4: "unrecognized PDU parameter",
    5: "unexpected PDU parameter",
    6: "invalid PDU parameter value",
}
"""PS3.8 table 9-26, where the source is the service provider."""
_CONTEXT_RESULTS = {
    1: "user rejection",
    2: "no reason given",
    3: "abstract syntax not supported",
    4: "transfer syntaxes not supported",
}
"""PS3.8 table 9-18."""
_STATUS_REASONS = {
    0x0111: Reason.DUPLICATE,
    0x0124: Reason.NOT_AUTHORISED,
    0x0213: Reason.OUT_OF_RESOURCES,
}
"""General statuses (PS3.7 C) with a reason of their own, whatever the service; the rest is `dimse_status`."""


class _Meaning(NamedTuple):
    """What a range of statuses means to one service."""

    lowest: int
    highest: int
    reason: Reason
    words: str


_NO_SUCH_CLASS = _Meaning(0x0122, 0x0122, Reason.SOP_CLASS_REJECTED, "refused: SOP class not supported")
_STORE = (
    _NO_SUCH_CLASS,
    _Meaning(0xA700, 0xA7FF, Reason.OUT_OF_RESOURCES, "refused: out of resources"),
    _Meaning(0xA900, 0xA9FF, Reason.DATASET_REFUSED, "data set does not match SOP class"),
    _Meaning(0xC000, 0xCFFF, Reason.DATASET_REFUSED, "cannot understand"),
)
_RETRIEVE = (
    _NO_SUCH_CLASS,
    _Meaning(0xA700, 0xA7FF, Reason.OUT_OF_RESOURCES, "refused: out of resources"),
    _Meaning(0xA801, 0xA801, Reason.MOVE_DESTINATION_UNKNOWN, "refused: move destination unknown"),
    _Meaning(0xA900, 0xA9FF, Reason.QUERY_REFUSED, "identifier does not match SOP class"),
    _Meaning(0xB000, 0xB000, Reason.PARTIAL, "sub-operations complete, one or more failed"),
    _Meaning(0xC000, 0xCFFF, Reason.QUERY_REFUSED, "unable to process"),
    _Meaning(0xFE00, 0xFE00, Reason.QUERY_REFUSED, "cancelled, though no cancel was requested"),
)
_MEANINGS = {
    "C-STORE": _STORE,
    "STOW-RS": _STORE,
    "C-FIND": (
        _NO_SUCH_CLASS,
        _Meaning(0xA700, 0xA7FF, Reason.OUT_OF_RESOURCES, "refused: out of resources"),
        _Meaning(0xA900, 0xA9FF, Reason.QUERY_REFUSED, "identifier does not match SOP class"),
        _Meaning(0xC000, 0xCFFF, Reason.QUERY_REFUSED, "unable to process"),
        _Meaning(0xFE00, 0xFE00, Reason.QUERY_REFUSED, "cancelled, though no cancel was requested"),
    ),
    "C-GET": _RETRIEVE,
    "C-MOVE": _RETRIEVE,
    "N-ACTION": (_NO_SUCH_CLASS,),
}
"""PS3.4 B.2.3 (store; STOW-RS has the same Failure Reasons, PS3.18 I.2.2), C.4.1.1.4 and K.4.1.1.4 (find), C.4.2.1.5
(move), C.4.3.1.4 (get), J.3.2 (commitment)."""


def of_rejection(rejected: Rejected, peer: str, calling: str, source_address: str) -> tuple[Reason, str]:
    """Table 9-21, with one exception: any transient rejection is `busy`, because peers use different diagnostics."""
    triple = f"{rejected.result}/{rejected.source}/{rejected.diagnostic}"
    words = _DIAGNOSTICS.get((rejected.source, rejected.diagnostic), "a diagnostic unknown to the standard")
    if rejected.result == _TRANSIENT:
        return Reason.BUSY, f"{peer} rejected the association temporarily (A-ASSOCIATE-RJ {triple}: {words})"
    if (rejected.source, rejected.diagnostic) == (1, 7):
        return Reason.CALLED_AET_UNKNOWN, f"{peer} does not recognize that called AE title (A-ASSOCIATE-RJ {triple})"
    if (rejected.source, rejected.diagnostic) == (1, 3):
        return Reason.CALLING_AET_UNKNOWN, (
            f"please register the calling AE title {calling} at source address {source_address}: {peer} rejected it"
            f" (A-ASSOCIATE-RJ {triple})"
        )
    return Reason.REJECTED, f"{peer} rejected the association permanently (A-ASSOCIATE-RJ {triple}: {words})"


def of_context_result(result: int | None, peer: str, abstract_syntax: str) -> tuple[Reason, str]:
    """Why a proposed presentation context cannot be used; None when the answer did not mention it."""
    reason = Reason.TRANSFER_SYNTAX_REJECTED if result == 4 else Reason.SOP_CLASS_REJECTED
    return reason, f"{peer} accepted the association, but not SOP class {abstract_syntax} ({context_result(result)})"


def of_other_syntax(peer: str, abstract_syntax: str, *, accepted: str, wanted: str) -> tuple[Reason, str]:
    """Why a context cannot be used that was accepted (result 0), and with another transfer syntax than is wanted."""
    syntax = f"transfer syntax {name_of(accepted)}" if accepted else "a transfer syntax that is not a UID"
    detail = f"{peer} accepted SOP class {abstract_syntax} with {syntax} instead of the proposed {name_of(wanted)}"
    return Reason.TRANSFER_SYNTAX_REJECTED, detail


def context_result(result: int | None) -> str:
    """The result of a presentation context in words (PS3.8 table 9-18); None when the answer did not mention it."""
    return "not mentioned" if result is None else f"result {result}: {_CONTEXT_RESULTS.get(result, 'unknown result')}"


def of_abort(aborted: Aborted, peer: str, where: str) -> str:
    """The sentence for A-ABORT (PS3.8 9.3.8)."""
    if aborted.source == 2:
        said = f"source 2, its upper layer: {_ABORT_REASONS.get(aborted.reason, f'reason {aborted.reason}')}"
    else:
        said = f"source {aborted.source}, its application"
    return f"{peer} aborted the association {where} (A-ABORT from {said})"


def of_status(service: str, status: int) -> tuple[Reason, str]:
    """A status other than success, as its service means it."""
    for meaning in _MEANINGS.get(service, ()):
        if meaning.lowest <= status <= meaning.highest:
            return meaning.reason, f"{service} answered 0x{status:04X} ({meaning.words})"
    _, general = GENERAL_STATUS.get(status, ("", ""))
    words = f" ({general.lower()})" if general else ""
    return _STATUS_REASONS.get(status, Reason.DIMSE_STATUS), f"{service} answered 0x{status:04X}{words}"
