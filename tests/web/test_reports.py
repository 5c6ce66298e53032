"""Frozen reports over the API: operators freeze and approve, everybody reads the same bytes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pacs_monitor.history import audited
from tests.support.commands import command
from tests.web.conftest import Served

REPORTS = "/api/v1/reports"


pytestmark = pytest.mark.usefixtures("no_printer")  # printing is tested where a PDF matters


async def frozen(served: Served, **words: str) -> dict[str, Any]:
    answer = await served.client.post(REPORTS, json={"by": "Ada", **words}, timeout=60)
    assert answer.status_code == 201, answer.text
    row: dict[str, Any] = answer.json()
    return row


async def test_a_report_is_frozen_once_and_its_documents_stay(served: Served) -> None:
    first = await frozen(served, why="for the board")
    assert (first["new"], first["revision"], first["by"], first["why"]) == (True, 1, "Ada", "for the board")
    assert "made without a PDF: install pacs-monitor[pdf], or Chromium" in first["warning"]
    address = f"{REPORTS}/{first['number']}"
    before = {form: (await served.client.get(address, params={"format": form})).content for form in first["documents"]}
    assert set(before) == {"html", "csv", "json"}
    again = await frozen(served)
    assert (again["new"], again["number"]) == (False, first["number"])
    (listed,) = (await served.client.get(REPORTS)).json()
    assert listed == (await served.client.get(address)).json()
    for form, content in before.items():
        answer = await served.client.get(address, params={"format": form})
        assert answer.content == content
        assert "sandbox" in answer.headers["content-security-policy"]
        assert first["period"] in answer.headers["content-disposition"]
    assert json.loads(before["json"])["frozen"]["data_sha256"] == first["data_sha256"]


async def test_what_people_say_is_on_file_and_changes_no_byte(served: Served) -> None:
    number = (await frozen(served))["number"]
    address = f"{REPORTS}/{number}"
    page = (await served.client.get(address, params={"format": "html"})).content
    approved = await served.client.post(f"{address}/approve", json={"by": "Grace Hopper", "why": "as discussed"})
    assert approved.status_code == 200
    assert [(one["by"], one["text"]) for one in approved.json()["approvals"]] == [("Grace Hopper", "as discussed")]
    assert (await served.client.post(f"{address}/approve", json={"by": "Grace Hopper"})).status_code == 409
    assert (
        await served.client.post(f"{address}/distributed", json={"by": "Ada", "to": "the vendor"})
    ).status_code == 200
    words = {"by": "Ada", "text": "second power supply", "owner": "IT", "due": "2026-12-15"}
    row = (await served.client.post(f"{address}/action", json=words)).json()
    assert [(one["text"], one["owner"], one["due"]) for one in row["actions"]] == [
        ("second power supply", "IT", "2026-12-15")
    ]
    assert (await served.client.get(address, params={"format": "html"})).content == page
    actions = [(entry.action, entry.by) for entry in audited(served.daemon.history.reader, 10)]
    assert (f"POST {address}/approve", "Grace Hopper") in actions


@pytest.mark.parametrize(
    ("path", "words", "status"),
    [
        ("", {"period": "this-quarter"}, 422),
        ("", {"period": "2026-Q9"}, 422),
        ("/2019-Q1/1/approve", {}, 404),
        ("/2019-Q1/99999999999999999999/approve", {}, 404),
        ("/2019-Q1/1/action", {"text": "x", "due": "soon"}, 422),
        ("/2019-Q1/1/action", {}, 422),
        ("/2019-Q1/1/distributed", {"to": "DOE^JOHN"}, 422),
    ],
)
async def test_what_cannot_be_so_is_refused_with_a_sentence(
    served: Served, path: str, words: dict[str, str], status: int
) -> None:
    answer = await served.client.post(REPORTS + path, json=words)
    assert (answer.status_code, bool(answer.json()["detail"])) == (status, True)


async def test_there_is_no_document_that_was_not_frozen(served: Served) -> None:
    number = (await frozen(served))["number"]
    for path, status in ((f"{number}?format=pdf", 404), ("2019-Q1/1", 404), (f"{number}?format=docx", 422)):
        answer = await served.client.get(f"{REPORTS}/{path}")
        assert (answer.status_code, bool(answer.json()["detail"])) == (status, True)


async def test_the_commands_ask_a_running_daemon(served: Served, tmp_path: Path) -> None:
    async def said(*words: object) -> Any:
        return await asyncio.to_thread(command, "report", *words, "--config", served.config)

    made = await said("last-quarter", "--final", "--by", "Ada", "--url", served.url)
    assert made.returncode == 0, made.stderr
    number = made.stdout.split()[0]
    page = tmp_path / "report.html"
    assert (await said(number, "--format", "html", "--output", page, "--url", served.url)).returncode == 0
    good = await said("verify", page, "--url", served.url)
    assert (good.returncode, "byte for byte" in good.stdout) == (0, True), good.stderr
    page.write_bytes(page.read_bytes().replace(b"The monitor ran for 0", b"The monitor ran for 9", 1))
    bad = await said("verify", page, "--url", served.url)
    assert (bad.returncode, "The monitor ran for 9" in bad.stdout) == (1, True), bad.stdout
    assert (await said("last-quarter", "--url", served.url)).returncode == 0
    assert [entry.action for entry in audited(served.daemon.history.reader, 10)] == [f"POST {REPORTS}"]
