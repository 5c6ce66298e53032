"""One probe result as a tired administrator reads it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from pacs_monitor.cli import measured, results
from pacs_monitor.format.human import duration, number
from pacs_monitor.model import SECOND
from pacs_monitor.probes import kinds

NOW = 1_764_000_000 * SECOND
"""2025-11-24T16:00:00Z."""
READER = measured.TimeFormat("Europe/Berlin", NOW)
NAMES = sorted({measure.name for probe in kinds().values() for measure in probe.measures})


def measurement(name: str, value: float, **labels: str) -> dict[str, Any]:
    return {"name": name, "labels": labels, "value": value}


def row(**more: Any) -> dict[str, Any]:
    return {
        "node": "archive",
        "check": "disk",
        "probe": "disk",
        "status": "ok",
        "reason": None,
        "blame": None,
        "phase": None,
        "detail": "",
        "flags": [],
        "started": "2025-11-24T15:59:57.900000Z",
        "duration_seconds": 2.003,
        "phases": {"operation": 0.0011, "connect": 0.0002, "release": 2.0},
        "measurements": [],
    } | more


def shown(row: dict[str, Any], *facts: tuple[str, str], **more: bool) -> list[str]:
    return [Text.from_markup(line).plain for line in results.result(row, facts, READER, **more)]


def test_what_came_back_whose_fault_and_what_to_do_stand_above_the_figures() -> None:
    bad = row(
        check="[archive]",
        status="fail",
        reason="over_limit",
        blame="node",
        phase="operation",
        detail="/ is 91 % used",
        flags=["resolved_from_memory"],
        measurements=[measurement("disk_free_bytes", 2.5e10, volume="/")],
    )
    assert shown(bad, ("maximum PDU length", "16384"), may_be_off=True) == [
        "archive/[archive] (disk)  fail  over_limit in phase operation, the node's fault",
        "  / is 91 % used",
        "  → Find what grew, then free space or extend the volume before writes fail.",
        "  it may be off (presence: intermittent): this counts as absent, not as an outage",
        "  volume /: free 25 GB",
        "  maximum PDU length: 16384",
        "  noticed: resolved from memory",
        "  took 2 s: connect 0.2 ms, operation 1.1 ms, release 2 s",
    ]


def test_a_run_that_asked_nobody_has_no_figures() -> None:
    fresh = row(started="2025-11-24T16:00:00Z", duration_seconds=0.00001, phases={})
    assert shown(fresh) == ["archive/disk  ok"]


def test_a_result_that_was_not_asked_for_now_says_so() -> None:
    old = row(started="2025-11-24T15:59:40Z", phases={})
    assert shown(old)[-1] == (
        "  result of 16:59:40 CET (20 s ago): the daemon runs a check at most every retry_interval"
    )


@pytest.mark.parametrize(
    ("measurements", "lines"),
    [
        (
            [
                measurement("disk_free_bytes", 83.1e9, volume="C:"),
                measurement("disk_used_ratio", 0.30000000000000004, volume="C:"),
                measurement("disk_inodes_free", 16287300, volume="C:"),
                measurement("disk_full_in_seconds", 172800, volume="/a"),
            ],
            ["volume C: free 83.1 GB, used 30 %, inodes free 16,287,300", "volume /a: full in 2 d"],
        ),
        (
            [measurement("store_seconds", 0.00216), measurement("store_object_bytes", 37654)],
            ["time 2.16 ms, object 37.7 kB"],
        ),
        ([measurement("retrieve_bytes", 540), measurement("retrieve_objects", 1)], ["size 540 B, objects 1"]),
        (
            [
                measurement("exec_exit_status", 0),
                measurement("exec_value", 2.58e10, label="/", unit="B"),
                measurement("exec_value", 12.5, label="load", unit=""),
                measurement("exec_value", 97, label="inode", unit="%"),
            ],
            ["exit status 0", "label /: value 25.8 GB", "label load: value 12.5", "label inode: value 97 %"],
        ),
        (
            [
                measurement("interface_receive_bytes_per_second", 1.25e6),
                measurement("interface_errors_per_second", 0.1),
            ],
            ["receive 1.25 MB/s, errors 0.1/s"],
        ),
        (
            [measurement("http_status", 200), measurement("tls_certificate_expiry_timestamp_seconds", 1_764_864_000)],
            ["http status 200, tls certificate expiry Thu 2025-12-04 17:00:00 CET (in 10 d)"],
        ),
        (
            [measurement("push_last_report_timestamp_seconds", 1_763_995_500)],
            ["last report 15:45:00 CET (1 h 15 min ago)"],
        ),
        ([measurement("expiry_timestamp_seconds", 1_764_864_000)], ["expiry Thu 2025-12-04 17:00:00 CET (in 10 d)"]),
        ([measurement("ntp_offset_seconds", -2.2e-05)], ["offset -0.022 ms"]),
    ],
)
def test_values_stand_in_units_of_people(measurements: list[dict[str, Any]], lines: list[str]) -> None:
    assert measured.lines(measurements, READER) == lines


@given(st.sampled_from(NAMES), st.floats(-1e15, 1e15))
def test_no_value_of_any_measurement_is_written_with_an_exponent_or_a_tail_of_digits(name: str, value: float) -> None:
    if name.endswith("_timestamp_seconds"):
        value = abs(value) % 4e9
    (line,) = measured.lines([measurement(name, value)], READER)
    assert not re.search(r"\de[+-]\d|\.\d{7}", line), line
    assert "  " not in line


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (2.2e-05, "0.022 ms"),
        (0.0021, "2.1 ms"),
        (0.5, "500 ms"),
        (90, "1 min 30 s"),
        (93_600, "1 d 2 h"),
        (86400 * 1234, "1234 d"),
    ],
)
def test_spans(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(("value", "words"), [(0, "0"), (3.8567, "3.86"), (1234.5, "1,234"), (1e7, "10,000,000")])
def test_numbers(value: float, words: str) -> None:
    assert number(value) == words


def test_several_checks_are_counted_at_the_end() -> None:
    counted = results.summary([row(), row(status="fail"), row(status="unknown"), row()])
    assert Text.from_markup(counted).plain == "4 checks: 2 ok, 1 fail, 1 unknown"
