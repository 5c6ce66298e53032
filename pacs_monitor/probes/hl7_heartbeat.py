"""Does an HL7 listener acknowledge messages? A heartbeat message is sent over MLLP, and its acknowledgement is read.

An acknowledgement proves only that the listener accepts messages: most engines answer AA as soon as they have queued
the message, whatever becomes of it. `verify: loop` proves the path: have a channel of the engine forward heartbeats to
the monitor's own listener (`monitor.hl7_listener`) with MSH-10 unchanged and with the MSH-5 and MSH-6 that the listener
expects. The check is then ok only when its message has come back, and the round trip is measured.

No message is safe everywhere, so agree on one with the receiver. Best is its documented keep-alive: put it into a file
and name the file in `message`; `{control_id}` (MSH-10) and `{timestamp}` in it are filled in. Without a file an
`NMD^N02` (application management, no patient in it) is sent, which requests only an accept acknowledgement. A receiver
that does not know the message and rejects it is alive, too: then add AR to `accept`.

```yaml
hl7_heartbeat: {enabled_by: "interface team, change 4713", message: heartbeat.hl7, accept: [AA, CA]}
```

Each run opens a connection of its own and closes it, so that the feed's sender is not blocked. Where a firewall or a
VPN drops idle connections, or the interface expects a persistent one, set `keep_open` to keep it from run to run; note
that some listeners accept a single client. No account is needed, but many interfaces accept messages from known
addresses only.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from pacs_monitor.fields import Duration, Port, Settings
from pacs_monitor.hl7 import Code, Link, LinkPool, MalformedError, Message, Wanted, dial, new_control_id, timestamp
from pacs_monitor.hl7.framing import END, START
from pacs_monitor.language import N_
from pacs_monitor.model import (
    Address,
    CheckId,
    Layer,
    Load,
    Measure,
    Needs,
    Node,
    Outcome,
    Phase,
    Probe,
    ProbeContext,
    Reason,
    Timing,
    Tls,
)
from pacs_monitor.net import EXPIRY, NetFailure, Trace
from pacs_monitor.paths import existing_file

LOOP = "hl7_loop_seconds"
LARGEST = 65536
"""Bytes of a message file."""
_PROVES = "that the listener accepts messages, not that they arrive anywhere (verify: loop proves that)"
_PROVES_LOOP = "that messages pass through to our own listener"


def fill(template: bytes, control_id: str, now: str) -> bytes:
    """The message to send, its segments ended by CR; raises MalformedError when it cannot be known by its MSH-10."""
    lines = template.strip().replace(b"{control_id}", control_id.encode()).replace(b"{timestamp}", now.encode())
    if any(byte in lines for byte in (START, END, b"\0")):
        raise MalformedError("it contains a framing byte (0B, 1C) or NUL")
    message = b"\r".join(lines.splitlines()) + b"\r"
    if Message(message).control_id != control_id:
        raise MalformedError("its MSH-10 is not {control_id}")
    return message


def _template(path: str) -> bytes:
    """The bytes of a message file; raises OSError, or MalformedError when it cannot be sent."""
    with Path(path).open("rb") as file:
        template = file.read(LARGEST + 1)
    if len(template) > LARGEST:
        raise MalformedError(f"it is longer than {LARGEST} bytes")
    fill(template, "0", "0")
    return template


def _sendable(path: str, info: ValidationInfo) -> str:
    if info.context:
        try:
            _template(path)
        except OSError as error:
            raise ValueError(f"cannot be read: {error.strerror}") from None
        except MalformedError as error:
            raise ValueError(f"is not an HL7 message that can be sent: {error}") from None
    return path


Name = Annotated[str, Field(max_length=180, pattern=r"^[ -{}~]*$")]
"""An HD field of MSH (application, facility): its components are divided by ^."""


class Hl7HeartbeatSettings(Settings):
    port: Port | None = None
    """TCP port to call, instead of the node's `hl7: {port: …}`."""
    message: Annotated[str, AfterValidator(existing_file), AfterValidator(_sendable)] | None = None
    """File with the message to send, one segment per line, with `{control_id}` as MSH-10 and `{timestamp}` where
    needed; by default a built-in NMD^N02."""
    sending_application: Name = "PACSMON"
    """MSH-3 of the built-in message."""
    sending_facility: Name = ""
    """MSH-4 of the built-in message."""
    receiving_application: Name = ""
    """MSH-5 of the built-in message."""
    receiving_facility: Name = ""
    """MSH-6 of the built-in message."""
    processing_id: Literal["P", "T", "D"] = "P"
    """MSH-11 of the built-in message (table 0103): production, training, debugging."""
    accept: Annotated[tuple[Code, ...], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)] = (
        Code.AA,
        Code.CA,
    )
    """Acceptable acknowledgement codes (MSA-1); one or a list."""
    same_control_id: bool = True
    """`off` for engines that do not copy our MSH-10 into MSA-2: any acknowledgement is then accepted."""
    verify: Literal["none", "loop"] = "none"
    """`loop`: the message must come back to `monitor.hl7_listener`."""
    keep_open: Duration | None = None
    """How long the connection stays open after a run, for the next one; by default it is closed."""
    slow: Duration | None = None
    """An acknowledgement (with `verify: loop`: a return) that takes longer than this is a warning (reason `slow`)."""

    def peer(self, node: Node) -> tuple[str, ...]:
        """With MSH-3 to MSH-6, by which an engine distinguishes senders and receivers."""
        port = self.port or (node.hl7 and node.hl7.port)
        sender = self.sending_application, self.sending_facility
        return node.host.lower(), str(port or ""), *sender, self.receiving_application, self.receiving_facility


class Hl7Heartbeat(Probe):
    kind = "hl7_heartbeat"
    settings = Hl7HeartbeatSettings
    measures = (
        Measure(LOOP, N_("From sending the message until it came back to our listener."), trend=True),
        EXPIRY,
    )
    layer = Layer.SERVICE
    writes = True
    uses_association = True
    needs = Needs("hl7", ("port",))
    timing = Timing(interval=300.0, retry_interval=60.0, timeout=10.0)
    next_steps = {
        Reason.SILENT: N_(
            "The message was acknowledged: check whether an engine channel is stopped or cannot reach the monitor's "
            "listener."
        ),
    }

    def __init__(self) -> None:
        self._links = LinkPool()

    def addresses(self, node: Node, settings: Hl7HeartbeatSettings) -> tuple[Address, ...]:
        port = settings.port or (node.hl7 and node.hl7.port)
        return (Address(node.host, port),) if node.host and port else ()

    def load(self, settings: Hl7HeartbeatSettings) -> Load:  # noqa: ARG002 - the Protocol's
        return Load(notices=1)

    def recovered(self, settings: Hl7HeartbeatSettings) -> str:
        """Without a loop, only what an acknowledgement proves."""
        if settings.verify == "none":
            return N_("was acknowledged again (this proves only that the listener accepts messages)")
        return super().recovered(settings)

    def paused(self, check: CheckId) -> None:
        self._links.close(check)

    async def run(self, node: Node, settings: Hl7HeartbeatSettings, ctx: ProbeContext) -> Outcome:
        addresses = self.addresses(node, settings)
        if not addresses:
            detail = f"node {node.name} needs a host and hl7: {{port: …}}"
            return Outcome.of(Reason.NOT_CONFIGURED, detail=detail)
        if settings.verify == "loop" and ctx.hl7_listener is None:
            detail = (
                "configure monitor.hl7_listener for verify: loop; if it is configured, its port is in use (by a "
                "running daemon?)"
            )
            return Outcome.of(Reason.NOT_CONFIGURED, detail=detail)
        control_id = new_control_id()
        try:
            message = await _message(settings, ctx, control_id)
        except (OSError, MalformedError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            return Outcome.of(Reason.NOT_CONFIGURED, detail=f"the file {settings.message} cannot be sent: {why}")
        heartbeat = _Heartbeat(addresses[0], node.hl7.tls if node.hl7 else None, message, control_id)
        try:
            return await self._send(heartbeat, settings, ctx)
        except NetFailure as failure:
            return failure.outcome()

    async def _send(self, heartbeat: _Heartbeat, settings: Hl7HeartbeatSettings, ctx: ProbeContext) -> Outcome:
        trace, begun = Trace(), ctx.clock.monotonic()
        if settings.verify == "none" or ctx.hl7_listener is None:
            code = await self._acknowledged(heartbeat, settings, ctx, trace)
            trace.terminal = (("acknowledgement", code), ("proves", _PROVES))
            return trace.outcome(settings.slow)
        back = ctx.hl7_listener.expect(heartbeat.control_id)
        try:
            code = await self._acknowledged(heartbeat, settings, ctx, trace)
            trace.begin(Phase.OPERATION)
            async with asyncio.timeout_at(ctx.deadline):
                trace.measure(LOOP, await back - begun)
        except TimeoutError:
            detail = f"{heartbeat.address} acknowledged the message, but it did not come back to our listener in time"
            raise trace.failure(Reason.SILENT, detail) from None
        finally:
            back.cancel()
        trace.end()
        trace.terminal = (("acknowledgement", code), ("proves", _PROVES_LOOP))
        return trace.outcome(settings.slow)

    async def _acknowledged(
        self, heartbeat: _Heartbeat, settings: Hl7HeartbeatSettings, ctx: ProbeContext, trace: Trace
    ) -> Code:
        """Over the connection that was kept, or else, also when the peer has closed that one, over a new one."""
        kept = self._links.take(ctx.check, heartbeat.address)
        if kept is not None:
            try:
                return await self._exchange(kept, heartbeat, settings, ctx, trace)
            except NetFailure as failure:
                if failure.reason is not Reason.CLOSED:
                    raise
        link = await dial(
            heartbeat.address, resolver=ctx.resolver, deadline=ctx.deadline, trace=trace, tls=heartbeat.tls
        )
        return await self._exchange(link, heartbeat, settings, ctx, trace)

    async def _exchange(
        self, link: Link, heartbeat: _Heartbeat, settings: Hl7HeartbeatSettings, ctx: ProbeContext, trace: Trace
    ) -> Code:
        """A connection is kept only after an exchange that went well: no late answer must meet the next message."""
        wanted = Wanted(settings.accept, heartbeat.control_id if settings.same_control_id else None)
        try:
            code = await link.exchange(heartbeat.message, wanted, ctx.deadline, trace)
        except BaseException:
            link.close()
            raise
        self._links.put(ctx.check, link, settings.keep_open)
        return code


class _Heartbeat(NamedTuple):
    """One heartbeat on its way."""

    address: Address
    tls: Tls | None
    message: bytes
    control_id: str


async def _message(settings: Hl7HeartbeatSettings, ctx: ProbeContext, control_id: str) -> bytes:
    """The message to send; raises OSError or MalformedError."""
    now, path = timestamp(ctx.clock.now(), ctx.zone), settings.message
    template = (
        _built_in(settings)
        if path is None
        else await ctx.ours(ctx.blocking(lambda: _template(path)), "the file of the message")
    )
    return fill(template, control_id, now)


def _built_in(settings: Hl7HeartbeatSettings) -> bytes:
    """Application management data, with the accept acknowledgement alone asked for (MSH-15 AL, MSH-16 NE)."""
    sender = f"{settings.sending_application}|{settings.sending_facility}"
    receiver = f"{settings.receiving_application}|{settings.receiving_facility}"
    kind = f"NMD^N02^NMD_N02|{{control_id}}|{settings.processing_id}|2.5.1"
    return f"MSH|^~\\&|{sender}|{receiver}|{{timestamp}}||{kind}|||AL|NE\rNCK|{{timestamp}}\r".encode()
