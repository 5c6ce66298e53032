"""The section `constancy` of monitor.yaml as settings: logs of verified test transmissions (DIN 6868-159)."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from pacs_monitor.config.values import Name
from pacs_monitor.fields import Settings, Texts
from pacs_monitor.model import CheckId


class ConstancySettings(Settings):
    """One constancy log."""

    name: Name = "constancy"
    """What it is called; needed where there are several."""
    checks: Annotated[Texts, Field(min_length=1)]
    """The checks (`node/check`) that store a test object and verify its arrival."""
    route: Annotated[str, Field(min_length=1)]
    """The way that images go, as the log prints it: `CT 2 → archive → teleradiologist`."""
    calendar: str | None = None
    """Its working days are those on which this calendar is open: a name under `calendars`; by default every day."""
    by: str = ""
    """Who is responsible for the log and signs it."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        if len(set(self.checks)) < len(self.checks):
            raise ValueError("names the same check twice; write each once")
        return self

    @property
    def tested(self) -> tuple[CheckId, ...]:
        return tuple(map(CheckId.parse, self.checks))
