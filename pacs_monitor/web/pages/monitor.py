"""Whether the watcher itself is well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pacs_monitor.format.human import duration
from pacs_monitor.language import _, _n
from pacs_monitor.messages.told import told
from pacs_monitor.web import status
from pacs_monitor.web.pages.freshness import freshness
from pacs_monitor.web.pages.languages import amount
from pacs_monitor.web.pages.names import LEADERSHIP, PAGING
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
        _("Monitor"),
        about,
        facts=[*_work(daemon), *_record(daemon), *_configuration(daemon)],
        channels=channels,
        calendars=status.maintenance_calendars(daemon),
        approvals=status.approvals(daemon),
        faults=[(task, count) for task, count in sorted(daemon.task_failures.items()) if count],
    )


def _checked(name: str, trouble: str | None, well: str) -> Fact:
    return Fact(name, told(trouble) if trouble else well, DOWN if trouble else UP)


def _work(daemon: DaemonView) -> list[Fact]:
    board, fresh = daemon.engine.board, freshness(daemon)
    known = {"checks": amount(len(board.entries))}
    running = _n("{checks}, {count} run in progress", "{checks}, {count} runs in progress", board.in_progress, **known)
    ended = _(
        "{skipped} skipped, {ended} ended after their deadline",
        skipped=board.skipped,
        ended=daemon.engine.runner.overdue,
    )
    lag = _lag(board.lag.cumulative()[0])
    return [
        _checked(_("Ready"), daemon.unready(), _("it probes, decides and can write")),
        _checked(_("Probing"), fresh.trouble or None, _("the newest result is {age} old", age=duration(fresh.age))),
        Fact(_("Checks"), running),
        Fact(_("Lag"), lag),
        Fact(_("Runs"), ended),
        Fact(_("Leadership"), _(LEADERSHIP[daemon.role])),
    ]


def _lag(buckets: Sequence[tuple[str, float]]) -> str:
    total = buckets[-1][1] if buckets else 0.0
    for bound, count in buckets:
        if total and count >= 0.99 * total and bound != "+Inf":
            return _("99 % of the runs started within {time} of when they were due", time=duration(float(bound)))
    return _("1 % of the runs and more started long after they were due") if total else _("nothing has run yet")


def _damage(daemon: DaemonView) -> str | None:
    found = daemon.history.damage
    return None if found is None else _("restore a backup, the database is damaged: {found}", found=found)


def _record(daemon: DaemonView) -> list[Fact]:
    lost = _n("{count} entry did not reach syslog", "{count} entries did not reach syslog", daemon.audit_lost)
    facts = [
        _checked(_("Record"), daemon.history.trouble or _damage(daemon), _("what happens is written")),
        _checked(_("Audit"), lost if daemon.audit_lost else None, _("complete")),
    ]
    heartbeat = status.heartbeat(daemon)
    if heartbeat is not None:
        facts.append(_checked(_("Heartbeat to the outside"), heartbeat["trouble"], _("accepted")))
    return facts


def _configuration(daemon: DaemonView) -> list[Fact]:
    failed = None if daemon.last_reload_successful else _("the file was changed, and could not be reloaded")
    return [
        _checked(_("Configuration"), failed, _("revision {hash}", hash=daemon.estate.revision[:12])),
        Fact(_("Paging"), _(PAGING[daemon.estate.monitor.paging])),
    ]
