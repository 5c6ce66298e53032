"""What other monitors got wrong about suppressed notifications, by the numbers of their issues, does not happen here.

Left out until acknowledgement and maintenance are in the chain: Icinga 2 #9842 (an acknowledgement that a brief
recovery takes away), #4427, #7977, #9054 and nagioscore #817 (ends within and after a downtime).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from pacs_monitor.alerting.events import Happening
from pacs_monitor.alerting.words import Acknowledge
from pacs_monitor.config import Estate
from tests.alerting.play import HEAD, an_estate, at
from tests.alerting.tables import Restarting

NODES = """nodes:
  fw: {host: 10.0.0.1, role: network, checks: {ping: }}
  archive: {host: 10.0.0.5, depends_on: [fw], checks: {ping: , tcp: {port: 104}}}
  ris: {host: 10.0.0.6, depends_on: [fw], checks: {ping: }}
"""
SILENT = HEAD.replace("paging: on", "paging: 'off'")
FW, ARCHIVE, RIS = "fw/ping", ("archive/ping", "archive/tcp"), "ris/ping"


class Case(NamedTuple):
    """What happened, and what people hear of it here."""

    whose: str
    story: Callable[[Restarting, Estate, Estate], object]
    """With the configuration as it is, and with paging off."""
    said: list[str]


def flaps(play: Restarting, times: int, down: float = 30, first: float = 100) -> Restarting:
    """It fails every minute, for less than a page takes unless said."""
    for n in range(times):
        play.move(first + 60 * n, RIS, "down", since=first + 60 * n).move(first + 60 * n + down, RIS, "up")
    return play


CASES = [
    Case(  # it flapped, and stayed down: no problem was ever sent, and its recovery to nobody
        "Icinga/icinga2#10845",
        lambda play, *_: flaps(play, 5).move(400, RIS, "down", since=400).move(4000, RIS, "up"),
        ["401 opened unreachable:ris", "2200 changed unreachable:ris", "4000 resolved unreachable:ris"],
    ),
    Case(  # problem and recovery were sent for each turn, although it was known to flap
        "Icinga/icinga2#3303",
        lambda play, *_: flaps(play, 12),
        ["401 opened unreachable:ris", "2590 resolved unreachable:ris"],
    ),
    Case(  # it was down before it flapped and up when that was over: no resolved was sent
        "Icinga/icinga2#9449",
        lambda play, *_: flaps(play.move(30, FW, "up"), 4).move(340, RIS, "down", since=340).move(500, RIS, "up"),
        ["400 opened unreachable:ris", "2300 resolved unreachable:ris"],
    ),
    Case(  # likewise, with a ticket that stayed open
        "NagiosEnterprises/nagioscore#91",
        lambda play, *_: flaps(play, 8).restart(450).restart(1000),
        ["401 opened unreachable:ris", "2350 resolved unreachable:ris"],
    ),
    Case(  # an end of flapping was sent where nothing had said that it began
        "Icinga/icinga2#4903",
        lambda play, *_: flaps(play, 5).restart(500),
        [],
    ),
    Case(  # the end of flapping was sent with the next change of its state, if there was one
        "Icinga/icinga2#4259",
        lambda play, *_: flaps(play, 6),
        ["401 opened unreachable:ris", "2230 resolved unreachable:ris"],
    ),
    Case(  # a recovery made it flap
        "centreon-archive/centreon-engine#523",
        lambda play, *_: flaps(play, 4).move(400, ARCHIVE, "down"),
        ["440 opened unreachable:archive"],
    ),
    Case(  # notifications for children while the parent is down
        "Icinga/icinga2#4428",
        lambda play, *_: play.move(100, FW, "down").move(1200, [*ARCHIVE, RIS], "down"),
        ["140 opened unreachable:fw"],
    ),
    Case(  # children that were confirmed down before their parent was
        "NagiosEnterprises/nagioscore#873",
        lambda play, *_: play.move(100, ARCHIVE, "down", since=30).move(102, FW, "down"),
        ["142 opened unreachable:fw"],
    ),
    Case(  # a flood when the parent is back, before anybody has looked at the children
        "Icinga/icinga2#5208",
        lambda play, *_: (
            play.move(100, FW, "down")
            .move(105, [*ARCHIVE, RIS], "down")
            .move(500, FW, "up")
            .move(501, [*ARCHIVE, RIS], "up")
        ),
        ["140 opened unreachable:fw", "500 resolved unreachable:fw"],
    ),
    Case(  # the children are asked at once, and only what is still down pages
        "Icinga/icinga2#8506",
        lambda play, *_: (
            play.move(100, FW, "down").move(105, [*ARCHIVE, RIS], "down").move(500, FW, "up").move(500, RIS, "up")
        ),
        ["140 opened unreachable:fw", "500 resolved unreachable:fw", "501 opened unreachable:archive"],
    ),
    Case(  # a parent whose states alternate made its children notify
        "Icinga/icinga2#8201",
        lambda play, *_: (
            play.move(100, FW, "down").move(105, ARCHIVE, "down").move(500, FW, "up").move(500.5, FW, "down")
        ),
        ["140 opened unreachable:fw", "500 resolved unreachable:fw", "540 opened unreachable:fw"],
    ),
    Case(  # down and sent, then its parent dies, then it is up: no recovery was sent
        "naemon/naemon-core#446",
        lambda play, *_: play.move(100, ARCHIVE, "down").move(300, FW, "down").move(400, ARCHIVE, "up"),
        ["140 opened unreachable:archive", "340 opened unreachable:fw", "400 resolved unreachable:archive"],
    ),
    Case(  # silenced after it was sent: no resolved was sent
        "prometheus/alertmanager#226",
        lambda play, _paging, silent: play.move(100, ARCHIVE, "down").reload(300, silent).move(400, ARCHIVE, "up"),
        ["140 opened unreachable:archive", "400 resolved unreachable:archive"],
    ),
    Case(  # what was inhibited was sent by a restart
        "prometheus/alertmanager#2628",
        lambda play, *_: play.move(100, FW, "down").move(105, ARCHIVE, "down").restart(300).restart(301),
        ["140 opened unreachable:fw"],
    ),
    Case(  # the same resolved again and again
        "prometheus/alertmanager#844",
        lambda play, *_: play.move(100, RIS, "down").move(300, RIS, "up").restart(301).restart(302),
        ["140 opened unreachable:ris", "300 resolved unreachable:ris"],
    ),
    Case(  # recovered while it was suppressed; the next failure was not sent
        "Icinga/icinga2#9066",
        lambda play, paging, silent: (
            play.move(100, RIS, "down")
            .reload(200, silent)
            .move(300, RIS, "up")
            .reload(400, paging)
            .move(500, RIS, "down")
        ),
        ["140 opened unreachable:ris", "300 resolved unreachable:ris", "540 opened unreachable:ris"],
    ),
    Case(  # resolved while silenced, then firing again soon: nothing was sent
        "grafana/grafana#80996",
        lambda play, paging, silent: (
            play.reload(50, silent)
            .move(100, RIS, "down")
            .move(200, RIS, "up")
            .reload(201, paging)
            .move(230, RIS, "down")
        ),
        ["270 opened unreachable:ris"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.whose)
def test_it_does_not_happen_here(tmp_path: Path, case: Case) -> None:
    paging, silent = an_estate(tmp_path, NODES), an_estate(tmp_path, NODES, SILENT)
    play = Restarting(paging, folder=tmp_path)
    with closing(play.tables):
        case.story(play, paging, silent)
        assert play.until(6000).said() == case.said


ESCALATING = HEAD.replace("{channels: [hook]}", "{channels: [hook], escalate: [{after: 15m, channels: [desk]}]}")


def ack(play: Restarting, seconds: float, until: float) -> Restarting:
    """Somebody acknowledges the one incident that is open then, if there is one."""

    def word() -> Happening | None:
        subjects = list(play.timeline.situation.subjects)
        return Acknowledge(subjects[0], "it-duty", "", at(until)) if subjects else None

    play.world.when(at(seconds), word)
    return play


ACKNOWLEDGED = [
    Case(  # an acknowledgement was lost by a recovery, and the next failure paged; likewise Icinga/icinga2#9842
        "Icinga/icinga2#9529",
        lambda play, *_: ack(play.move(100, RIS, "down"), 200, 9000).move(400, RIS, "up").move(700, RIS, "down"),
        ["hook 140 opened", "hook 200 acknowledged", "hook 400 resolved"],
    ),
    Case(  # one that had expired went on; likewise Icinga/icinga2#8387 and #9452
        "Icinga/icinga2#10245",
        lambda play, *_: ack(play.move(100, RIS, "down"), 200, 3000).restart(2900).move(4200, RIS, "up"),
        [
            *("hook 140 opened", "hook 200 acknowledged", "hook 3000 reminded", "hook 4200 resolved"),
            *("desk 3900 escalated", "desk 4200 resolved"),
        ],
    ),
    Case(  # a further channel was paged although somebody had acknowledged before
        "Icinga/icinga2#8644",
        lambda play, *_: ack(play.move(100, RIS, "down"), 120, 9000).move(5000, RIS, "up"),
        [],
    ),
    Case(  # people were told of an acknowledgement who had not been told of the problem
        "Icinga/icinga2#6047",
        lambda play, *_: ack(play.move(100, RIS, "down"), 200, 9000),
        ["hook 140 opened", "hook 200 acknowledged"],
    ),
    Case(  # the acknowledgement stayed and the recovery was not sent
        "Icinga/icinga2#5058",
        lambda play, *_: ack(play.move(100, RIS, "down"), 200, 9000).restart(300).move(400, RIS, "up"),
        ["hook 140 opened", "hook 200 acknowledged", "hook 400 resolved"],
    ),
    Case(  # acknowledged right after the recovery: it was open again, or nobody knew what had become of it
        "grafana-cold-storage/oncall#3161",
        lambda play, *_: ack(play.move(100, RIS, "down").move(400, RIS, "up"), 400, 9000),
        ["hook 140 opened", "hook 400 resolved"],
    ),
    Case(  # what was acknowledged was escalated all the same
        "grafana-cold-storage/oncall#4654",
        lambda play, *_: ack(play.move(100, RIS, "down"), 1039, 9000).restart(1039.5).restart(1041),
        ["hook 140 opened", "hook 1039 acknowledged"],
    ),
    Case(  # a restart between two steps, and the next one never came
        "grafana-cold-storage/oncall#1206",
        lambda play, *_: play.move(100, RIS, "down").restart(500).restart(1000).restart(1039),
        ["hook 140 opened", "desk 1040 escalated"],
    ),
    Case(  # the recovery did not reach those who had been escalated to; likewise nagioscore#185 and #291
        "NagiosEnterprises/nagioscore#582",
        lambda play, *_: play.move(100, RIS, "down").move(1100, RIS, "up"),
        ["hook 140 opened", "hook 1100 resolved", "desk 1040 escalated", "desk 1100 resolved"],
    ),
    Case(  # the recovery reached those whom nobody had escalated to
        "Icinga/icinga-core#1207",
        lambda play, *_: play.move(100, RIS, "down").move(1000, RIS, "up"),
        ["hook 140 opened", "hook 1000 resolved"],
    ),
    Case(  # a short outage went to the second line at once, by the count of an earlier one
        "NagiosEnterprises/nagioscore#1056",
        lambda play, *_: (
            play.move(100, RIS, "down").move(1000, RIS, "up").move(1030, RIS, "down").move(1200, RIS, "up")
        ),
        ["hook 140 opened", "hook 1000 resolved", "hook 1070 opened", "hook 1200 resolved"],
    ),
]


@pytest.mark.parametrize("case", ACKNOWLEDGED, ids=lambda case: case.whose)
def test_nor_with_acknowledgements_and_escalation(tmp_path: Path, case: Case) -> None:
    estate = an_estate(tmp_path, NODES, ESCALATING)
    play = Restarting(estate, folder=tmp_path)
    with closing(play.tables):
        case.story(play, estate, estate)
        play.until(6000)
        heard = [f"{channel} {line}" for channel in ("hook", "desk") for line in play.said(channel)]
        assert [line.removesuffix(" unreachable:ris") for line in heard] == case.said
