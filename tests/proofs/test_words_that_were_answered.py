"""What people were told to hold does, whenever the daemon is killed after it has answered."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.postgres import Postgres
from tests.support.estates import write_estate
from tests.support.timing import wait_until

NODES = """\
  dead: {{host: 127.0.0.1, checks: {{tcp: {{port: {port}}}}}}}
  idle: {{host: 127.0.0.1, checks: {{tcp: {{port: {port}}}}}}}
  strange: {{host: 127.0.0.1, checks: {{plugin: {{probe: exec, command: [/bin/true], unknown_after: 1s}}}}}}
"""
IDLE = {"match": {"node": "idle"}, "for": "2h"}
Body = dict[str, Any]


class Verb(NamedTuple):
    """Something that people say, and how one sees that it holds."""

    path: str
    """Of the incident that is open, where it has `{incident}`."""
    body: Callable[[str], Body]
    """Of a word that nobody has used before."""
    holds: Callable[[RunningDaemon, str, Body], bool]
    """By that word, and by the answer."""


def the_incident(daemon: RunningDaemon, answer: Body) -> Any:
    return daemon.get(f"/api/v1/incidents/{answer['id']}")


def listed(path: str) -> Callable[[RunningDaemon, str, Body], bool]:
    """Whether what was answered is in a list."""
    return lambda daemon, _, answer: answer["id"] in [row["id"] for row in daemon.get(path)]


VERBS = {
    "ack": Verb(
        "incidents/{incident}/ack",
        lambda word: {"by": word, "for": "2h"},
        lambda daemon, word, answer: the_incident(daemon, answer)["acknowledged"]["by"].startswith(word),
    ),
    "note": Verb(
        "incidents/{incident}/note",
        lambda word: {"text": word},
        lambda daemon, word, answer: word in [row.get("text") for row in the_incident(daemon, answer)["story"]],
    ),
    "evidence": Verb(
        "incidents/{incident}/evidence",
        lambda word: {"ticket": word},
        lambda daemon, word, answer: word in [row.get("value") for row in the_incident(daemon, answer)["story"]],
    ),
    "pause": Verb("pause", lambda word: {"why": word, **IDLE}, listed("/api/v1/pauses")),
    "maintenance": Verb("maintenance", lambda word: {"name": word, **IDLE}, listed("/api/v1/maintenance")),
}
CLOSE = Verb(
    "incidents/{incident}/close",
    lambda word: {"why": word},
    lambda daemon, _, answer: the_incident(daemon, answer)["ending"] == "closed",
)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


def open_incident(daemon: RunningDaemon, kind: str) -> str:
    """The id of the one of this kind, once it is open."""

    def found() -> list[str]:
        rows = daemon.get("/api/v1/incidents?open=true")
        return [row["id"] for row in rows if row["kind"] == kind and "idle/tcp" not in row["members"]]

    wait_until(lambda: bool(found()), f"an open incident of kind {kind}")
    return found()[0]


def said(daemon: RunningDaemon, verb: Verb, incident: str, word: str) -> Body:
    """What the daemon has answered, and on record."""
    url = f"{daemon.url}/api/v1/{verb.path.format(incident=incident)}"
    answer = requests.post(url, json=verb.body(word), timeout=20)
    assert answer.status_code in (200, 201), answer.text
    found: Body = answer.json()
    assert found["recorded"]
    return found


def kill(daemon: RunningDaemon, dice: random.Random) -> None:
    time.sleep(dice.choice((0.0, dice.uniform(0.0, 0.05), dice.uniform(0.0, 1.0))))
    daemon.kill()
    daemon.start()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(3, id="short"),
        pytest.param(100, id="long", marks=[pytest.mark.proof, pytest.mark.timeout(3600)]),
    ],
)
def test_what_was_answered_survives_a_kill_at_any_moment(
    tmp_path: Path,
    kind: str,
    kills: int,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    dice, listen = random.Random(seed), free_port()
    database = None if kind == "sqlite" else request.getfixturevalue("postgres").database()
    config = write_estate(tmp_path, listen, NODES.format(port=free_port()), database=database)
    made, answers = Counter[str](), list[tuple[str, str, Body]]()
    with RunningDaemon(config, listen) as daemon:
        incident = open_incident(daemon, "node")
        for n in range(kills):
            name, word = list(VERBS)[n % len(VERBS)], f"word {n}"
            answers.append((name, word, said(daemon, VERBS[name], incident, word)))
            made[name] += 1
            kill(daemon, dice)
            assert VERBS[name].holds(daemon, word, answers[-1][2]), (name, word)
        answer = said(daemon, CLOSE, open_incident(daemon, "blind"), "not ours")
        kill(daemon, dice)
        assert CLOSE.holds(daemon, "", answer)
        assert not [row for row in daemon.get("/api/v1/incidents?open=true") if row["kind"] == "blind"]
        lasting = [one for one in answers if one[0] != "ack"]  # of acknowledgements the last one holds
        assert all(VERBS[name].holds(daemon, word, found) for name, word, found in lasting)
        assert daemon.stop() == 0
    told = ", ".join(f"{count} x {name}" for name, count in sorted(made.items()))
    record_property("summary", f"{kind}: {kills + 1} x SIGKILL after {told}, 1 x close: all of it holds")
