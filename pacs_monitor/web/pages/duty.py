"""Who is on call now, for the board: those who see it may ask the API for the same; the wall names nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pacs_monitor.model import Micros
from pacs_monitor.rota import OnCall
from pacs_monitor.web.view import DaemonView


class Duty(NamedTuple):
    """By one rota."""

    rota: str
    people: str
    channels: str
    """Where pages go."""
    until: Micros | None
    """None: for longer than a year."""
    is_gap: bool
    """Nobody is on call although somebody should be."""


def on_duty(daemon: DaemonView) -> Sequence[Duty]:
    """By every rota, in the order of their names."""
    rotas, now = daemon.desk.plans.oncalls(), daemon.clock.now()
    return [_duty(rotas[name], now) for name in sorted(rotas)]


def _duty(oncall: OnCall, now: Micros) -> Duty:
    shift = oncall.at(now)
    return Duty(oncall.name, ", ".join(shift.people), ", ".join(oncall.channels(shift)), shift.end, shift.is_gap)
