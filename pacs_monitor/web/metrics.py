"""`/metrics`: a Collector that reads the Board at the moment of the scrape, so that removed checks vanish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from pacs_monitor import __version__
from pacs_monitor.engine.board import BoardEntry
from pacs_monitor.leadership import Role
from pacs_monitor.model import SECOND, Blame, Severity, State, Status
from pacs_monitor.web.house import House

CHECK = ("node", "check", "probe", "site")
STATES = {State.UNKNOWN: 0, State.UP: 1, State.DEGRADED: 2, State.DOWN: 3, State.ABSENT: 4}


def render(house: House, accept: str) -> tuple[bytes, str]:
    """The exposition in the format that the scraper asks for, and its content type. Runs outside the event loop."""
    return expose(BoardCollector(house), accept)


def expose(collector: Collector, accept: str) -> tuple[bytes, str]:
    """What a collector and the process itself have to say."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    ProcessCollector(registry=registry)
    try:
        encode, content_type = choose_encoder(accept)
    except TypeError:  # a version that is no number
        encode, content_type = choose_encoder("")
    return encode(registry), content_type


class BoardCollector(Collector):
    """Every family of contracts.md, computed from what is on the board now."""

    def __init__(self, house: House) -> None:
        self._house = house

    def collect(self) -> Iterator[Metric]:
        entries = list(self._house.engine.board.entries.values())
        yield from _results(entries)
        yield from _measurements(entries)
        yield from _standings(entries)
        yield from self._alerting()
        yield from self._engine()

    def _alerting(self) -> Iterator[Metric]:
        open_now = Counter(incident.severity for incident in self._house.open_incidents())
        incidents = GaugeMetricFamily("pacs_incidents_open", "Open incidents.", labels=["severity"])
        for severity in Severity:
            incidents.add_metric([severity], open_now[severity])
        yield incidents
        deliveries = self._house.deliveries
        delivered = CounterMetricFamily("pacs_notifications", "Notifications delivered.", labels=["channel"])
        oldest = GaugeMetricFamily(
            "pacs_notification_oldest_pending_timestamp_seconds",
            "When the oldest notification that is not delivered yet was made.",
            labels=["channel"],
        )
        pending = GaugeMetricFamily(
            "pacs_notifications_pending", "Notifications that are not delivered yet.", labels=["channel"]
        )
        circuit = GaugeMetricFamily(
            "pacs_channel_circuit_open", "Whether the channel takes nothing (1), or works (0).", labels=["channel"]
        )
        for channel in self._house.estate.channels:
            delivered.add_metric([channel], deliveries.delivered.get(channel, 0))
        for channel, health in deliveries.health().items():
            pending.add_metric([channel], health.pending)
            circuit.add_metric([channel], int(health.trouble is not None))
            if health.oldest is not None:
                oldest.add_metric([channel], health.oldest / SECOND)
        failures = CounterMetricFamily(
            "pacs_notification_failures", "Deliveries that failed, each attempt.", labels=["channel", "reason"]
        )
        for (channel, reason), count in list(deliveries.failures.items()):
            failures.add_metric([channel, reason], count)
        yield from (delivered, failures, oldest, pending, circuit)

    def _engine(self) -> Iterator[Metric]:
        engine, board = self._house.engine, self._house.engine.board
        lag = HistogramMetricFamily("pacs_scheduler_lag_seconds", "From due to started.")
        lag.add_metric([], *board.lag.cumulative())
        yield lag
        durations = HistogramMetricFamily("pacs_probe_run_duration_seconds", "Duration of runs.", labels=["probe"])
        for probe, histogram in list(board.durations.items()):
            durations.add_metric([probe], *histogram.cumulative())
        yield durations
        yield GaugeMetricFamily("pacs_runs_in_progress", "Runs that go on now.", value=board.in_progress)
        yield CounterMetricFamily("pacs_runs_skipped", "Turns that came while the last run went on.", board.skipped)
        yield CounterMetricFamily(
            "pacs_runs_overdue", "Runs that the runner had to end after their deadline.", engine.runner.overdue
        )
        yield GaugeMetricFamily(
            "pacs_resolver_lookups_in_progress", "Names that are being looked up now.", value=self._house.lookups
        )
        yield GaugeMetricFamily(
            "pacs_config_last_reload_successful",
            "Whether the configuration that was read last is in force.",
            value=int(self._house.last_reload_successful),
        )
        yield _info("pacs_config_info", "The configuration in force.", {"hash": self._house.estate.revision[:12]})
        yield CounterMetricFamily(
            "pacs_history_write_failures",
            "Transactions that the history could not write.",
            self._house.history.write_failures,
        )
        faults = CounterMetricFamily(
            "pacs_task_failures", "Faults of the monitor's own tasks, which went on afterwards.", labels=["task"]
        )
        for task, count in list(self._house.task_failures.items()):
            faults.add_metric([task], count)
        yield faults
        turned_away = CounterMetricFamily(
            "pacs_connections_turned_away",
            "Connections to our listeners that were not taken or were ended, attempts that were rejected.",
            labels=["listener", "reason"],
        )
        for (listener, reason), count in list(self._house.refusals.items()):
            turned_away.add_metric([listener, reason], count)
        yield turned_away
        yield GaugeMetricFamily(
            "pacs_history_write_seconds",
            "How long the running write of the history has taken so far; 0 while there is none.",
            value=self._house.history.writing_for,
        )
        yield from about(self._house.role)


def about(role: Role) -> Iterator[Metric]:
    """What every daemon says of itself, also a standby."""
    roles = GaugeMetricFamily(
        "pacs_monitor_role", "1 for what this daemon is among those of its name, 0 for the others.", labels=["role"]
    )
    for each in Role:
        roles.add_metric([each], each is role)
    yield roles
    yield _info("pacs_build_info", "The version of the monitor.", {"version": __version__})


def _labels(entry: BoardEntry) -> list[str]:
    check = entry.check
    return [check.id.node, check.id.check, check.probe.kind, check.node.site]


def _results(entries: Iterable[BoardEntry]) -> Iterator[Metric]:
    success = GaugeMetricFamily(
        "pacs_probe_success", "Last run: 1 ok or warn, 0 fail; no sample while unknown.", labels=CHECK
    )
    duration = GaugeMetricFamily("pacs_probe_duration_seconds", "Duration of the last run.", labels=CHECK)
    phases = GaugeMetricFamily(
        "pacs_probe_phase_seconds", "Duration of each phase of the last run.", labels=(*CHECK, "phase")
    )
    last_run = GaugeMetricFamily("pacs_probe_last_run_timestamp_seconds", "When the last run started.", labels=CHECK)
    last_success = GaugeMetricFamily(
        "pacs_probe_last_success_timestamp_seconds", "When the last run that was ok or warn ended.", labels=CHECK
    )
    runs = CounterMetricFamily("pacs_probe_runs", "Runs since the start of the monitor.", labels=CHECK)
    failures = CounterMetricFamily(
        "pacs_probe_failures",
        "Runs that failed or could not tell, by reason; reasons seen only.",
        labels=(*CHECK, "reason"),
    )
    for entry in entries:
        labels, last = _labels(entry), entry.last
        runs.add_metric(labels, entry.runs)
        for reason, count in list(entry.reasons.items()):
            failures.add_metric([*labels, reason], count)
        if entry.last_success is not None:
            last_success.add_metric(labels, entry.last_success / SECOND)
        if last is None:
            continue
        duration.add_metric(labels, last.duration)
        last_run.add_metric(labels, last.started / SECOND)
        for phase, seconds in last.outcome.phases.items():
            phases.add_metric([*labels, phase], seconds)
        if last.outcome.status is not Status.UNKNOWN:
            success.add_metric(labels, int(last.outcome.status is not Status.FAIL))
    yield from (success, duration, phases, last_run, last_success, runs, failures)


def _measurements(entries: Iterable[BoardEntry]) -> Iterator[Metric]:
    families: dict[str, GaugeMetricFamily] = {}
    for entry in entries:
        if entry.last is None or not entry.last.outcome.measurements:
            continue
        declared = {measure.name: measure for measure in entry.check.probe.measures}
        for measurement in entry.last.outcome.measurements:
            measure = declared[measurement.name]
            family = families.get(measure.name)
            if family is None:
                family = families[measure.name] = GaugeMetricFamily(
                    f"pacs_{measure.name}", measure.help, labels=(*CHECK, *measure.labels)
                )
            values = dict(measurement.labels)
            family.add_metric([*_labels(entry), *(values[label] for label in measure.labels)], measurement.value)
    yield from families.values()


def _standings(entries: Iterable[BoardEntry]) -> Iterator[Metric]:
    state = GaugeMetricFamily("pacs_check_state", "0 unknown, 1 up, 2 degraded, 3 down, 4 absent.", labels=CHECK)
    since = GaugeMetricFamily("pacs_check_state_since_timestamp_seconds", "Since when it stands so.", labels=CHECK)
    interval = GaugeMetricFamily("pacs_check_interval_seconds", "How often the check runs.", labels=CHECK)
    info = GaugeMetricFamily(
        "pacs_check_info",
        "What the check is; 1.",
        labels=(*CHECK, "severity", "role", "presence", "title", "reason", "blame"),
    )
    maintenance = GaugeMetricFamily(
        "pacs_node_maintenance", "Whether the node is in a planned window.", labels=["node", "site"]
    )
    nodes: set[tuple[str, str]] = set()
    for entry in entries:
        labels, check, reason = _labels(entry), entry.check, entry.standing.reason
        state.add_metric(labels, STATES[entry.standing.state])
        since.add_metric(labels, entry.standing.since / SECOND)
        if check.cron is None:
            interval.add_metric(labels, check.interval)
        blame: Blame | str = reason.blame if reason else ""
        known = [check.severity, check.node.role, check.node.presence, check.node.title, reason or "", blame]
        info.add_metric([*labels, *known], 1)
        nodes.add((check.node.name, check.node.site))
    for node in sorted(nodes):
        maintenance.add_metric(list(node), 0)
    yield from (state, since, interval, info, maintenance)


def _info(name: str, text: str, labels: dict[str, str]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), 1)
    return family
