"""The receiver, the clock and the database of the alerting tests."""

from tests.alerting.conftest import clock, database, receiver

__all__ = ["clock", "database", "receiver"]
