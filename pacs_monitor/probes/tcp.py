"""Does a TCP port accept a connection? Connects and closes; no data is sent.

```yaml
ssh: {probe: tcp, port: 22}
```

Do not use it on a DICOM port that `dicom_echo` checks already: many DICOM servers reserve one of their few associations
for every bare connection until their own timeout, and meanwhile answer `busy` to others.
"""

from __future__ import annotations

import asyncio

from pacs_monitor.fields import Duration, Port, Settings
from pacs_monitor.model import Address, Layer, Needs, Node, Outcome, Probe, ProbeContext, Reason
from pacs_monitor.net import NetFailure, Trace, connect


class TcpSettings(Settings):
    port: Port
    """TCP port to connect to, on the node's host."""
    slow: Duration | None = None
    """A connection that takes longer than this is a warning (reason `slow`)."""

    def peer(self, node: Node) -> tuple[str, ...]:
        return node.host.lower(), str(self.port)


class Tcp(Probe):
    """It takes the seat of its address: on a DICOM port, a bare connection counts like any other."""

    kind = "tcp"
    settings = TcpSettings
    layer = Layer.TRANSPORT
    uses_association = True
    needs = Needs()

    def addresses(self, node: Node, settings: TcpSettings) -> tuple[Address, ...]:
        return (Address(node.host, settings.port),)

    async def run(self, node: Node, settings: TcpSettings, ctx: ProbeContext) -> Outcome:
        if not node.host:
            return Outcome.of(Reason.NOT_CONFIGURED, detail=f"node {node.name} has no host")
        address, trace = Address(node.host, settings.port), Trace()
        try:
            transport, _ = await connect(
                asyncio.Protocol, address, resolver=ctx.resolver, deadline=ctx.deadline, trace=trace
            )
        except NetFailure as failure:
            return failure.outcome()
        transport.close()
        return trace.outcome(settings.slow)
