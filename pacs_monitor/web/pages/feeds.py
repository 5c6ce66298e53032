"""For readers of feeds and for calendars: incidents as Atom (RFC 4287), maintenance as iCalendar (RFC 5545)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from fastapi import FastAPI
from fastapi.responses import Response

from pacs_monitor.config import MonitorSettings
from pacs_monitor.model import SECOND, Micros, iso
from pacs_monitor.web import records
from pacs_monitor.web.refusals import recorded
from pacs_monitor.web.view import DaemonView
from pacs_monitor.windows import Window, spelled

ATOM = "http://www.w3.org/2005/Atom"
ENTRIES = 50


def add_feeds(app: FastAPI, daemon: DaemonView) -> None:
    """Both."""

    @app.get("/feed.atom", summary="Incidents as a feed.", include_in_schema=False)
    async def feed() -> Response:
        rows = await recorded(records.incidents(daemon, open_only=False, limit=ENTRIES))
        body = atom(rows, daemon.estate.monitor, iso(daemon.clock.now()))
        return Response(body, media_type="application/atom+xml; charset=utf-8", headers={"Cache-Control": "no-store"})

    @app.get("/maintenance.ics", summary="Maintenance as a calendar.", include_in_schema=False)
    async def calendar() -> Response:
        body = ics(daemon.desk.plans.windows(), daemon.estate.monitor, daemon.clock.now())
        return Response(body, media_type="text/calendar; charset=utf-8", headers={"Cache-Control": "no-store"})


def atom(incidents: Sequence[Mapping[str, Any]], monitor: MonitorSettings, now: str) -> bytes:
    """An entry per incident, which changes when it ends."""
    register_namespace("", ATOM)
    feed = Element(f"{{{ATOM}}}feed")
    _text(feed, "id", f"urn:pacs-monitor:{monitor.name}")
    _text(feed, "title", f"Incidents of {monitor.name}")
    _text(feed, "updated", max((one["ended"] or one["noticed"] for one in incidents), default=now))
    _text(SubElement(feed, f"{{{ATOM}}}author"), "name", monitor.name)
    for one in incidents:
        entry = SubElement(feed, f"{{{ATOM}}}entry")
        _text(entry, "id", f"urn:pacs-monitor:{monitor.name}:{one['id']}")
        _text(entry, "title", f"{one['ending'] or one['state']}: {one['summary']}")
        _text(entry, "published", one["noticed"])
        _text(entry, "updated", one["ended"] or one["noticed"])
        SubElement(entry, f"{{{ATOM}}}category", term=one["severity"])
        _text(entry, "content", "\n".join(filter(None, (one["summary"], one["detail"], one["next_step"]))))
        if monitor.url:
            SubElement(entry, f"{{{ATOM}}}link", rel="alternate", href=f"{monitor.url}/incidents/{one['id']}")
    written: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _text(parent: Element, name: str, text: str) -> None:
    """Characters that XML 1.0 cannot hold become question marks (2.2, Char)."""
    SubElement(parent, f"{{{ATOM}}}{name}").text = "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


def ics(windows: Sequence[Window], monitor: MonitorSettings, now: Micros) -> bytes:
    """An event per window that is not over."""
    from icalendar import Calendar, Event  # noqa: PLC0415 - few ask for it

    calendar = Calendar()
    calendar.add("prodid", "-//pacs_monitor//maintenance//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"Maintenance of {monitor.name}")
    for one in windows:
        event = Event()
        event.add("uid", f"{one.id}@{monitor.name}")
        event.add("dtstamp", _utc(now))
        event.add("dtstart", _utc(one.start))
        event.add("dtend", _utc(one.end))
        event.add("summary", f"Maintenance: {one.name}")
        event.add(
            "description", "\n".join(filter(None, (spelled(one.match), f"by {one.by}" if one.by else "", one.why)))
        )
        calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written


def _utc(at: Micros) -> datetime:
    return datetime.fromtimestamp(at // SECOND, UTC)
