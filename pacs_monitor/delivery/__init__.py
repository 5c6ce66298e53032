"""Delivers notifications to the channels: in order, retried until accepted, and recorded."""

from pacs_monitor.delivery.circuit import RetryPolicy
from pacs_monitor.delivery.health import ChannelHealth, ChannelTrouble, Stuck
from pacs_monitor.delivery.outbox import Outbox
from pacs_monitor.delivery.polling import Poller
from pacs_monitor.delivery.refreshing import Refresher

__all__ = ["ChannelHealth", "ChannelTrouble", "Outbox", "Poller", "Refresher", "RetryPolicy", "Stuck"]
