"""What each reason means, and what to check first; for pages and for the terminal.

The words follow a node's title, or explain why the node could not be checked. docs/operations.md has the long form of
the next step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pacs_monitor.language import N_, _
from pacs_monitor.model import Check, Reason


class ReasonText(NamedTuple):
    """The texts for a reason, to be said by `language._`."""

    meaning: str
    next_step: str
    precise: str = ""
    """The meaning with the check's `{port}` or the AE title `{called}`, where these help."""


REASON_TEXTS: Mapping[str, ReasonText] = {
    Reason.TCP_REFUSED: ReasonText(
        N_("refuses connections"),
        N_("Check that the service is running and on this port: the machine is up, but nothing listens there."),
        N_("refuses connections on port {port}"),
    ),
    Reason.TCP_RESET: ReasonText(
        N_("resets connections"),
        N_(
            "Wrong port or protocol? If not, check the firewall or load balancer in front of it: is the service "
            "behind it down?"
        ),
        N_("resets connections on port {port}"),
    ),
    Reason.TLS_EXPIRED: ReasonText(
        N_("shows an expired TLS certificate"),
        N_("Ask the system's owner to renew its certificate; it cannot be fixed on the monitor."),
        N_("shows an expired TLS certificate on port {port}"),
    ),
    Reason.TLS_HOSTNAME: ReasonText(
        N_("shows a TLS certificate for another name"),
        N_("Use a host name from its certificate, set `tls: {server_name: …}`, or have the certificate corrected."),
        N_("shows a TLS certificate for another name on port {port}"),
    ),
    Reason.TLS_TIMEOUT: ReasonText(
        N_("does not complete the TLS handshake"),
        N_("Check the port, then the service: the port is open, but the service hangs or does not speak TLS."),
        N_("does not complete the TLS handshake on port {port}"),
    ),
    Reason.TLS_NOT_OFFERED: ReasonText(
        N_("does not speak TLS"),
        N_("Check that this is the TLS port and that TLS is still enabled there; otherwise remove `tls`."),
        N_("does not speak TLS on port {port}"),
    ),
    Reason.CLOSED_BEFORE_ACCEPT: ReasonText(
        N_("closes the connection before accepting the association"),
        N_("Wrong port or protocol, or TLS required? If not, check its allowed addresses and its association limit."),
    ),
    Reason.CLOSED: ReasonText(
        N_("closes the connection mid-operation"),
        N_(
            "Wrong port or protocol? If not, read its log at this time: did its process crash, or did a firewall "
            "cut the connection?"
        ),
    ),
    Reason.ACSE_TIMEOUT: ReasonText(
        N_("accepts connections but does not answer the association request"),
        N_(
            "Check the port, its disk and its database: the service hangs, or this is not DICOM; save its log "
            "before a restart."
        ),
    ),
    Reason.NOT_DICOM: ReasonText(
        N_("answers with something that is not DICOM"),
        N_("Wrong port or protocol? Check the port; the detail says what answered."),
        N_("answers with something that is not DICOM on port {port}"),
    ),
    Reason.CALLED_AET_UNKNOWN: ReasonText(
        N_("does not recognize the called AE title that we use"),
        N_("Check `ae_title`, including upper and lower case; if it worked before, it was changed on that system."),
        N_("does not recognize the called AE title {called}"),
    ),
    Reason.REJECTED: ReasonText(
        N_("rejects the association"),
        N_("Check how both AE titles are registered there, then read its log for the reason."),
    ),
    Reason.BUSY: ReasonText(
        N_("is too busy to accept an association"),
        N_("Check its association limit and which peers hold associations."),
    ),
    Reason.ABORTED_BY_PEER: ReasonText(
        N_("aborts the association"),
        N_("Read its log at this time; if it never worked, ask whether our AE title is allowed to do this."),
    ),
    Reason.SOP_CLASS_REJECTED: ReasonText(
        N_("does not accept the required SOP class"),
        N_("Check that this service is still enabled there for our AE title."),
    ),
    Reason.TRANSFER_SYNTAX_REJECTED: ReasonText(
        N_("accepts none of the proposed transfer syntaxes"),
        N_("Look for a recent configuration change there: every system must accept Implicit VR Little Endian."),
    ),
    Reason.DIMSE_TIMEOUT: ReasonText(
        N_("accepts associations but does not answer requests"),
        N_("Check its database, storage and pending jobs: the service is up, but its back end does not respond."),
    ),
    Reason.DIMSE_STATUS: ReasonText(
        N_("answers requests with an error status"),
        N_("Read its log at this time; its conformance statement explains the status in the detail."),
    ),
    Reason.OUT_OF_RESOURCES: ReasonText(
        N_("refuses new objects (out of resources)"),
        N_("Check its disks, quotas and mounts, then the modalities' send queues: nothing new is being stored."),
    ),
    Reason.DATASET_REFUSED: ReasonText(
        N_("refuses the test object"),
        N_("Check for new rules about patient IDs, names or SOP classes."),
    ),
    Reason.DUPLICATE: ReasonText(
        N_("rejects the test object as a duplicate"),
        N_("Look for a proxy or router that sends twice: each test object is new."),
    ),
    Reason.QUERY_REFUSED: ReasonText(
        N_("refuses queries"),
        N_("Read its log, then check the query keys of this check."),
    ),
    Reason.PARTIAL: ReasonText(
        N_("completed only part of the request"),
        N_("Check its storage for missing objects."),
    ),
    Reason.STORED_NOT_FOUND: ReasonText(
        N_("does not find the object just stored"),
        N_("Check its import queue and database now: it may be losing images."),
    ),
    Reason.CONTENT_MISMATCH: ReasonText(
        N_("returns something other than what was stored"),
        N_("Check for rules that compress or coerce; if there are none, its storage may be damaged."),
    ),
    Reason.CLEANUP_FAILED: ReasonText(
        N_("does not allow the test object to be removed"),
        N_("Check the clean-up account's permissions, then remove the leftover test objects by hand."),
    ),
    Reason.TOO_FEW: ReasonText(
        N_("returns fewer entries than expected"),
        N_("Check what feeds it: the interface engine of a worklist, the modalities of an archive."),
    ),
    Reason.SLOW: ReasonText(
        N_("responds too slowly"),
        N_(
            "Compare the phase times: connect is the network, associate the service, operation its database or storage."
        ),
    ),
    Reason.NO_ACK: ReasonText(
        N_("does not acknowledge our message"),
        N_("Check that the interface's channel is started, and whether it is blocked downstream."),
    ),
    Reason.FRAMING: ReasonText(
        N_("answers with invalid MLLP framing"),
        N_("Check that this is an MLLP port, then the channel's framing settings."),
    ),
    Reason.NAK_AE: ReasonText(
        N_("answers our message with an application error (AE)"),
        N_(
            "Read the error in its log (the monitor drops its text, which may hold patient data); do other "
            "senders fail too?"
        ),
    ),
    Reason.NAK_AR: ReasonText(
        N_("rejects our message (AR)"),
        N_("Check whether it allows this message type and processing ID; if it never did, add AR to `accept`."),
    ),
    Reason.CONTROL_ID_MISMATCH: ReasonText(
        N_("acknowledges a different message from the one sent"),
        N_("Check for a shared connection, or one whose acknowledgements lag behind."),
    ),
    Reason.SILENT: ReasonText(
        N_("has gone silent"),
        N_("Check the sender first, then the channel of the interface engine."),
    ),
    Reason.OVER_LIMIT: ReasonText(
        N_("is over its limit"),
        N_("Disk: find what grew. Queue: find which destination is down. Clock: check its time server."),
    ),
    Reason.STALE: ReasonText(
        N_("has nothing recent"),
        N_("Check the job that should write it."),
    ),
    Reason.MISSING: ReasonText(
        N_("lacks something that should be there"),
        N_(
            "The detail names it: mount the volume, start the program or job, plug in the link, or send the "
            "studies again."
        ),
    ),
    Reason.ABSENT: ReasonText(
        N_("should be on at this hour and cannot be reached"),
        N_("Switch it on, or find out why it is off; if that is as it should be, correct `expected`."),
    ),
    Reason.HTTP_STATUS: ReasonText(
        N_("answers HTTP requests with an error"),
        N_("For 404, check `url` and `path`. Otherwise check the service behind the web server, and its log."),
    ),
    Reason.BAD_CONTENT: ReasonText(
        N_("answers with something unexpected"),
        N_("Check for a product upgrade, or a proxy that answers in its place."),
    ),
    Reason.EXIT_STATUS: ReasonText(
        N_("fails its check command"),
        N_("Run the command by hand as the monitor's user."),
    ),
    Reason.EXPIRING: ReasonText(
        N_("has something that expires soon or has expired"),
        N_("Ask for the renewal now, then set the new date here; the detail names what expires and when."),
    ),
    Reason.CERTIFICATE_EXPIRING: ReasonText(
        N_("has a certificate that expires soon"),
        N_("Have it renewed before the date in the detail."),
    ),
    Reason.TIMEOUT: ReasonText(
        N_("does not answer in time"),
        N_("Check whether the system is slow; raise `timeout` only if the operation is allowed to take longer."),
    ),
    Reason.TCP_TIMEOUT: ReasonText(
        N_("does not answer connection attempts"),
        N_(
            "Ping the machine: is it on, does a firewall or a route stop it, or does its service hang and accept "
            "nothing?"
        ),
        N_("does not answer connection attempts to port {port}"),
    ),
    Reason.TCP_UNREACHABLE: ReasonText(
        N_("cannot be reached over the network"),
        N_("Check this machine's link first, then routes and firewalls between the sites: there is no route."),
    ),
    Reason.DNS: ReasonText(
        N_("the name does not resolve"),
        N_("Check the spelling of `host`, then run `getent hosts NAME` on the monitor's machine."),
    ),
    Reason.CALLING_AET_UNKNOWN: ReasonText(
        N_("our AE title is not registered there"),
        N_(
            "Have our AE title registered there: send the detail to the administrator of that system, which is running."
        ),
    ),
    Reason.NOT_AUTHORISED: ReasonText(
        N_("the monitor is not authorised"),
        N_("Ask the system's owner for the permission that this check needs; the system itself is running."),
    ),
    Reason.MOVE_DESTINATION_UNKNOWN: ReasonText(
        N_("our AE title is not known there as a move destination"),
        N_("Have our AE title registered there with the address and port of `dicom_listener`."),
    ),
    Reason.AUTH: ReasonText(
        N_("our credentials are not accepted"),
        N_("Check whether our password, token or TLS certificate has expired, was changed, or is not known there."),
    ),
    Reason.TLS_UNTRUSTED: ReasonText(
        N_("the certificate is not trusted here"),
        N_("Set `tls: {ca: …}`; if it was trusted until now, find out first who changed the certificate."),
    ),
    Reason.STORE_CAP: ReasonText(
        N_("the monitor's own limit on test objects is reached"),
        N_(
            "Make `interval` and `retry_interval` longer: the limit is the monitor's own, and stores resume by "
            "themselves."
        ),
    ),
    Reason.NOT_CONFIGURED: ReasonText(
        N_("the check is not fully configured"),
        N_("Correct the setting named in the detail; `pacs-monitor show NODE` shows what is in force."),
    ),
    Reason.ISOLATED: ReasonText(
        N_("the monitor is cut off from the network"),
        N_("Check this machine's network and the link to the site first; the nodes themselves may be up."),
    ),
    Reason.PAUSED: ReasonText(
        N_("checks are paused"),
        N_("Find out who paused the checks and why before you resume them."),
    ),
    Reason.AWAITED: ReasonText(
        N_("the first report has not arrived yet"),
        N_("Run the job once and check that its report arrives; nothing is late yet."),
    ),
    Reason.NOT_MEASURED: ReasonText(
        N_("no results are arriving"),
        N_(
            "Check what the detail says the monitor is waiting for; without a detail, check the monitor's own log"
            " and load."
        ),
    ),
    Reason.PROBE_ERROR: ReasonText(
        N_("the probe itself failed, which is an error of the monitor"),
        N_(
            "Read the monitor's log; unless it ran out of memory or file descriptors, report a bug. The node may be up."
        ),
    ),
}


def phrase(reason: Reason | None, check: Check | None = None) -> str:
    """The words for a reason; with the check's port and AE title where they help."""
    if reason is None:
        return _("is failing")
    text = REASON_TEXTS[reason]
    known = {} if check is None else {"port": port_of(check), "called": _called(check)}
    if any(known.get(name) and f"{{{name}}}" in text.precise for name in known):
        return _(text.precise, **known)
    return _(text.meaning)


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
