"""Who is told: policy decides (pure), the desk records, the outbox delivers."""

from pacs_monitor.alerting.desk import Desk
from pacs_monitor.alerting.outbox import Outbox

__all__ = ["Desk", "Outbox"]
