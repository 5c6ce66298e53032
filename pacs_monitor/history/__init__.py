"""The history: transitions, incidents, notifications, coverage and rollups, durable in SQLite or PostgreSQL."""

from pacs_monitor.history.errors import FencedError, HeldError, HistoryError, UnrecordedError
from pacs_monitor.history.history import History
from pacs_monitor.history.ledger import Revision
from pacs_monitor.history.objects import TestObjects, open_ledger
from pacs_monitor.history.presence import lease_held
from pacs_monitor.history.pulse import ChangeSeen, FailureRun, Pulse, Runs, Sample, Tally
from pacs_monitor.history.reader import IncidentFile, Reader, RevisionRow
from pacs_monitor.history.restored import Restored
from pacs_monitor.history.seatlocks import SeatLocks
from pacs_monitor.history.term import Term

__all__ = [
    "ChangeSeen",
    "FailureRun",
    "FencedError",
    "HeldError",
    "History",
    "HistoryError",
    "IncidentFile",
    "Pulse",
    "Reader",
    "Restored",
    "Revision",
    "RevisionRow",
    "Runs",
    "Sample",
    "SeatLocks",
    "Tally",
    "Term",
    "TestObjects",
    "UnrecordedError",
    "lease_held",
    "open_ledger",
]
