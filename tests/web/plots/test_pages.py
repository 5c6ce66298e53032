"""Plots on pages, from the record and the board of a daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from time import time_ns

import pytest

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from pacs_monitor.history import HistoryError
from pacs_monitor.language import speaking
from pacs_monitor.model import SECOND, CheckId, Measurement, Outcome, Result, Status
from pacs_monitor.web.pages.plots.kept import MOST_KEPT, Plots
from tests.support.asking import asking
from tests.support.estates import write_estate
from tests.support.measured import Values, put

MINUTE = 60 * SECOND
ROOM = CheckId("archive", "room")
VOLUME = (("volume", "/archive"),)


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    """It measures only once: the rest is put into its record."""
    room = "room: {probe: disk, source: local, cron: '0 0 1 1 *'}"
    nodes = f"  archive: {{host: 127.0.0.1, checks: {{{room}, port: {{probe: tcp, port: 1, cron: '0 0 1 1 *'}}}}}}\n"
    made = await Daemon.open(load(write_estate(tmp_path, 0, nodes)))
    await made.start()
    yield made
    await made.stop()


def free(daemon: Daemon, *volumes: str) -> None:
    now = time_ns() // 1000
    at = [(now - n * MINUTE, 1e9 + n * 1e6) for n in range(120)]
    put(daemon.estate.monitor.database, [Values(ROOM, "disk_free_bytes", {"volume": name}, at) for name in volumes])


async def test_the_forecast_is_that_of_the_last_run_for_the_same_volume(daemon: Daemon) -> None:
    free(daemon, "/archive", "/other")
    measured = (Measurement("disk_free_bytes", 1e9, VOLUME), Measurement("disk_full_in_seconds", 7200.0, VOLUME))
    outcome = Outcome(Status.OK, measurements=measured)
    daemon.engine.board.accept(Result(ROOM, "disk", outcome, daemon.clock.now(), 0.1))

    first, second = (await Plots().of_node(daemon, "archive", "day")).plots

    assert 'class="p-forecast"' in first.svg
    assert "nothing is left in 2 h" in first.said
    assert 'class="p-forecast"' not in second.svg
    assert "There is no forecast" in second.said


async def test_an_incident_has_no_forecast_and_its_time_is_marked(daemon: Daemon) -> None:
    free(daemon, "/archive")
    now = daemon.clock.now()

    runs, room = (await Plots().of_incident(daemon, [ROOM], now - 30 * MINUTE, None)).plots

    assert runs.said == "Nothing was measured in this time."
    assert "p-incident" in room.svg
    assert "forecast" not in room.said


async def test_a_plot_is_made_once_a_minute_for_all_in_the_language_of_each(daemon: Daemon) -> None:
    free(daemon, "/archive")
    plots = Plots()

    before, first, after = [await plots.of_node(daemon, "archive", "quarter") for _ in range(3)]
    assert first.plots is before.plots or first.plots is after.plots  # one of them may be of the next ten minutes
    assert (await plots.of_node(daemon, "archive", "week")).plots is not first.plots
    with speaking("de"):
        assert (await plots.of_node(daemon, "archive", "quarter")).plots is not first.plots
    for n in range(MOST_KEPT):
        await plots.of_incident(daemon, [ROOM], daemon.clock.now() - n * MINUTE, None)
    assert (await plots.of_node(daemon, "archive", "quarter")).plots is not first.plots


async def test_a_record_that_cannot_be_read_costs_the_plots_alone(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise HistoryError("the disk is full")

    monkeypatch.setattr(daemon.history, "read", broken)
    url = "http://{}:{}".format(*daemon.address)
    async with asking() as client:
        page = await client.get(f"{url}/checks/archive/room", headers={"accept": "text/html"})

    assert page.status_code == 200
    assert "The plots cannot be drawn now: the disk is full" in page.text


async def test_an_unknown_span_is_a_day(daemon: Daemon) -> None:
    drawn = await Plots().of_check(daemon, ROOM, "<script>")

    assert drawn.span is not None
    assert drawn.span.key == "day"
