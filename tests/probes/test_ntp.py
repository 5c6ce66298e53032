"""ntp, with a real chronyd (package chrony)."""

from __future__ import annotations

import asyncio
import os
import struct
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.clock import SystemClock
from pacs_monitor.model import SECOND, Node, Outcome, Phase, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.ntp import ERA, NtpSettings, _Question, _unix
from tests.peers.dcmtk import faketime
from tests.peers.ports import deaf_port, free_port, program
from tests.probes.support import Arranged, Peers
from tests.support.probing import ask
from tests.support.timing import HANGS

NTP = kinds()["ntp"]


def at(port: int, **more: float) -> tuple[Node, Any]:
    return Node("clock", host="127.0.0.1"), NtpSettings(port=port, **more)


@asynccontextmanager
async def chronyd(folder: Path, *lines: str, clock: str = "+0s") -> AsyncIterator[int]:
    """A server without a clock to set, on a free port; its own is off by `clock`, in words of faketime."""
    port, place = free_port(), folder / "chrony"
    place.mkdir(mode=0o700)
    config = place / "chrony.conf"
    files = f"pidfile {place}/pid\nbindcmdaddress /\ncmdport 0\ndriftfile {place}/drift\n"
    config.write_text(f"port {port}\nbindaddress 127.0.0.1\nallow 127.0.0.1\n{files}" + "\n".join(lines))
    user = "root" if os.geteuid() == 0 else os.environ.get("USER", "nobody")
    command = [program("chronyd", "chrony"), "-x", "-d", "-u", user, "-f", str(config)]
    off = os.environ | {"LD_PRELOAD": str(faketime()), "FAKETIME": clock}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=off) as process:
        try:
            yield port
        finally:
            process.terminate()


async def settled(port: int, **more: float) -> Outcome:
    """The first outcome after the server is up and, where it has a local reference, has taken it."""
    async with asyncio.timeout(30):
        while True:
            outcome = await ask(NTP, *at(port, **more), timeout=2)
            if outcome.reason is not Reason.TCP_REFUSED:
                return outcome
            await asyncio.sleep(0.02)


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Arranged]:
    async with chronyd(folder, "local stratum 5") as port:
        await settled(port)
        yield at(port)


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield at(free_port())


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    with deaf_port() as port:
        yield at(port)


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    async with chronyd(folder, "local stratum 5", clock="+2s") as port:
        await settled(port)
        yield at(port)


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    async with answering(lambda question: timed(question, stratum=0, kiss=b"DENY")) as port:
        yield at(port)


PEERS = Peers(working, refusing, hanging, warning, blind)


@asynccontextmanager
async def answering(answer: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    """A server that answers what a function says."""

    class Server(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.DatagramTransport", transport)

        def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
            self.transport.sendto(answer(data), address)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Server, ("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


def timed(question: bytes, stratum: int = 2, kiss: bytes = bytes(4)) -> bytes:
    now = SystemClock().now() / SECOND + ERA
    stamp = struct.pack("!II", int(now), int(now % 1 * 2**32))
    return struct.pack("!BBbb8x4s8x", 0x24, stratum, 0, 0, kiss) + question[40:48] + stamp + stamp


async def test_a_synchronized_server_is_ok_and_its_offset_is_measured(tmp_path: Path) -> None:
    async with chronyd(tmp_path, "local stratum 5") as port:
        outcome = await settled(port)
    assert outcome.status is Status.OK
    values = {m.name: m.value for m in outcome.measurements}
    assert values["ntp_stratum"] == 5
    assert abs(values["ntp_offset_seconds"]) <= outcome.phases[Phase.OPERATION] / 2 + 0.001


async def test_a_server_without_a_source_is_not_synchronized(tmp_path: Path) -> None:
    async with chronyd(tmp_path) as port:
        outcome = await settled(port)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.STALE)


async def test_an_answer_that_is_read_late_says_nothing_of_the_clock() -> None:
    def late(question: bytes) -> bytes:
        answer = timed(question)
        time.sleep(0.3)  # nothing of ours runs meanwhile
        return answer

    async with answering(late) as port:
        outcome = await ask(NTP, *at(port, warn=0.1, fail=0.1))
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)


@pytest.mark.parametrize(
    ("offset", "status", "word"),
    [("+2s", Status.WARN, "ahead"), ("-2s", Status.WARN, "behind"), ("+90s", Status.FAIL, "1 min 30 s")],
)
async def test_a_clock_that_is_off_is_told_with_its_direction(
    offset: str, status: Status, word: str, tmp_path: Path
) -> None:
    async with chronyd(tmp_path, "local stratum 5", clock=offset) as port:
        outcome = await settled(port)
    assert (outcome.status, outcome.reason) == (status, Reason.OVER_LIMIT)
    assert word in outcome.detail


@pytest.mark.parametrize(
    ("kiss", "status", "reason"),
    [
        (b"RATE", Status.WARN, Reason.BUSY),
        (b"DENY", Status.UNKNOWN, Reason.NOT_AUTHORISED),
        (b"INIT", Status.FAIL, Reason.STALE),
    ],
)
async def test_a_server_may_say_why_it_gives_no_time(kiss: bytes, status: Status, reason: Reason) -> None:
    async with answering(lambda question: timed(question, stratum=0, kiss=kiss)) as port:
        outcome = await ask(NTP, *at(port))
    assert (outcome.status, outcome.reason) == (status, reason)


@pytest.mark.parametrize("answer", [b"", b"\x24" * 47, bytes(48), b"\x24" * 48])
async def test_what_answers_no_question_of_ours_is_no_answer(answer: bytes) -> None:
    async with answering(lambda _: answer) as port:
        outcome = await ask(NTP, *at(port), timeout=1.0)
    assert (outcome.reason, outcome.phase) == (Reason.TCP_TIMEOUT, Phase.OPERATION)


async def test_a_lost_datagram_is_asked_again() -> None:
    asked: list[bytes] = []

    def second(question: bytes) -> bytes:
        asked.append(question)
        return timed(question) if len(asked) > 1 else b""

    async with answering(second) as port:
        outcome = await ask(NTP, *at(port), timeout=3 * HANGS)
    assert (outcome.status, len(asked)) == (Status.OK, 2)
    assert asked[0] != asked[1]


@given(st.binary(max_size=60))
def test_whatever_comes_is_read_without_an_error(data: bytes) -> None:
    question = _Question(SystemClock())
    question.make()
    assert question.read(data) is None


def test_time_goes_on_after_2036() -> None:
    assert _unix(0, 0) - _unix(0xFFFFFFFF, 0) == 1


def test_limits_are_ordered() -> None:
    with pytest.raises(ValueError, match="warn must not be above fail"):
        NtpSettings(warn=2, fail=1)
