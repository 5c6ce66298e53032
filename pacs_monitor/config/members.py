"""Members of the estate as settings: nodes, their checks, and the defaults that they share.

`Later` marks keys that are read and checked now and take effect with a later release.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pacs_monitor.config.values import Count, Cron, Pace, Parents
from pacs_monitor.fields import AETitle, Day, Duration, FilePath, Host, Port, Settings, Texts, TlsSettings
from pacs_monitor.model import Paging, Presence, Severity


class Later:
    """Marks a key whose effect comes later; `check-config` says so."""


LATER = Later()


class Defaults(Settings):
    """What a check, its node and the defaults may all say; the nearest to the check wins."""

    interval: Pace | None = None
    """Time from the start of one run to the start of the next."""
    retry_interval: Pace | None = None
    """The interval while a change of state is not yet confirmed; never above `interval`."""
    timeout: Pace | None = None
    """How long a run may take; may be longer than the interval."""
    failures: Count | None = None
    """How many failed results in a row make a check down; default 3."""
    recoveries: Count | None = None
    """How many good results in a row make a check up again; default 2."""
    page_after: Duration | None = None
    """How long a check must be down before a page is sent; default 1m, 0s pages at once."""
    severity: Severity | None = None
    """`critical`, `warning` or `info`; default warning."""
    unknown_after: Duration | None = None
    """How long a check may be unknown before an incident `blind` opens; default 15m."""
    busy_fail_after: Duration | None = None
    """How long a peer may answer `busy` before that counts as a failure; default 10m."""


class CheckSettings(Defaults):
    """What every check may say, beside the settings of its own probe."""

    probe: str | None = None
    """The kind of probe; by default the check's own name."""
    paging: Paging | None = None
    """`on`, `shadow` or `off` for this check."""
    cron: Cron | None = None
    """Runs at these times (minute, hour, day, month, weekday) instead of every `interval`."""
    calendar: str | None = None
    """Hours in which this check pages, and in which what it expects must happen: a name under `calendars`."""
    enabled_by: str | None = None
    """Who approved a check that writes or retrieves images or messages; required for such a check."""
    until: Day | None = None
    """The last day of that approval; after it the check does not run and is `not_configured`."""


class DicomSettings(Settings):
    """How a node speaks DICOM."""

    port: Port
    """TCP port (usually 104 or 11112)."""
    ae_title: AETitle
    """The node's AE title (called AE title)."""
    calling_ae_title: AETitle | None = None
    """Our calling AE title for this node; by default the monitor's."""
    tls: TlsSettings | None = None
    """TLS for connections to this node."""


class Hl7Settings(Settings):
    """How a node speaks HL7 v2 over MLLP."""

    port: Port
    """TCP port (usually 2575)."""
    tls: TlsSettings | None = None
    """TLS for connections to this node."""


class NodeSettings(Defaults):
    """One member of the estate. Blocks of product APIs (`orthanc:` …) carry the name of their system."""

    title: str = ""
    """Display name; by default its name."""
    site: str = ""
    """Where it is: a name under `sites`."""
    role: str = ""
    """archive, modality, ris, network …: any word, for matching."""
    host: Host = ""
    """Host name or address; numeric addresses need no DNS."""
    labels: Mapping[str, str] = {}
    """Any key and value, for matching and in pages."""
    presence: Presence = Presence.ALWAYS
    """`intermittent`: being off is not an outage (a modality at night); unreachable is then `absent`."""
    expected: str | None = None
    """Hours in which an intermittent node should be on: a name under `calendars`."""
    absent_for: Duration | None = None
    """How long it may be absent within these hours before it is degraded; default 2h."""
    paging: Paging | None = None
    """`on`, `shadow` or `off` for this node."""
    impact: str = ""
    """What its outage means to users, for pages."""
    support: Mapping[str, str] = {}
    """Whom to call: `name` (a company, a team, a role), `phone`, `contract`, `hours` or any other keys, for pages."""
    downtime_procedure: str = ""
    """What users do during its outage, or where that is written, for pages."""
    depends_on: Parents = ()
    """Nodes through which this one is reached (`[fw-1, {any: [core-a, core-b]}]`); their outage explains its failures
    to connect. Of `any`, all must be down."""
    max_associations: Count = 1
    """The most simultaneous connections to one address (host and port), for all nodes and checks together."""
    dicom: DicomSettings | None = None
    """Its DICOM port, AE titles and TLS."""
    hl7: Hl7Settings | None = None
    """Its HL7 v2 (MLLP) port and TLS."""
    calendar: str | None = None
    """Hours in which its checks page: a name under `calendars`."""
    use: Annotated[Texts, LATER] = ()
    """Templates whose settings it inherits."""


class NodeTable(Settings):
    """Nodes out of a table."""

    csv: FilePath
    """The file, read at every start and reload."""
    columns: Mapping[str, str]
    """Key of a node → column of the table."""
    use: Texts = ()
    """Templates of these nodes."""
    site: str = ""
    """Site of these nodes."""
