"""The history: transitions, incidents, notifications, coverage and rollups, durable in SQLite or PostgreSQL."""

from pacs_monitor.history.accumulator import ChangeSeen, FailureRun, HeartbeatBatch, ResultAccumulator, Runs, Sample
from pacs_monitor.history.audit import AuditEntry, audited
from pacs_monitor.history.constancy import Explanation, Transmission, explained, transmissions
from pacs_monitor.history.errors import FencedError, HeldError, HistoryError, UnrecordedError
from pacs_monitor.history.evidence import declared_outages, statements_of, took_place
from pacs_monitor.history.frozen import Frozen, Said
from pacs_monitor.history.history import History
from pacs_monitor.history.objects import TestObjects, open_ledger
from pacs_monitor.history.presence import lease_held
from pacs_monitor.history.reader import HistoryReader
from pacs_monitor.history.records import IncidentFile, Revision, RevisionRow
from pacs_monitor.history.restored import Restored
from pacs_monitor.history.seatlocks import SeatLocks, shared_seats
from pacs_monitor.history.term import Term

__all__ = [
    "AuditEntry",
    "ChangeSeen",
    "Explanation",
    "FailureRun",
    "FencedError",
    "Frozen",
    "HeartbeatBatch",
    "HeldError",
    "History",
    "HistoryError",
    "HistoryReader",
    "IncidentFile",
    "Restored",
    "ResultAccumulator",
    "Revision",
    "RevisionRow",
    "Runs",
    "Said",
    "Sample",
    "SeatLocks",
    "Term",
    "TestObjects",
    "Transmission",
    "UnrecordedError",
    "audited",
    "declared_outages",
    "explained",
    "lease_held",
    "open_ledger",
    "shared_seats",
    "statements_of",
    "took_place",
    "transmissions",
]
