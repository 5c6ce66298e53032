"""When a volume will be full: how much was free is kept in the memory of a check, over restarts, for a hundred days.

A time up to now in which free space at least halved shows when nothing will be left, at its pace: who has looked on
for an hour can predict an hour ahead, and a month takes a month. It counts when each third of it took at least half its
share, since one burst is no trend; and when at most a quarter of what it took was given back, so that a volume that was
cleaned has no forecast until it has filled again for as long as that reaches, while files that come and go hide
nothing. Of all times that count, the one with the soonest end is believed.

Free space, and not use, is looked at: a volume that shares a pool (ZFS, thin provisioning, quotas) runs full by others.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

KEY = "free"
"""In the memory of a check."""
GONE = 86400.0
"""Seconds that a volume may be away, such as one of a server that is patched."""
KEPT = 100 * 86400.0
"""Seconds to look back, and so to look ahead."""
SHORTEST = 1800.0
"""Seconds to look back at least."""
SHARE = 8
"""Samples as old as this many times their distance: a hundred days are some 120 samples."""
CLOSEST = 60.0
"""Seconds between samples at least."""
PARTS = 3
"""Of the time that is looked at."""
LEAST = 0.5 / PARTS
"""Of what was taken, in each part."""
GIVEN_BACK = 0.25
"""Of what was taken, at most."""
Sample = tuple[float, float]
"""When, in seconds, and how much was free."""


def remembered(memory: Mapping[str, Any]) -> dict[str, list[Sample]]:
    """The samples by volume, as a memory of JSON values holds them, without volumes that others outlived by a day."""
    known = {name: [(at, free) for at, free in samples] for name, samples in memory.get(KEY, {}).items()}
    newest = max((samples[-1][0] for samples in known.values()), default=0.0)
    return {name: samples for name, samples in known.items() if newest - samples[-1][0] < GONE}


def noted(samples: Sequence[Sample], now: float, free: float) -> list[Sample]:
    """The samples with one more, and the older, the sparser; a clock that was set back makes all of them worthless."""
    if samples and samples[-1][0] > now:
        samples = ()
    known = [sample for sample in samples if sample[0] >= now - KEPT] + [(now, free)]
    kept: list[Sample] = []
    for sample, following in pairwise(known):
        if not kept or following[0] - kept[-1][0] > max(CLOSEST, (now - sample[0]) / SHARE):
            kept.append(sample)
    return [*kept, known[-1]]


def full_in(samples: Sequence[Sample]) -> float | None:
    """Seconds until nothing is free; None while no end is in sight."""
    return min(_ends(samples), default=None)


def _ends(samples: Sequence[Sample]) -> Iterator[float]:
    """What each time that counts shows."""
    now, free = samples[-1]
    lowest = free
    for begin, before in reversed(samples):
        lowest = min(lowest, before)
        taken, took = before - free, now - begin
        if took < SHORTEST or taken < max(free, 1) or free - lowest > GIVEN_BACK * taken:
            continue
        if min(_parts(samples, begin, now)) >= LEAST * taken:
            yield took * free / taken


def _parts(samples: Sequence[Sample], begin: float, end: float) -> list[float]:
    """What each part of the time took, by what was known at its ends."""
    edges = [begin + (end - begin) * part / PARTS for part in range(PARTS)] + [end]
    free = [samples[bisect_right(samples, edge, key=_time) - 1][1] for edge in edges]
    return [before - after for before, after in pairwise(free)]


def _time(sample: Sample) -> float:
    return sample[0]
