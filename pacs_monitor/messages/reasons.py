"""What each reason means, and what to check first; for pages and for the terminal.

The words follow a node's title, or explain why the node could not be checked. docs/operations.md has the long form of
the next step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pacs_monitor.model import Check, Reason


class ReasonText(NamedTuple):
    """The texts for a reason; placeholders in `meaning` are filled with the check's port and AE title."""

    meaning: str
    next_step: str


REASON_TEXTS: Mapping[str, ReasonText] = {
    Reason.TCP_REFUSED: ReasonText(
        "refuses connections{on_port}",
        "Check that the service is running and on this port: the machine is up, but nothing listens there.",
    ),
    Reason.TCP_RESET: ReasonText(
        "resets connections{on_port}",
        "Wrong port or protocol? If not, check the firewall or load balancer in front of it: is the service behind it "
        "down?",
    ),
    Reason.TLS_EXPIRED: ReasonText(
        "shows an expired TLS certificate{on_port}",
        "Ask the system's owner to renew its certificate; it cannot be fixed on the monitor.",
    ),
    Reason.TLS_HOSTNAME: ReasonText(
        "shows a TLS certificate for another name{on_port}",
        "Use a host name from its certificate, set `tls: {server_name: …}`, or have the certificate corrected.",
    ),
    Reason.TLS_TIMEOUT: ReasonText(
        "does not complete the TLS handshake{on_port}",
        "Check the port, then the service: the port is open, but the service hangs or does not speak TLS.",
    ),
    Reason.TLS_NOT_OFFERED: ReasonText(
        "does not speak TLS{on_port}",
        "Check that this is the TLS port and that TLS is still enabled there; otherwise remove `tls`.",
    ),
    Reason.CLOSED_BEFORE_ACCEPT: ReasonText(
        "closes the connection before accepting the association",
        "Wrong port or protocol, or TLS required? If not, check its allowed addresses and its association limit.",
    ),
    Reason.CLOSED: ReasonText(
        "closes the connection mid-operation",
        "Wrong port or protocol? If not, read its log at this time: did its process crash, or did a firewall cut the "
        "connection?",
    ),
    Reason.ACSE_TIMEOUT: ReasonText(
        "accepts connections but does not answer the association request",
        "Check the port, its disk and its database: the service hangs, or this is not DICOM; save its log before a "
        "restart.",
    ),
    Reason.NOT_DICOM: ReasonText(
        "answers with something that is not DICOM{on_port}",
        "Wrong port or protocol? Check the port; the detail says what answered.",
    ),
    Reason.CALLED_AET_UNKNOWN: ReasonText(
        "does not recognize the called AE title {called}",
        "Check `ae_title`, including upper and lower case; if it worked before, it was changed on that system.",
    ),
    Reason.REJECTED: ReasonText(
        "rejects the association",
        "Check how both AE titles are registered there, then read its log for the reason.",
    ),
    Reason.BUSY: ReasonText(
        "is too busy to accept an association",
        "Check its association limit and which peers hold associations.",
    ),
    Reason.ABORTED_BY_PEER: ReasonText(
        "aborts the association",
        "Read its log at this time; if it never worked, ask whether our AE title is allowed to do this.",
    ),
    Reason.SOP_CLASS_REJECTED: ReasonText(
        "does not accept the required SOP class",
        "Check that this service is still enabled there for our AE title.",
    ),
    Reason.TRANSFER_SYNTAX_REJECTED: ReasonText(
        "accepts none of the proposed transfer syntaxes",
        "Look for a recent configuration change there: every system must accept Implicit VR Little Endian.",
    ),
    Reason.DIMSE_TIMEOUT: ReasonText(
        "accepts associations but does not answer requests",
        "Check its database, storage and pending jobs: the service is up, but its back end does not respond.",
    ),
    Reason.DIMSE_STATUS: ReasonText(
        "answers requests with an error status",
        "Read its log at this time; its conformance statement explains the status in the detail.",
    ),
    Reason.OUT_OF_RESOURCES: ReasonText(
        "refuses new objects (out of resources)",
        "Check its disks, quotas and mounts, then the modalities' send queues: nothing new is being stored.",
    ),
    Reason.DATASET_REFUSED: ReasonText(
        "refuses the test object",
        "Check for new rules about patient IDs, names or SOP classes.",
    ),
    Reason.DUPLICATE: ReasonText(
        "rejects the test object as a duplicate",
        "Look for a proxy or router that sends twice: each test object is new.",
    ),
    Reason.QUERY_REFUSED: ReasonText(
        "refuses queries",
        "Read its log, then check the query keys of this check.",
    ),
    Reason.PARTIAL: ReasonText(
        "completed only part of the request",
        "Check its storage for missing objects.",
    ),
    Reason.STORED_NOT_FOUND: ReasonText(
        "does not find the object just stored",
        "Check its import queue and database now: it may be losing images.",
    ),
    Reason.CONTENT_MISMATCH: ReasonText(
        "returns something other than what was stored",
        "Check for rules that compress or coerce; if there are none, its storage may be damaged.",
    ),
    Reason.CLEANUP_FAILED: ReasonText(
        "does not allow the test object to be removed",
        "Check the clean-up account's permissions, then remove the leftover test objects by hand.",
    ),
    Reason.TOO_FEW: ReasonText(
        "returns fewer entries than expected",
        "Check what feeds it: the interface engine of a worklist, the modalities of an archive.",
    ),
    Reason.SLOW: ReasonText(
        "responds too slowly",
        "Compare the phase times: connect is the network, associate the service, operation its database or storage.",
    ),
    Reason.NO_ACK: ReasonText(
        "does not acknowledge our message",
        "Check that the interface's channel is started, and whether it is blocked downstream.",
    ),
    Reason.FRAMING: ReasonText(
        "answers with invalid MLLP framing",
        "Check that this is an MLLP port, then the channel's framing settings.",
    ),
    Reason.NAK_AE: ReasonText(
        "answers our message with an application error (AE)",
        "Read the error in its log (the monitor drops its text, which may hold patient data); do other senders fail "
        "too?",
    ),
    Reason.NAK_AR: ReasonText(
        "rejects our message (AR)",
        "Check whether it allows this message type and processing ID; if it never did, add AR to `accept`.",
    ),
    Reason.CONTROL_ID_MISMATCH: ReasonText(
        "acknowledges a different message from the one sent",
        "Check for a shared connection, or one whose acknowledgements lag behind.",
    ),
    Reason.SILENT: ReasonText(
        "has gone silent",
        "Check the sender first, then the channel of the interface engine.",
    ),
    Reason.OVER_LIMIT: ReasonText(
        "is over its limit",
        "Disk: find what grew. Queue: find which destination is down. Clock: check its time server.",
    ),
    Reason.STALE: ReasonText(
        "has nothing recent",
        "Check the job that should write it.",
    ),
    Reason.MISSING: ReasonText(
        "lacks something that should be there",
        "The detail names it: mount the volume, start the program or job, plug in the link, or send the studies again.",
    ),
    Reason.ABSENT: ReasonText(
        "should be on at this hour and cannot be reached",
        "Switch it on, or find out why it is off; if that is as it should be, correct `expected`.",
    ),
    Reason.HTTP_STATUS: ReasonText(
        "answers HTTP requests with an error",
        "For 404, check `url` and `path`. Otherwise check the service behind the web server, and its log.",
    ),
    Reason.BAD_CONTENT: ReasonText(
        "answers with something unexpected",
        "Check for a product upgrade, or a proxy that answers in its place.",
    ),
    Reason.EXIT_STATUS: ReasonText(
        "fails its check command",
        "Run the command by hand as the monitor's user.",
    ),
    Reason.EXPIRING: ReasonText(
        "has something that expires soon or has expired",
        "Ask for the renewal now, then set the new date here; the detail names what expires and when.",
    ),
    Reason.CERTIFICATE_EXPIRING: ReasonText(
        "has a certificate that expires soon",
        "Have it renewed before the date in the detail.",
    ),
    Reason.TIMEOUT: ReasonText(
        "does not answer in time",
        "Check whether the system is slow; raise `timeout` only if the operation is allowed to take longer.",
    ),
    Reason.TCP_TIMEOUT: ReasonText(
        "does not answer connection attempts{to_port}",
        "Ping the machine: is it on, does a firewall or a route stop it, or does its service hang and accept nothing?",
    ),
    Reason.TCP_UNREACHABLE: ReasonText(
        "cannot be reached over the network",
        "Check this machine's link first, then routes and firewalls between the sites: there is no route.",
    ),
    Reason.DNS: ReasonText(
        "the name does not resolve",
        "Check the spelling of `host`, then run `getent hosts NAME` on the monitor's machine.",
    ),
    Reason.CALLING_AET_UNKNOWN: ReasonText(
        "our AE title is not registered there",
        "Have our AE title registered there: send the detail to the administrator of that system, which is running.",
    ),
    Reason.NOT_AUTHORISED: ReasonText(
        "the monitor is not authorised",
        "Ask the system's owner for the permission that this check needs; the system itself is running.",
    ),
    Reason.MOVE_DESTINATION_UNKNOWN: ReasonText(
        "our AE title is not known there as a move destination",
        "Have our AE title registered there with the address and port of `dicom_listener`.",
    ),
    Reason.AUTH: ReasonText(
        "our credentials are not accepted",
        "Check whether our password, token or TLS certificate has expired, was changed, or is not known there.",
    ),
    Reason.TLS_UNTRUSTED: ReasonText(
        "the certificate is not trusted here",
        "Set `tls: {ca: …}`; if it was trusted until now, find out first who changed the certificate.",
    ),
    Reason.STORE_CAP: ReasonText(
        "the monitor's own limit on test objects is reached",
        "Make `interval` and `retry_interval` longer: the limit is the monitor's own, and stores resume by themselves.",
    ),
    Reason.NOT_CONFIGURED: ReasonText(
        "the check is not fully configured",
        "Correct the setting named in the detail; `pacs-monitor show NODE` shows what is in force.",
    ),
    Reason.ISOLATED: ReasonText(
        "the monitor is cut off from the network",
        "Check this machine's network and the link to the site first; the nodes themselves may be up.",
    ),
    Reason.PAUSED: ReasonText(
        "checks are paused",
        "Find out who paused the checks and why before you resume them.",
    ),
    Reason.AWAITED: ReasonText(
        "the first report has not arrived yet",
        "Run the job once and check that its report arrives; nothing is late yet.",
    ),
    Reason.NOT_MEASURED: ReasonText(
        "no results are arriving",
        "Check what the detail says the monitor is waiting for; without a detail, check the monitor's own log and "
        "load.",
    ),
    Reason.PROBE_ERROR: ReasonText(
        "the probe itself failed, which is an error of the monitor",
        "Read the monitor's log; unless it ran out of memory or file descriptors, report a bug. The node may be up.",
    ),
}


def phrase(reason: Reason | None, check: Check | None = None) -> str:
    """The words for a reason; with the check's port and AE title where they help."""
    if reason is None:
        return "is failing"
    port = None if check is None else port_of(check)
    return REASON_TEXTS[reason].meaning.format(
        on_port=f" on port {port}" if port else "",
        to_port=f" to port {port}" if port else "",
        called=(check and _called(check)) or "that we use",
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
