"""Who is notified: the policy decides (pure), the desk records, `delivery` delivers."""

from pacs_monitor.alerting.desk import Desk

__all__ = ["Desk"]
