"""Delivers notifications to the channels: in order, retried until accepted, and recorded."""

from pacs_monitor.delivery.circuit import Pace
from pacs_monitor.delivery.outbox import ChannelHealth, Outbox, Stuck, Trouble

__all__ = ["ChannelHealth", "Outbox", "Pace", "Stuck", "Trouble"]
