"""Uptime reports: what the recorded transitions of a period add up to, as data and as tables."""

from pacs_monitor.reports.build import build
from pacs_monitor.reports.periods import Period, PeriodError, parse
from pacs_monitor.reports.terminal import table

__all__ = ["Period", "PeriodError", "build", "parse", "table"]
