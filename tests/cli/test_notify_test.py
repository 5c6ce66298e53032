"""`notify-test`: with a daemon and without one, and what it answers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.channels.contract import answering, receiver
from tests.peers.ports import free_port
from tests.support.commands import invoke

NODES = "nodes: {}\n"
SHAPES = ["opened", "changed", "resolved", "group", "digest"]


def estate(folder: Path, channels: str) -> Path:
    file = folder / "monitor.yaml"
    file.write_text(
        f"monitor: {{name: east, listen: '127.0.0.1:{free_port()}', database: 'sqlite:///{folder}/x.db'}}\n"
        f"channels:\n  people: {channels}\n{NODES}"
    )
    return file


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_says_what_was_sent_and_answered(shape: str, tmp_path: Path) -> None:
    with receiver(answering(202, b"taken")) as at:
        file = estate(tmp_path, f"{{type: webhook, url: '{at.url}/hook'}}")
        said = invoke("notify-test", "people", "--event", shape, config=file)
    assert said.returncode == 0, said.stderr
    lines = said.stdout.splitlines()
    assert lines[0].startswith("people (webhook), TEST – no fault: ")  # noqa: RUF001
    assert len(lines) == 1 + len(at.requests)
    for line, request in zip(lines[1:], at.requests, strict=True):
        kind = json.loads(request.body)["type"]
        assert re.fullmatch(rf"  [\d:]{{8}} \w+  {re.escape(kind)}  delivered in .*s: HTTP 202 taken", line)


def test_a_page_that_is_not_taken_is_bad_news(tmp_path: Path) -> None:
    with receiver(answering(403, b"no such key")) as at:
        file = estate(tmp_path, f"{{type: webhook, url: '{at.url}/hook'}}")
        said, told = (
            invoke("notify-test", "people", "--event", "opened", *more, config=file) for more in ((), ("--json",))
        )
    assert (said.returncode, told.returncode) == (1, 1)
    assert said.stderr == "repair channel people: the test was not delivered (http_403): HTTP 403 no such key\n"
    answer = json.loads(told.stdout)
    assert (answer["delivered"], answer["reason"], answer["left_open"]) == (False, "http_403", False)
    assert [step["event"] for step in answer["steps"]] == ["incident.opened"]


def test_what_pagerduty_opened_it_resolves_under_the_same_key(tmp_path: Path) -> None:
    with receiver(answering(202)) as at:
        file = estate(tmp_path, f"{{type: pagerduty, routing_key: s3cret-key, url: '{at.url}'}}")
        said = invoke("notify-test", "people", "--event", "opened", "--open-for", "100ms", config=file)
        plain = invoke("notify-test", "people", config=file)
    assert (said.returncode, plain.returncode) == (0, 0), said.stderr
    assert "it stays open at the receiver until you end it there" in plain.stdout
    assert "stays open" not in said.stdout
    bodies = [json.loads(request.body) for request in at.requests]
    assert [body["event_action"] for body in bodies] == ["trigger", "resolve", "trigger"]
    assert bodies[0]["dedup_key"] == bodies[1]["dedup_key"]
    assert "s3cret" not in said.stdout + said.stderr


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (("--event", "oppened"), "oppened"),
        (("--event", "opened", "--open-for", "soon"), "write 500ms, 10s"),
        (("--event", "opened", "--open-for", "1h"), "write 10 min at most"),
        (("--open-for", "10s"), "write --event opened"),
    ],
)
def test_a_wrong_word_is_misuse(tmp_path: Path, words: tuple[str, ...], fix: str) -> None:
    file = estate(tmp_path, "{type: webhook, url: 'http://127.0.0.1:9/x'}")
    said = invoke("notify-test", "people", *words, config=file)
    assert (said.returncode, fix in said.stderr) == (2, True), said.stderr
