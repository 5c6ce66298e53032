"""The section `reports` of monitor.yaml as settings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pacs_monitor.config.values import Cron
from pacs_monitor.fields import FolderPath, Settings, Texts

FORMATS = ("pdf", "html", "csv", "json")


def _formats(names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no format of a report; write some of {', '.join(FORMATS)}")
    return names


class ScheduledReport(Settings):
    """A report that is made by itself."""

    cron: Cron
    """When it is made, as a crontab line in the monitor's time zone: `0 6 2 1,4,7,10 *`."""
    period: Literal["yesterday", "last-week", "last-month", "last-quarter", "last-year"] = "last-quarter"
    """What it is about, seen from that time."""
    folder: FolderPath
    """Where its files are put; it is made if it is not there."""
    formats: Annotated[Texts, Field(min_length=1), AfterValidator(_formats)] = ("pdf",)
    """`pdf`, `html`, `csv`, `json`: one, or a list."""
    channels: Texts = ()
    """Names under `channels` that are told; mails have the first of `formats` attached."""
    final: bool = False
    """Whether it is frozen, too (`report --final`)."""
