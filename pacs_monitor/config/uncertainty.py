"""Warns where a check runs too rarely to decide an objective: each of its outages is uncertain by its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pacs_monitor.calendars import DAY, Calendar
from pacs_monitor.config import format as written
from pacs_monitor.config.agreed import ObjectiveSettings
from pacs_monitor.config.draft import Draft
from pacs_monitor.config.matching import covers
from pacs_monitor.config.validate import Validator
from pacs_monitor.format.human import duration
from pacs_monitor.model import SECOND, Check, CheckId
from pacs_monitor.services import Service, checks_of

DAYS = {"month": 30, "quarter": 91, "year": 365, "contract year": 365}
SOME_YEAR = (1_767_225_600 * SECOND, 1_767_225_600 * SECOND + 365 * DAY)
"""2026: how many hours a calendar has on an average day."""
BEARABLE = 0.1
"""Of the allowance: with more, two outages decide it by chance."""


def warn_of_uncertainty(
    validator: Validator, draft: Draft, checks: Mapping[CheckId, Check], calendars: Mapping[str, Calendar]
) -> None:
    """One warning for each objective, with the check that runs most rarely."""
    services = {name: piece.settings.made(name) for name, piece in draft.services.items()}
    for agreed in draft.objectives:
        settings = agreed.settings
        allowance = _allowance(settings, calendars)
        slow = max(
            (check for check in _subject(settings, services, checks) if check.cron is None),
            key=lambda check: check.interval,
            default=None,
        )
        if slow is not None and slow.interval > allowance * BEARABLE:
            message = (
                f"shorten the interval of {slow.id}, or leave the check out: it runs every "
                f"{written.duration(slow.interval)}, so each outage is uncertain by as much; the allowance is "
                f"{duration(allowance)} per {settings.per}"
            )
            validator.warn(agreed.tree.mark, agreed.path, message)


def _allowance(settings: ObjectiveSettings, calendars: Mapping[str, Calendar]) -> float:
    """Seconds."""
    if settings.allowed is not None:
        return settings.allowed
    calendar = calendars.get(settings.calendar or "")
    hours = [SOME_YEAR] if calendar is None else calendar.intervals(SOME_YEAR)
    a_day = sum(end - start for start, end in hours) / 365 / SECOND
    return (1 - (settings.availability or 0)) * a_day * DAYS[settings.per]


def _subject(
    settings: ObjectiveSettings, services: Mapping[str, Service], checks: Mapping[CheckId, Check]
) -> Iterator[Check]:
    if settings.service is None:
        match = settings.match
        yield from (check for check in checks.values() if match is not None and covers(match, check))
        return
    yield from (checks[CheckId.parse(name)] for name in checks_of(settings.service, services))
