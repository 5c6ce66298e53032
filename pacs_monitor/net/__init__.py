"""Resolve, connect, TLS: phase-timed, each failure mapped to its Reason, for every protocol above it."""

from pacs_monitor.net.connection import connect
from pacs_monitor.net.passage import NetFailure, Passage
from pacs_monitor.net.resolver import Resolver

__all__ = ["NetFailure", "Passage", "Resolver", "connect"]
