"""`status` says which approvals end, and what is wrong with the heartbeat; nothing while all is well."""

from __future__ import annotations

from typing import Any

from pacs_monitor.cli import display

BOARD: dict[str, Any] = {"monitor": "east", "time": "now", "nodes": [], "counts": {}, "paging": "on"}
APPROVAL = {"node": "archive", "check": "dicom_store", "enabled_by": "change 4711", "last_day": "2026-11-30"}


def shown(**more: Any) -> list[str]:
    checks = [
        {"check": "tcp", "state": "up", "severity": "info", "since": "then", "leaning": None, "last": None},
    ]
    nodes = [{"node": "ris", "checks": checks}]
    return display.board(BOARD | {"nodes": nodes} | more, lambda text: text)[1:-1]


def test_approvals_that_end_and_that_have_ended_are_shown() -> None:
    assert shown(approvals=[APPROVAL | {"ended": False}, APPROVAL | {"ended": True}]) == [
        "[yellow]the approval of archive/dicom_store by change 4711 ends with 2026-11-30[/yellow]",
        (
            "[yellow]the approval of archive/dicom_store by change 4711 has ended, so it does not run; it ended with "
            "2026-11-30[/yellow]"
        ),
    ]


def test_a_heartbeat_that_does_not_go_out_says_why_and_since_when() -> None:
    trouble = "not sent, because this daemon does not lead"
    assert shown(heartbeat={"trouble": trouble, "last_success": "10:03"}) == [
        f"[yellow]heartbeat: {trouble} (last accepted 10:03)[/yellow]"
    ]
    assert shown(heartbeat={"trouble": trouble, "last_success": None}) == [
        f"[yellow]heartbeat: {trouble} (none was accepted yet)[/yellow]"
    ]
    assert shown(heartbeat={"trouble": None, "last_success": "10:03"}) == shown(heartbeat=None) == []
