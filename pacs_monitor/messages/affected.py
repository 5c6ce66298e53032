"""Which services an incident affects: what users call "the PACS", and how it is now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pacs_monitor import services
from pacs_monitor.language import N_, _
from pacs_monitor.messages.scene import Scene
from pacs_monitor.model import Incident, IncidentKind, State

_HOW = {State.DOWN: N_("{service} is down"), State.DEGRADED: N_("{service} is degraded")}


def affected(incident: Incident, scene: Scene, behind: Sequence[str] = ()) -> list[dict[str, Any]]:
    """In the order of the configuration; nothing once it is over. `behind` are checks that a dead parent explains."""
    if incident.ended or incident.kind is not IncidentKind.NODE or not scene.services:
        return []
    failing = {str(problem.check): problem.state for problem in incident.in_trouble}
    found = services.affected(scene.services, {**scene.states, **failing}, {*failing, *behind})
    return [_told(name, state, scene.services[name].impact) for name, state in found.items()]


def _told(name: str, state: State, impact: str) -> dict[str, Any]:
    how = _(_HOW[state], service=name)
    return {"service": name, "state": state.value, "impact": impact, "summary": f"{how}: {impact}" if impact else how}
