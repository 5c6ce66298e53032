"""Members of the estate as settings: nodes, their checks, and the defaults that they share.

`Later` marks keys that are read and checked now and take effect with a later release.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pacs_monitor.config.values import Count, Cron, Pace
from pacs_monitor.fields import AETitle, Day, Duration, FilePath, Host, Port, Settings, Texts, TlsSettings
from pacs_monitor.model import Paging, Presence, Severity


class Later:
    """Marks a key whose effect comes later; `check-config` says so."""


LATER = Later()


class Defaults(Settings):
    """What a check, its node and the defaults may all say; the nearest to the check wins."""

    interval: Pace | None = None
    """From start to start of two runs."""
    retry_interval: Pace | None = None
    """The interval while a check leans towards another state; never above `interval`."""
    timeout: Pace | None = None
    """How long a run may take; may be longer than the interval."""
    failures: Count | None = None
    """Results in a row until the record says down; 3 unless given."""
    recoveries: Count | None = None
    """Results in a row until the record says up again; 2 unless given."""
    page_after: Duration | None = None
    """How long a check must be down before anybody is paged; 1m unless given, 0s pages at once."""
    severity: Severity | None = None
    """`critical`, `warning` or `info`; warning unless given."""
    unknown_after: Duration | None = None
    """How long a check may be unknown before an incident `blind` opens; 15m unless given."""
    busy_fail_after: Duration | None = None
    """How long a peer may answer `busy` before that counts as a failure; 10m unless given."""


class CheckSettings(Defaults):
    """What every check may say, beside the settings of its own probe."""

    probe: str | None = None
    """The kind of probe; the check's own name unless given."""
    paging: Paging | None = None
    """`on`, `shadow` or `off` for this check."""
    cron: Cron | None = None
    """Runs at these times (minute, hour, day, month, weekday) instead of every `interval`."""
    calendar: Annotated[str | None, LATER] = None
    """Hours in which this check pages: a name under `calendars`."""
    enabled_by: str | None = None
    """Who allowed a check that writes or pulls images or messages; it is off until someone is named."""
    until: Day | None = None
    """The last day on which that approval holds; after it the check does not run, and says so."""


class DicomSettings(Settings):
    """How a node speaks DICOM."""

    port: Port
    """TCP port (104 and 11112 are usual)."""
    ae_title: AETitle
    """The node's AE title, as we call it."""
    calling_ae_title: AETitle | None = None
    """Our AE title towards this node; the monitor's unless given."""
    tls: TlsSettings | None = None
    """TLS towards this node."""


class Hl7Settings(Settings):
    """How a node speaks HL7 v2 over MLLP."""

    port: Port
    """TCP port (2575 is usual)."""
    tls: TlsSettings | None = None
    """TLS towards this node."""


class NodeSettings(Defaults):
    """One member of the estate. Blocks of product APIs (`orthanc:` …) carry the name of their system."""

    title: str = ""
    """What people call it; its name unless given."""
    site: str = ""
    """Where it stands: a name under `sites`."""
    role: str = ""
    """archive, modality, ris, network …: a word of your own, for matching."""
    host: Host = ""
    """Name or address; numeric addresses need no name service."""
    labels: Mapping[str, str] = {}
    """Words of your own, for matching and in pages."""
    presence: Presence = Presence.ALWAYS
    """`intermittent`: being off is no outage (a modality at night); unreachable is then `absent`."""
    paging: Paging | None = None
    """`on`, `shadow` or `off` for this node."""
    impact: str = ""
    """What its outage means to users, for pages."""
    support: Mapping[str, str] = {}
    """Whom to call: `phone`, `contract`, `hours` and whatever helps, for pages."""
    depends_on: Annotated[Texts, LATER] = ()
    """Nodes through which this one is reached; they explain its failures to connect."""
    max_associations: Count = 1
    """Connections of ours at once to one address (host and port), whichever node or check asks."""
    dicom: DicomSettings | None = None
    """How it speaks DICOM."""
    hl7: Hl7Settings | None = None
    """How it speaks HL7 v2 over MLLP."""
    calendar: Annotated[str | None, LATER] = None
    """Hours in which its checks page: a name under `calendars`."""
    use: Annotated[Texts, LATER] = ()
    """Templates whose settings it takes over."""


class NodeTable(Settings):
    """Nodes out of a table."""

    csv: FilePath
    """The file, read at every (re)load."""
    columns: Mapping[str, str]
    """Key of a node → column of the table."""
    use: Texts = ()
    """Templates of these nodes."""
    site: str = ""
    """Site of these nodes."""
