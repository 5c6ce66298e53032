"""Change calendars as other programs write them, and a server that has one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.peers.outside import Outside, serving

SECRET = "s3cr3t-calendar-0815"


def event(summary: str, start: str, end: str, *more: str, uid: str = "1") -> str:
    return "\n".join(
        ("BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{summary}", f"DTSTART:{start}", f"DTEND:{end}", *more, "END:VEVENT")
    )


def calendar(*events: str) -> bytes:
    lines = "\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//hospital//changes//EN", *events, "END:VCALENDAR"))
    return lines.replace("\n", "\r\n").encode() + b"\r\n"


class CalendarServer(Outside):
    """What was asked of it, and what it answers."""

    secret = SECRET

    def __init__(self) -> None:
        super().__init__()
        self.content = calendar()

    @property
    def asked(self) -> int:
        return len(self.paths)


@contextmanager
def calendar_server() -> Iterator[CalendarServer]:
    """On a free port."""
    with serving(CalendarServer()) as peer:
        yield peer
