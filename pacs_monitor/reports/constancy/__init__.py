"""The constancy log (DIN 6868-159): each working day's verified test transmission, a month to a page, to be signed."""

from pacs_monitor.reports.constancy.build import NoLogError, build
from pacs_monitor.reports.constancy.document import html
from pacs_monitor.reports.constancy.spreadsheet import zipped
from pacs_monitor.reports.constancy.terminal import table

__all__ = ["NoLogError", "build", "html", "table", "zipped"]
