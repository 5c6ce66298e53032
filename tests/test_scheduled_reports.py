"""Reports that are made by themselves: once, whatever is restarted, and told when they cannot be made."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor import cron
from pacs_monitor.config import ConfigError, load
from pacs_monitor.daemon import Daemon
from pacs_monitor.history.frozen import document, frozen
from pacs_monitor.model import SECOND
from pacs_monitor.scheduled_reports import latest
from tests.peers.mail import Mailbox, mail_server
from tests.peers.ports import free_port
from tests.support.clock import SettableClock
from tests.support.timing import until

HOUR = 3600.0
DAY = 24 * HOUR


class Office:
    """An estate whose report is due in an hour, and who receives it by mail."""

    def __init__(self, folder: Path, mailbox: Mailbox) -> None:
        self.folder, self.mailbox, self.filed = folder, mailbox, folder / "filed"
        self.clock = SettableClock()
        self.due = datetime.fromtimestamp(self.clock.now() // SECOND, UTC) + timedelta(hours=1)
        self.cron = f"{self.due.minute} {self.due.hour} * * *"
        self.more = "formats: [html, json]"

    @asynccontextmanager
    async def daemon(self) -> AsyncIterator[Daemon]:
        file = self.folder / "monitor.yaml"
        file.write_text(
            f"monitor: {{name: proof, database: 'sqlite:///{self.folder}/proof.db', listen: '127.0.0.1:0'}}\n"
            f"channels:\n  mail: {{type: email, host: {self.mailbox.host}, port: {self.mailbox.port}, tls: if_offered, "
            "login: none, sender: m@example.org, to: board@example.org}\n"
            "default_route: {channels: []}\n"
            f"nodes:\n  gone: {{host: 127.0.0.1, checks: {{tcp: {{port: {free_port()}, interval: 1h}}}}}}\n"
            f"reports:\n  board: {{cron: '{self.cron}', folder: '{self.filed}', channels: [mail], {self.more}}}\n"
        )
        daemon = await Daemon.open(load(file), self.clock)
        await daemon.start()
        await until(lambda: bool(daemon.scheduled_reports.standing()))
        try:
            yield daemon
        finally:
            await daemon.stop()

    def files(self) -> list[str]:
        return sorted(path.name for path in self.filed.iterdir()) if self.filed.is_dir() else []

    def mails(self) -> list[EmailMessage]:
        return [mail for mail in self.mailbox.mails if "eport" in mail["Subject"]]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with mail_server() as mailbox:
        yield Office(tmp_path, mailbox)


def attachments(mail: EmailMessage) -> dict[str, bytes]:
    return {str(part.get_filename()): part.get_content().encode() for part in mail.iter_attachments()}


async def settled(daemon: Daemon) -> None:
    """What was owed before is delivered."""
    await daemon.desk.test("mail")


async def test_it_is_put_into_its_folder_and_mailed_once_over_restarts_too(office: Office) -> None:
    async with office.daemon():
        assert office.files() == []
        office.clock.pass_by(HOUR)
        await until(lambda: len(office.mails()) == 1)
        page, data = office.files()
        assert page.startswith("report-20")
        assert (page.endswith(".html"), data.endswith(".json")) == (True, True)
    async with office.daemon() as daemon:
        await daemon.scheduled_reports.look()
        await settled(daemon)
    (mail,) = office.mails()
    ((name, content),) = attachments(mail).items()
    assert (name, b"Availability report" in content) == (page, True)
    assert mail["Subject"].startswith("Availability report 20")


async def test_what_fell_due_while_no_daemon_ran_is_made_up_once(office: Office) -> None:
    async with office.daemon():
        pass
    office.clock.pass_by(5 * DAY)
    async with office.daemon():
        await until(lambda: len(office.mails()) == 1)
    async with office.daemon() as daemon:
        await daemon.scheduled_reports.look()
        await settled(daemon)
    assert len(office.mails()) == 1


async def test_a_final_one_is_frozen_and_its_file_is_what_was_frozen(office: Office) -> None:
    office.more = "final: true, formats: html"
    async with office.daemon() as daemon:
        office.clock.pass_by(HOUR)
        await until(lambda: len(office.mails()) == 1)
        (report,) = frozen(daemon.history.reader)
        assert (report.revision, report.by) == (1, "schedule board")
        (name,) = office.files()
        assert (office.filed / name).read_bytes() == document(daemon.history.reader, report.number, "html")
        office.clock.pass_by(DAY)
        await until(lambda: len(office.mails()) == 2)
        assert len(frozen(daemon.history.reader)) == 1  # nothing has changed since


async def test_what_cannot_be_made_is_told_once_and_made_later(office: Office) -> None:
    async with office.daemon() as daemon:
        office.filed.write_text("a file, where a folder should be")
        office.clock.pass_by(HOUR)
        await until(lambda: len(office.mails()) == 1)
        assert "could not be made" in office.mails()[0]["Subject"]
        (standing,) = daemon.scheduled_reports.standing()
        assert str(office.filed) in standing["trouble"]
        await daemon.scheduled_reports.look()
        office.clock.pass_by(HOUR + 1)
        await until(lambda: (daemon.scheduled_reports._standing["board"].tried or 0) > office.clock.now() - 60 * SECOND)
        await settled(daemon)
        assert len(office.mails()) == 1
        office.filed.unlink()
        office.clock.pass_by(HOUR + 1)
        await until(lambda: len(office.mails()) == 2)
        assert office.mails()[1]["Subject"].startswith("Availability report 20")
        assert daemon.scheduled_reports.standing()[0]["trouble"] == ""


@pytest.mark.usefixtures("no_printer")
async def test_without_a_printer_the_page_comes_instead_of_the_pdf_and_the_mail_says_so(office: Office) -> None:
    office.more = "formats: pdf"
    async with office.daemon():
        office.clock.pass_by(HOUR)
        await until(lambda: len(office.mails()) == 1)
    (mail,) = office.mails()
    assert [Path(name).suffix for name in attachments(mail)] == [".html"]
    plain: Any = mail.get_body(("plain",))
    assert "without a PDF: install pacs-monitor[pdf], or Chromium" in " ".join(plain.get_content().split())


@given(
    line=st.sampled_from(
        ["0 6 2 1,4,7,10 *", "* * * * *", "30 2 * * 1-5", "0 0 29 2 *", "15 2 * * sun", "0 12 1 * mon"]
    ),
    after=st.integers(0, 800 * 24 * 60),
    span=st.integers(0, 3 * 24 * 60),
)
def test_the_latest_time_is_the_last_of_all_times_in_between(line: str, after: int, span: int) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=after, seconds=7)
    end = begin + timedelta(minutes=span)
    plan, at, last = cron.trigger(line, "Europe/Berlin"), begin, None
    while (found := plan.get_next_fire_time(None, at)) is not None and found <= end:
        last, at = found, found + timedelta(seconds=1)
    micros = [int(moment.timestamp()) * SECOND for moment in (begin, end)]
    assert latest(plan, *micros) == (None if last is None else int(last.timestamp()) * SECOND)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("cron: '0 6', folder: x", "is not a calendar line"),
        ("cron: '0 6 * * *'", "folder"),
        ("cron: '0 6 * * *', folder: x, formats: docx", "'docx' is no format of a report"),
        ("cron: '0 6 * * *', folder: x, channels: [nobody]", "nobody"),
        ("cron: '0 6 * * *', folder: x, period: this-quarter", "last-quarter"),
    ],
)
def test_what_is_wrong_with_a_scheduled_report_is_said(tmp_path: Path, written: str, says: str) -> None:
    file = tmp_path / "monitor.yaml"
    file.write_text(
        f"monitor: {{name: x}}\ndefault_route: {{channels: []}}\nnodes: {{}}\nreports:\n  board: {{{written}}}\n"
    )
    with pytest.raises(ConfigError, match=re.escape(says)):
        load(file)
