"""Whether the watcher itself is well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pacs_monitor.format.human import duration, pluralized
from pacs_monitor.web import status
from pacs_monitor.web.pages.freshness import freshness
from pacs_monitor.web.pages.render import Fragment, Page, fragment
from pacs_monitor.web.pages.signs import DOWN, UP, Sign
from pacs_monitor.web.view import DaemonView


class Fact(NamedTuple):
    """One thing to know; `sign` where it can be well or not."""

    name: str
    text: str
    sign: Sign | None = None


def monitor_page(daemon: DaemonView, about: Page) -> Fragment:
    """As of now; it asks no database."""
    channels = status.channels(daemon)
    return fragment(
        "monitor.html",
        "Monitor",
        about,
        facts=[*_work(daemon), *_record(daemon), *_configuration(daemon)],
        channels=channels,
        calendars=status.maintenance_calendars(daemon),
        approvals=status.approvals(daemon),
        faults=[(task, count) for task, count in sorted(daemon.task_failures.items()) if count],
    )


def _checked(name: str, trouble: str | None, well: str) -> Fact:
    return Fact(name, trouble or well, DOWN if trouble else UP)


def _work(daemon: DaemonView) -> list[Fact]:
    board, fresh = daemon.engine.board, freshness(daemon)
    lag = _lag(board.lag.cumulative()[0])
    return [
        _checked("Ready", daemon.unready(), "it probes, decides and can write"),
        _checked("Probing", fresh.trouble or None, f"the newest result is {duration(fresh.age)} old"),
        Fact("Checks", f"{len(board.entries)}, {pluralized(board.in_progress, 'run')} in progress"),
        Fact("Lag", lag),
        Fact("Runs", f"{board.skipped} skipped, {daemon.engine.runner.overdue} ended after their deadline"),
        Fact("Leadership", str(daemon.role)),
    ]


def _lag(buckets: Sequence[tuple[str, float]]) -> str:
    total = buckets[-1][1] if buckets else 0.0
    for bound, count in buckets:
        if total and count >= 0.99 * total and bound != "+Inf":
            return f"99 % of the runs started within {duration(float(bound))} of when they were due"
    return "1 % of the runs and more started long after they were due" if total else "nothing has run yet"


def _damage(daemon: DaemonView) -> str | None:
    found = daemon.history.damage
    return None if found is None else f"restore a backup, the database is damaged: {found}"


def _record(daemon: DaemonView) -> list[Fact]:
    facts = [
        _checked("Record", daemon.history.trouble or _damage(daemon), "what happens is written"),
        _checked(
            "Audit", f"{daemon.audit_lost} entries did not reach syslog" if daemon.audit_lost else None, "complete"
        ),
    ]
    heartbeat = status.heartbeat(daemon)
    if heartbeat is not None:
        facts.append(_checked("Heartbeat to the outside", heartbeat["trouble"], "accepted"))
    return facts


def _configuration(daemon: DaemonView) -> list[Fact]:
    failed = None if daemon.last_reload_successful else "the file was changed, and could not be taken over"
    return [
        _checked("Configuration", failed, f"revision {daemon.estate.revision[:12]}"),
        Fact("Paging", str(daemon.estate.monitor.paging)),
    ]
