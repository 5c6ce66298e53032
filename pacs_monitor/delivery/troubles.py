"""What goes on beside deliveries and fails: the log is told when it begins and when it is over, not each time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pacs_monitor.model import DeliveryError


class Troubles:
    """Of several channels."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._failing: set[str] = set()

    @contextmanager
    def told(self, channel: str, fails: str, works: str) -> Iterator[None]:
        """Whatever the channel raises within is `fails` in the log; that it `works` again, once nothing is raised."""
        trouble = ""
        try:
            yield
        except DeliveryError as error:
            trouble = str(error)
        except TimeoutError:
            trouble = "the channel exceeded its own timeout"
        except Exception as error:  # noqa: BLE001 - whatever a channel raises must not end what is done for the others
            trouble = f"{type(error).__name__} in the channel itself"
        if trouble and channel not in self._failing:
            self._failing.add(channel)
            self._log.error("channel %s%s: %s", channel, fails, trouble)
        elif not trouble and channel in self._failing:
            self._failing.discard(channel)
            self._log.warning("channel %s%s", channel, works)
