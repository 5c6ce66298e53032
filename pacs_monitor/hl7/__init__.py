"""HL7 v2 over MLLP: framing, the few fields that we read, a client and a listener."""

from pacs_monitor.hl7.client import Link, LinkPool, Wanted, dial
from pacs_monitor.hl7.message import Code, MalformedError, Message, new_control_id, timestamp

__all__ = ["Code", "Link", "LinkPool", "MalformedError", "Message", "Wanted", "dial", "new_control_id", "timestamp"]
