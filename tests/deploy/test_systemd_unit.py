"""The unit file: what systemd-analyze says of it, and a real systemd that runs the daemon by it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pacs_monitor import systemd
from tests.peers.systemd import Systemd
from tests.support.estates import write_estate
from tests.support.timing import wait_until

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "systemd" / "pacs-monitor.service"
NAME = UNIT.name
MOST_EXPOSED = 2.5


def analyzed(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert shutil.which("systemd-analyze"), "install systemd-analyze: on Debian, apt install systemd"
    return subprocess.run(["systemd-analyze", *arguments], check=False, capture_output=True, text=True, timeout=60)


def settings() -> list[tuple[str, str]]:
    lines = re.sub(r"(?m)^[#;].*\n", "", UNIT.read_text()).splitlines()
    return [(key, value) for key, is_setting, value in (line.partition("=") for line in lines) if is_setting]


def test_systemd_knows_every_line_of_it(tmp_path: Path) -> None:
    here = tmp_path / NAME
    here.write_text(UNIT.read_text().replace("/opt/pacs-monitor/bin/pacs-monitor", "/bin/true"))
    done = analyzed("verify", str(here))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_what_it_may_do_is_little() -> None:
    done = analyzed("security", "--offline=true", "--no-pager", str(UNIT))
    (exposure,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert float(exposure) < MOST_EXPOSED, done.stdout


def test_its_commands_are_ours() -> None:
    said = dict(settings())
    program, *arguments = shlex.split(said["ExecStart"])
    assert program == "/opt/pacs-monitor/bin/pacs-monitor"
    assert arguments == ["run", "--config", "/etc/pacs-monitor/monitor.yaml"]
    done = subprocess.run(
        [sys.executable, "-m", "pacs_monitor", *arguments[:-1], str(ROOT / "none.yaml")],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "none.yaml" in done.stderr, "the options are understood, and the file is looked for"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Systemd]:
    """One whose systemd runs the unit, except: where things are, who runs it, and how long things take.

    What is installed for the tests may be in the home of root, who has no capabilities by the unit either.
    """
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "pager").write_text("a secret")
    write_estate(
        tmp_path, 9741, NODES, pager="http://127.0.0.1:9/", database="sqlite:////var/lib/pacs-monitor/pacs-monitor.db"
    )
    config = tmp_path / "monitor.yaml"
    config.write_text(config.read_text().replace("secret: ''", "secret_file: '${CREDENTIALS_DIRECTORY}/secrets_pager'"))
    here = {
        "ExecStart": f"{sys.executable} -m pacs_monitor run --config {KEPT}/monitor.yaml",
        "LoadCredential": f"secrets:{KEPT}/secrets",
        "ProtectHome": "read-only", "User": "root", "Group": "root",
        "WatchdogSec": "10s", "RestartSec": "1s", "TimeoutStopSec": "15s", "TimeoutAbortSec": "1s",
    }  # fmt: skip
    service = UNIT.read_text().partition("[Service]")[2].partition("[Install]")[0]
    for key in ("ConfigurationDirectory", "ConfigurationDirectoryMode"):  # /etc cannot be written there
        service = re.sub(rf"(?m)^{key}=.*\n", "", service)
    for key, value in here.items():
        service = re.sub(rf"(?m)^{key}=.*\n", "", service) + f"{key}={value}\n"
    service += f"Environment=PYTHONPATH={ROOT} PYTHONDONTWRITEBYTECODE=1\n"
    service += "[Unit]\nAfter=rooms.service\nStartLimitIntervalSec=0\n"
    with Systemd(tmp_path, {"rooms.service": ROOMS.format(folder=tmp_path), NAME: service}) as running:
        yield running


KEPT = "/run/kept"
ROOMS = f"""Type=oneshot
RemainAfterExit=yes
ExecStart=ip link set lo up
ExecStart=mount --make-shared /run
ExecStart=mount -t tmpfs tmpfs /var/lib
ExecStart=mkdir {KEPT}
ExecStart=mount --bind {{folder}} {KEPT}
ExecStart=mount -t tmpfs tmpfs /tmp
ExecStart=mkdir -p {{folder}}
ExecStart=mount --bind {KEPT} {{folder}}
"""
"""That systemd finds the machine read-only; the service sees no /tmp but its own."""
NODES = "  archive: {host: 127.0.0.1, checks: {tcp: {port: 9}}}\n"


def shown(machine: Systemd, key: str) -> str:
    return machine.inside("systemctl", "show", "--value", f"--property={key}", NAME).strip()


def answered(machine: Systemd, path: str) -> str:
    ask = f"import urllib.request as r; print(r.urlopen('http://127.0.0.1:9741{path}', timeout=5).read().decode())"
    return machine.inside(sys.executable, "-c", ask)


def test_systemd_starts_reloads_watches_and_stops_the_daemon(machine: Systemd, tmp_path: Path) -> None:
    wait_until(lambda: shown(machine, "ActiveState") == "active", "the daemon has said that it is ready")
    assert shown(machine, "StatusText") == "monitoring"
    wait_until(lambda: "ok" in answered(machine, "/readyz"), "it is ready")

    config = tmp_path / "monitor.yaml"
    config.write_text(config.read_text() + NODES.replace("archive", "worklist"))
    machine.inside("systemctl", "reload", NAME)
    wait_until(lambda: "worklist" in answered(machine, "/api/v1/status"), "the configuration is read again")

    before, restarts = shown(machine, "MainPID"), int(shown(machine, "NRestarts"))
    machine.inside("sh", "-c", f"kill -STOP {before}")
    wait_until(lambda: "stopped" in machine.inside("cat", f"/proc/{before}/status"), "it stands still")
    # systemd looks after watchdogs once it has nothing else to do: nobody asks it anything meanwhile.
    wait_until(
        lambda: machine.inside("sh", "-c", f"sleep 1; cat /proc/{before}/comm") == "", "a daemon that hangs is killed"
    )
    wait_until(lambda: int(shown(machine, "NRestarts")) > restarts, "it is started again")
    wait_until(lambda: shown(machine, "StatusText") == "monitoring", "it monitors")
    assert shown(machine, "MainPID") != before

    machine.inside("systemctl", "stop", NAME)
    assert (shown(machine, "Result"), shown(machine, "ExecMainStatus")) == ("success", "0")


@pytest.mark.parametrize(
    ("limit", "watched", "seconds"),
    [("3000000", "", 3.0), ("3000000", "1", None), ("0", "", None), ("soon", "", None), ("", "", None)],
)
def test_the_watchdog_is_fed_only_where_systemd_watches_us(
    limit: str, watched: str, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", limit)
    if watched:
        monkeypatch.setenv("WATCHDOG_PID", watched)
    assert systemd.time_limit() == seconds
