"""Messages for a syslog receiver: their form (RFC 5424), and a sender that nothing waits for."""

from pacs_monitor.syslog.message import Severity, message
from pacs_monitor.syslog.sender import Receiver, Sender

__all__ = ["Receiver", "Sender", "Severity", "message"]
