"""Warns where a check runs too rarely to decide an objective: each of its outages is uncertain by its interval."""

from __future__ import annotations

from collections.abc import Mapping

from pacs_monitor.calendars import DAY, Calendar
from pacs_monitor.config import format as written
from pacs_monitor.config.agreed import ObjectiveSettings
from pacs_monitor.config.draft import Draft, Piece
from pacs_monitor.config.limits import covered_by, measured_by
from pacs_monitor.config.validate import Validator
from pacs_monitor.format.human import duration
from pacs_monitor.model import SECOND, Check, CheckId

DAYS = {"month": 30, "quarter": 91, "year": 365, "contract year": 365}
SOME_YEAR = (1_767_225_600 * SECOND, 1_767_225_600 * SECOND + 365 * DAY)
"""2026: how many hours a calendar has on an average day."""
FEWEST_SLOW = 2
"""Runs that may be slow in a period: with fewer, a single one decides."""
BEARABLE = 0.1
"""Of the allowance: with more, two outages decide it by chance."""


def warn_of_uncertainty(
    validator: Validator, draft: Draft, checks: Mapping[CheckId, Check], calendars: Mapping[str, Calendar]
) -> None:
    """One warning for each objective, with the check that runs most rarely."""
    services = {name: piece.settings.made(name) for name, piece in draft.services.items()}
    for agreed in draft.objectives:
        settings = agreed.settings
        covered = measured_by if settings.measure is not None else covered_by
        slow = max(
            (check for check in covered(settings, services, checks) if check.cron is None),
            key=lambda check: check.interval,
            default=None,
        )
        if slow is not None and settings.share is not None:
            _warn_of_few_runs(validator, agreed, slow, _hours(settings, calendars) / slow.interval)
            continue
        allowance = _allowance(settings, calendars)
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
    return (1 - (settings.availability or 0)) * _hours(settings, calendars)


def _hours(settings: ObjectiveSettings, calendars: Mapping[str, Calendar]) -> float:
    """Seconds of an average period that count."""
    calendar = calendars.get(settings.calendar or "")
    hours = [SOME_YEAR] if calendar is None else calendar.intervals(SOME_YEAR)
    return sum(end - start for start, end in hours) / 365 / SECOND * DAYS[settings.per]


def _warn_of_few_runs(validator: Validator, agreed: Piece[ObjectiveSettings], check: Check, runs: float) -> None:
    """Where one slow run by chance decides it."""
    settings = agreed.settings
    if settings.share is not None and runs * (1 - settings.share) < FEWEST_SLOW:
        message = (
            f"shorten the interval of {check.id}: it runs every {written.duration(check.interval)}, about "
            f"{runs:.0f} times per {settings.per}, of which {written.percent(settings.share)} leave fewer than "
            f"{FEWEST_SLOW} that may be slow"
        )
        validator.warn(agreed.tree.mark, agreed.path, message)
