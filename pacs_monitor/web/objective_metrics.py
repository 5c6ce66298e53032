"""The families of `/metrics` about objectives: how each fares so far in its period."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from pacs_monitor.latency import Speed
from pacs_monitor.model import SECOND
from pacs_monitor.reports.so_far import Account, SoFar

LABELS = ("objective", "service", "node")
FAMILIES: tuple[tuple[str, str, Callable[[SoFar], float]], ...] = (
    (
        "pacs_objective_availability",
        "Availability so far in the agreed period, as the objective counts; no sample while nothing is known.",
        lambda one: one.availability,
    ),
    (
        "pacs_objective_budget_seconds",
        "Downtime that the objective permits in the whole agreed period.",
        lambda one: one.allowed / SECOND,
    ),
    (
        "pacs_objective_used_seconds",
        "Downtime so far in the agreed period, as the objective counts.",
        lambda one: one.used / SECOND,
    ),
    (
        "pacs_objective_measured_ratio",
        "Share of the agreed hours so far in the period that was measured.",
        lambda one: one.measured,
    ),
    (
        "pacs_objective_period_start_timestamp_seconds",
        "When the agreed period began.",
        lambda one: one.period.start / SECOND,
    ),
    (
        "pacs_objective_period_end_timestamp_seconds",
        "When the agreed period ends.",
        lambda one: one.period.end / SECOND,
    ),
)


def objectives_so_far(account: Account | None) -> Iterator[Metric]:
    """From the latest account, which was not made for this scrape."""
    for name, text, value in FAMILIES:
        family = GaugeMetricFamily(name, text, labels=LABELS)
        for one in account.objectives if account else ():
            family.add_metric([one.objective, one.service, one.node], value(one))
        yield family
    yield from _in_time(account)
    made = GaugeMetricFamily(
        "pacs_objective_account_timestamp_seconds", "As of when the objectives were last accounted; no sample if never."
    )
    if account:
        made.add_metric([], account.at / SECOND)
    yield made


def _in_time(account: Account | None) -> Iterator[Metric]:
    """Of objectives on how long runs may take."""
    ratio = GaugeMetricFamily(
        "pacs_objective_in_time_ratio",
        "Share of the runs so far in the agreed period that were done within the agreed time; no sample without runs.",
        labels=LABELS,
    )
    target = GaugeMetricFamily(
        "pacs_objective_in_time_target_ratio", "The share of runs that was agreed to be in time.", labels=LABELS
    )
    runs = GaugeMetricFamily(
        "pacs_objective_runs",
        "Runs so far in the agreed period: in_time, slow, or failed before the agreed time was over.",
        labels=(*LABELS, "result"),
    )
    for one in account.in_time if account else ():
        labels = [one.objective, one.service, one.node]
        ratio.add_metric(labels, one.runs.in_time / one.runs.judged)
        target.add_metric(labels, one.target)
        for speed in Speed:
            runs.add_metric([*labels, speed], getattr(one.runs, speed))
    yield from (ratio, target, runs)
