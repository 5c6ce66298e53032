"""What each reason means, in plain words that follow a node's title, or explain why we cannot tell."""

from __future__ import annotations

from pacs_monitor.model import Check, Reason

PHRASES: dict[Reason, str] = {
    Reason.TCP_REFUSED: "refuses connections{on_port}",
    Reason.TCP_RESET: "resets connections{on_port}",
    Reason.TCP_TIMEOUT: "does not answer when we connect{to_port}",
    Reason.TCP_UNREACHABLE: "cannot be reached over the network",
    Reason.TLS_EXPIRED: "shows an expired TLS certificate{on_port}",
    Reason.TLS_HOSTNAME: "shows a TLS certificate for another name{on_port}",
    Reason.TLS_TIMEOUT: "does not finish the TLS handshake{on_port}",
    Reason.TLS_NOT_OFFERED: "does not speak TLS{on_port}",
    Reason.CLOSED_BEFORE_ACCEPT: "closes the connection before it accepts the association",
    Reason.CLOSED: "closes the connection in mid-operation",
    Reason.ACSE_TIMEOUT: "takes connections but does not answer the association request",
    Reason.NOT_DICOM: "answers with something that is not DICOM{on_port}",
    Reason.CALLED_AET_UNKNOWN: "does not know itself as AE title {called}",
    Reason.REJECTED: "rejects the association",
    Reason.BUSY: "is too busy to take an association",
    Reason.ABORTED_BY_PEER: "aborts the association",
    Reason.SOP_CLASS_REJECTED: "does not accept the SOP class that it should",
    Reason.TRANSFER_SYNTAX_REJECTED: "accepts none of the transfer syntaxes that we offer",
    Reason.DIMSE_TIMEOUT: "accepts associations but does not answer requests",
    Reason.DIMSE_STATUS: "answers requests with an error status",
    Reason.OUT_OF_RESOURCES: "refuses new images (out of resources)",
    Reason.DATASET_REFUSED: "refuses the test object",
    Reason.DUPLICATE: "takes the test object for a duplicate",
    Reason.QUERY_REFUSED: "refuses queries",
    Reason.PARTIAL: "did only a part of what was asked",
    Reason.STORED_NOT_FOUND: "does not find what was just stored",
    Reason.CONTENT_MISMATCH: "gives back something else than was stored",
    Reason.CLEANUP_FAILED: "does not let us remove the test object",
    Reason.TOO_FEW: "finds fewer entries than it should",
    Reason.SLOW: "answers too slowly",
    Reason.NO_ACK: "does not acknowledge messages",
    Reason.FRAMING: "answers messages with broken framing",
    Reason.NAK_AE: "answers messages with an application error (AE)",
    Reason.NAK_AR: "rejects messages (AR)",
    Reason.CONTROL_ID_MISMATCH: "acknowledges another message than was sent",
    Reason.SILENT: "has gone silent",
    Reason.OVER_LIMIT: "is over its limit",
    Reason.STALE: "has nothing recent",
    Reason.MISSING: "lacks something that should be there",
    Reason.HTTP_STATUS: "answers HTTP requests with an error",
    Reason.BAD_CONTENT: "answers with something unexpected",
    Reason.EXIT_STATUS: "fails its check command",
    Reason.CERTIFICATE_EXPIRING: "has a certificate that expires soon",
    Reason.TIMEOUT: "does not answer in time",
    Reason.DNS: "the name does not resolve",
    Reason.CALLING_AET_UNKNOWN: "our AE title is not registered there",
    Reason.NOT_AUTHORISED: "we are not authorised",
    Reason.MOVE_DESTINATION_UNKNOWN: "our AE title is not known there as a move destination",
    Reason.AUTH: "our credentials are not accepted",
    Reason.TLS_UNTRUSTED: "the certificate is not trusted here",
    Reason.STORE_CAP: "our own cap on test objects is reached",
    Reason.NOT_CONFIGURED: "the check is not configured fully",
    Reason.ISOLATED: "the monitor is cut off from the network",
    Reason.PAUSED: "checks are paused",
    Reason.NOT_MEASURED: "no results come in",
    Reason.PROBE_ERROR: "the probe itself failed, which is a fault of the monitor",
}


def phrase(reason: Reason | None, check: Check | None = None) -> str:
    """The words for a reason; with the check's port and AE title where they help."""
    if reason is None:
        return "is not well"
    port = None if check is None else _port(check)
    dicom = None if check is None else check.node.dicom
    return PHRASES[reason].format(
        on_port=f" on port {port}" if port else "",
        to_port=f" to port {port}" if port else "",
        called=dicom.ae_title if dicom else "we call it by",
    )


def _port(check: Check) -> int | None:
    """The port that the check asks: its own setting, else its first association's."""
    own: int | None = getattr(check.settings, "port", None)
    if own is not None:
        return own
    addresses = check.probe.addresses(check.node, check.settings)
    return addresses[0].port if addresses else None
