"""The sections of monitor.yaml as settings; the docstring of a key is its description in editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from pacs_monitor.config.access import Auth, Wall
from pacs_monitor.config.agreed import ObjectiveSettings, ServiceSettings
from pacs_monitor.config.audit import AuditSettings, Retention
from pacs_monitor.config.constancy import ConstancySettings
from pacs_monitor.config.heartbeat import Heartbeat
from pacs_monitor.config.listening import DicomListener, Hl7Listener, ServerTls
from pacs_monitor.config.maintenance import MaintenanceSettings
from pacs_monitor.config.members import LATER, Defaults, NodeTable
from pacs_monitor.config.report import ReportSettings
from pacs_monitor.config.rota import OncallSettings
from pacs_monitor.config.scheduled import ScheduledReport
from pacs_monitor.config.values import (
    Count,
    Database,
    Exceptional,
    HostPort,
    Name,
    Pace,
    TimeZone,
)
from pacs_monitor.fields import (
    NO_LINKS,
    AETitle,
    Duration,
    LinkAddress,
    Match,
    ServiceHours,
    Settings,
    Texts,
    Times,
)
from pacs_monitor.language import Language
from pacs_monitor.model import Address, Paging
from pacs_monitor.patterns import at_least_one_of, one_of

_OPEN_TO_OTHERS: dict[str, Any] = {
    "if": {
        "properties": {"listen": {"pattern": r"^(?:\[::\]:|(?!\s|\[|127\.|localhost:))[^$]*$"}},
        "required": ["listen"],
    },
    "then": {"required": ["auth"]},
}
"""For editors: whoever listens wider than loopback needs `auth`."""


class MonitorSettings(Settings):
    """The monitor itself."""

    model_config = ConfigDict(json_schema_extra=_OPEN_TO_OTHERS)

    name: Name
    """Appears in pages, reports and metrics; one running instance per name and database."""
    timezone: TimeZone = "UTC"
    """IANA time zone for calendars, maintenance and reports."""
    language: Language = "en"
    """Of pages and mails: `en` or `de`. Without it web pages are in the language of each browser."""
    ae_title: AETitle = "PACSMON"
    """Our calling AE title, unless a node or check sets its own."""
    database: Database = Field("sqlite:///pacs-monitor.db", validate_default=True, repr=False)
    """`sqlite:///FILE` or `postgresql+psycopg://USER@HOST/NAME`; or database_file."""
    listen: HostPort = ("127.0.0.1", 9741)
    """Host and port of the API, `/metrics` and the pages; wider than loopback needs `auth`."""
    external_url: LinkAddress = ""
    """The URL of this monitor for links in pages; default `http://LISTEN`. `none`: pages have no links."""
    paging: Paging = Paging.ON
    """`on`, `shadow` (record what would have been sent) or `off`; also per site, node and check."""
    allow: Texts = ()
    """The exec and sql checks (`node/check`) and exec channels (`channels/NAME`) that may run."""
    site: str = ""
    """Where the monitor stands: a name under `sites`. Other sites are unreachable, not isolated, while its references
    answer and theirs do not."""
    auth: Auth | None = None
    """Tokens for the API; without them only this machine itself is served."""
    wall: Wall | None = None
    """Screens that see `/wall`, and nothing else, without a token."""
    tls: ServerTls | None = None
    """Serve HTTPS with this certificate."""
    dicom_listener: DicomListener | None = None
    """Our own DICOM acceptor, for `verify: move` and `commitment`."""
    hl7_listener: Hl7Listener | None = None
    """Our own MLLP listener, for `hl7_feed` and for `verify: loop` of `hl7_heartbeat`."""
    heartbeat: Heartbeat | None = None
    """Regular requests to an external dead man's switch, sent only while probing, alerting and writing work."""

    audit: AuditSettings | None = None
    """Where the audit log goes besides the database."""
    retention: Retention = Retention()
    """How long names of people, details of failures, trends and daily counts are kept."""

    @property
    def url(self) -> str:
        """Where people reach this monitor, without a slash at the end; "" where pages are to have no links."""
        if self.external_url == NO_LINKS:
            return ""
        return self.external_url or f"{'https' if self.tls else 'http'}://{Address(*self.listen)}"

    def link(self, path: str) -> str:
        """To one of its pages; "" where pages are to have no links."""
        return f"{self.url}{path}" if self.url else ""


class SiteSettings(Settings):
    """A place where nodes stand."""

    title: str = ""
    """Display name."""
    calendar: str | None = None
    """Service hours of the site: a name under `calendars`; `expected` of its intermittent nodes with `absent_for`."""
    reference: tuple[HostPort, ...] = ()
    """On-site addresses (`host:port`); when none answers, the link or the monitor is at fault and no node is blamed."""
    paging: Paging | None = None
    """Overrides the monitor's setting for the nodes of this site."""


class CalendarSettings(Settings):
    """Service hours: `hours`, or all that is outside of another calendar (`not`)."""

    model_config = ConfigDict(json_schema_extra=one_of("hours", "not"))

    hours: ServiceHours | None = None
    """`Mon-Fri 06:00-20:00`, several with commas, or `24x7`."""
    outside_of: str | None = Field(None, alias="not")
    """The calendar outside of which this one is open: a name under `calendars`."""
    exceptions: tuple[Exceptional, ...] = Field((), alias="except")
    """Closed days: dates (2026-12-24), ranges (2026-12-24..2027-01-01), .ics files, public holidays
    ({country: DE, region: BY})."""
    opening_grace: Duration = 0.0
    """How long after opening no page is sent."""

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if (self.hours is None) == (self.outside_of is None):
            raise ValueError("needs exactly one of 'hours' and 'not'")
        return self


LATE_AFTER = 120.0


class Fallback(Settings):
    """Who is paged in the place of a channel that does not deliver its pages."""

    channel: str
    """The other channel."""
    after: Duration = LATE_AFTER
    """How long a page may wait for its delivery until it goes to the other channel, too."""


OPENINGS_PER_MINUTE = 20


class ChannelTest(Settings):
    """A regular proof that a channel works."""

    at: Times
    """When a test notification is sent: `Tue 10:00`, in the monitor's time zone."""
    ack_within: Duration = 1800.0
    """How soon it must be delivered (acknowledged, where answers can reach the monitor); else other channels are
    told."""


class ChannelSettings(Settings):
    """What every channel may say, beside the settings of its own kind."""

    type: str
    """The kind of channel."""
    fallback: Fallback | None = None
    """Another channel that gets the pages which this one does not deliver in time."""
    test: ChannelTest | None = None
    """Test notifications at a time of the week; their text says that it is no fault."""
    openings_per_minute: Count = OPENINGS_PER_MINUTE
    """How many incidents may open on it within a minute, each for itself; the rest are told in one summary."""


class HandoverSettings(Settings):
    """What the next shift has to know, as a message."""

    at: Times
    """When it is sent: `07:00`, `Mon-Fri 07:00`, several with commas, in the monitor's time zone."""
    channels: Texts = Field(min_length=1)
    """Names under `channels`."""


class Escalation(Settings):
    """A step while nobody has acknowledged."""

    model_config = ConfigDict(json_schema_extra=at_least_one_of(("channels",), ("oncall",)))

    after: Pace
    """How long after the first notification, while nobody has acknowledged."""
    channels: Texts = ()
    """Names under `channels` of those to notify then."""
    oncall: Texts = ()
    """Names under `oncall`: whoever is on call then."""

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not self.channels and not self.oncall:
            raise ValueError("write channels: [CHANNEL] or oncall: NAME, whom to notify then")
        return self


class DefaultRoute(Settings):
    """Who is notified of incidents that no route matches."""

    model_config = ConfigDict(json_schema_extra=at_least_one_of(("channels",), ("oncall",)))

    channels: Texts = ()
    """Names under `channels`."""
    oncall: Texts = ()
    """Names under `oncall`: whoever is on call, by the rota."""
    remind: Pace | None = None
    """Interval of reminders while the incident is open."""
    escalate: tuple[Escalation, ...] = ()
    """Steps while the incident is not acknowledged."""
    calendar: str | None = None
    """Outside these hours pages wait until the next opening: a name under `calendars`."""

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not self.model_fields_set & {"channels", "oncall"}:
            raise ValueError("the key 'channels' is missing; or name who is on call with oncall: NAME")
        return self


class RouteSettings(DefaultRoute):
    """Who is notified of which incidents; the first match wins unless it says `continue: true`."""

    match: Match = Match()
    """Which checks it applies to."""
    continue_: bool = Field(default=False, alias="continue")
    """Continue with the following routes."""


class Sections(Settings):
    """monitor.yaml as a whole."""

    include: Annotated[Texts, LATER] = ()
    """More files to merge (any section but monitor)."""
    monitor: MonitorSettings
    """The monitor itself: its name, its database, where it listens."""
    sites: Mapping[str, SiteSettings] = {}
    """The places where nodes are."""
    calendars: Mapping[str, CalendarSettings] = {}
    """Service hours."""
    defaults: Defaults = Defaults()
    """Defaults for every check whose node does not override them."""
    templates: Annotated[Mapping[str, Any], LATER] = {}
    """Settings that several nodes share, by `use`."""
    nodes_from: Annotated[tuple[NodeTable, ...], LATER] = ()
    """Tables that define nodes."""
    nodes: Mapping[str, Any] = {}
    """The monitored nodes."""
    services: Mapping[str, ServiceSettings] = {}
    """What users call "the PACS"."""
    channels: Mapping[str, Any] = {}
    """Ways to reach people."""
    oncall: Mapping[str, OncallSettings] = {}
    """Who is on call, by a rota: what routes may name instead of channels."""
    routes: tuple[RouteSettings, ...] = ()
    """Who is notified of what: the first match wins unless it has `continue: true`."""
    default_route: DefaultRoute | None = None
    """Who is notified of incidents that no route matches."""
    handover: HandoverSettings | None = None
    """The handover as a message, at a time of the day."""
    reports: Mapping[str, ScheduledReport] = {}
    """Reports that are made by themselves."""
    maintenance: tuple[MaintenanceSettings, ...] = ()
    """Planned windows, in which nobody is paged."""
    objectives: tuple[ObjectiveSettings, ...] = ()
    """Agreed availability."""
    constancy: ConstancySettings | tuple[ConstancySettings, ...] = ()
    """Logs of test transmissions, as teleradiology needs them: one, or a list."""
    report: ReportSettings | None = None
    """Who signs uptime reports, and how they look."""
