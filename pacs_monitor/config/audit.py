"""`monitor.audit` and `monitor.retention` as settings."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, WithJsonSchema, model_validator

from pacs_monitor import patterns
from pacs_monitor.config.values import HostPort
from pacs_monitor.fields import Duration, Settings, TlsSettings
from pacs_monitor.patterns import trimmed


def _a_day_at_least(seconds: float) -> float:
    if seconds < 86_400:
        raise ValueError("is shorter than a day; write 1d or more")
    return seconds


class AuditSettings(Settings):
    """Where the audit log goes besides the database."""

    syslog: HostPort
    """Host and port of a syslog receiver; messages are those of RFC 5424 with structured data."""
    transport: Literal["tcp", "udp"] = "tcp"
    """Without `tls`: TCP (RFC 6587, octet counting), or UDP (RFC 5426), which loses messages unnoticed."""
    tls: TlsSettings | None = None
    """Speak TLS (RFC 5425); its usual port is 6514."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.syslog[1]:
            raise ValueError("syslog: nobody listens on port 0; write the receiver's, such as 6514")
        if self.tls is not None and self.transport == "udp":
            raise ValueError("leave transport out, or tls: TLS needs TCP (RFC 5425)")
        return self


Kept = Annotated[Duration, AfterValidator(_a_day_at_least), WithJsonSchema(trimmed(patterns.PACE, "400d"))]


class Retention(Settings):
    """How long something is kept; each at least `1d`. What is not here is kept for ever."""

    people: Kept = 400 * 86_400.0
    """Names of people in acknowledgements, notes, audit and revisions become roles after that."""
    failures: Kept = 400 * 86_400.0
    """What failed runs said; when a check changed its state is kept for ever."""
    trends: Kept = 400 * 86_400.0
    """Values of the measurements that are kept as trends."""
    rollups: Kept = 1096 * 86_400.0
    """Runs and their durations, counted by the day: what latency percentiles of a report need."""
