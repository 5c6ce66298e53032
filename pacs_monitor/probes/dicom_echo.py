"""Does the peer answer a DICOM C-ECHO? Associate, ask, release, each step timed apart.

It proves that the peer's DICOM service runs, knows itself by its AE title and accepts ours. It does not prove that
images can be stored or found: an archive with a full disk still answers.
"""

from __future__ import annotations

from typing import ClassVar

from pacs_monitor.dicom import Association, Target, associate
from pacs_monitor.dicom.verification import CONTEXTS, echo
from pacs_monitor.fields import AETitle, Duration, Port, Settings
from pacs_monitor.model import Address, Layer, Measure, Node, Outcome, ProbeContext, Reason, Rhythm
from pacs_monitor.net import NetFailure


class DicomEchoSettings(Settings):
    port: Port | None = None
    """TCP port to call, instead of the node's `dicom: {port: …}`."""
    ae_title: AETitle | None = None
    """AE title to call, instead of the node's `dicom: {ae_title: …}`."""
    calling_ae_title: AETitle | None = None
    """AE title to call by, instead of the node's and the monitor's own."""
    slow: Duration | None = None
    """An answer that takes longer than this, from name to answer, is a warning (reason `slow`)."""


class DicomEcho:
    kind: ClassVar[str] = "dicom_echo"
    settings: ClassVar[type[DicomEchoSettings]] = DicomEchoSettings
    measures: ClassVar[tuple[Measure, ...]] = ()
    layer: ClassVar[Layer] = Layer.ASSOCIATION
    writes: ClassVar[bool] = False
    uses_association: ClassVar[bool] = True
    rhythm: ClassVar[Rhythm] = Rhythm()

    def addresses(self, node: Node, settings: DicomEchoSettings) -> tuple[Address, ...]:
        target = _target(node, settings)
        return () if target is None else (target.address,)

    async def run(self, node: Node, settings: DicomEchoSettings, ctx: ProbeContext) -> Outcome:
        target = _target(node, settings)
        if target is None:
            detail = f"node {node.name} needs a host and dicom: {{port: …, ae_title: …}}"
            return Outcome.of(Reason.NOT_CONFIGURED, detail=detail)
        try:
            async with await associate(target, CONTEXTS, resolver=ctx.resolver, deadline=ctx.deadline) as association:
                await echo(association)
        except NetFailure as failure:
            return failure.outcome()
        return _outcome(association, settings.slow)


def _target(node: Node, settings: DicomEchoSettings) -> Target | None:
    endpoint = node.dicom
    port = settings.port or (endpoint and endpoint.port)
    called = settings.ae_title or (endpoint and endpoint.ae_title)
    calling = settings.calling_ae_title or (endpoint and endpoint.calling_ae_title)
    if not (node.host and port and called and calling):
        return None
    return Target(Address(node.host, port), called, calling, endpoint.tls if endpoint else None)


def _outcome(association: Association, slow: float | None) -> Outcome:
    accepted = association.accepted
    _, transfer_syntax = accepted.contexts[CONTEXTS[0].id]
    facts = (
        ("transfer syntax", transfer_syntax),
        ("maximum PDU length", str(accepted.maximum_length)),
        ("implementation class UID", accepted.implementation_class_uid),
        ("implementation version name", accepted.implementation_version_name),
    )
    return association.passage.outcome(slow, facts)
