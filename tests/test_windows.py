"""What a machine that is no Windows can show of it: nothing of ours needs POSIX where sys.platform says win32.

No real Windows is asked: docs/windows.md says what that leaves open.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.support.estates import write_estate
from tests.support.timing import UP_WITHIN, wait_until
from tests.support.windows import CTRL_BREAK

ROOT = Path(__file__).parents[1]
AS_ON_WINDOWS = sys.executable, "-m", "tests.support.windows"


def test_every_module_is_imported_without_what_only_posix_has() -> None:
    done = subprocess.run(
        [*AS_ON_WINDOWS, "modules"], check=False, cwd=ROOT, capture_output=True, text=True, timeout=UP_WITHIN
    )
    assert done.returncode == 0, done.stderr
    files = [path for path in (ROOT / "pacs_monitor").rglob("*.py") if "migrations" not in path.parts]
    assert int(done.stdout) > 0.9 * len(files)


def test_the_daemon_pages_records_reloads_and_ends_by_what_windows_has(tmp_path: Path, receiver: Receiver) -> None:
    listen, closed = free_port(), free_port()
    nodes = f"  archive: {{host: 127.0.0.1, checks: {{tcp: {{port: {closed}, severity: critical}}}}}}\n"
    config = write_estate(tmp_path, listen, nodes, pager=receiver.url, secret=SECRET)
    daemon = RunningDaemon(config, listen, AS_ON_WINDOWS)
    with daemon:
        wait_until(lambda: bool(receiver.posts), "the page")
        assert daemon.post("/api/v1/reload")["changes"] == []
        assert "stop the monitor named 'proof' that already uses" in second_daemon(config)
        daemon.signal(signal.SIGINT)
        assert daemon.wait() == 0, daemon.log.read_text()
        daemon.start()
        assert daemon.check("archive", "tcp")["state"] == "down", "the history has it"
        daemon.signal(CTRL_BREAK)
        assert daemon.wait() == 0, daemon.log.read_text()


def second_daemon(config: Path) -> str:
    """Why it does not start."""
    command = [*AS_ON_WINDOWS, "-m", "pacs_monitor", "run", "--config", str(config)]
    second = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=UP_WITHIN)
    assert second.returncode == 1
    return second.stderr
