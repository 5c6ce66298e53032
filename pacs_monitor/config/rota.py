"""The section `oncall` of monitor.yaml, and the file of a rota, as settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from pacs_monitor import patterns
from pacs_monitor.config.values import Count, Name, Recurrence, TimeZone
from pacs_monitor.fields import FilePath, Moment, ServiceHours, Settings, Texts, Times, parse_day, parse_moment
from pacs_monitor.patterns import BLANKS, at_least_one_of, one_or_more, trimmed


def _edge(value: object) -> object:
    """A day, or a time of a day."""
    return parse_day(value) if re.fullmatch(patterns.DAY, str(value).strip(BLANKS)) else parse_moment(value)


Edge = Annotated[
    date | datetime,
    PlainValidator(_edge),
    WithJsonSchema(trimmed(patterns.MOMENT, "2026-12-24 08:00", "2026-12-24")),
]
"""A time, or a whole day, by the clocks of the rota."""


MOST_A_DAY = 13
"""Handovers: more are a mistake, by a rule too."""


class OncallSettings(Settings):
    """Who is on call: what routes may name instead of a channel."""

    rota: FilePath
    """The file with the people and their shifts; it is read at every start and reload."""
    covers: ServiceHours | None = None
    """The hours in which somebody of the rota is on call, in its time zone; default `24x7`."""
    otherwise: Annotated[Texts, Field(min_length=1)]
    """Names under `channels`: where pages go outside of these hours, and while nobody is on call."""


class PersonSettings(Settings):
    """Somebody who can be on call."""

    channels: Annotated[
        tuple[Any, ...],
        Field(min_length=1),
        WithJsonSchema(one_or_more({"anyOf": [{"type": "string"}, {"type": "object", "required": ["use"]}]}, least=1)),
    ]
    """Names under `channels` of monitor.yaml; or `{use: sms, to: …}`: like that channel, with what differs."""

    known_as: Texts = ()
    """What else the events of a calendar may call this person: a name or a mail address."""

    @model_validator(mode="before")
    @classmethod
    def _one_channel(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and isinstance(data.get("channels"), str | Mapping):
            return {**data, "channels": [data["channels"]]}
        return data


class ShiftSettings(Settings):
    """People who take turns."""

    model_config = ConfigDict(json_schema_extra=at_least_one_of(("handover",), ("rrule",)))

    order: Annotated[Texts, Field(min_length=1)]
    """Names under `people`, in the order in which they take turns."""
    start: Moment
    """The first turn begins at the first handover from then on."""
    handover: Times | None = None
    """When a turn ends and the next begins: `Mon 08:00`, `08:00` for every day, `Mon-Fri 08:00`."""
    rrule: Recurrence | None = None
    """Or a rule (RFC 5545), from `start` on: `FREQ=WEEKLY;INTERVAL=2;BYDAY=MO`."""
    hours: ServiceHours | None = None
    """Within these hours alone; default `24x7`."""
    zone: TimeZone | None = None
    """IANA time zone of these times; by default the rota's."""

    @model_validator(mode="after")
    def _handed_over(self) -> Self:
        if (self.handover is None) == (self.rrule is None):
            raise ValueError('write one of handover and rrule: when the next turn begins, such as "Mon 08:00"')
        if self.handover is not None and self.handover.most_a_day > MOST_A_DAY:
            raise ValueError(f"is handed over more than {MOST_A_DAY} times a day; write fewer times")
        if self.rrule is not None:
            from pacs_monitor import recurrence  # noqa: PLC0415 - few configurations need dateutil

            recurrence.Recurrence(self.rrule, self.start, UTC).check(0.0)
        return self


class SpanSettings(Settings):
    """Somebody, for a time."""

    who: str
    """A name under `people`."""
    from_: Edge = Field(alias="from")
    """When it begins; a day alone is its beginning."""
    to: Edge
    """When it ends; a day alone is in it to its end."""


class ShiftCalendarSettings(Settings):
    """A calendar of shifts (RFC 5545)."""

    file: FilePath
    """The .ics file; it is read with the rota, at every start and reload."""


class RotaSettings(Settings):
    """A file of shifts."""

    zone: TimeZone | None = None
    """IANA time zone of all times in the file; by default the monitor's."""
    at_once: Count = 1
    """The most people on call at one moment."""
    people: Annotated[Mapping[Name, PersonSettings], Field(min_length=1)]
    """Who can be on call, and how each is reached."""
    shifts: tuple[ShiftSettings, ...] = ()
    """Where several are at one moment, the first ones count, as many as `at_once`."""
    ical: ShiftCalendarSettings | None = None
    """Instead of shifts, or after them: a calendar each of whose events is somebody's."""
    overrides: tuple[SpanSettings, ...] = ()
    """Who is on call instead; of those at one moment, the last ones count."""
    vacations: tuple[SpanSettings, ...] = ()
    """Who is away: the next person of the order stands in."""
