"""The demo's plot: start peers, pager and daemon; stop the archive, bring it back, and show what happens."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from pacs_monitor import daemon, process, signals
from pacs_monitor.config import load
from pacs_monitor.demo.pager import Pager
from pacs_monitor.threads import in_thread

PEERS = {
    "ARCHIVE": "DEMO_ARCHIVE_PORT",
    "WORKLIST": "DEMO_WORKLIST_PORT",
    "CT1": "DEMO_CT1_PORT",
    "US1": "DEMO_US1_PORT",
}
"""AE titles of the simulated estate, and the variables of monitor.yaml that name their ports."""
BREAKS_AFTER = 8.0
BROKEN_FOR = 15.0
"""Seconds of the plot."""
WHOLE = 60.0
"""Seconds in which all of it is seen, also on a slow machine."""

console = Console(highlight=False, soft_wrap=True)


def run(seconds: float | None) -> int:
    """Play the demo, for so long or until Ctrl-C, which is a good end.

    The exit code is 1 when a minute or more did not show a page opened and resolved.
    """
    with asyncio.Runner(loop_factory=process.loop_factory()) as runner:
        ended, seen = runner.run(_play(seconds))
    whole = ended or seconds is None or seconds < WHOLE
    return 0 if whole or {"incident.opened", "incident.resolved"} <= seen else 1


async def _play(seconds: float | None) -> tuple[bool, set[str]]:
    """Whether somebody ended it, and what arrived at the pager. Until here Ctrl-C ends the process by itself."""
    ended = asyncio.Event()
    signals.at_end(ended.set)
    with tempfile.TemporaryDirectory(prefix="pacs-monitor-demo-") as folder:
        stage = _Scenario(Path(folder))
        try:
            await in_thread(stage.set_up, "demo")
            if not ended.is_set():
                await stage.play(seconds, ended)
        finally:
            stage.clear()
    return ended.is_set(), stage.seen


def estate_file() -> Path:
    """monitor.yaml: beside the package in a checkout, inside it when installed."""
    here = Path(__file__).parent
    checkout = here.parents[1] / "monitor.yaml"
    return checkout if checkout.exists() else here / "monitor.yaml"


class _Scenario:
    def __init__(self, folder: Path) -> None:
        self.seen: set[str] = set()
        self._began = time.monotonic()
        secret = secrets.token_bytes(24)
        self._pager = Pager(secret, self._page)
        self._ports: dict[str, int] = {}
        os.environ.update(
            DEMO_PAGING="on",
            DEMO_PAGER_URL=self._pager.url,
            DEMO_PAGER_SECRET="whsec_" + base64.b64encode(secret).decode(),
            DEMO_DATABASE=f"sqlite:///{folder / 'demo.db'}",
        )
        os.environ.setdefault("DEMO_LISTEN", f"127.0.0.1:{_free_port()}")
        self._peers: dict[str, subprocess.Popen[bytes]] = {}

    def set_up(self) -> None:
        """Start the peers, and wait until they listen: what still starts would be paged as down on a slow machine."""
        for title in PEERS:
            self._peers[title] = self._start(title)
        for title, variable in PEERS.items():
            self._ports[title] = _port_of(self._peers[title])
            os.environ[variable] = str(self._ports[title])

    async def play(self, seconds: float | None, ended: asyncio.Event) -> None:
        """Everything that is seen, in order, until somebody ends it or the time is over."""
        changes = logging.getLogger("pacs_monitor.daemon")
        changes.addHandler(_LogHandler(self._print))
        changes.setLevel(logging.INFO)
        changes.propagate = False
        running = await daemon.Daemon.open(load(estate_file()))
        self._began = time.monotonic()
        await running.start()
        host, port = running.address
        self._print(
            f"status: http://{host}:{port}/api/v1/status   metrics: http://{host}:{port}/metrics   end with Ctrl-C"
        )
        plot = asyncio.create_task(self._break_and_recover())
        try:
            async with asyncio.timeout(seconds):
                await ended.wait()
        except TimeoutError:
            pass
        finally:
            plot.cancel()
            await running.stop()

    def clear(self) -> None:
        for peer in self._peers.values():
            peer.kill()
            peer.communicate()
        self._pager.stop()

    async def _break_and_recover(self) -> None:
        await asyncio.sleep(BREAKS_AFTER)
        self._print("[bold]the demo stops the archive's process now[/bold]")
        self._peers["ARCHIVE"].kill()
        self._peers["ARCHIVE"].communicate()
        await asyncio.sleep(BROKEN_FOR)
        self._print("[bold]the demo starts the archive again[/bold]")
        self._peers["ARCHIVE"] = self._start("ARCHIVE")

    def _start(self, title: str) -> subprocess.Popen[bytes]:
        port = self._ports.get(title, 0)  # one that it takes itself cannot be another's
        command = [sys.executable, "-m", "pacs_monitor.demo.peer", title, str(port)]
        return subprocess.Popen(  # noqa: S603 - ourselves
            command,
            stdin=subprocess.PIPE,  # which ends with us, and the peer with it
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us alone
        )

    def _page(self, event: dict[str, Any]) -> None:
        self.seen.add(event["type"])
        data = event["data"]
        colour = "green" if event["type"] == "incident.resolved" else "red"
        self._print(
            f"[bold {colour}]PAGE {event['type']} ({data['severity']})[/bold {colour}] {escape(data['summary'])}"
        )

    def _print(self, text: str) -> None:
        console.print(f"{time.monotonic() - self._began:5.1f} s  {text}")


class _LogHandler(logging.Handler):
    """What the daemon logs, as lines of the play."""

    def __init__(self, show: Any) -> None:
        super().__init__()
        self._print = show

    def emit(self, record: logging.LogRecord) -> None:
        self._print(escape(record.getMessage()))


def _port_of(peer: subprocess.Popen[bytes]) -> int:
    """Once it listens."""
    if peer.stdout is None or not peer.stdout.readline():
        raise RuntimeError("a peer of the demo has ended")
    return int(peer.stdout.readline())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
