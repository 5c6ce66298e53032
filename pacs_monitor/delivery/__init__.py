"""Delivers notifications to the channels: in order, retried until accepted, and recorded."""

from pacs_monitor.delivery.circuit import RetryPolicy
from pacs_monitor.delivery.outbox import ChannelHealth, ChannelTrouble, Outbox, Stuck

__all__ = ["ChannelHealth", "ChannelTrouble", "Outbox", "RetryPolicy", "Stuck"]
