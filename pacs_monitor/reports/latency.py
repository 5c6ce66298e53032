"""How long echo, store, find and retrieve took, from the counts of durations that the record keeps.

Durations are counted in buckets of which each ends at 1.1 times the one before (history.accumulator). A percentile is
given as the end of its bucket: it took at most so long, and less by 9.1 % at most. All runs with an answer count, also
those that failed; the time is that of the whole run, from resolving the name to the release.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from math import ceil
from typing import Any

from pacs_monitor.history import periods
from pacs_monitor.history.accumulator import GROWTH, SMALLEST
from pacs_monitor.intervals import Interval
from pacs_monitor.model import CheckId
from pacs_monitor.reports.record import Record
from pacs_monitor.reports.tables import place
from pacs_monitor.threads import started

OPERATIONS = {
    "dicom_echo": "echo",
    "dicom_store": "store",
    "dicomweb_store": "store",
    "dicom_find": "find",
    "dicom_worklist": "find",
    "dicom_retrieve": "retrieve",
}
"""By kind of probe."""
SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "longest": 1.0}
Buckets = Mapping[int, int]


def by_check(record: Record, during: Interval) -> Future[dict[CheckId, dict[str, Any]]]:
    """Of the checks that ask one of these questions, and were answered: read while others work."""
    kinds = {
        check: OPERATIONS[said.probe]
        for reign in record.reigns_in(during)
        for check, said in reign.said.checks.items()
        if said.probe in OPERATIONS
    }

    def read() -> dict[CheckId, dict[str, Any]]:
        record.runs(during)  # one after the other: a report takes two of the reader's connections, and leaves one
        counted = periods.durations(record.reader, kinds, *during)
        return {check: {"operation": kinds[check], "buckets": buckets} for check, buckets in counted if buckets}

    return started(read, "durations of runs")


def rows(found: Mapping[CheckId, Mapping[str, Any]], nodes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each operation, by role and site; `nodes` are rows of the report."""
    places = {row["node"]: (row["role"], row["site"]) for row in nodes}
    together: dict[tuple[str, str, str], Counter[int]] = defaultdict(Counter)
    checks = Counter[tuple[str, str, str]]()
    for check, one in found.items():
        key = (one["operation"], *places.get(check.node, ("", "")))
        together[key].update(one["buckets"])
        checks[key] += 1
    return [
        {"operation": key[0], "place": place(*key[1:]), "role": key[1], "site": key[2], "checks": checks[key]}
        | percentiles(buckets)
        for key, buckets in sorted(together.items())
    ]


def percentiles(buckets: Buckets) -> dict[str, Any]:
    """By nearest rank, in seconds; null where nothing was measured."""
    count, seen, found = sum(buckets.values()), 0, dict[str, float]()
    for number in sorted(buckets):
        seen += buckets[number]
        for name, share in SHARES.items():
            if name not in found and seen >= ceil(share * count):
                found[name] = SMALLEST * GROWTH**number
    return {"measured_runs": count} | {f"{name}_seconds": found.get(name) for name in SHARES}
