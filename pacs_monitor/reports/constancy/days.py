"""What the test transmissions of a day, and of a month, come to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from statistics import median
from typing import Any

from pacs_monitor.history import Transmission
from pacs_monitor.model import Reason, Status


class Verdict(StrEnum):
    """What a working day comes to."""

    PASSED = "passed"
    PARTLY = "partly"
    """Some were confirmed, others were not."""
    FAILED = "failed"
    NOT_TESTED = "not_tested"
    """The day is over, and nothing was sent: a gap, which stays one."""
    PENDING = "pending"
    """Nothing was sent yet, and the day is not over."""


def confirmed(one: Transmission) -> bool | None:
    """Whether the object was found where it was looked for; None when the test was not carried out.

    A warning about something else, such as a certificate that expires, leaves the arrival confirmed.
    """
    if one.status is Status.UNKNOWN:
        return None
    if one.status is Status.WARN:
        return one.available_seconds is not None and one.reason is not Reason.STORED_NOT_FOUND
    return one.status is Status.OK


def speed(one: Transmission) -> float | None:
    """Bytes a second, of the transmission itself."""
    return one.size / one.store_seconds if one.size and one.store_seconds else None


def total_seconds(one: Transmission) -> float | None:
    """From the beginning of the transmission until the arrival was confirmed."""
    if one.store_seconds is None or one.available_seconds is None:
        return None
    return one.store_seconds + one.available_seconds


def verdict(tests: Sequence[Transmission], *, over: bool) -> Verdict:
    """Of all tests of a day."""
    seen = {confirmed(one) for one in tests} - {None}
    if not seen:
        return Verdict.NOT_TESTED if over else Verdict.PENDING
    return Verdict.PARTLY if len(seen) > 1 else Verdict.PASSED if seen == {True} else Verdict.FAILED


def shown(tests: Sequence[Transmission]) -> Transmission | None:
    """The one that stands in the line of a day: the first that was confirmed, else the last that was not."""
    good = [one for one in tests if confirmed(one)]
    bad = [one for one in tests if confirmed(one) is False]
    return good[0] if good else bad[-1] if bad else None


def counts(tests: Sequence[Transmission]) -> dict[str, int]:
    """How many were carried out and confirmed, and how many the monitor did not carry out for a reason of its own."""
    kinds = Counter(map(confirmed, tests))
    carried_out = kinds[True] + kinds[False]
    return {"tests": carried_out, "confirmed": kinds[True], "not_carried_out": kinds[None]}


def reasons(tests: Sequence[Transmission]) -> dict[str, int]:
    """Of those that were not confirmed, or not carried out: how often each reason, the most frequent first."""
    found = Counter(one.reason.value for one in tests if one.reason is not None and not confirmed(one))
    return dict(found.most_common())


def figures(tests: Sequence[Transmission]) -> dict[str, Any]:
    """Completeness, time and speed; null where nothing was measured."""
    counted = counts(tests)
    times = [seconds for one in tests if confirmed(one) and (seconds := total_seconds(one)) is not None]
    speeds = [value for one in tests if confirmed(one) and (value := speed(one)) is not None]
    return {
        **counted,
        "completeness": counted["confirmed"] / counted["tests"] if counted["tests"] else None,
        "median_seconds": median(times) if times else None,
        "longest_seconds": max(times, default=None),
        "median_bytes_per_second": median(speeds) if speeds else None,
        "slowest_bytes_per_second": min(speeds, default=None),
    }
