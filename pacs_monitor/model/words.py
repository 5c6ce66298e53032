"""What people have said of an incident, as it stands: Acknowledgement, PublicNote."""

from __future__ import annotations

from dataclasses import dataclass

from pacs_monitor.model.enums import Severity
from pacs_monitor.model.times import Micros


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody deals with it: until then nobody is reminded, and nothing escalates."""

    by: str
    why: str
    at: Micros
    until: Micros
    severity: Severity
    """The incident's at that time: a higher one takes the acknowledgement back."""
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class PublicNote:
    """What users of the imaging estate are told, on the wall and beside the services."""

    text: str
    at: Micros
    next_update: Micros | None = None
    """When people expect to hear more."""
