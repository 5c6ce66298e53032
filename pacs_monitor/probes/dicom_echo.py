"""Does the peer answer a DICOM C-ECHO? Associate, send, release, each phase timed separately.

```yaml
dicom_echo: {interval: 60s, severity: critical}
services: {probe: dicom_echo, offers: [MPPS, storage commitment]}
```

A success proves that the peer's DICOM service runs, recognizes its called AE title and accepts our calling AE title. It
does not prove that images can be stored or found: an archive with a full disk still answers. Our AE title must be
registered there for verification, and for nothing else.

`offers` names services that the peer must offer (`MPPS`, `print`, `storage commitment`, `breast tomosynthesis`, any SOP
class by its name in PS3.6 or its UID). Their presentation contexts are only negotiated, never used, so a service lost
in an upgrade is detected without risk. A refused one is a failure; use a separate check where it should have a lower
severity than the C-ECHO itself.

For a cluster, `members` lists the addresses behind one name; they are checked in turn, and each takes its own seat. Or
`every_address: on` checks every address that the node's host name resolves to; by default the first that answers is
enough. Fewer than `need` (all of them by default) is a failure; if only others are missing, it is a warning. `expect:
exactly_one_up` is for active/passive pairs: none up is a failure, and so is more than one.

A change of the peer's implementation class UID or version name, its certificate or an accepted presentation context is
kept in the history (`GET /api/v1/changes`); of the version name, which is the peer's free text, only a digest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, Field, model_validator

from pacs_monitor.dicom import Target, associate, reasons
from pacs_monitor.dicom.endpoint import ENDPOINT, EndpointSettings, not_configured, target_of
from pacs_monitor.dicom.names import name_of
from pacs_monitor.dicom.peers import changes_of, described
from pacs_monitor.dicom.requests import VERIFICATION, Context
from pacs_monitor.dicom.requests import contexts as proposed
from pacs_monitor.dicom.sop_classes import sop_class
from pacs_monitor.dicom.verification import CONTEXTS, echo
from pacs_monitor.fields import Duration, Number, Texts
from pacs_monitor.model import (
    Address,
    Blame,
    Layer,
    Measure,
    Measurement,
    Node,
    Outcome,
    Phase,
    Probe,
    ProbeContext,
    Reason,
    Status,
)
from pacs_monitor.net import EXPIRY, NetFailure, Trace, resolve, warn_before_expiry

MOST_OFFERS = 127
"""Presentation contexts beside that of the C-ECHO (PS3.8 9.3.2.2: IDs are odd, 1 to 255)."""

UP = "echo_members_up"
_HOST_PORT = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:\[\]]+))(?::(?P<port>\d{1,5}))?")
_WELL = (None, Reason.SLOW, Reason.CERTIFICATE_EXPIRING)


def _services(names: tuple[str, ...]) -> tuple[str, ...]:
    """The SOP classes, so that a misspelt one is a mistake in the configuration."""
    return tuple(dict.fromkeys(sop_class(name) for name in names))


class DicomEchoSettings(EndpointSettings):
    slow: Duration | None = None
    """A run that takes longer than this, from name resolution to the answer, is a warning (reason `slow`)."""
    certificate: Duration = 21 * 86400.0
    """With TLS, a certificate that expires sooner than this is a warning (reason `certificate_expiring`)."""
    offers: Annotated[Texts, Field(max_length=MOST_OFFERS), AfterValidator(_services)] = ()
    """Services that the peer must offer; they are negotiated, never used."""
    members: Texts = ()
    """Addresses (HOST or HOST:PORT) of the members of a cluster, checked instead of the node's own."""
    every_address: bool = False
    """Check every address of the node's host name."""
    need: Number | None = None
    """How many members or addresses must answer; all of them unless given."""
    expect: Literal["exactly_one_up"] | None = None
    """`exactly_one_up`: two members that answer are a failure, and so is none."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        several = bool(self.members) or self.every_address
        if self.members and self.every_address:
            raise ValueError("use either members or every_address, not both")
        if not several and (self.need or self.expect):
            raise ValueError("need and expect require members or every_address")
        if self.need and self.expect:
            raise ValueError("use either need or expect: exactly_one_up, not both")
        if self.members and (self.need or 0) > len(self.members):
            raise ValueError(f"need is {self.need}, but there are only {len(self.members)} members")
        for member in self.members:
            _address(member, 0)
        return self

    def peer(self, node: Node) -> tuple[str, ...]:
        return *super().peer(node), *(member.strip().lower() for member in self.members)


class EchoResult(NamedTuple):
    """What one address answered."""

    target: Target
    outcome: Outcome

    @property
    def is_up(self) -> bool:
        return self.outcome.reason in _WELL

    @property
    def is_blind(self) -> bool:
        """It may well be up: what failed is ours."""
        return self.outcome.reason is not None and self.outcome.reason.blame is Blame.MONITOR


class DicomEcho(Probe):
    kind = "dicom_echo"
    settings = DicomEchoSettings
    measures = (
        Measure(UP, "How many members or addresses answered, where several are checked."),
        EXPIRY,
    )
    layer = Layer.ASSOCIATION
    uses_association = True
    needs = ENDPOINT

    def addresses(self, node: Node, settings: DicomEchoSettings) -> tuple[Address, ...]:
        target = target_of(node, settings)
        return () if target is None else tuple(member.address for member in _members(target, settings))

    async def run(self, node: Node, settings: DicomEchoSettings, ctx: ProbeContext) -> Outcome:
        target = target_of(node, settings)
        if target is None:
            return not_configured(node)
        if not (settings.members or settings.every_address):
            return await _ask(target, settings, ctx, ctx.deadline)
        try:
            targets = _members(target, settings) if settings.members else await _every_address(target, ctx)
        except NetFailure as failure:
            return failure.outcome()
        answers = [
            EchoResult(member, await _ask(member, settings, ctx, _share(ctx, left)))
            for left, member in zip(range(len(targets), 0, -1), targets, strict=True)
        ]
        return _judge(answers, settings)


def _members(target: Target, settings: DicomEchoSettings) -> list[Target]:
    addresses = dict.fromkeys(_address(member, target.address.port) for member in settings.members)
    return [target._replace(address=address) for address in addresses] or [target]


def _address(text: str, port: int) -> Address:
    """HOST, HOST:PORT, [IPv6] or [IPv6]:PORT."""
    found = _HOST_PORT.fullmatch(text.strip())
    if not found or int(found["port"] or 0) > 65535:
        raise ValueError(f"{text!r} is not the address of a member; write 10.0.0.11 or 10.0.0.11:104")
    return Address(found["v6"] or found["host"], int(found["port"] or port))


async def _every_address(target: Target, ctx: ProbeContext) -> list[Target]:
    """One target per address; a certificate must still be made out to the name."""
    found = await resolve(target.address, resolver=ctx.resolver, deadline=ctx.deadline, trace=Trace())
    tls = target.tls and replace(target.tls, server_name=target.tls.server_name or target.address.host)
    return [target._replace(address=address, tls=tls) for address in found]


def _share(ctx: ProbeContext, left: int) -> float:
    """The deadline of the next of those that are left: one that hangs leaves the others their time."""
    now = ctx.clock.monotonic()
    return now + (ctx.deadline - now) / left


async def _ask(target: Target, settings: DicomEchoSettings, ctx: ProbeContext, deadline: float) -> Outcome:
    contexts = _contexts(settings.offers)
    try:
        async with await associate(target, contexts, resolver=ctx.resolver, deadline=deadline) as association:
            await echo(association)
            refused = [context for context in contexts[1:] if association.accepted.contexts.get(context.id, (1,))[0]]
            peer = described(association, contexts)
    except NetFailure as failure:
        return failure.outcome()
    outcome = association.trace.outcome(settings.slow)
    if refused:
        outcome = _refusal(outcome, target, refused, association.accepted.contexts)
    now = ctx.clock.now()
    outcome = warn_before_expiry(outcome, settings.certificate, now)
    changes = changes_of(ctx.memory, str(target.address), peer, now)
    return replace(outcome, changes=changes) if changes else outcome


@lru_cache(1024)
def _contexts(offers: tuple[str, ...]) -> tuple[Context, ...]:
    if not offers:
        return CONTEXTS
    syntaxes = CONTEXTS[0].transfer_syntaxes
    return proposed((uid, syntaxes) for uid in (VERIFICATION, *offers))


def _refusal(
    outcome: Outcome, target: Target, refused: Sequence[Context], answers: Mapping[int, tuple[int, str]]
) -> Outcome:
    """The C-ECHO went well, and a service is missing."""
    results = [answers[context.id][0] if context.id in answers else None for context in refused]
    reason, _ = reasons.of_context_result(results[0], "", "")
    names = ", ".join(
        f"{name_of(context.abstract_syntax)} ({reasons.context_result(result)})"
        for context, result in zip(refused, results, strict=True)
    )
    detail = f"{target} answers C-ECHO but does not offer {names}"
    return replace(outcome, status=Status.FAIL, reason=reason, phase=Phase.ASSOCIATE, detail=detail)


def _judge(answers: Sequence[EchoResult], settings: DicomEchoSettings) -> Outcome:
    """One outcome of several."""
    up, blind = [answer for answer in answers if answer.is_up], [answer for answer in answers if answer.is_blind]
    failed = [answer for answer in answers if not answer.is_up and not answer.is_blind]
    wanted = 1 if settings.expect else settings.need or len(answers)
    if settings.expect and len(up) > 1:
        names = ", ".join(str(answer.target.address) for answer in up)
        detail = f"{len(up)} members answer, but exactly one should: {names}"
        outcome = Outcome.of(Reason.OVER_LIMIT, phase=Phase.ASSOCIATE, detail=detail)
    elif len(up) >= wanted and (settings.expect or not (failed or blind)):
        outcome = max(
            (answer.outcome for answer in up), key=lambda one: (one.reason is not None, sum(one.phases.values()))
        )
    else:
        explaining = blind if len(up) < wanted <= len(up) + len(blind) else failed or blind
        outcome = _short(explaining, len(up), len(answers), wanted)
    return replace(
        outcome,
        measurements=(*outcome.measurements, Measurement(UP, len(up))),
        changes=tuple(change for answer in answers for change in answer.outcome.changes),
        terminal=tuple((f"{a.target.address}: {name}", text) for a in answers for name, text in a.outcome.terminal),
    )


def _short(explaining: Sequence[EchoResult], up: int, asked: int, wanted: int) -> Outcome:
    """Too few are up, or not all: the first that says why names the reason."""
    first = explaining[0].outcome
    details = "; ".join(answer.outcome.detail for answer in explaining)
    must = f", at least {wanted} required" if up < wanted else ""
    detail = f"{up} of {asked} members answer{must}: {details}"
    status = Status.WARN if up >= wanted and first.status is Status.FAIL else first.status
    return replace(first, status=status, detail=detail)
