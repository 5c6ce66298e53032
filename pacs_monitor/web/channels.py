"""Tests of channels."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import Field, field_validator

from pacs_monitor import api as answers
from pacs_monitor.delivery.trying import LONGEST_OPEN
from pacs_monitor.fields import parse_duration
from pacs_monitor.format.human import duration
from pacs_monitor.messages.trial import Shape
from pacs_monitor.web.view import DaemonView
from pacs_monitor.web.words import Words


class Trial(Words):
    """What is sent as a test."""

    event: Shape | None = None
    """A test page of this shape, instead of the plain test."""
    open_for: float | None = Field(None, json_schema_extra={"type": "string", "examples": ["45s"]})
    """How long it stays open until its end is sent, 10 min at most: 45s, 2m. By default 45 s where the receiver keeps
    an incident open until its end (PagerDuty, Jira Service Management, Alertmanager), else its end follows at once."""

    @field_validator("open_for", mode="before")
    @classmethod
    def _duration(cls, value: object) -> float | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is not a duration; write it as text: 45s or 2m")
        seconds = parse_duration(value)
        if seconds > LONGEST_OPEN:
            raise ValueError(f"write {duration(LONGEST_OPEN)} at most: {value} is longer")
        return seconds


PLAIN = Trial()


def add_channels(api: APIRouter, daemon: DaemonView) -> None:
    """`test`: for operators."""

    @api.post(
        "/api/v1/channels/{channel}/test",
        response_model=answers.Tried,
        summary="Send a test notification; a success releases the pending ones.",
    )
    async def test(channel: str, words: Trial = PLAIN) -> dict[str, Any]:
        if channel not in daemon.estate.channels:
            known = ", ".join(daemon.estate.channels) or "none"
            raise HTTPException(404, f"no channel {channel!r} in the configuration in force; it has: {known}")
        return (await daemon.desk.test(channel, words.event, words.open_for)).as_json()
