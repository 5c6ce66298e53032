"""Notifications on their way to people: in order, retried, and on record."""

from pacs_monitor.delivery.outbox import Outbox

__all__ = ["Outbox"]
