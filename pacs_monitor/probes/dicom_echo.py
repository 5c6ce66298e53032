"""Does the peer answer a DICOM C-ECHO? Associate, ask, release, each step timed apart.

It proves that the peer's DICOM service runs, knows itself by its AE title and accepts ours. It does not prove that
images can be stored or found: an archive with a full disk still answers.
"""

from __future__ import annotations

from typing import ClassVar

from pacs_monitor.dicom import Association, associate
from pacs_monitor.dicom.endpoint import EndpointSettings, addresses_of, not_configured, target_of
from pacs_monitor.dicom.verification import CONTEXTS, echo
from pacs_monitor.fields import Duration
from pacs_monitor.model import Address, Layer, Measure, Node, Outcome, ProbeContext, Rhythm
from pacs_monitor.net import NetFailure


class DicomEchoSettings(EndpointSettings):
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
        return addresses_of(node, settings)

    async def run(self, node: Node, settings: DicomEchoSettings, ctx: ProbeContext) -> Outcome:
        target = target_of(node, settings)
        if target is None:
            return not_configured(node)
        try:
            async with await associate(target, CONTEXTS, resolver=ctx.resolver, deadline=ctx.deadline) as association:
                await echo(association)
        except NetFailure as failure:
            return failure.outcome()
        return _outcome(association, settings.slow)


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
