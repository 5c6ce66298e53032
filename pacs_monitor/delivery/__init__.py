"""Notifications on their way to people: in order, retried, and on record."""

from pacs_monitor.delivery.circuit import Pace
from pacs_monitor.delivery.outbox import ChannelHealth, Outbox, Stuck, Trouble

__all__ = ["ChannelHealth", "Outbox", "Pace", "Stuck", "Trouble"]
