"""Rotas: read from their files, with a channel of their own for whoever has one, and made into who is on call when."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path as FilePath
from zoneinfo import ZoneInfo

from pacs_monitor.calendars import DAY, Hours
from pacs_monitor.config.draft import Draft, Piece, read_channel
from pacs_monitor.config.errors import unknown_name
from pacs_monitor.config.problems import ConfigError, Path, dotted
from pacs_monitor.config.rota import OncallSettings, RotaSettings, ShiftSettings, SpanSettings
from pacs_monitor.config.shapes import shapes
from pacs_monitor.config.shift_calendar import ShiftCalendar, read_shifts
from pacs_monitor.config.tree import Branch, Mark, Text, Tree, at, parse_yaml
from pacs_monitor.config.validate import FROM_FILE, Validator, followed, small_file
from pacs_monitor.format.german import german_moment
from pacs_monitor.intervals import Interval
from pacs_monitor.language import _, language
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.rota import ALWAYS, OnCall, Rota, Rotation, Span

AHEAD: Micros = 14 * DAY
"""How far ahead gaps are looked for."""
NAMED = 3
"""Gaps that one warning names."""


@dataclass(frozen=True, slots=True)
class RotaDraft:
    """The file of a rota, as far as it could be read."""

    oncall: Piece[OncallSettings]
    file: Piece[RotaSettings]
    channels: Mapping[str, tuple[str, ...]]
    """Of each person."""
    content: bytes
    """The file as it was read, and its calendar."""
    listed: ShiftCalendar | None = None


def read_rotas(
    validator: Validator, draft: Draft, environ: Mapping[str, str], used: dict[str, str]
) -> dict[str, RotaDraft]:
    """Each on-call's rota, and into `draft.channels` what its people have of their own; `used` as in `parse_yaml`."""
    found: dict[str, RotaDraft] = {}
    for name, oncall in draft.oncall.items():
        content = _content(validator, oncall)
        tree = None if content is None else _parsed(validator, oncall, content, environ, used)
        piece = None if tree is None else _read(validator, oncall.path, tree)
        if content is not None and piece is not None:
            zone = draft.monitor.settings.timezone if draft.monitor else "UTC"
            calendar, listed = _calendar(validator, piece, ZoneInfo(piece.settings.zone or zone))
            found[name] = RotaDraft(oncall, piece, _channels(validator, draft, piece), content + calendar, listed)
            _check(validator, piece)
    return found


def build_oncalls(rotas: Mapping[str, RotaDraft], timezone: str) -> dict[str, OnCall]:
    """Who is on call when; of what was read without an error."""
    return {name: _oncall(name, rota, timezone) for name, rota in rotas.items()}


def warn_of_gaps(validator: Validator, rotas: Mapping[str, RotaDraft], oncalls: Mapping[str, OnCall]) -> None:
    """Hours of the next two weeks that a rota covers, and in which nobody is on call."""
    now = round(time.time()) * SECOND
    for name, oncall in oncalls.items():
        if words := gaps_in_words(oncall, now):
            piece = rotas[name].oncall
            message = f"nobody is on call {words}: add a shift or an override; pages go to 'otherwise' then"
            validator.warn(at(piece.tree, ("rota",)).mark, (*piece.path, "rota"), message)


def gaps_in_words(oncall: OnCall, now: Micros) -> str:
    """The gaps of the next two weeks, for people: `from Mon 2026-11-30 07:00 to 09:00`; empty without any."""
    gaps = oncall.gaps(Interval(now, now + AHEAD))
    zone, more = oncall.zone, len(gaps) - NAMED
    said = [
        _("from {start} to {end}", start=_clock(gap.start, zone), end=_clock(gap.end, zone)) for gap in gaps[:NAMED]
    ]
    named = ", ".join(said)
    return _("{named} and {more} more times within two weeks", named=named, more=more) if more > 0 else named


def _clock(at_: Micros, zone: tzinfo) -> str:
    there = datetime.fromtimestamp(at_ // SECOND, zone)
    return german_moment(there) if language() == "de" else f"{there:%a %Y-%m-%d %H:%M}"


def _read(validator: Validator, path: Path, tree: Tree) -> Piece[RotaSettings] | None:
    """The rota; where a part of it cannot be read, the rest, so that what is wrong there is told too."""
    settings = validator.read(RotaSettings, tree, path)
    if settings is None and isinstance(tree, Branch):
        spoilt = frozenset(key for key in tree.entries if _has_problems(validator, dotted((*path, key))))
        unknown = frozenset(tree.entries) - frozenset(shapes(RotaSettings))
        if "people" in tree.entries and "people" not in spoilt:
            settings = validator.read(RotaSettings, tree.without(spoilt | unknown), path)
    return None if settings is None else Piece(path, tree, settings)


def _has_problems(validator: Validator, path: str) -> bool:
    return any(
        problem.path == path or problem.path.startswith((f"{path}.", f"{path}[")) for problem in validator.problems
    )


def _content(validator: Validator, oncall: Piece[OncallSettings]) -> bytes | None:
    try:
        return small_file(FilePath(oncall.settings.rota))
    except OSError as error:
        message = f"{str(_shown(oncall))!r} cannot be read: {error.strerror}"
        validator.error(at(oncall.tree, ("rota",)).mark, (*oncall.path, "rota"), message)
        return None


def _parsed(
    validator: Validator,
    oncall: Piece[OncallSettings],
    content: bytes,
    environ: Mapping[str, str],
    used: dict[str, str],
) -> Tree | None:
    """The file; what is wrong with it is told at its own lines."""
    shown = str(_shown(oncall))
    try:
        return parse_yaml(content.decode("utf-8-sig"), shown, environ, validator.problems, used)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        validator.error(Mark(shown, line), oncall.path, "is not UTF-8 text")
    except ConfigError:
        pass  # its problems are in the list
    return None


def _shown(oncall: Piece[OncallSettings]) -> FilePath:
    """The file, as it is written, from where the configuration was named."""
    written = at(oncall.tree, ("rota",))
    return FilePath(written.mark.file).parent / (written.text if isinstance(written, Text) else oncall.settings.rota)


def _calendar(validator: Validator, rota: Piece[RotaSettings], zone: ZoneInfo) -> tuple[bytes, ShiftCalendar | None]:
    """The bytes of its calendar, and what they say; each event that is nobody's is told."""
    ical, content = rota.settings.ical, b""
    if ical is None:
        return content, None
    people = {alias.casefold(): who for who, one in rota.settings.people.items() for alias in (*one.known_as, who)}
    place: Path = ("ical", "file")
    written = at(rota.tree, place)
    try:
        content = small_file(FilePath(ical.file))
        return content, read_shifts(FilePath(ical.file).name, content, people, zone)
    except OSError as error:
        validator.error(written.mark, (*rota.path, *place), f"{ical.file!r} cannot be read: {error.strerror}")
    except ValueError as error:
        for line in str(error).splitlines():
            validator.error(written.mark, (*rota.path, *place), line)
    return content, None


def _channels(validator: Validator, draft: Draft, rota: Piece[RotaSettings]) -> dict[str, tuple[str, ...]]:
    return {
        who: tuple(dict.fromkeys(_of_person(validator, draft, rota, who, len(settings.channels))))
        for who, settings in rota.settings.people.items()
    }


def _of_person(validator: Validator, draft: Draft, rota: Piece[RotaSettings], who: str, count: int) -> Iterator[str]:
    """The names of a person's channels; those that are written out are made."""
    for n in range(count):
        here = followed(rota.tree, ("people", who, "channels", n))
        tree, path = at(rota.tree, here), (*rota.path, *here)
        if isinstance(tree, Branch):
            yield from _own(validator, draft, tree, path, f"{who}.")
        elif isinstance(tree, Text) and tree.text in draft.names("channels"):
            yield tree.text
        elif isinstance(tree, Text):
            validator.error(tree.mark, path, unknown_name("channel", tree.text, draft.names("channels")))
        else:
            validator.error(tree.mark, path, "must be the name of a channel, or {use: CHANNEL, …}")


def _own(validator: Validator, draft: Draft, tree: Branch, path: Path, prefix: str) -> Iterator[str]:
    """A channel like another one, with keys of its own."""
    use, every = tree.entries.get("use"), draft.names("channels")
    if not isinstance(use, Text) or use.text not in every:
        message = "write use: CHANNEL, the channel that it is like" if not isinstance(use, Text) else None
        validator.error(
            tree.mark, path, message or unknown_name("channel", use.text if isinstance(use, Text) else "", every)
        )
        return
    base, own = at(draft.root, ("channels", use.text)), tree.without(frozenset({"use"}))
    if use.text not in draft.channels or not isinstance(base, Branch):
        return  # what is wrong with that one is told there
    keys = {key.removesuffix(FROM_FILE) for key in own.entries}
    kept = {key: value for key, value in base.entries.items() if key.removesuffix(FROM_FILE) not in keys}
    made = read_channel(validator, path, Branch(tree.mark, {**kept, **own.entries}, tree.size), frozenset(keys))
    name = prefix + use.text
    if made is not None and name in every:
        validator.error(tree.mark, path, f"rename channel {name!r} of monitor.yaml: this one would be called so too")
    elif made is not None and draft.channels.get(name, made) != made:
        validator.error(tree.mark, path, f"name another channel to use: {name!r} is there already, with other settings")
    elif made is not None:
        draft.channels[name] = made
        yield name


def _check(validator: Validator, rota: Piece[RotaSettings]) -> None:
    """Names that are nobody's, and times that end before they begin."""
    said, people = rota.settings, rota.settings.people
    for n, shift in enumerate(said.shifts):
        for m, who in enumerate(shift.order):
            _known(validator, rota, who, followed(rota.tree, ("shifts", n, "order", m)))
    for key in ("overrides", "vacations"):
        spans: tuple[SpanSettings, ...] = getattr(said, key)
        for n, span in enumerate(spans):
            _known(validator, rota, span.who, (key, n, "who"))
            if not _begins_first(span):
                place: Path = (key, n, "to")
                validator.error(
                    at(rota.tree, place).mark, (*rota.path, *place), "name a later end: it is over before it begins"
                )
    if not {"shifts", "overrides", "ical"} & set(rota.tree.entries if isinstance(rota.tree, Branch) else ()):
        message = f"write shifts, or ical: {{file: shifts.ics}}: nobody of {', '.join(people)} is ever on call"
        validator.error(rota.tree.mark, rota.path, message)
    _warn_of_overrides(validator, rota)


def _known(validator: Validator, rota: Piece[RotaSettings], who: str, place: Path) -> None:
    if who not in rota.settings.people:
        message = unknown_name("person", who, rota.settings.people.keys())
        validator.error(at(rota.tree, place).mark, (*rota.path, *place), message)


def _begins_first(span: SpanSettings) -> bool:
    during = _span(span, ZoneInfo("UTC")).during
    return during.start < during.end


def _warn_of_overrides(validator: Validator, rota: Piece[RotaSettings]) -> None:
    """Those that others hide, and those of somebody who is away."""
    zone, said = ZoneInfo(rota.settings.zone or "UTC"), rota.settings
    spans = [_span(span, zone) for span in said.overrides]
    for n, span in enumerate(spans):
        place: Path = ("overrides", n)
        mark, path = at(rota.tree, place).mark, (*rota.path, *place)
        later = [other for other in spans[n + 1 :] if other.who != span.who and _overlap(other, span)]
        if len({other.who for other in later}) >= said.at_once:
            validator.warn(
                mark, path, f"overlaps with a later one, of {later[0].who}, which counts; shorten one of them"
            )
        if any(away.who == span.who and _overlap(_span(away, zone), span) for away in said.vacations):
            validator.warn(mark, path, f"{span.who} is on vacation in this time; on call nevertheless, as this says")


def _overlap(one: Span, other: Span) -> bool:
    return one.during.start < other.during.end and other.during.start < one.during.end


def _oncall(name: str, draft: RotaDraft, timezone: str) -> OnCall:
    said, file = draft.oncall.settings, draft.file.settings
    zone = ZoneInfo(file.zone or timezone)
    rota = Rota(
        rotations=tuple(_rotation(shift, zone) for shift in file.shifts),
        listed=draft.listed,
        overrides=_spans(file.overrides, zone),
        vacations=_spans(file.vacations, zone),
        at_once=file.at_once,
    )
    return OnCall(name, rota, said.otherwise, tuple(draft.channels.items()), zone, said.covers or Hours(()))


def _rotation(shift: ShiftSettings, zone: ZoneInfo) -> Rotation:
    there = ZoneInfo(shift.zone) if shift.zone else zone
    start = shift.start.astimezone(there).replace(tzinfo=None) if shift.start.tzinfo else shift.start
    return Rotation(shift.order, start, there, shift.handover or shift.rrule or "", shift.hours or ALWAYS)


def _spans(spans: Iterable[SpanSettings], zone: ZoneInfo) -> tuple[Span, ...]:
    return tuple(_span(span, zone) for span in spans)


def _span(span: SpanSettings, zone: ZoneInfo) -> Span:
    return Span(span.who, Interval(_at(span.from_, zone), _at(span.to, zone, days=1)))


def _at(edge: date, zone: ZoneInfo, days: int = 0) -> Micros:
    """A day alone is its beginning; as an end (one of the `days` more), its end."""
    if not isinstance(edge, datetime):
        edge = datetime(edge.year, edge.month, edge.day) + timedelta(days=days)  # noqa: DTZ001 - given its zone below
    there = edge if edge.tzinfo else edge.replace(tzinfo=zone)
    return round(there.timestamp()) * SECOND
