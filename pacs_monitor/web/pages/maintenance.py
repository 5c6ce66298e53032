"""The page of maintenance: what is on now and next, and what a new window would mute. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pacs_monitor.language import _
from pacs_monitor.model import CheckId
from pacs_monitor.web.pages.render import Fragment, Page, fragment
from pacs_monitor.windows import Pause, Window, spelled

NEXT = 40
"""Windows to come that are shown."""


class Asked(NamedTuple):
    """What stands in the form to plan one."""

    node: str = ""
    check: str = ""
    site: str = ""
    name: str = ""
    start: str = ""
    lasts: str = ""
    until: str = ""
    probing: str = "continue"
    why: str = ""
    by: str = ""


class Planned(NamedTuple):
    """All that is planned or paused."""

    windows: Sequence[Window]
    pauses: Sequence[tuple[Pause, Sequence[CheckId]]]
    nodes: Sequence[str]
    sites: Sequence[str]


def maintenance_page(
    planned: Planned, asked: Asked, preview: tuple[Window, Sequence[CheckId]] | None, about: Page
) -> Fragment:
    """`preview` is the window that the form asks for, and the checks that it would mute."""
    now = about.times.now
    return fragment(
        "maintenance.html",
        _("Maintenance"),
        about,
        running=[one for one in planned.windows if one.holds(now)],
        coming=[one for one in planned.windows if one.start > now][:NEXT],
        pauses=planned.pauses,
        nodes=planned.nodes,
        sites=planned.sites,
        asked=asked,
        preview=preview,
        spelled=lambda match: _(spelled(match)),
    )
