"""What each reason means in plain words, and what to check next; for pages and for the terminal.

The words follow a node's title, or explain why we cannot tell. docs/operations.md has the long form of the next step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pacs_monitor.model import Check, Reason


class Words(NamedTuple):
    """What can be said of a reason; braces in its meaning take the check's port and AE title."""

    meaning: str
    next_step: str


WORDS: Mapping[str, Words] = {
    Reason.TCP_REFUSED: Words(
        "refuses connections{on_port}",
        "The machine is on but nothing listens there: is the service running? Was its port changed?",
    ),
    Reason.TCP_RESET: Words(
        "resets connections{on_port}",
        "Wrong port or protocol? Else ask who runs the firewall or load balancer in front of it: is the service gone?",
    ),
    Reason.TLS_EXPIRED: Words(
        "shows an expired TLS certificate{on_port}",
        "Have whoever runs the system renew its certificate; nothing here can help.",
    ),
    Reason.TLS_HOSTNAME: Words(
        "shows a TLS certificate for another name{on_port}",
        "Call it by a name in its certificate, set `tls: {server_name: …}`, or have the certificate corrected.",
    ),
    Reason.TLS_TIMEOUT: Words(
        "does not finish the TLS handshake{on_port}",
        "The port is open, but the service hangs or does not speak TLS: check the port, then the service.",
    ),
    Reason.TLS_NOT_OFFERED: Words(
        "does not speak TLS{on_port}",
        "Check that it is the TLS port and that TLS is still switched on there; else remove `tls`.",
    ),
    Reason.CLOSED_BEFORE_ACCEPT: Words(
        "closes the connection before it accepts the association",
        "Wrong port or protocol, does it want TLS? Else check its allowed addresses and limit of associations.",
    ),
    Reason.CLOSED: Words(
        "closes the connection in mid-operation",
        "Wrong port or protocol? Else read its log at this second: did its process die, did a firewall cut in?",
    ),
    Reason.ACSE_TIMEOUT: Words(
        "takes connections but does not answer the association request",
        "The service hangs (disk full? database stuck?), or the port is no DICOM port; save its log before a restart.",
    ),
    Reason.NOT_DICOM: Words(
        "answers with something that is not DICOM{on_port}",
        "Wrong port or protocol? Check the port; the detail says what answered.",
    ),
    Reason.CALLED_AET_UNKNOWN: Words(
        "does not know itself as AE title {called}",
        "Check `ae_title`, also upper and lower case; if it worked before, somebody changed it on the system.",
    ),
    Reason.REJECTED: Words(
        "rejects the association",
        "Its log tells why; often it does not know our AE title or its own: check how both are registered.",
    ),
    Reason.BUSY: Words(
        "is too busy to take an association",
        "Look at its limit of associations and who holds them.",
    ),
    Reason.ABORTED_BY_PEER: Words(
        "aborts the association",
        "Its log at this second tells why; if it never worked, ask whether our AE title may do this there.",
    ),
    Reason.SOP_CLASS_REJECTED: Words(
        "does not accept the SOP class that it should",
        "Check that the service is still enabled there for our AE title.",
    ),
    Reason.TRANSFER_SYNTAX_REJECTED: Words(
        "accepts none of the transfer syntaxes that we offer",
        "Look for a recent change of its configuration: every system must take Implicit VR Little Endian.",
    ),
    Reason.DIMSE_TIMEOUT: Words(
        "accepts associations but does not answer requests",
        "The service is up and its back end is not: check its database, storage and pending jobs.",
    ),
    Reason.DIMSE_STATUS: Words(
        "answers requests with an error status",
        "Read its log at this second; its conformance statement explains the status in the detail.",
    ),
    Reason.OUT_OF_RESOURCES: Words(
        "takes nothing new (out of resources)",
        "Nothing new is stored there: check its disks, quotas and mounts, then the modalities' send queues.",
    ),
    Reason.DATASET_REFUSED: Words(
        "refuses the test object",
        "Look for new rules there about patient IDs, names or SOP classes.",
    ),
    Reason.DUPLICATE: Words(
        "takes the test object for a duplicate",
        "Each test object is new: look for a proxy or router that sends twice.",
    ),
    Reason.QUERY_REFUSED: Words(
        "refuses queries",
        "Read its log, then check the query keys of this check.",
    ),
    Reason.PARTIAL: Words(
        "did only a part of what was asked",
        "Look into its storage for objects that are missing.",
    ),
    Reason.STORED_NOT_FOUND: Words(
        "does not find what was just stored",
        "It may lose images: check its import queue and database now.",
    ),
    Reason.CONTENT_MISMATCH: Words(
        "gives back something else than was stored",
        "Look for rules that compress or coerce; if there are none, its storage may be damaged.",
    ),
    Reason.CLEANUP_FAILED: Words(
        "does not let us remove the test object",
        "Check the rights of the clean-up account, and remove the leftover test objects by hand.",
    ),
    Reason.TOO_FEW: Words(
        "finds fewer entries than it should",
        "Check what feeds it: the interface engine of a worklist, the modalities of an archive.",
    ),
    Reason.SLOW: Words(
        "answers too slowly",
        "Compare the phase times: connect is the network, associate the service, operation its database or storage.",
    ),
    Reason.NO_ACK: Words(
        "does not acknowledge our message",
        "Check that the interface's channel is started, and what it waits for downstream.",
    ),
    Reason.FRAMING: Words(
        "answers our message with broken framing",
        "Check that the port is an MLLP port, and the framing settings of the channel.",
    ),
    Reason.NAK_AE: Words(
        "answers our message with an application error (AE)",
        "Read the error in its log (we drop the text, which can hold patient data), and see whether others' fail too.",
    ),
    Reason.NAK_AR: Words(
        "rejects our message (AR)",
        "Check whether it allows this message type and processing ID; if it never did, let `accept` name AR, too.",
    ),
    Reason.CONTROL_ID_MISMATCH: Words(
        "acknowledges another message than was sent",
        "Check for a connection that is shared, or whose acknowledgements run behind.",
    ),
    Reason.SILENT: Words(
        "has gone silent",
        "Check the sender first, then the channel of the interface engine.",
    ),
    Reason.OVER_LIMIT: Words(
        "is over its limit",
        "A disk: find what grew. A queue: find which destination is down. A clock: ask its time server.",
    ),
    Reason.STALE: Words(
        "has nothing recent",
        "Check the job that should write it.",
    ),
    Reason.MISSING: Words(
        "lacks something that should be there",
        "The detail names it: a volume to mount, a program or job to start, a link to plug in, studies to send again.",
    ),
    Reason.HTTP_STATUS: Words(
        "answers HTTP requests with an error",
        "404: check `url` and `path`. Anything else: check the service behind the web server, and its log.",
    ),
    Reason.BAD_CONTENT: Words(
        "answers with something unexpected",
        "Check for an upgrade of the product, or a proxy that answers in its place.",
    ),
    Reason.EXIT_STATUS: Words(
        "fails its check command",
        "Run the command by hand as the monitor's user.",
    ),
    Reason.EXPIRING: Words(
        "has something that ends soon, or has ended",
        "The detail names it and its last day: ask for the renewal now, and set the new date when it is in force.",
    ),
    Reason.CERTIFICATE_EXPIRING: Words(
        "has a certificate that expires soon",
        "Have it renewed before the date in the detail.",
    ),
    Reason.TIMEOUT: Words(
        "does not answer in time",
        "Check whether the system is slow; raise `timeout` only if the operation may take that long.",
    ),
    Reason.TCP_TIMEOUT: Words(
        "does not answer when we connect{to_port}",
        "Ping the machine: is it on, is a firewall or the route in the way, or is its service too stuck to accept?",
    ),
    Reason.TCP_UNREACHABLE: Words(
        "cannot be reached over the network",
        "There is no route: check this machine's link first, then routes and firewalls between the sites.",
    ),
    Reason.DNS: Words(
        "the name does not resolve",
        "Check the spelling of `host`, then the name server: getent hosts NAME on the monitor's machine.",
    ),
    Reason.CALLING_AET_UNKNOWN: Words(
        "our AE title is not registered there",
        "The system itself runs: send the detail to whoever registers AE titles there.",
    ),
    Reason.NOT_AUTHORISED: Words(
        "we are not authorised",
        "The system itself runs: ask its owner for the right that this check needs.",
    ),
    Reason.MOVE_DESTINATION_UNKNOWN: Words(
        "our AE title is not known there as a move destination",
        "Have our AE title registered there with the address and port of `dicom_listener`.",
    ),
    Reason.AUTH: Words(
        "our credentials are not accepted",
        "Check whether our password, token or TLS certificate expired, was changed, or is not known there.",
    ),
    Reason.TLS_UNTRUSTED: Words(
        "the certificate is not trusted here",
        "Set `tls: {ca: …}`; if it was trusted until now, find out first who changed the certificate.",
    ),
    Reason.STORE_CAP: Words(
        "our own cap on test objects is reached",
        "This limit is our own: make `interval` and `retry_interval` longer; it goes on by itself.",
    ),
    Reason.NOT_CONFIGURED: Words(
        "the check is not configured fully",
        "The detail names the setting; pacs-monitor show NODE tells what is in force.",
    ),
    Reason.ISOLATED: Words(
        "the monitor is cut off from the network",
        "Check this machine's own network and the link to the site first; nothing is said about the nodes.",
    ),
    Reason.PAUSED: Words(
        "checks are paused",
        "Somebody stopped the probing; find out who and why before you resume it.",
    ),
    Reason.AWAITED: Words(
        "the first report has not come yet",
        "Nothing is late: run the job once, and see that its report comes in.",
    ),
    Reason.NOT_MEASURED: Words(
        "no results come in",
        "The detail names what is waited for; without one, look at the monitor itself: its log and its load.",
    ),
    Reason.PROBE_ERROR: Words(
        "the probe itself failed, which is a fault of the monitor",
        "Nothing is said about the node: look into our log; if no descriptors or memory ran out, please report it.",
    ),
}


def phrase(reason: Reason | None, check: Check | None = None) -> str:
    """The words for a reason; with the check's port and AE title where they help."""
    if reason is None:
        return "is not well"
    port = None if check is None else port_of(check)
    return WORDS[reason].meaning.format(
        on_port=f" on port {port}" if port else "",
        to_port=f" to port {port}" if port else "",
        called=(check and _called(check)) or "we call it by",
    )


def port_of(check: Check) -> int | None:
    """The port that the check asks: its own setting, else its first association's."""
    own: int | None = getattr(check.settings, "port", None)
    if own is not None:
        return own
    addresses = check.probe.addresses(check.node, check.settings)
    return addresses[0].port if addresses else None


def _called(check: Check) -> str | None:
    """The AE title that the check calls, likewise."""
    own: str | None = getattr(check.settings, "ae_title", None)
    return own or (check.node.dicom.ae_title if check.node.dicom else None)
