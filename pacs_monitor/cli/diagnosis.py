"""One plain sentence per reason: what it means, and what to check next."""

from __future__ import annotations

from pacs_monitor.model import Reason

NEXT: dict[str, str] = {
    Reason.TCP_REFUSED: "The machine is there but nothing listens on the port: is the service running?",
    Reason.TCP_RESET: "Something in between or a firewall cut the connection: ask who filters this path.",
    Reason.TCP_TIMEOUT: "Nothing answers at all: is the machine on, is the route or a firewall in the way?",
    Reason.TCP_UNREACHABLE: "There is no route to the address: look at the network between here and there.",
    Reason.TLS_EXPIRED: "The peer's certificate has expired: have it renewed.",
    Reason.TLS_HOSTNAME: "The peer's certificate is for another name: check `host`, or have the certificate corrected.",
    Reason.TLS_TIMEOUT: "The port is open but never finishes the TLS handshake: the service hangs.",
    Reason.TLS_NOT_OFFERED: "The port speaks without TLS: remove `tls`, or use the TLS port.",
    Reason.CLOSED_BEFORE_ACCEPT: "The peer hangs up at once: an address list, a full table, or a port that wants TLS.",
    Reason.CLOSED: "The peer hung up in mid-operation: look at its log at this second; its process may have died.",
    Reason.ACSE_TIMEOUT: "The port is open but nobody answers the association: the service hangs.",
    Reason.NOT_DICOM: "What listens there is no DICOM service: check the port.",
    Reason.CALLED_AET_UNKNOWN: "The peer does not know the AE title it is called by: check `ae_title`.",
    Reason.REJECTED: "The peer refuses the association for good: its log tells why.",
    Reason.BUSY: "The peer has no association to spare right now: look at its association limit and who uses it up.",
    Reason.ABORTED_BY_PEER: "The peer aborted: its log at this second tells why.",
    Reason.SOP_CLASS_REJECTED: "The peer does not offer us this service: was it switched off for us?",
    Reason.TRANSFER_SYNTAX_REJECTED: "The peer offers the service but none of our transfer syntaxes.",
    Reason.DIMSE_TIMEOUT: "The peer accepted the association, then never answered: its database or storage may hang.",
    Reason.DIMSE_STATUS: "The peer answered with a failure status: look it up in its conformance statement.",
    Reason.OUT_OF_RESOURCES: "The peer answers but cannot take objects: look at its disk.",
    Reason.DNS: "The name does not resolve and never did since the start: check `host` and the name server.",
    Reason.CALLING_AET_UNKNOWN: "The peer runs but does not know us: have our AE title and address registered.",
    Reason.NOT_AUTHORISED: "The peer runs but does not allow us this: ask for the right.",
    Reason.AUTH: "Our account is refused: renew its password or token.",
    Reason.TLS_UNTRUSTED: "We do not trust the peer's certificate: set `ca`.",
    Reason.NOT_CONFIGURED: "A setting is missing: the detail names it.",
    Reason.ISOLATED: "No reference address of the site answers either: look at this machine's own network first.",
    Reason.PROBE_ERROR: "This is a bug of the monitor, not of the node: please report it.",
    Reason.SLOW: "It works, but takes longer than `slow` allows.",
    Reason.TIMEOUT: "No answer within the deadline.",
}


def next_step(reason: str) -> str:
    """What to check next; the runbook of docs/operations.md has the long form."""
    return NEXT.get(reason, f"See docs/operations.md#{reason}.")
