"""What every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter
from hypothesis import HealthCheck, settings

from pacs_monitor.history import engines
from pacs_monitor.history.writer import Writer
from tests import attacks
from tests.peers.receiver import Receiver
from tests.support.clock import SettableClock

settings.register_profile("stalls", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("stalls")
"""The machine may stand still for a second while an example is made or run."""

ON_A_BUSY_DISK = 60.0
"""Seconds that the tests wait for the history."""
_SEEN: dict[str, str] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-reliability",
        action="store_true",
        help="Write what the attacks of this run did to docs/reliability.md.",
    )


@pytest.fixture(scope="session", autouse=True)
def busy_disk() -> None:
    """Whatever else writes to the disk may hold up a commit for longer than a daemon waits.

    Daemons with a process of their own, as in the proofs about that bound, keep it.
    """
    Writer.within = engines.idle_within = ON_A_BUSY_DISK


@pytest.fixture
def no_printer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on this machine makes a PDF: there is no browser, and WeasyPrint lacks its libraries."""
    broken = tmp_path / "broken" / "weasyprint.py"
    broken.parent.mkdir()
    broken.write_text("raise OSError('cannot load library libpango')")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PYTHONPATH", str(broken.parent))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/pacs-monitor.db"


@pytest.fixture
def attack() -> attacks.Attacked:
    """Say what an attack (a key of tests.attacks) did now, with its figures."""

    def saw(key: str, now: str) -> None:
        assert key in attacks.ATTACKS, f"{key} is no attack of tests/attacks.py"
        assert "|" not in now
        _SEEN[key] = now

    return saw


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """How far the searches went, as their tests say it by `record_property("summary", …)`."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "summary":
                terminalreporter.write_line(str(value))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _SEEN and session.config.getoption("--write-reliability"):
        attacks.PAGE.write_text(attacks.written(attacks.PAGE.read_text(), _SEEN))
