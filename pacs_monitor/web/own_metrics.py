"""The families of `/metrics` that tell how the monitor itself fares: its alerting, its engine, its record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from pacs_monitor import __version__
from pacs_monitor.leadership import Role
from pacs_monitor.model import SECOND, Severity
from pacs_monitor.web import services
from pacs_monitor.web.objective_metrics import objectives_so_far
from pacs_monitor.web.view import DaemonView


class OfTheMonitor(Collector):
    """The families of the monitor itself."""

    def __init__(self, daemon: DaemonView) -> None:
        self._daemon = daemon

    def collect(self) -> Iterator[Metric]:
        yield from self._services()
        yield from objectives_so_far(self._daemon.objectives.account)
        yield self._calendars()
        yield from self._alerting()
        yield from self._engine()

    def _services(self) -> Iterator[Metric]:
        help_ = "Of what users call the PACS: 0 unknown, 1 up, 2 degraded, 3 down, 4 absent."
        family = GaugeMetricFamily("pacs_service_state", help_, labels=["service"])
        for name, state in services.states(self._daemon).items():
            family.add_metric([name], services.NUMBERS[state])
        yield family
        rests = GaugeMetricFamily(
            "pacs_service_check",
            "Always 1; a check that a service rests on, directly or through other services.",
            labels=["service", "node", "check"],
        )
        for name, check in services.rest_on(self._daemon):
            rests.add_metric([name, check.node, check.check], 1)
        yield rests

    def _calendars(self) -> Metric:
        read = GaugeMetricFamily(
            "pacs_maintenance_calendar_last_success_timestamp_seconds",
            "As of when the maintenance calendar was last read well; no sample if never.",
            labels=["name"],
        )
        known = self._daemon.desk.plans.calendars()
        for name in self._daemon.estate.change_calendars:
            if name in known and known[name].success is not None:
                read.add_metric([name], (known[name].success or 0) / SECOND)
        return read

    def _alerting(self) -> Iterator[Metric]:
        open_now = Counter(incident.severity for incident in self._daemon.desk.open_incidents())
        incidents = GaugeMetricFamily("pacs_incidents_open", "Open incidents.", labels=["severity"])
        for severity in Severity:
            incidents.add_metric([severity], open_now[severity])
        yield incidents
        deliveries = self._daemon.desk.outbox
        delivered = CounterMetricFamily("pacs_notifications", "Notifications delivered.", labels=["channel"])
        oldest = GaugeMetricFamily(
            "pacs_notification_oldest_pending_timestamp_seconds",
            "When the oldest undelivered notification was created.",
            labels=["channel"],
        )
        pending = GaugeMetricFamily(
            "pacs_notifications_pending", "Notifications not delivered yet.", labels=["channel"]
        )
        circuit = GaugeMetricFamily(
            "pacs_channel_circuit_open", "1 while the channel delivers nothing, 0 while it works.", labels=["channel"]
        )
        proven = GaugeMetricFamily(
            "pacs_channel_last_success_timestamp_seconds",
            "When the channel last delivered a notification or a test; no sample if never.",
            labels=["channel"],
        )
        for channel in self._daemon.estate.channels:
            delivered.add_metric([channel], deliveries.delivered.get(channel, 0))
        for channel, health in deliveries.health().items():
            pending.add_metric([channel], health.pending)
            circuit.add_metric([channel], int(health.trouble is not None))
            if health.last_success is not None:
                proven.add_metric([channel], health.last_success / SECOND)
            if health.oldest is not None:
                oldest.add_metric([channel], health.oldest / SECOND)
        failures = CounterMetricFamily(
            "pacs_notification_failures", "Failed delivery attempts.", labels=["channel", "reason"]
        )
        for (channel, reason), count in list(deliveries.failures.items()):
            failures.add_metric([channel, reason], count)
        yield from (delivered, failures, oldest, pending, circuit, proven, self._suppressed())

    def _suppressed(self) -> Metric:
        suppressed = CounterMetricFamily(
            "pacs_notifications_suppressed", "Notifications that were not sent, by reason.", labels=["why"]
        )
        for why, count in self._daemon.desk.dispatch.suppressed.items():
            suppressed.add_metric([why], count)
        return suppressed

    def _engine(self) -> Iterator[Metric]:
        engine, board = self._daemon.engine, self._daemon.engine.board
        lag = HistogramMetricFamily(
            "pacs_scheduler_lag_seconds", "Delay from when a run was due to its start, by the monitor."
        )
        lag.add_metric([], *board.lag.cumulative())
        yield lag
        waits = HistogramMetricFamily("pacs_seat_wait_seconds", "Delay of a run by others at the same address.")
        waits.add_metric([], *board.waits.cumulative())
        yield waits
        durations = HistogramMetricFamily("pacs_probe_run_duration_seconds", "Duration of runs.", labels=["probe"])
        for probe, histogram in list(board.durations.items()):
            durations.add_metric([probe], *histogram.cumulative())
        yield durations
        yield GaugeMetricFamily("pacs_runs_in_progress", "Runs in progress.", value=board.in_progress)
        yield CounterMetricFamily(
            "pacs_runs_skipped", "Runs skipped because the previous one was still running or waiting.", board.skipped
        )
        yield CounterMetricFamily(
            "pacs_runs_overdue", "Runs that had to be ended after their deadline.", engine.runner.overdue
        )
        yield GaugeMetricFamily(
            "pacs_resolver_lookups_in_progress", "Name lookups in progress.", value=self._daemon.lookups
        )
        yield GaugeMetricFamily(
            "pacs_config_last_reload_successful",
            "1 when the configuration read last is in force.",
            value=int(self._daemon.last_reload_successful),
        )
        yield _info("pacs_config_info", "The configuration in force.", {"hash": self._daemon.estate.revision[:12]})
        yield from self._record()
        faults = CounterMetricFamily(
            "pacs_task_failures", "Failures of the monitor's own tasks, which then continued.", labels=["task"]
        )
        for task, count in list(self._daemon.task_failures.items()):
            faults.add_metric([task], count)
        yield faults
        refused = CounterMetricFamily(
            "pacs_connections_turned_away",
            "Connections to the monitor's listeners that were refused or closed.",
            labels=["listener", "reason"],
        )
        for (listener, reason), count in list(self._daemon.refusals.items()):
            refused.add_metric([listener, reason], count)
        yield refused
        yield from self._heartbeat()
        yield from about(self._daemon.role)

    def _record(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "pacs_history_write_failures",
            "Transactions that the history could not write.",
            self._daemon.history.write_failures,
        )
        yield CounterMetricFamily(
            "pacs_audit_unrecorded",
            "Audit entries that could not be written to the database at once; the log has them.",
            self._daemon.audit.unrecorded,
        )
        yield CounterMetricFamily(
            "pacs_audit_syslog_lost",
            "Audit entries that were dropped before the syslog receiver took them.",
            self._daemon.audit_lost,
        )
        yield GaugeMetricFamily(
            "pacs_history_damaged",
            "1 when damage was found in the database; it is looked for each day, and when a write fails.",
            value=self._daemon.history.damage is not None,
        )
        yield GaugeMetricFamily(
            "pacs_history_write_seconds",
            "How long the history write in progress has taken so far; 0 without one.",
            value=self._daemon.history.writing_for,
        )

    def _heartbeat(self) -> Iterator[Metric]:
        """Of the dead man's switch, where one is configured."""
        if self._daemon.estate.monitor.heartbeat is None:
            return
        switch = self._daemon.dead_mans_switch
        yield CounterMetricFamily(
            "pacs_heartbeat_failures", "Heartbeats that did not arrive outside.", switch.failures.total()
        )
        accepted = GaugeMetricFamily(
            "pacs_heartbeat_last_success_timestamp_seconds", "When a heartbeat was last accepted outside."
        )
        if switch.last_success is not None:
            accepted.add_metric([], switch.last_success / SECOND)
        yield accepted


def about(role: Role) -> Iterator[Metric]:
    """What every daemon says of itself, also a standby."""
    roles = GaugeMetricFamily(
        "pacs_monitor_role", "1 for the role of this daemon among those of its name, 0 for the others.", labels=["role"]
    )
    for each in Role:
        roles.add_metric([each], each is role)
    yield roles
    yield _info("pacs_build_info", "The version of the monitor.", {"version": __version__})


def _info(name: str, text: str, labels: dict[str, str]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), 1)
    return family
