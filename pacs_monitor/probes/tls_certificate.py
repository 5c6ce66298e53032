"""How long is the certificate of a TLS port valid, and is it trusted and issued for the right name?

```yaml
viewer_certificate: {probe: tls_certificate, port: 443, warn: 30d}
```

Nothing is broken until it expires: too few days left is a warning, never a critical one, and an expired certificate is
a failure. Set `fail` to make the last days a failure; they then page as a failure and count as downtime.

It works on any port that begins with TLS: HTTPS, DICOM or HL7 over TLS, LDAPS. Probes that speak TLS check the
certificate's date themselves; this one is for services that no other probe checks. With `trusted: off` only the date
counts: for devices whose self-signed certificate will not be replaced before it expires. No account is needed.
"""

from __future__ import annotations

import asyncio
from typing import Self

from pydantic import model_validator

from pacs_monitor.fields import Duration, Port, Settings, TlsSettings, tls_of
from pacs_monitor.model import (
    SECOND,
    Address,
    Layer,
    Needs,
    Node,
    Outcome,
    Phase,
    Probe,
    ProbeContext,
    Reason,
    Status,
    Timing,
    Tls,
)
from pacs_monitor.net import EXPIRY, NetFailure, Trace, connect, warn_before_expiry

_DAY = 86400.0
_DISTRUST = (Reason.TLS_UNTRUSTED, Reason.TLS_HOSTNAME)


class TlsCertificateSettings(Settings):
    port: Port = 443
    """TCP port of the node; TLS must begin immediately, without STARTTLS."""
    tls: TlsSettings = TlsSettings()
    """Trusted CAs, our client certificate, and the expected name."""
    trusted: bool = True
    """`off` ignores who signed the certificate and for which name."""
    warn: Duration = 30 * _DAY
    """Less time left than this is a warning."""
    fail: Duration = 0.0
    """Less time left than this is a failure; 0: only once it has expired."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.fail > self.warn:
            raise ValueError("fail must not be longer than warn, or there would be no warning")
        return self

    def peer(self, node: Node) -> tuple[str, ...]:
        return node.host.lower(), str(self.port)


class TlsCertificate(Probe):
    """It takes the seat of its address: a DICOM port over TLS counts the connection like any other."""

    kind = "tls_certificate"
    settings = TlsCertificateSettings
    measures = (EXPIRY,)
    layer = Layer.TRANSPORT
    uses_association = True
    needs = Needs()
    timing = Timing(interval=3600.0, retry_interval=60.0, timeout=10.0)

    def addresses(self, node: Node, settings: TlsCertificateSettings) -> tuple[Address, ...]:
        return (Address(node.host, settings.port),)

    async def run(self, node: Node, settings: TlsCertificateSettings, ctx: ProbeContext) -> Outcome:
        trace = Trace()
        try:
            transport, _ = await connect(
                asyncio.Protocol,
                Address(node.host, settings.port),
                resolver=ctx.resolver,
                deadline=ctx.deadline,
                trace=trace,
                tls=tls_of(settings.tls) or Tls(),
            )
            transport.close()
        except NetFailure as failure:
            if settings.trusted or failure.reason not in _DISTRUST or not trace.measurements:
                return failure.outcome()
        return _judge(trace.outcome(), settings, ctx)


def _judge(outcome: Outcome, settings: TlsCertificateSettings, ctx: ProbeContext) -> Outcome:
    warned = warn_before_expiry(outcome, settings.warn, ctx.clock.now())
    left = min((m.value for m in outcome.measurements), default=0.0) - ctx.clock.now() / SECOND
    if warned.status is not Status.WARN or left >= settings.fail:
        return warned
    reason = Reason.TLS_EXPIRED if left < 0 else Reason.CERTIFICATE_EXPIRING
    return Outcome(
        Status.FAIL,
        reason,
        Phase.TLS,
        warned.detail,
        phases=outcome.phases,
        flags=outcome.flags,
        measurements=outcome.measurements,
    )
