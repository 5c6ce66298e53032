"""Resolves, connects and speaks TLS for every protocol: each phase is timed, each failure has its Reason."""

from pacs_monitor.net.addresses import canonical, plain
from pacs_monitor.net.certificates import EXPIRY, mind_expiry
from pacs_monitor.net.connection import connect, resolve
from pacs_monitor.net.deadline import Deadline
from pacs_monitor.net.passage import NetFailure, Passage
from pacs_monitor.net.resolver import Resolver
from pacs_monitor.net.tls import refusal, refuses_us, second_opinion

__all__ = [
    "EXPIRY",
    "Deadline",
    "NetFailure",
    "Passage",
    "Resolver",
    "canonical",
    "connect",
    "mind_expiry",
    "plain",
    "refusal",
    "refuses_us",
    "resolve",
    "second_opinion",
]
