"""Resolves, connects and speaks TLS for every protocol: each phase is timed, each failure has its Reason."""

from pacs_monitor.net.addresses import canonical, plain
from pacs_monitor.net.certificates import EXPIRY, warn_before_expiry
from pacs_monitor.net.connection import connect, resolve
from pacs_monitor.net.deadline import Deadline
from pacs_monitor.net.resolver import Resolver
from pacs_monitor.net.tls import refusal, refusal_behind, refuses_us
from pacs_monitor.net.trace import NetFailure, Trace

__all__ = [
    "EXPIRY",
    "Deadline",
    "NetFailure",
    "Resolver",
    "Trace",
    "canonical",
    "connect",
    "plain",
    "refusal",
    "refusal_behind",
    "refuses_us",
    "resolve",
    "warn_before_expiry",
]
