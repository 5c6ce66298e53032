"""Disks that fill, and disks that do not, minute by minute over days; and what is forecast of them.

`python -m tests.systems.filling` prints the tables of docs/systems.md.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from statistics import median
from typing import NamedTuple

from pacs_monitor.systems.shared.trend import Sample, full_in, noted

MINUTE = 60.0
"""Seconds."""
HOUR, DAY = 60, 1440
"""Minutes."""
SEEDS = range(20)
Uses = Sequence[float]
"""Share in use, minute by minute; what fills is full with the last."""


def steady(_seed: int, hours: int = 24) -> Uses:
    return _filling([1.0] * (hours * HOUR))


def rush(_seed: int) -> Uses:
    """Quiet for 30 hours, then full within three."""
    return _filling([0.0] * (30 * HOUR) + [1.0] * (3 * HOUR), start=0.4)


def bursts(every: int) -> Callable[[int], Uses]:
    """Every so many minutes, half early or late, all within a fifth of that, twice or half as much as the last."""

    def made(seed: int) -> Uses:
        chance = random.Random(seed)
        took, at = [0.0] * (20 * every + 24 * HOUR), chance.random() * every
        while at < len(took) - every:
            amount = chance.lognormvariate(0, 0.5)
            for minute in range(int(at), int(at) + every // 5):
                took[minute] += amount
            at += every * chance.uniform(0.5, 1.5)
        while not took[-1]:
            took.pop()
        return _filling(took)

    return made


def working_days(seed: int) -> Uses:
    """From 8 to 18 ten times what comes at night; full on the eighth day in working hours."""
    chance = random.Random(seed)
    minutes = 7 * DAY + chance.randrange(9 * HOUR, 18 * HOUR)
    busy = (8 * HOUR <= minute % DAY < 18 * HOUR for minute in range(minutes))
    return _filling([(1.0 if now else 0.1) * chance.lognormvariate(0, 0.5) for now in busy])


def with_rotation(seed: int) -> Uses:
    """Steady over four days, and 3 % of the disk is deleted each night."""
    minutes, first = 4 * DAY, random.Random(seed).randrange(DAY)
    took = [1.0] * minutes
    for night in range(first, minutes - HOUR // 2, DAY):
        took[night] -= 0.03 * minutes
    return _filling(took)


def with_files_that_come_and_go(seed: int) -> Uses:
    """Steady, and half the time there are also files of up to 1 % of the disk."""
    chance = random.Random(seed)
    return [min(1.0, use + max(0.0, chance.uniform(-0.01, 0.01))) for use in steady(seed)]


def with_noise(seed: int) -> Uses:
    """Steady, as a compressed volume tells it: give or take 0.1 % of the disk."""
    chance = random.Random(seed)
    uses = [min(1.0, use + chance.gauss(0, 0.001)) for use in steady(seed)]
    return [*uses[:-1], 1.0]


def cleaned_and_filled_again(seed: int) -> Uses:
    """At 3 % an hour up to 80 to 97 %, cleaned to 50 %, and on."""
    top = random.Random(seed).uniform(0.8, 0.97)
    rising = [0.2 + 0.03 * minute / HOUR for minute in range(int((top - 0.2) / 0.03 * HOUR))]
    return [*rising, *_filling([1.0] * int(0.5 / 0.03 * HOUR), start=0.5)]


def deleter(hours: int) -> Callable[[int], Uses]:
    """Between 80 and 90 % for a week: what comes by chance is deleted whenever 90 % is passed."""

    def made(seed: int) -> Uses:
        chance, use, uses = random.Random(seed), 0.8, []
        for _ in range(7 * DAY):
            use += 0.1 / (hours * HOUR) * chance.lognormvariate(-0.5, 1.0)
            use = 0.8 if use >= 0.9 else use
            uses.append(use)
        return uses

    return made


def nightly_purge(_seed: int) -> Uses:
    """From 75 to 87 % between 7 and 19 o'clock, purged from midnight to two, for a week."""
    day = [
        min(12.0, max(0.0, minute / HOUR - 7)) / 12 if minute >= 2 * HOUR else 1 - minute / 120 for minute in range(DAY)
    ]
    return [0.75 + 0.12 * share for share in day] * 7


def one_import(seed: int) -> Uses:
    """70 %, and once 15 % more within twenty minutes: half of what was free."""
    begin = random.Random(seed).randrange(DAY, 2 * DAY)
    return [0.7 + 0.15 * min(1.0, max(0.0, (minute - begin) / 20)) for minute in range(5 * DAY)]


def cleaned_for_good(seed: int) -> Uses:
    """Filled within hours, then cleaned in part, and nothing comes any more."""
    chance = random.Random(seed)
    minutes, top = chance.randrange(3 * HOUR, 12 * HOUR), chance.uniform(0.85, 0.98)
    return [0.2 + (top - 0.2) * at / minutes for at in range(minutes)] + [chance.uniform(0.3, 0.7)] * (2 * DAY)


def noisy_level(seed: int) -> Uses:
    """95 %, give or take 0.5 %, for a week."""
    chance = random.Random(seed)
    return [chance.gauss(0.95, 0.005) for _ in range(7 * DAY)]


def _filling(took: Iterable[float], start: float = 0.2) -> Uses:
    """From `start` until it is full, by what each minute takes in any unit."""
    sums = [0.0, *accumulate(took)]
    most = max(sums)
    return [start + (1 - start) * total / most for total in sums[: sums.index(most) + 1]]


def forecasts(uses: Uses, every: int = 1, size: float = 1e11) -> Iterator[tuple[int, float | None]]:
    """At each look the minutes that are left and the minutes that are forecast."""
    samples: list[Sample] = []
    for minute in range((len(uses) - 1) % every, len(uses), every):
        samples = noted(samples, minute * MINUTE, round(size * (1 - uses[minute])))
        found = full_in(samples)
        yield len(uses) - 1 - minute, None if found is None else found / MINUTE


def ahead(
    pattern: Callable[[int], Uses], left: int, seeds: Iterable[int] = SEEDS, every: int = 1
) -> list[float | None]:
    """What is forecast so many minutes before a disk is full."""
    return [dict(forecasts(pattern(seed), every))[left] for seed in seeds]


class Pattern(NamedTuple):
    words: str
    uses: Callable[[int], Uses]
    counted: int = 100 * DAY
    """Minutes at the end that it is about."""


def first_warning(pattern: Pattern, told: Iterable[tuple[int, float | None]], within: int) -> int:
    """How many minutes before it is full a disk is first said to be full within so many minutes."""
    return next((left for left, found in told if left < pattern.counted and near(found, within)), 0)


def told(pattern: Pattern, within: int, seeds: Iterable[int] = SEEDS) -> float:
    """The share of looks at which a disk is said to be full within so many minutes."""
    looks = [found for seed in seeds for left, found in forecasts(pattern.uses(seed)) if left < pattern.counted]
    return sum(near(found, within) for found in looks) / len(looks)


def near(found: float | None, within: float) -> bool:
    return found is not None and found < within


FILLING = (
    Pattern("steady, 3.3 % an hour", steady),
    Pattern("quiet, then full within three hours", rush),
    Pattern("bursts about every 20 min", bursts(20)),
    Pattern("bursts about every hour", bursts(60)),
    Pattern("bursts about every three hours", bursts(180)),
    Pattern("day and night, 10 : 1", working_days),
    Pattern("steady, 3 % of the disk deleted each night", with_rotation),
    Pattern("steady, files of up to 1 % come and go", with_files_that_come_and_go),
    Pattern("steady, ± 0.1 % of noise", with_noise),
    Pattern("cleaned to 50 %, goes on at 3 % an hour", cleaned_and_filled_again, 1000),
)
STANDING = (
    Pattern("a deleter between 80 and 90 %, every hour", deleter(1)),
    Pattern("a deleter between 80 and 90 %, every four hours", deleter(4)),
    Pattern("a nightly purge, 87 to 75 %", nightly_purge),
    Pattern("one import that takes half of what was free", one_import),
    Pattern("filled within hours, then cleaned for good", cleaned_for_good, 2 * DAY),
    Pattern("95 %, ± 0.5 % of noise", noisy_level),
)


def _span(minutes: Sequence[float | None]) -> str:
    known = [value for value in minutes if value is not None]
    if not known:
        return "-"
    low, middle, high = (value / HOUR for value in (min(known), median(known), max(known)))
    return f"{middle:.2g} h" if high - low < 0.05 else f"{middle:.2g} h ({low:.2g} to {high:.2g})"


def rows() -> Iterator[str]:
    """The tables of docs/systems.md, row by row."""
    for pattern in FILLING:
        runs = [dict(forecasts(pattern.uses(seed))) for seed in SEEDS]
        cells = [_span([run[left] for run in runs]) for left in (6 * HOUR, 3 * HOUR, HOUR, HOUR // 2)]
        warned = _span([first_warning(pattern, run.items(), 6 * HOUR) for run in runs])
        yield f"| {pattern.words} | {' | '.join(cells)} | {warned} |"
    for pattern in STANDING:
        yield f"| {pattern.words} | {100 * told(pattern, 12 * HOUR):.1f} % |"


if __name__ == "__main__":
    for row in rows():
        print(row)
