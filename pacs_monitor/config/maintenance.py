"""The section `maintenance` of monitor.yaml as settings."""

from __future__ import annotations

from datetime import UTC
from typing import Self

from pydantic import field_validator, model_validator

from pacs_monitor.config.values import Pace, Recurrence
from pacs_monitor.fields import (
    Day,
    FilePath,
    Match,
    Moment,
    Secret,
    SecretLine,
    Settings,
    Texts,
    TlsSettings,
    tls_of,
)
from pacs_monitor.http import Access, is_valid_url
from pacs_monitor.windows import Probing


class EventFilter(Settings):
    """Which events of a calendar count: each key a text, a list (any of) or a glob, in any case; all must hold."""

    summary: Texts = ()
    """Their titles."""
    categories: Texts = ()
    """Their categories: one of them must match."""

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.summary and not self.categories:
            raise ValueError('write summary or categories: {summary: "*PACS*"}; {summary: "*"} for every event')
        return self


class ChangeCalendar(Settings):
    """A calendar (RFC 5545) whose events are windows: a file, or an address."""

    file: FilePath | None = None
    """The .ics file."""
    url: SecretLine | None = None
    """Or its address, from which it is fetched; a secret, or url_file."""
    filter: EventFilter
    """Which of its events count."""
    refresh: Pace = 900.0
    """How often it is read."""
    stale_after: Pace = 86400.0
    """How old it may be (a file by its time of modification): then its windows that have not begun count no more."""
    tls: TlsSettings | None = None
    """Trusted CAs and our client certificate at the address; the system's trust store by default."""

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: Secret | None) -> Secret | None:
        if url is not None and not is_valid_url(url.get_secret_value()):
            raise ValueError("write https://host/path: this is not a URL that can be requested")
        return url

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if (self.file is None) == (self.url is None):
            raise ValueError("write one of file, url and url_file: where the calendar is")
        if self.stale_after < self.refresh:
            raise ValueError("write a longer stale_after: it is shorter than refresh, so it would be stale in between")
        return self

    def access(self) -> Access:
        """Whom we trust at the address."""
        return Access(tls=tls_of(self.tls))


class MaintenanceSettings(Settings):
    """A planned window."""

    name: str
    """What is done."""
    match: Match
    """Which checks it covers."""
    rrule: Recurrence | None = None
    """Recurrence (RFC 5545); once by default."""
    start: Moment | None = None
    """First start, in the monitor's time zone."""
    duration: Pace | None = None
    """How long."""
    ical: ChangeCalendar | None = None
    """Instead of start and duration: a calendar whose events are windows."""
    probing: Probing = Probing.CONTINUE
    """`read_only` stores, sends and deletes nothing; `stop` runs no check at all."""
    by: str = ""
    """Who planned it, or the number of the change."""
    announced: Day | None = None
    """When it was announced, for contracts that count only announced windows."""
    counts: bool | None = None
    """`yes`: downtime in it counts, whatever is agreed on maintenance; `no`: it does not, though it was announced late;
    by default as is agreed. Reports show both figures, and `by`."""
    notify: str = ""
    """The channel that is told when it begins, when it is about to end while something still fails, and when it ends;
    by default only the second is told, through the routes."""

    @model_validator(mode="after")
    def _recurs(self) -> Self:
        if self.counts is not None and not self.by:
            raise ValueError("write by: who says whether it counts; a report names them")
        if self.ical is not None:
            if self.start or self.duration or self.rrule or self.announced:
                raise ValueError("leave out start, duration, rrule and announced: the calendar says when it is")
            if self.counts is not None:
                raise ValueError("leave out counts: say it of each window, by pacs-monitor maintenance counts WINDOW")
            return self
        if self.start is None or self.duration is None:
            missing = "start" if self.start is None else "duration"
            raise ValueError(f"the key {missing!r} is missing; write start and duration, or ical")
        if self.rrule is not None:
            from pacs_monitor import recurrence  # noqa: PLC0415 - few configurations need dateutil

            recurrence.Recurrence(self.rrule, self.start, UTC).check(self.duration)
        return self
