"""From what is owed to what is sent: each notification with its text, as the board stands now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from pacs_monitor.alerting import codes
from pacs_monitor.alerting.latest import LatestChanges
from pacs_monitor.alerting.observer import Board
from pacs_monitor.alerting.turn import Effects, Notice, Owed, OwedDigest
from pacs_monitor.config.estate import Estate
from pacs_monitor.config.oncall import gaps_in_words
from pacs_monitor.format.asides import with_asides
from pacs_monitor.language import speaking
from pacs_monitor.messages import digest, fallback, maintenance, page
from pacs_monitor.messages.scene import Scene
from pacs_monitor.messages.words import voice
from pacs_monitor.model import Check, CheckId, Event, Micros, Notification, Standing
from pacs_monitor.supervision import Supervisor


class Pages:
    """Writes notifications. One whose text fails is sent in plain words."""

    def __init__(self, name: str, board: Board, supervisor: Supervisor, latest: LatestChanges) -> None:
        self._name, self._board, self._supervisor, self._latest = name, board, supervisor, latest

    def written(
        self, effects: Effects, estate: Estate, checks: Mapping[CheckId, Check], now: Micros
    ) -> tuple[Notification, ...]:
        """In the order in which they are owed; `checks` has those that were removed, too."""
        if not (effects.owed or effects.digests):
            return ()
        about = [*(one.incident for one in effects.owed), *(i for one in effects.digests for i in one.incidents)]
        nodes = {member.node for incident in about for member in incident.members}
        scene = scene_of(self._name, self._board, estate, checks, now, nodes=nodes)
        scene = replace(scene, changes=self._latest.of(nodes))
        with speaking(estate.monitor.language):
            digests = [self._digest(one, scene, estate) for one in effects.digests]
            return (*digests, *(self._written(one, scene, estate) for one in effects.owed))

    def _digest(self, owed: OwedDigest, scene: Scene, estate: Estate) -> Notification:
        try:
            ahead = {name: gaps_in_words(oncall, owed.at) for name, oncall in sorted(estate.oncall.items())}
            gaps = {name: words for name, words in ahead.items() if words}
            data = digest.data(owed.id, owed.channel, owed.over, owed.going_on, scene, gaps=gaps)
        except Exception as error:  # noqa: BLE001 - the same
            self._supervisor.failed("page", error)
            data = fallback.digest(owed.id, owed.channel, owed.incidents, self._name, estate.monitor.url)
        data |= voice(estate.monitor)
        return Notification(owed.id, owed.channel, Event.DIGEST, owed.at, data, status=owed.status)

    def noticed(self, notices: Sequence[Notice], estate: Estate, now: Micros) -> tuple[Notification, ...]:
        """What channels are told of windows of maintenance."""
        return tuple(
            Notification(
                one.id,
                one.channel,
                one.event,
                one.at,
                self._told(one, estate, now),
                status=one.status,
            )
            for one in notices
        )

    def _told(self, one: Notice, estate: Estate, now: Micros) -> dict[str, Any]:
        monitor = estate.monitor
        with speaking(monitor.language):
            data = maintenance.data(
                one.event, one.window, one.failing, identity=one.id, name=self._name, monitor=monitor, now=now
            )
        return data | voice(monitor)

    def _written(self, owed: Owed, scene: Scene, estate: Estate) -> Notification:
        try:
            overran = None if owed.overran is None else (owed.overran.name, owed.overran.ended)
            data = page.data(owed.incident, owed.event, scene, owed.behind, overran)
        except Exception as error:  # noqa: BLE001 - whatever spoils a page, it is sent in plain words
            self._supervisor.failed("page", error)
            data = fallback.data(owed.incident, owed.event, self._name, estate.monitor.url)
        data = {**data, **voice(estate.monitor), "page": owed.page, "worse": owed.worse}
        data |= {"first": True} if owed.first else {}
        data |= {"fallback_for": owed.instead_of} if owed.instead_of else {}
        data |= {"acknowledgement_kept_in": owed.kept_in} if owed.kept_in else {}
        data["summary"] = with_asides(data["summary"], owed.event, data)
        data |= codes.on_page(owed.incident, estate.channels.get(owed.channel))
        return Notification(owed.id, owed.channel, owed.event, owed.at, data, owed.incident.id, owed.status)


def scene_of(
    name: str,
    board: Board,
    estate: Estate,
    checks: Mapping[CheckId, Check],
    now: Micros,
    *,
    nodes: Set[str],
) -> Scene:
    """What messages about these nodes are written from, as the board stands now."""
    wanted = [check for node in nodes for check in estate.checks_of.get(node, ())]
    entries = {check: board.entries[check] for check in wanted if check in board.entries}
    standings: defaultdict[str, dict[CheckId, Standing]] = defaultdict(dict)
    for check, seen in entries.items():
        standings[check.node][check] = seen.standing
    latest = {check: seen.last.outcome for check, seen in entries.items() if seen.last}
    unproven = frozenset(check for check, seen in entries.items() if not seen.proven)
    titles = {name: site.title for name, site in estate.sites.items() if site.title}
    resting = board.entries.keys() & estate.checks_of_services
    states = {str(check): board.entries[check].standing.state for check in resting}
    rules = estate.service_rules
    return Scene(name, estate.monitor, checks, standings, now, latest, unproven, titles, rules, states)
