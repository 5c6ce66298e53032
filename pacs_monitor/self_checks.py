"""Whether the parts of a daemon work: each answer rests on something that has really happened a moment ago."""

from __future__ import annotations

from typing import Protocol

from pacs_monitor.alerting import Desk
from pacs_monitor.dead_mans_switch import Proof
from pacs_monitor.engine.engine import Engine
from pacs_monitor.history import History
from pacs_monitor.instance import Instance
from pacs_monitor.leadership import Role
from pacs_monitor.model import Clock
from pacs_monitor.supervision import Supervisor

BEATEN_WITHIN = 15.0
"""Seconds since the last durable heartbeat of the history, which comes every 5 s, after which writing is in doubt."""


class Parts(Protocol):
    """The daemon, as it is looked at."""

    @property
    def instance(self) -> Instance: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def history(self) -> History: ...
    @property
    def desk(self) -> Desk: ...
    @property
    def supervisor(self) -> Supervisor: ...
    @property
    def clock(self) -> Clock: ...


def self_checks(daemon: Parts) -> tuple[Proof, ...]:
    """That this daemon leads, that runs end where they are due, that the history commits, and that the desk decides."""

    async def leads() -> str | None:
        is_sure = daemon.instance.role is Role.LEADER and daemon.instance.may_run()
        return None if is_sure else "this daemon does not lead"

    async def probes() -> str | None:
        return daemon.engine.overdue

    async def writes() -> str | None:
        beaten = daemon.history.last_beat
        is_old = beaten is None or daemon.clock.monotonic() - beaten > BEATEN_WITHIN
        return "the history does not confirm what is written" if is_old or daemon.history.trouble else None

    async def decides() -> str | None:
        if daemon.supervisor.trouble is None:
            await daemon.desk.prove()
        return daemon.supervisor.trouble

    return leads, probes, writes, decides
