"""The HTTP API of a running daemon, for scripts and for the command line.

    from pacs_monitor.client import Client

    monitor = Client("https://monitor.example.org:9741")  # the token: PACS_MONITOR_TOKEN, or token=…
    for incident in monitor.incidents(open_only=True):
        print(incident["since"], incident["summary"])
        monitor.acknowledge(incident["id"], by="it-duty", for_="2h", why="vendor called")

Answers are dictionaries as the daemon sends them; their types (pacs_monitor.api) are for editors and type checkers.
Durations that are said are texts (`2h`), times are as people write them, by the monitor's clock (`tomorrow 07:00`), or
RFC 3339. Nothing is tried twice. Every call ends within `timeout` seconds, plus what the daemon needs to do what is
asked, and raises a ClientError with what to do.
"""

from pacs_monitor.client.errors import (
    ClientError,
    ForbiddenError,
    MissingError,
    MisuseError,
    NoDaemonError,
    RefusedError,
)
from pacs_monitor.client.reading import Reading
from pacs_monitor.client.speaking import Match, Speaking
from pacs_monitor.client.transport import ANSWER_WITHIN, DEFAULT_URL

__all__ = [
    "ANSWER_WITHIN",
    "DEFAULT_URL",
    "Client",
    "ClientError",
    "ForbiddenError",
    "Match",
    "MissingError",
    "MisuseError",
    "NoDaemonError",
    "RefusedError",
]


class Client(Reading, Speaking):
    """The API of a daemon: what it knows, and what is said to it."""
