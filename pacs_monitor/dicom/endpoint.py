"""Whom a DICOM check asks, and as whom: its node's `dicom:` block, each part of which the check may replace."""

from __future__ import annotations

from pacs_monitor.dicom.association import Target
from pacs_monitor.fields import AETitle, Port, Settings, TlsSettings, tls_of
from pacs_monitor.model import Address, Needs, Node, Outcome, Reason

ENDPOINT = Needs("dicom", ("port", "ae_title"))
"""What a check needs that opens associations to its node."""


class EndpointSettings(Settings):
    """Base of the settings of every check that opens associations."""

    port: Port | None = None
    """TCP port, instead of the node's `dicom: {port: …}`."""
    ae_title: AETitle | None = None
    """Called AE title, instead of the node's `dicom: {ae_title: …}`."""
    calling_ae_title: AETitle | None = None
    """Calling AE title, instead of the node's and the monitor's own."""
    tls: TlsSettings | None = None
    """TLS for this port, instead of the node's `dicom: {tls: …}`."""

    def peer(self, node: Node) -> tuple[str, ...]:
        """Whom to call, and as whom, as far as node and check say it."""
        port, called, calling = _merged(node, self)
        return node.host.lower(), str(port or ""), called or "", calling or ""


def target_of(node: Node, settings: EndpointSettings) -> Target | None:
    """Whom to call; None where node and check together do not say it."""
    endpoint = node.dicom
    port, called, calling = _merged(node, settings)
    if not (node.host and port and called and calling):
        return None
    tls = tls_of(settings.tls) or (endpoint.tls if endpoint else None)
    return Target(Address(node.host, port), called, calling, tls)


def _merged(node: Node, settings: EndpointSettings) -> tuple[int | None, str | None, str | None]:
    """Port, called and calling AE title."""
    to = node.dicom
    port = settings.port or (to.port if to else None)
    called = settings.ae_title or (to.ae_title if to else None)
    return port, called, settings.calling_ae_title or (to.calling_ae_title if to else node.calling_ae_title)


def addresses_of(node: Node, settings: EndpointSettings) -> tuple[Address, ...]:
    """The seat of a check that asks its own node alone."""
    target = target_of(node, settings)
    return () if target is None else (target.address,)


def not_configured(node: Node) -> Outcome:
    """What a check answers whose target is unknown."""
    return Outcome.of(
        Reason.NOT_CONFIGURED, detail=f"node {node.name} needs a host and dicom: {{port: …, ae_title: …}}"
    )
