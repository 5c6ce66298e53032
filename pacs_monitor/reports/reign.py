"""A configuration, and when it was in force."""

from __future__ import annotations

from typing import NamedTuple

from pacs_monitor.config.then import Then
from pacs_monitor.history.periods import Revision
from pacs_monitor.intervals import Interval


class Reign(NamedTuple):
    """A configuration, and when it was in force."""

    during: Interval
    revision: Revision
    said: Then
