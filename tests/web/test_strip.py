"""What stands under the days of a history strip."""

from __future__ import annotations

from datetime import date

from pacs_monitor.intervals import Interval
from pacs_monitor.uptime import Class
from pacs_monitor.web.pages.plots.spans import DAY, HOUR
from pacs_monitor.web.pages.strip import Strip, cell


def test_its_legend_names_what_its_days_were_spent_in_and_nothing_else() -> None:
    spent: tuple[dict[Class, int], ...]
    spent = ({Class.UP: DAY - HOUR, Class.MAINTENANCE: HOUR}, {Class.DOWN: HOUR, Class.UP: 23 * HOUR}, {})
    cells = tuple(cell(date(2026, 11, 1 + n), one, Interval(0, DAY)) for n, one in enumerate(spent))

    assert Strip(cells, "").kinds == ["down", "maintenance", "up"]
