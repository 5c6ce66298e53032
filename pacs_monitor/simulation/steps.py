"""The steps of a scenario as settings."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from pacs_monitor.fields import Duration, Match, Settings, Texts
from pacs_monitor.format.names import likely
from pacs_monitor.model import REASONS, Reason, State


def _reason(value: object) -> object:
    if value in REASONS:
        return REASONS[str(value)]
    guess = likely(str(value), REASONS)
    hint = f"did you mean {guess!r}?" if guess else "docs/operations.md lists all of them"
    raise ValueError(f"unknown reason {value!r}; {hint}")


class PlannedWindow(Settings):
    """A window of maintenance that somebody plans."""

    name: str = "maintenance"
    """What is done; `extend` and `end` name it so."""
    match: Match
    """Which checks it covers."""
    start: Duration = 0.0
    """How long after the step it begins."""
    for_: Duration = Field(alias="for")
    """How long."""
    notify: str = ""
    """The channel that is told when it begins and ends."""


class Step(Settings):
    """What happens at one moment: checks change, or somebody says something."""

    at: Duration
    """How long after the start."""
    check: Texts = ()
    """Checks that are confirmed to be in another state: `node/check`, a list, or a glob such as `archive/*`."""
    state: State | None = None
    """up, degraded, down, absent or unknown."""
    reason: Annotated[Reason | None, BeforeValidator(_reason)] = None
    """Why; by default `tcp_timeout`, `slow` if degraded, `not_measured` if unknown."""
    since: Duration = 0.0
    """How long before that it was first seen."""
    maintenance: PlannedWindow | None = None
    """Somebody plans a window of maintenance."""
    extend: str = ""
    """The window of this name lasts longer, by `for`."""
    end: str = ""
    """The window of this name is ended early, or does not take place."""
    pause: str = ""
    """Somebody pauses these, for `for`: `node`, `node/check`, or globs."""
    resume: str = ""
    """They run again."""
    for_: Duration = Field(8 * 3600.0, alias="for")
    """How long a pause holds, or how much longer a window lasts."""
    by: str = "somebody"
    """Who says so."""
    why: str = ""
    """Why."""

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        given = [self.check, self.maintenance, self.extend, self.end, self.pause, self.resume]
        if sum(map(bool, given)) != 1:
            raise ValueError("needs exactly one of check, maintenance, extend, end, pause and resume")
        if bool(self.check) != (self.state is not None):
            raise ValueError("needs a state beside check: up, degraded, down, absent or unknown")
        return self
