"""What people have said of an incident, as it stands now, as JSON."""

from __future__ import annotations

from typing import Any

from pacs_monitor.messages.words import acknowledged, public_note
from pacs_monitor.model import Incident, IncidentKind
from pacs_monitor.web.view import DaemonView


class Standing:
    """What has been said, of any incident."""

    def __init__(self, daemon: DaemonView) -> None:
        self._now = daemon.clock.now()
        self._groups = {one.id: one for one in daemon.desk.open_incidents() if one.kind is IncidentKind.GROUP}

    def of(self, incident: Incident) -> dict[str, Any]:
        """`acknowledged`, where it is part of an open group also the group's, and `public_note`."""
        said, group = incident.acknowledgement, self._groups.get(incident.group)
        if said is None and group is not None and incident.ended is None:
            said = group.acknowledgement
        return {"acknowledged": acknowledged(said), "public_note": public_note(incident.public_note, self._now)}
