"""Times on pages: how long ago, with the time by the clock beside it or in its label (HTML, the time element)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from pacs_monitor.format.german import german_day
from pacs_monitor.format.human import moment
from pacs_monitor.language import language
from pacs_monitor.model import SECOND, Micros

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def span(seconds: float) -> str:
    """How long, as a person says it: `40 s`, `12 min`, `2 h 15 min`, `19 d`. The script has the same."""
    whole = max(0, int(seconds))
    for index, (length, unit) in enumerate(_UNITS):
        if whole >= length:
            count, rest = divmod(whole, length)
            smaller, its_unit = _UNITS[index + 1] if unit in ("d", "h") else (0, "")
            more = rest // smaller if smaller and count < 3 else 0
            return f"{count} {unit}" + (f" {more} {its_unit}" if more else "")
    return "0 s"


class Times:
    """Writes times of one page: all of one moment, in the monitor's zone."""

    def __init__(self, now: Micros, zone: str) -> None:
        self.now, self.zone = now, zone
        self._zone = ZoneInfo(zone)

    def clock(self, at: Micros) -> str:
        """`10:02` today, else `Tue 24 Nov 10:02`, `Di 24.11. 10:02`, with the year where it is another one."""
        there, today = self._there(at), self._there(self.now)
        if there.date() == today.date():
            return f"{there:%H:%M}"
        if language() == "de":
            return f"{german_day(there, today)} {there:%H:%M}"
        return f"{there:%a} {there.day} {there:%b %H:%M}" if there.year == today.year else f"{there:%Y-%m-%d %H:%M}"

    def second(self, at: Micros) -> str:
        """The same to the second, for what is put in order or handed on."""
        return f"{self.clock(at)}:{self._there(at):%S}"

    def exact(self, at: Micros) -> str:
        """`10:02:05` today, else with the day as `clock` has it."""
        return f"{self._there(at):%H:%M:%S}" if len(self.clock(at)) == len("10:02") else self.clock(at)

    def ago(self, at: Micros) -> Markup:
        """`12 min`, which goes on while the page is open; its label says when."""
        return self._element(at, span((self.now - at) / SECOND), "ago")

    def left(self, at: Micros) -> Markup:
        """`20 min` until then."""
        return self._element(at, span((at - self.now) / SECOND), "left")

    def at(self, at: Micros) -> Markup:
        """By the clock."""
        return self._element(at, self.clock(at), "")

    def to_second(self, at: Micros) -> Markup:
        """By the clock, with the second."""
        return self._element(at, self.second(at), "")

    def _element(self, at: Micros, text: str, kind: str) -> Markup:
        ticking = Markup(' data-tick="{}"').format(kind) if kind else Markup("")
        return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(
            _exact(at), moment(at, self._zone), ticking, text
        )

    def _there(self, at: Micros) -> datetime:
        return datetime.fromtimestamp(at // SECOND, UTC).astimezone(self._zone)


def _exact(at: Micros) -> str:
    """RFC 3339 to the millisecond: HTML allows no finer one (2.3.5.4, times)."""
    return f"{datetime.fromtimestamp(at // SECOND, UTC):%Y-%m-%dT%H:%M:%S}.{at % SECOND // 1000:03}Z"
