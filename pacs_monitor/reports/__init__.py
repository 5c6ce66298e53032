"""Uptime reports: what the recorded transitions of a period add up to, as data, tables, a document and spreadsheets."""

from pacs_monitor.reports.build import build
from pacs_monitor.reports.csv import zipped
from pacs_monitor.reports.freezing import NotOverError, Ready, documents, freeze, outcome, printed_too, with_pdf
from pacs_monitor.reports.html import Part, html
from pacs_monitor.reports.pdf import Printer, PrintingError, browser, printed, printer
from pacs_monitor.reports.periods import Period, PeriodError, parse
from pacs_monitor.reports.terminal import table

__all__ = [
    "NotOverError",
    "Part",
    "Period",
    "PeriodError",
    "Printer",
    "PrintingError",
    "Ready",
    "browser",
    "build",
    "documents",
    "freeze",
    "html",
    "outcome",
    "parse",
    "printed",
    "printed_too",
    "printer",
    "table",
    "with_pdf",
    "zipped",
]
