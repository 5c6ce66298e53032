"""The recipe for DECT phones, whole, against a FAKE of an alarm server (ESPA-X)."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pacs_monitor.config import load
from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.messages.trial import Shape, shaped
from pacs_monitor.model import Channel, DeliveryError, Event
from tests.channels import samples
from tests.peers.espax import AlarmServer
from tests.support.timing import HANGS, SOON, wait_until

SECTION = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8").partition("## DECT phones")[2]


@pytest.fixture
def server() -> Iterator[AlarmServer]:
    with AlarmServer("monitor", "s3cret-dect", "4711") as made:
        yield made


def recipe(server: AlarmServer, folder: Path, *, password: str = "s3cret-dect", group: str = "4711") -> Channel:
    """The channel as people copy it, but for the address, the group, and how long the program waits."""
    ((text,), (script,)) = (re.findall(rf"```{kind}\n(.*?)```", SECTION, re.DOTALL) for kind in ("yaml", "python"))
    program, file = folder / "page-dect", folder / "monitor.yaml"
    program.write_text(script.replace("WITHIN = 8", f"WITHIN = {HANGS if server.silent else 8}"), encoding="utf-8")
    command = f'[{sys.executable}, {program}, 127.0.0.1, "{server.port}", "{group}"]'
    text = re.sub(r"(command: )\[.*\]", lambda found: found[1] + command, text)
    file.write_text(f"nodes: {{}}\n{text}", encoding="utf-8")
    return load(file, {"ESPAX_PASSWORD": password}).channels["dect"]


def refused(channel: Channel, event: Event = Event.OPENED) -> str:
    with pytest.raises(DeliveryError) as raised:
        channel.deliver(samples.notification(event), SOON)
    return str(raised.value)


def test_an_opened_page_calls_the_group(server: AlarmServer, tmp_path: Path) -> None:
    said = recipe(server, tmp_path).deliver(samples.notification(), SOON)
    (call,) = server.calls
    assert said == "the alarm server has taken the call of group 4711"
    assert (call.group, call.priority, call.runs) == ("4711", "High", True)
    assert call.text == f"{samples.SUMMARY} - ED and stroke CT cannot see priors"[:160]
    wait_until(lambda: server.logouts == 1, "the session was given back")


def test_a_long_text_is_cut(server: AlarmServer, tmp_path: Path) -> None:
    recipe(server, tmp_path).deliver(samples.notification(summary="<down>\n& " + "x" * 500), SOON)
    assert server.calls[0].text == ("<down> & " + "x" * 500)[:160]


@pytest.mark.parametrize("event", [Event.RESOLVED, Event.WITHDRAWN, Event.CLOSED, Event.ACKNOWLEDGED])
def test_its_end_and_its_acknowledgement_end_the_call(event: Event, server: AlarmServer, tmp_path: Path) -> None:
    channel = recipe(server, tmp_path)
    channel.deliver(samples.notification(), SOON)
    for _ in ("it ends", "it has ended"):
        assert channel.deliver(samples.notification(event), SOON) == "the call is over"
        assert [call.runs for call in server.calls] == [False]


def test_a_retry_of_the_first_call_is_no_second_one(server: AlarmServer, tmp_path: Path) -> None:
    channel = recipe(server, tmp_path)
    for _ in range(2):
        channel.deliver(samples.notification(), SOON)
    assert [call.runs for call in server.calls] == [True]


def test_reminders_and_what_gets_worse_call_again_instead(server: AlarmServer, tmp_path: Path) -> None:
    channel = recipe(server, tmp_path)
    for page in (samples.notification(), samples.notification(Event.REMINDED), samples.worse()):
        channel.deliver(page, SOON)
    assert [call.runs for call in server.calls] == [False, False, True]
    assert channel.deliver(samples.notification(Event.CHANGED), SOON) == "no call: nothing got worse"
    assert len(server.calls) == 3


@pytest.mark.parametrize("shape", Shape)
def test_a_test_of_any_shape_is_taken(shape: Shape, server: AlarmServer, tmp_path: Path) -> None:
    monitor = MonitorSettings(name="east", database="sqlite:///x.db", external_url="https://monitor.example.org")
    channel = recipe(server, tmp_path)
    for notification in shaped(shape, "dect", monitor, samples.AT):
        channel.deliver(notification, SOON)
    assert server.calls


def test_a_refused_login_is_not_delivered(server: AlarmServer, tmp_path: Path) -> None:
    said = refused(recipe(server, tmp_path, password="wrong-one"))
    assert said == "exit status 1: LOGIN: the alarm server refuses: 401 Unauthorized"
    assert server.calls == []


def test_a_group_that_is_unknown_is_not_delivered(server: AlarmServer, tmp_path: Path) -> None:
    said = refused(recipe(server, tmp_path, group="4712"))
    assert said == "exit status 1: P-START: the alarm server refuses: 404 Not Found"


@pytest.mark.parametrize("event", [Event.OPENED, Event.RESOLVED])
def test_no_answer_within_the_deadline_is_not_delivered(event: Event, server: AlarmServer, tmp_path: Path) -> None:
    server.silent = True
    said = refused(recipe(server, tmp_path), event)
    assert said == f"exit status 1: the alarm server did not answer within {HANGS} s"


def test_a_server_that_is_not_there_is_not_delivered(tmp_path: Path) -> None:
    with AlarmServer("monitor", "s3cret-dect", "4711") as gone:
        channel = recipe(gone, tmp_path)
    assert refused(channel) == "exit status 1: the alarm server cannot be reached: Connection refused"
