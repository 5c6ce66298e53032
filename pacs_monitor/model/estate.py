"""Monitored nodes, where they are reached, and how often a kind of probe runs by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pacs_monitor.model.defaults import CHECK_DEFAULTS
from pacs_monitor.model.enums import Paging, Presence


class Address(NamedTuple):
    """A host and a TCP port: what a seat belongs to."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS towards a node; paths of PEM files. Without `ca` the system's trust store is used."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class DicomEndpoint:
    """The address of a DICOM peer, its called AE title and our calling AE title (PS3.8 9.3.2)."""

    port: int
    ae_title: str
    calling_ae_title: str
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class Hl7Endpoint:
    port: int
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One member of the estate, with its effective settings."""

    name: str
    host: str = ""
    title: str = ""
    site: str = ""
    role: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    presence: Presence = Presence.ALWAYS
    paging: Paging = Paging.ON
    impact: str = ""
    support: Mapping[str, str] = field(default_factory=dict)
    downtime_procedure: str = ""
    depends_on: tuple[tuple[str, ...], ...] = ()
    """Its network parents; of the nodes of one entry, all must be down to cut it off."""
    max_associations: int = 1
    dicom: DicomEndpoint | None = None
    calling_ae_title: str = ""
    """Our AE title towards it, for checks that say port and AE title themselves where it has no `dicom` block."""
    hl7: Hl7Endpoint | None = None
    systems: Mapping[str, object] = field(default_factory=dict)
    """The blocks of product APIs (`orthanc:`, `mirth:` …), each as its system's settings."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How often a probe kind runs by default; seconds."""

    interval: float = CHECK_DEFAULTS.interval
    retry_interval: float = CHECK_DEFAULTS.retry_interval
    timeout: float = CHECK_DEFAULTS.timeout
