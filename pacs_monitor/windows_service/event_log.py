"""Windows' event log, by pywin32: the source, events, and the log as events."""

from __future__ import annotations

import logging
import time
from contextlib import suppress

from pacs_monitor.windows_service.events import MESSAGES, SOURCE, Damper, Event, of_log, shown


def register() -> None:
    """Once, by an administrator: a service may write events, and not make sources of them."""
    import win32evtlogutil

    win32evtlogutil.AddSourceToRegistry(SOURCE, MESSAGES)


def unregister() -> None:
    """Events that are in the log stay there, without the text around theirs."""
    import win32evtlogutil

    win32evtlogutil.RemoveSourceFromRegistry(SOURCE)


def write(event: Event, text: str, level: int | None = None) -> None:
    """Never fails: an event log that is full or closed must not hold up the monitor."""
    import pywintypes
    import win32evtlog
    import win32evtlogutil

    types = {
        logging.INFO: win32evtlog.EVENTLOG_INFORMATION_TYPE,
        logging.WARNING: win32evtlog.EVENTLOG_WARNING_TYPE,
        logging.ERROR: win32evtlog.EVENTLOG_ERROR_TYPE,
    }
    with suppress(pywintypes.error):
        kind = types[min(level or event.level, logging.ERROR)]
        win32evtlogutil.ReportEvent(SOURCE, event.value, eventType=kind, strings=[shown(text)])


class EventLogHandler(logging.Handler):
    """Lines of the log that are events."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._damper = Damper()

    def emit(self, record: logging.LogRecord) -> None:
        event = of_log(record.name, record.levelno)
        about = str(record.args[0]) if isinstance(record.args, tuple) and record.args else ""
        if event and self._damper.lets_through(time.monotonic(), record.name, str(record.msg), about):
            write(event, record.getMessage(), record.levelno)
