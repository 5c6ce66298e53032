from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import ValidationError

from pacs_monitor.model import Node, Outcome, Reason, Status
from pacs_monitor.net import Trace
from pacs_monitor.probes import kinds
from pacs_monitor.probes.host import HostSettings, _limits
from pacs_monitor.systems.node_exporter import NodeExporterSettings
from pacs_monitor.systems.shared.judgement import worst_of
from pacs_monitor.systems.shared.resources import HostState
from tests.peers.node_exporter import NodeExporter
from tests.peers.ports import free_port
from tests.peers.scripted import full_accept_queue, hang, scripted
from tests.peers.systemd import Systemd
from tests.probes.support import Arranged, Peers
from tests.support.probing import ask

HOST = kinds()["host"]
ROOMY: dict[str, Any] = {"memory_warn": None, "load_warn": None}


def exporter_at(port: int, **settings: Any) -> tuple[Node, Any]:
    block = NodeExporterSettings(url=f"http://127.0.0.1:{port}")
    return Node("server", systems={"node_exporter": block}), HostSettings(source="node_exporter", **settings)


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Arranged]:
    with NodeExporter(folder) as exporter:
        yield exporter_at(exporter.port, **ROOMY)


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield exporter_at(free_port())


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    with full_accept_queue() as port:
        yield exporter_at(port)


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    with NodeExporter(folder) as exporter:
        yield exporter_at(exporter.port, memory_warn="0%", load_warn=None)


@asynccontextmanager
async def blind(folder: Path) -> AsyncIterator[Arranged]:
    with NodeExporter(folder) as exporter:
        yield exporter_at(exporter.port, processes="Orthanc")


PEERS = Peers(working, refusing, hanging, warning, blind)


async def here(**settings: Any) -> Outcome:
    return await ask(HOST, Node("monitor"), HostSettings(source="local", **(ROOMY | settings)), timeout=20)


async def test_a_real_node_exporter_tells_memory_and_load(tmp_path: Path) -> None:
    with NodeExporter(tmp_path) as exporter:
        outcome = await ask(HOST, *exporter_at(exporter.port, **ROOMY), timeout=20)
    values = {m.name: m.value for m in outcome.measurements}
    assert outcome.status is Status.OK
    assert values["host_memory_bytes"] == psutil.virtual_memory().total
    assert values["host_cpus"] == psutil.cpu_count()
    assert {"host_memory_available_bytes", "host_load"} <= values.keys()


async def test_what_a_source_does_not_tell_is_not_missing(tmp_path: Path) -> None:
    with NodeExporter(tmp_path) as exporter:
        outcome = await ask(HOST, *exporter_at(exporter.port, processes="Orthanc"), timeout=20)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert "grant this one more rights: node_exporter does not report programs here" in outcome.detail


async def test_this_machine_runs_this_program_and_listens_where_it_should() -> None:
    name = psutil.Process(os.getpid()).name()
    async with scripted(hang) as peer:
        outcome = await here(processes=[name], ports=[peer.port])
    assert (outcome.status, outcome.detail) == (Status.OK, "")
    (counted,) = [m for m in outcome.measurements if m.name == "host_processes"]
    assert counted.labels == (("program", name),)
    assert counted.value >= 1


async def test_a_program_and_a_port_that_are_not_there_fail() -> None:
    port = free_port()
    outcome = await here(processes=["no-such-program"], ports=[port])
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.MISSING)
    assert outcome.detail == f"the program no-such-program is not running; nothing listens on port {port}"


async def test_a_full_memory_warns_where_the_limit_is() -> None:
    outcome = await here(memory_warn="0%")
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.OVER_LIMIT)
    assert "of memory is in use" in outcome.detail


def judge(state: HostState, **settings: Any) -> Outcome:
    wanted = HostSettings(source="local", **settings)
    return worst_of([*_limits(state, wanted)], Trace())


@pytest.mark.parametrize(
    ("load", "status", "detail"),
    [
        (15.9, Status.OK, ""),
        (16.0, Status.WARN, "the load per CPU is 4, the limit is 4"),
        (40.0, Status.FAIL, "the load per CPU is 10, the limit is 8"),
    ],
)
def test_load_counts_for_each_cpu(load: float, status: Status, detail: str) -> None:
    outcome = judge(HostState(load=load, cpus=4), load_fail=8)
    assert (outcome.status, outcome.detail) == (status, detail)


NO_LOAD = "use another source, or set load_warn to null: local does not report load"


@pytest.mark.parametrize(
    ("state", "limits", "expected"),
    [
        (HostState(), {}, (Status.OK, "")),
        (HostState(), {"memory_warn": None}, (Status.OK, "")),
        (
            HostState(memory=100, load=1.0),
            {"memory_warn": "90%"},
            (Status.UNKNOWN, "use another source, or set memory_warn to null: local does not report memory"),
        ),
        (
            HostState(load=1.0),
            {"load_fail": 8},
            (Status.UNKNOWN, NO_LOAD),
        ),
        (
            HostState(memory=100, memory_available=1),
            {"memory_fail": "95%", "load_warn": 4},
            (
                Status.FAIL,
                f"99 % of memory is in use, the limit is 95 %; {NO_LOAD}",
            ),
        ),
    ],
)
def test_a_limit_that_was_set_for_what_is_not_told_is_unknown(
    state: HostState, limits: dict[str, Any], expected: tuple[Status, str]
) -> None:
    outcome = judge(state, **limits)
    assert (outcome.status, outcome.detail) == expected


async def test_a_machine_at_work_is_above_a_limit_that_is_below_its_load() -> None:
    """The kernel counts who wants to run every five seconds (proc(5), loadavg)."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            async with asyncio.timeout(60):
                while (mild := await here(load_warn=1e-9)).status is Status.OK:
                    await asyncio.sleep(0.1)
            severe = await here(load_warn=1e-9, load_fail=1e-6)
        finally:
            busy.kill()
    assert (mild.status, mild.reason) == (Status.WARN, Reason.OVER_LIMIT)
    assert (severe.status, severe.reason) == (Status.FAIL, Reason.OVER_LIMIT)
    assert severe.detail.startswith("the load per CPU is ")


def test_services_are_as_a_real_systemd_says(tmp_path: Path) -> None:
    services = {"orthanc.service": "ExecStart=/bin/sleep 300", "mirth.service": "ExecStart=/bin/false"}
    with Systemd(tmp_path, services) as machine:
        well, ill = probed_on(machine, [["orthanc.service"], [*services, "gone.service"]])
    assert (well["status"], well["detail"]) == ("ok", "")
    assert (ill["status"], ill["reason"]) == ("fail", "missing")
    assert ill["detail"] == "the service mirth.service is failed; the service gone.service is not there"


def probed_on(machine: Systemd, services: list[list[str]]) -> list[dict[str, Any]]:
    """By the command line, which runs on that machine."""
    checks = {
        f"check{number}": {
            "probe": "host",
            "source": "local",
            "services": named,
            "memory_warn": "100%",
            "load_warn": "1000000",
        }
        for number, named in enumerate(services)
    }
    config = machine.folder / "monitor.yaml"
    config.write_text(json.dumps({"monitor": {"name": "test"}, "nodes": {"here": {"checks": checks}}}))
    probe = [sys.executable, "-m", "pacs_monitor", "probe", "here", "--direct", "--json", "--config", str(config)]
    rows: list[dict[str, Any]] = json.loads(machine.inside(*probe))
    return rows


def test_a_source_that_tells_no_host_is_refused() -> None:
    with pytest.raises(ValidationError, match="'orthanc' is not a source of host"):
        HostSettings(source="orthanc")
