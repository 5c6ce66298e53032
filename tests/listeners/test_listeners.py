"""Our own listeners follow the configuration."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pacs_monitor.config import MonitorSettings
from pacs_monitor.engine.runner import Runner
from pacs_monitor.listeners import Listeners
from tests.engine.support import NumericResolver
from tests.peers.ports import free_port, listens
from tests.support.clock import SettableClock

RECEIVER = {"from": "127.0.0.1", "receiving_application": "PACSMON", "receiving_facility": "EAST"}


@pytest.fixture
def runner() -> Runner:
    return Runner(SettableClock(), NumericResolver())


@pytest.fixture
async def listeners(runner: Runner) -> AsyncIterator[Listeners]:
    async def nobodys(_uid: str) -> bool:
        return False

    listeners = Listeners(runner, NumericResolver(), SettableClock(), nodes=tuple, ours=nobodys)
    yield listeners
    await listeners.stop()
    runner.close()


def monitor(dicom: int | None = None, hl7: int | None = None, ae_title: str = "PACSMON") -> MonitorSettings:
    given: dict[str, Any] = {"name": "east", "database": "sqlite:////nowhere.db"}
    if dicom is not None:
        given["dicom_listener"] = {"listen": f"127.0.0.1:{dicom}", "ae_title": ae_title}
    if hl7 is not None:
        given["hl7_listener"] = RECEIVER | {"listen": f"127.0.0.1:{hl7}"}
    return MonitorSettings.model_validate(given)


async def test_what_stays_the_same_stays_open_and_what_changes_is_opened_anew(
    listeners: Listeners, runner: Runner
) -> None:
    dicom, hl7 = free_port(), free_port()
    assert await listeners.adopt(monitor(dicom, hl7)) == []
    kept, changed = runner.hl7_listener, runner.dicom_listener
    assert await listeners.adopt(monitor(dicom, hl7, "OTHER")) == []

    assert runner.hl7_listener is kept
    assert runner.dicom_listener is not changed
    assert runner.dicom_listener is not None
    assert runner.dicom_listener.ae_title == "OTHER"
    assert listens(dicom)
    assert listens(hl7)


async def test_what_is_not_wanted_any_more_is_closed(listeners: Listeners, runner: Runner) -> None:
    dicom, hl7 = free_port(), free_port()
    await listeners.adopt(monitor(dicom, hl7))
    await listeners.adopt(monitor())

    assert (runner.dicom_listener, runner.hl7_listener) == (None, None)
    assert not listens(dicom)
    assert not listens(hl7)


async def test_a_port_that_is_taken_is_told_and_tried_again_the_next_time(
    listeners: Listeners, runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (told,) = await listeners.adopt(monitor(dicom=port))
        assert runner.dicom_listener is None
    again = await listeners.adopt(monitor(dicom=port))

    assert told.startswith(f"monitor.dicom_listener cannot listen at 127.0.0.1:{port} (")
    assert "in use" in told
    assert f"checks that need it cannot run: {told}" in caplog.text
    assert again == []
    assert listens(port)
