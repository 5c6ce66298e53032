"""`/metrics` and its shards: what is on the board at the moment of the scrape, so that removed checks vanish.

The families of checks are written by `exposition`, in slices of the event loop: what holds the interpreter for longer
makes runs late, in a thread too. The few families of the monitor itself come from `prometheus_client`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from pacs_monitor.engine.board import BoardEntry
from pacs_monitor.model import SECOND, Check, CheckId, Phase, Result, Status
from pacs_monitor.web.exposition import Encoder, Family, Labels, SampleLines, go_float, head, label_set
from pacs_monitor.web.own_metrics import OfTheMonitor
from pacs_monitor.web.services import NUMBERS
from pacs_monitor.web.slices import Slices
from pacs_monitor.web.status import in_maintenance
from pacs_monitor.web.view import DaemonView

STEP = 50
"""Checks whose lines are made in one step, which takes a tenth of a millisecond."""
PART = 2500
"""Checks whose lines are sent at a time: enough to be compressed beside the event loop."""
PHASES: Mapping[Phase, Labels] = {phase: (("phase", phase.value),) for phase in Phase}
Samples = Iterable[tuple[Labels, float]]
"""Labels beyond those of the check, and the value."""


class OfChecks(NamedTuple):
    """A family with samples of checks."""

    family: Family
    samples: Callable[[BoardEntry], Samples]


class Shard(NamedTuple):
    """A part of the exposition: the checks of one site, of all if it is None; and the monitor's own families or not."""

    site: str | None
    own: bool = False


WHOLE, MONITOR = Shard(None, own=True), Shard("", own=True)


class Exposition:
    """Renders `/metrics` of a running daemon, again and again."""

    def __init__(self, daemon: DaemonView) -> None:
        self._daemon = daemon
        self._lines: dict[CheckId, tuple[Check, SampleLines]] = {}

    def render(self, accept: str, shard: Shard) -> tuple[AsyncIterator[bytes], str]:
        """The exposition in the format that the scraper asks for, in parts, and its content type."""
        encode, content_type = _encoder(accept)
        return self._parts(encode, shard), content_type

    async def _parts(self, encode: Encoder, shard: Shard) -> AsyncIterator[bytes]:
        slices, entries = Slices(), list(self._daemon.engine.board.entries.values())
        self._forget_removed(entries)
        if shard.site is not None:
            entries = [entry for entry in entries if entry.check.node.site == shard.site]
        board = []
        for entry in entries:
            board.append((entry, self._lines_of(entry.check).line))
            await slices.pause()
        for family, samples in (*CHECKS, *_measured(entries)):
            yield head(family, encode)
            for part in range(0, len(board), PART):
                lines: list[str] = []
                for start in range(part, min(part + PART, len(board)), STEP):
                    some = board[start : start + STEP]
                    lines += [line(family.name, value, labels) for e, line in some for labels, value in samples(e)]
                    await slices.pause()
                yield "".join(lines).encode("utf-8", "replace")
        if shard.own:
            yield head(NODES, encode) + await self._nodes(slices)
            yield _own(OfTheMonitor(self._daemon), encode)
        else:
            yield encode(CollectorRegistry())

    async def _nodes(self, slices: Slices) -> bytes:
        """A line for each node."""
        lines = []
        for name, entries in self._daemon.engine.board.by_node().items():
            labels = label_set((("node", name), ("site", entries[0].check.node.site)))
            lines.append(f"{NODES.name}{labels} {go_float(in_maintenance(self._daemon, entries))}\n")
            await slices.pause()
        return "".join(lines).encode("utf-8", "replace")

    def _forget_removed(self, entries: Collection[BoardEntry]) -> None:
        if len(self._lines) > len(entries):
            there = {entry.check.id for entry in entries}
            self._lines = {check: kept for check, kept in self._lines.items() if check in there}

    def _lines_of(self, check: Check) -> SampleLines:
        kept = self._lines.get(check.id)
        if kept is None or kept[0] is not check:
            labels = {"node": check.id.node, "check": check.id.check, "probe": check.probe.kind}
            kept = self._lines[check.id] = check, SampleLines((*labels.items(), ("site", check.node.site)))
        return kept[1]


def expose(collector: Collector, accept: str) -> tuple[bytes, str]:
    """What a collector and the process itself have to say."""
    encode, content_type = _encoder(accept)
    return _own(collector, encode), content_type


def _encoder(accept: str) -> tuple[Encoder, str]:
    try:
        return choose_encoder(accept)
    except TypeError:  # a version that is no number
        return choose_encoder("")


def _own(collector: Collector, encode: Encoder) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    ProcessCollector(registry=registry)
    return encode(registry)


def _last_of(entry: BoardEntry) -> Result | None:
    """The last result, unless people have stopped the check: what was so before says nothing of now."""
    return None if entry.stopped else entry.last


def _success(entry: BoardEntry) -> Samples:
    last = _last_of(entry)
    if last is None or last.outcome.status is Status.UNKNOWN:
        return ()
    return (((), last.outcome.status is not Status.FAIL),)


def _phases(entry: BoardEntry) -> Samples:
    return () if entry.last is None else [(PHASES[p], s) for p, s in entry.last.outcome.phases.items()]


def _info_of(entry: BoardEntry) -> Samples:
    check, reason = entry.check, entry.standing.reason
    facts = (
        ("severity", check.severity),
        ("role", check.node.role),
        ("presence", check.node.presence),
        ("title", check.node.title),
        ("reason", reason or ""),
        ("blame", reason.blame if reason else ""),
    )
    return ((facts, 1),)


def _maybe(value: float | None) -> Samples:
    return () if value is None else (((), value),)


CHECKS = (
    OfChecks(Family("pacs_probe_success", "Last run: 1 ok or warn, 0 fail; no sample while unknown."), _success),
    OfChecks(
        Family("pacs_probe_duration_seconds", "Duration of the last run."),
        lambda e: _maybe(e.last.duration if e.last else None),
    ),
    OfChecks(Family("pacs_probe_phase_seconds", "Duration of each phase of the last run."), _phases),
    OfChecks(
        Family("pacs_probe_last_run_timestamp_seconds", "When the last run started."),
        lambda e: _maybe(e.last.started / SECOND if e.last else None),
    ),
    OfChecks(
        Family("pacs_probe_last_success_timestamp_seconds", "When the last run that was ok or warn ended."),
        lambda e: _maybe(None if e.last_success is None else e.last_success / SECOND),
    ),
    OfChecks(
        Family("pacs_probe_runs_total", "Runs since the start of the monitor.", "counter"), lambda e: _maybe(e.runs)
    ),
    OfChecks(
        Family(
            "pacs_probe_failures_total",
            "Runs that failed or were unknown, by reason; only reasons that occurred.",
            "counter",
        ),
        lambda e: [((("reason", reason),), count) for reason, count in e.reasons.items()],
    ),
    OfChecks(
        Family("pacs_check_state", "0 unknown, 1 up, 2 degraded, 3 down, 4 absent."),
        lambda e: _maybe(NUMBERS[e.standing.state]),
    ),
    OfChecks(
        Family("pacs_check_proven", "1 once it has worked with its present configuration, so that its failures count."),
        lambda e: _maybe(e.proven),
    ),
    OfChecks(
        Family("pacs_check_state_since_timestamp_seconds", "Since when the check has been in its state."),
        lambda e: _maybe(e.standing.state_since / SECOND),
    ),
    OfChecks(
        Family("pacs_check_interval_seconds", "How often the check runs."),
        lambda e: _maybe(e.check.interval if e.check.cron is None else None),
    ),
    OfChecks(
        Family(
            "pacs_check_restricted", "By people, for a time: 0 not restricted, 1 restricted but running, 2 stopped."
        ),
        lambda e: _maybe(2 if e.stopped else int(e.restriction is not None)),
    ),
    OfChecks(Family("pacs_check_info", "Always 1; what the check is."), _info_of),
)
"""Families that are there also without a sample; those of measurements follow."""
NODES = Family("pacs_node_maintenance", "1 while all checks of the node are in planned maintenance.")


def _measured(entries: Iterable[BoardEntry]) -> list[OfChecks]:
    """The families of what the last runs measured; what several kinds of probes measure is one family."""
    helps: dict[str, str] = {}
    for entry in entries:
        if entry.last is not None and entry.last.outcome.measurements:
            for measure in entry.check.probe.measures:
                helps.setdefault(measure.name, measure.help)
    return [OfChecks(Family(f"pacs_{name}", text), partial(_values, name)) for name, text in helps.items()]


def _values(name: str, entry: BoardEntry) -> Samples:
    last = _last_of(entry)
    measured = () if last is None else last.outcome.measurements
    return [(m.labels, m.value) for m in measured if m.name == name]
