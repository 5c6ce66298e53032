"""A storm of SIGKILLs, failing receivers and a database in every trouble: every page arrives, and none is a ghost.

On SQLite one daemon runs; on PostgreSQL two, of which one leads. All ends well at last, and then the receivers and the
record are compared: what was owed was delivered, in order, under one `webhook-id` each, and whatever was opened at a
receiver was ended there. Two incidents of one cause are open at once only where a leader that was killed had opened one
unrecorded, which the next leader cannot know of.
"""

from __future__ import annotations

import itertools
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import pytest
import requests

from pacs_monitor.history import HistoryReader
from pacs_monitor.model import Event, IncidentKind
from tests.attacks import Attacked
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.postgres import Postgres
from tests.peers.receiver import SECRET, Received
from tests.peers.switchable import Switchable
from tests.peers.unreliable import BAD, Mood, Unreliable
from tests.proofs.databases import Database, Postgresql, Sqlite
from tests.support.timing import wait_until

T = TypeVar("T")

NODES = 3
BREAKS = 3
"""How often one node breaks at most: one that breaks five times within an hour flaps, and its incident stays open."""
ENDINGS = {"incident.resolved", "incident.withdrawn", "incident.closed"}
HEALS_WITHIN = 240.0
"""Seconds from the end of the storm until nothing is owed: a retry may be a minute away, twice."""


class Storm:
    """The daemons, what they watch, whom they tell and where they write."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        daemons: int,
        kills: int,
        dice: random.Random,
        pace: float,
        stack: ExitStack,
    ) -> None:
        """`pace`: what each pause is multiplied with."""
        self.dice, self.database, self._kills, self._pace = dice, database, kills, pace
        nodes = max(NODES, -(-kills // BREAKS))
        self.peers = [stack.enter_context(Switchable()) for _ in range(nodes)]
        self.receivers = [stack.enter_context(Unreliable()) for _ in range(len(BAD) + 1)]
        """One for every way to fail, and one that is always well."""
        self.daemons = [self._daemon(folder / f"daemon{number}", database.url) for number in range(daemons)]
        self.made: Counter[str] = Counter()
        for daemon in self.daemons:
            stack.callback(daemon.__exit__)
            daemon.start(ready=False)
        self._settle()

    def _daemon(self, folder: Path, url: str) -> RunningDaemon:
        folder.mkdir()
        listen = free_port()
        nodes = "".join(
            f"  n{n}: {{host: 127.0.0.{n + 1}, dicom: {{port: {peer.port}, ae_title: P}}, checks: {{dicom_echo: }}}}\n"
            for n, peer in enumerate(self.peers)
        )
        channels = "".join(
            f"  c{n}: {{type: webhook, url: '{receiver.url}/{folder.name}', secret: '{SECRET}', timeout: 2s}}\n"
            for n, receiver in enumerate(self.receivers)
        )
        file = folder / "monitor.yaml"
        file.write_text(
            f"monitor: {{name: storm, ae_title: US, database: '{url}', listen: '127.0.0.1:{listen}', paging: on}}\n"
            "defaults: {interval: 1s, retry_interval: 200ms, timeout: 10s, failures: 2, recoveries: 1,"
            " page_after: 0s}\n"
            f"channels:\n{channels}"
            f"default_route: {{channels: [{', '.join(f'c{n}' for n in range(len(self.receivers)))}]}}\n"
            f"nodes:\n{nodes}"
        )
        return RunningDaemon(file, listen)

    def rage(self) -> None:
        """Nodes break and recover, moods change, the database fails, and daemons are killed somewhere around it."""
        troubles, victims = self._shuffled(self.database.troubles), self._each_as_often(self.peers)
        for n, victim in enumerate(victims):
            for receiver, mood in zip(self.receivers, BAD, strict=False):
                receiver.mood = self.dice.choice((mood, mood, Mood.WELL))
            daemon = self.dice.choice(self.daemons)
            victim.down()
            if troubles[n] is not None:
                self.made[troubles[n] or ""] += 1
                with self.database.trouble(troubles[n] or "", daemon.pid):
                    self._pause(0.5, 7.5)
                    number = self._signal(daemon)
                daemon.signal(number)  # a tracer that is killed while it passes a signal on takes it along
            else:
                self._pause(0.0, 2.0)
                self._signal(daemon)
            daemon.wait()
            daemon.start(ready=False)
            if self.dice.random() < 0.3:
                self._pause(0.0, 4.0)
            victim.up()
            if self.dice.random() < 0.7:
                wait_until(lambda: any(map(self._ready, self.daemons)), "a daemon is ready", HEALS_WITHIN)
            self._pause(0.0, 1.5)

    def _shuffled(self, troubles: Sequence[str]) -> list[str | None]:
        """A trouble for about one kill in two."""
        return self._each_as_often([*troubles, *([None] * len(troubles))])

    def _each_as_often(self, those: Sequence[T]) -> list[T]:
        """One of those for each kill, each as often as the others."""
        return self.dice.sample([those[n % len(those)] for n in range(self._kills)], self._kills)

    def _signal(self, daemon: RunningDaemon) -> signal.Signals:
        number = signal.SIGKILL if self.dice.random() < 0.8 else signal.SIGTERM
        daemon.signal(number)
        self.made[number.name] += 1
        return number

    def _pause(self, least: float, most: float) -> None:
        time.sleep(self._pace * self.dice.uniform(least, most))

    def heal(self) -> None:
        """Everything is well again; a start tries again at once what was refused before."""
        for receiver in self.receivers:
            receiver.mood = Mood.WELL
        for daemon in self.daemons:
            daemon.kill()
            daemon.start(ready=False)
        self._settle()

    def _settle(self) -> None:
        wait_until(lambda: any(map(self._quiet, self.daemons)), "all up and nothing owed", HEALS_WITHIN)

    def _ready(self, daemon: RunningDaemon) -> bool:
        try:
            return requests.get(f"{daemon.url}/readyz", timeout=10).ok
        except requests.RequestException:
            return False

    def _quiet(self, daemon: RunningDaemon) -> bool:
        """Whether this daemon leads, sees all nodes up, and owes nothing."""
        try:
            board = daemon.get("/api/v1/status")
            pending = "pacs_notification_oldest_pending_timestamp_seconds{" in daemon.metrics()
            incidents = daemon.get("/api/v1/incidents?open=true")
        except requests.RequestException:
            return False
        return board["counts"]["up"] == len(self.peers) and not incidents and not pending


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    ("kills", "pace"),
    [
        pytest.param(2, 0.3, id="short"),
        pytest.param(130, 1.0, id="long", marks=[pytest.mark.proof, pytest.mark.timeout(3600)]),
    ],
)
def test_every_page_that_was_due_is_delivered_in_order_and_none_is_a_ghost(
    tmp_path: Path,
    kind: str,
    kills: int,
    pace: float,
    request: pytest.FixtureRequest,
    attack: Attacked,
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    with ExitStack() as stack:
        if kind == "sqlite":
            storm = Storm(tmp_path, Sqlite(tmp_path), 1, kills, random.Random(seed), pace, stack)
        else:
            database = Postgresql(request.getfixturevalue("postgres"))
            storm = Storm(tmp_path, database, 2, kills, random.Random(seed), pace, stack)
        storm.rage()
        storm.heal()
        for daemon in storm.daemons:
            assert daemon.stop() == 0
    incidents = compare(storm)
    assert incidents >= kills // 5  # it did what it is for; chance decides how many breaks last
    made = ", ".join(f"{count} x {what}" for what, count in sorted(storm.made.items()))
    attack(
        "storm-sqlite" if kind == "sqlite" else "storm-postgresql",
        f"{made}: {incidents} incidents at eight receivers, every page delivered, in order, no ghost",
    )


def twice(posts: Sequence[Received], storm: Storm) -> list[Received]:
    """The posts of one incident at one receiver that say under two ids what is said once."""
    single = {"incident.opened"} if storm.made["replaced"] else {"incident.opened", *ENDINGS}
    ids = {post.type: {other.id for other in posts if other.type == post.type} for post in posts}
    return [post for post in posts if post.type in single and len(ids[post.type]) > 1]  # an older copy knows no end


def told(posts: Sequence[Received]) -> str:
    """For people: what was sent, when, under which id, and by which daemon (the end of its receivers' addresses)."""
    lines = [
        f"{post.timestamp} {post.key} {post.type} {post.id} by {post.path.rpartition('/')[2]}"
        f"{' unrecorded' if post.data.get('unrecorded') else ''}"
        for post in posts
    ]
    return "".join(f"\n{line}" for line in dict.fromkeys(lines))


def compare(storm: Storm) -> int:
    """What the record says was owed is what the receivers took; how many nodes' incidents there were."""
    reader = HistoryReader.open(storm.database.url, "storm")
    try:
        owed = [row for row in reader.notifications() if row.event is not Event.TEST]
        incidents = {incident.id: incident for incident in reader.incidents()}
    finally:
        reader.close()
    ended = {(row.incident, row.channel) for row in owed if row.status == "delivered" and row.event in ENDINGS}
    undelivered = [
        row for row in owed if row.status != "delivered" and (row.incident, row.channel) not in ended
    ]  # what a leader could not record, the next one ends in its own words: it cannot know what was taken
    assert not undelivered, Counter((row.status, row.event, row.channel) for row in undelivered)
    assert all(incident.ended for incident in incidents.values())
    for number, receiver in enumerate(storm.receivers):
        assert not receiver.bad
        taken = receiver.accepted
        ids = {row.id for row in owed if row.channel == f"c{number}" and row.status == "delivered"}
        assert ids <= {post.id for post in taken}
        lanes: dict[str, list[Received]] = defaultdict(list)
        for post in taken:
            lanes[post.key].append(post)
        for posts in lanes.values():
            types = list(dict.fromkeys(post.type for post in posts))
            assert types[0] == "incident.opened", f"an end before its beginning: {told(posts)}"
            assert types[-1] in ENDINGS, f"a ghost: {told(posts)}"
            assert not (doubled := twice(posts, storm)), f"more than one id: {told(doubled)}"
    node = [incident for incident in incidents.values() if incident.kind is IncidentKind.NODE]
    posts = [post for receiver in storm.receivers for post in receiver.posts]
    unrecorded = {post.data["incident"] for post in posts if post.data.get("unrecorded")}
    for one, other in itertools.pairwise(sorted(node, key=lambda incident: (incident.cause, incident.noticed))):
        if one.cause == other.cause and other.noticed < (one.ended or 0):
            assert unrecorded & {one.id, other.id}, f"two incidents at once that the record knew: {one} {other}"
    return len(node)
