"""The board and incidents as people read them."""

from __future__ import annotations

from typing import Any

import pytest
from rich.text import Text

from pacs_monitor.cli import display, story
from pacs_monitor.model import SECOND

NOW = 1_764_000_000 * SECOND
"""2025-11-24T16:00:00Z."""
WHEN = display.reader_of_times("Europe/Berlin", NOW)
REFUSED = "10.0.0.1:104 refused the connection: the host is up, but nothing listens on the port " + "x" * 100


def plain(lines: list[str]) -> list[str]:
    return [Text.from_markup(line).plain for line in lines]


def check(name: str, state: str, status: str, reason: str | None = None, **more: Any) -> dict[str, Any]:
    last = {"status": status, "reason": reason, "detail": REFUSED if reason else ""}
    known = {"check": name, "state": state, "severity": "warning"}
    return known | {"since": "2025-11-24T15:00:00.5Z", "leaning": None, "last": last} | more


def open_incident(*members: str, **more: Any) -> dict[str, Any]:
    known = {"id": "01JD", "kind": "node", "cause": members[0] if members else "", "severity": "critical"}
    times = {"since": "2025-11-24T15:00:00Z", "page_due": "2025-11-24T15:01:00Z"}
    return known | times | {"members": list(members), "notified": [], "not_notified": []} | more


def sent(channel: str, status: str) -> dict[str, str]:
    return {"channel": channel, "status": status, "at": "2025-11-24T15:01:00Z"}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"notified": [sent("hook", "delivered")]}, "paged by hook at 16:01:00 CET"),
        (
            {"notified": [sent("a", "delivered"), sent("b", "pending")]},
            "paged by a at 16:01:00 CET; page to b is not delivered yet, since 16:01:00 CET",
        ),
        ({"notified": [sent("hook", "shadow")]}, "not paged: shadow mode; hook would have paged at 16:01:00 CET"),
        ({"notified": [sent("hook", "refused")]}, "not paged: hook cannot send this page"),
        ({"page_due": "2025-11-24T16:01:00Z"}, "no page is sent before 17:01:00 CET (page_after)"),
        ({"not_notified": ["dependency fw-1", "paging"]}, "no page was sent: dependency fw-1, paging"),
        (
            {
                "notified": [sent("hook", "delivered")],
                "suppressed": [{"channel": "desk", "why": "group", "detail": "west"}],
            },
            "paged by hook at 16:01:00 CET; to desk suppressed: group west",
        ),
        ({}, "page: being decided"),
    ],
)
def test_the_status_says_whether_a_page_went_out(more: dict[str, Any], says: str) -> None:
    nodes = [{"node": "archive", "checks": [check("dicom_echo", "down", "fail", "tcp_refused")]}]
    board = {"monitor": "east", "time": "2025-11-24T16:00:00Z", "paging": "on", "counts": {"down": 1}, "nodes": nodes}
    lines = plain(display.board(board | {"incidents": [open_incident("archive/dicom_echo", **more)]}, WHEN))
    assert lines[2] == f"    critical incident 01JD: {says}"


def test_a_task_of_the_monitor_that_fails_stands_in_the_status() -> None:
    board = {"monitor": "east", "time": "2025-11-24T16:00:00Z", "paging": "on", "counts": {"up": 0}, "nodes": []}
    fault = open_incident(kind="fault", cause="desk", notified=[sent("hook", "delivered")])
    assert plain(display.board(board | {"incidents": [fault, open_incident(kind="delivery")]}, WHEN))[:2] == [
        "the monitor's task desk has been failing since 16:00:00 CET",
        "    critical incident 01JD: paged by hook at 16:01:00 CET",
    ]


def test_a_group_stands_in_the_status_once_not_below_each_of_its_members() -> None:
    nodes = [{"node": n, "checks": [check("ping", "down", "fail", "tcp_timeout")]} for n in ("n1", "n2")]
    board = {"monitor": "east", "time": "2025-11-24T16:00:00Z", "paging": "on", "counts": {"down": 2}, "nodes": nodes}
    group = open_incident("n1/ping", "n2/ping", kind="group", cause="west", state="down", severity="warning")
    gone = open_incident(kind="group", cause="absent:west", state="absent")
    lines = plain(display.board(board | {"incidents": [group | {"notified": [sent("hook", "delivered")]}, gone]}, WHEN))
    assert lines[4:8] == [
        "site west, 2 nodes cannot be reached since 16:00:00 CET",
        "    warning incident 01JD: paged by hook at 16:01:00 CET",
        "site west, 0 modalities have been gone together since 16:00:00 CET",
        "    critical incident 01JD: page: being decided",
    ]


def test_the_worst_stands_last_above_the_counts_and_nothing_is_cut() -> None:
    nodes = [
        {
            "node": "archive",
            "checks": [
                check("dicom_echo", "down", "fail", "tcp_refused", severity="critical"),
                check("tcp", "up", "ok"),
            ],
        },
        {"node": "ct", "checks": [check("echo", "up", "warn", "busy", leaning="degraded")]},
        {"node": "ris", "checks": [check("echo", "unknown", "", last=None, since="2025-11-23T15:00:00Z")]},
    ]
    counts = {"up": 2, "degraded": 0, "down": 1, "absent": 0, "unknown": 1}
    board = {"monitor": "[east]", "time": "2025-11-24T16:00:00Z", "paging": "shadow", "counts": counts, "nodes": nodes}
    opened = open_incident("archive/dicom_echo", notified=[sent("[hook]", "delivered")])
    assert plain(display.board(board | {"incidents": [opened]}, WHEN)) == [
        "archive/tcp         up              warning   since 16:00:00 CET                 last: ok",
        "ct/echo             up → degraded?  warning   since 16:00:00 CET                 last: warn busy",
        f"    {REFUSED}",
        "ris/echo            unknown         warning   since Sun 2025-11-23 16:00:00 CET  last: not run yet",
        "archive/dicom_echo  down            critical  since 16:00:00 CET                 last: fail tcp_refused",
        f"    {REFUSED}",
        "    critical incident 01JD: paged by [hook] at 16:01:00 CET",
        "[east] at 17:00:00 CET: 2 up, 1 down, 1 unknown; paging shadow",
    ]


def test_a_failing_check_that_has_never_worked_is_told_from_one_that_broke() -> None:
    never = {"proven": False}
    checks = [
        check("a", "up", "ok", proven=True),
        check("b", "unknown", "unknown", "auth", **never),
        check("c", "down", "fail", "tcp_refused", **never),
        check("d", "down", "fail", "tcp_refused", proven=True),
    ]
    board = {"monitor": "east", "time": "2025-11-24T16:00:00Z", "paging": "on", "counts": {"down": 2}}
    lines = plain(display.board(board | {"nodes": [{"node": "ct", "checks": checks}]}, WHEN))
    asked = [line.split()[0] for line in lines if line.endswith(", has never worked: is it configured correctly?")]
    assert asked == ["ct/c"]


def test_an_empty_board_says_so() -> None:
    board = {"monitor": "east", "time": "2025-11-24T16:00:00Z", "paging": "on", "counts": {"up": 0}, "nodes": []}
    assert plain(display.board(board, WHEN)) == ["east at 17:00:00 CET: no checks; paging on"]


def test_a_channel_that_takes_nothing_or_refuses_one_page_is_shown_above_the_counts() -> None:
    stuck = [{"notification": "01JE", "incident": "01JD", "summary": "[x] fails", "attempts": 12, "reason": "http_413"}]
    failing = {"works": False, "failing_since": "2025-11-24T15:00:00Z", "reason": "http_401", "pending": 3, "stuck": []}
    channels = [
        {"channel": "fine", "works": True, "failing_since": None, "reason": None, "pending": 1, "stuck": stuck},
        {"channel": "mail", "works": True, "stuck": [], "warnings": ["mail to chief@x.org is not accepted"]},
        {"channel": "pager"} | failing,
    ]
    board = {"monitor": "east", "time": "2025-11-24T16:00:00Z", "paging": "on", "counts": {"up": 0}, "nodes": []}
    assert plain(display.board(board | {"channels": channels}, WHEN)) == [
        "channel fine refuses (http_413), but accepts others: [x] fails",
        "channel mail: mail to chief@x.org is not accepted",
        "channel pager has delivered nothing since 16:00:00 CET (http_401); 3 notifications wait",
        "east at 17:00:00 CET: no checks; paging on",
    ]


def an_incident(**more: Any) -> dict[str, Any]:
    return {
        "id": "01JD",
        "kind": "node",
        "cause": "archive/dicom_echo",
        "severity": "critical",
        "state": "down",
        "reason": "tcp_refused",
        "blame": "node",
        "phase": "connect",
        "detail": REFUSED,
        "next_step": "Is the service running?",
        "impact": "no priors",
        "support": {"phone": "4711", "contract": "A 1"},
        "runbook": "https://monitor.example.org/docs/operations#tcp_refused",
        "last_good": "2025-11-24T14:59:00Z",
        "since": "2025-11-24T15:00:00Z",
        "noticed": "2025-11-24T15:00:20Z",
        "ended": None,
        "ending": None,
        "members": ["archive/dicom_echo"],
        "linked": [],
        "group": None,
        "notifications": [],
        "suppressed": [],
        "story": [],
    } | more


@pytest.mark.parametrize(
    ("more", "about"),
    [
        ({}, "archive/dicom_echo"),
        ({"kind": "blind", "cause": "dns", "members": ["a/x", "b/x", "c/x", "d/x"]}, "a/x, b/x, c/x and 1 more"),
        ({"kind": "delivery", "cause": "hook", "members": [], "reason": None}, "channel hook"),
        ({"kind": "group", "cause": "west", "members": ["a/x", "b/x"], "reason": None}, "site west, 2 nodes"),
    ],
)
def test_an_incident_is_listed_by_what_it_is_about(more: dict[str, Any], about: str) -> None:
    (line,) = display.incidents([an_incident(**more)], WHEN)
    assert f"  {about}  " in line


ACKNOWLEDGED = {
    "at": "2025-11-24T15:30:00Z",
    "by": "anna",
    "why": "vendor called",
    "until": "2025-11-24T19:00:00Z",
    "ticket": "4711",
}
HAS_IT = "acknowledged by anna until 20:00:00 CET (ticket 4711): vendor called"
NOTE = {"text": "use the [viewer]", "at": "2025-11-24T15:20:00Z", "next_update": "2025-11-24T15:45:00Z"}


def test_of_listed_incidents_the_worst_that_nobody_has_acknowledged_stands_last() -> None:
    how = "Archive: dicom_echo answers again [at] 16:10"
    ended = an_incident(id="01JE", state="up", ended="2025-11-24T15:10:00Z", ending="resolved", summary=how)
    handled = an_incident(id="01JF", acknowledged=ACKNOWLEDGED, public_note=NOTE | {"overdue": True})
    mild = an_incident(id="01JG", severity="warning", since="2025-11-24T15:30:00Z")
    assert plain(display.incidents([mild, an_incident(), handled, ended], WHEN)) == [
        "01JE  critical  up    archive/dicom_echo  tcp_refused  since 16:00:00 CET  resolved 16:10:00 CET",
        f"    {how}",
        "01JF  critical  down  archive/dicom_echo  tcp_refused  since 16:00:00 CET  acknowledged",
        f"    {HAS_IT}",
        "    users were told: use the [viewer] (next update 16:45:00 CET, which is OVERDUE)",
        "01JG  warning   down  archive/dicom_echo  tcp_refused  since 16:30:00 CET  open, not acknowledged",
        "01JD  critical  down  archive/dicom_echo  tcp_refused  since 16:00:00 CET  open, not acknowledged",
    ]


def test_what_is_acknowledged_stands_apart_in_the_status_before_what_is_not() -> None:
    nodes = [
        {"node": "archive", "checks": [check("dicom_echo", "down", "fail", "tcp_refused", severity="critical")]},
        {"node": "ris", "checks": [check("echo", "degraded", "warn"), check("tcp", "up", "ok")]},
    ]
    board = {"monitor": "east", "time": "2025-11-24T16:00:00Z", "paging": "on", "counts": {"down": 1}, "nodes": nodes}
    told = NOTE | {"overdue": False, "next_update": "2025-11-24T18:00:00Z"}
    handled = open_incident("archive/dicom_echo", acknowledged=ACKNOWLEDGED, public_note=told)
    hook = {"channel": "hook", "works": False, "failing_since": "2025-11-24T15:00:00Z", "reason": "timeout"}
    channel = hook | {"pending": 1, "stuck": []}
    delivery = open_incident(kind="delivery", cause="hook", acknowledged=ACKNOWLEDGED)
    new = open_incident("ris/echo", id="01JE")
    lines = plain(display.board(board | {"incidents": [new, handled, delivery], "channels": [channel]}, WHEN))
    assert [line for line in lines if REFUSED not in line] == [
        "ris/tcp             up        warning   since 16:00:00 CET  last: ok",
        "acknowledged, being handled:",
        "archive/dicom_echo  down      critical  since 16:00:00 CET  last: fail tcp_refused",
        "    critical incident 01JD: page: being decided",
        f"    {HAS_IT}",
        "    users were told: use the [viewer] (next update 19:00:00 CET)",
        "channel hook has delivered nothing since 16:00:00 CET (timeout); 1 notification waits",
        f"    {HAS_IT}",
        "not acknowledged:",
        "ris/echo            degraded  warning   since 16:00:00 CET  last: warn",
        "    critical incident 01JE: page: being decided",
        "east at 17:00:00 CET: 1 down; paging on",
    ]
    assert display.incidents([], WHEN) == []


def test_an_incident_of_several_checks_is_told_of_once_below_the_worst_of_them() -> None:
    checks = [check("dicom_echo", "down", "fail", "tcp_refused"), check("tcp", "up", "ok")]
    board = {"monitor": "east", "time": "2025-11-24T16:00:00Z", "paging": "on", "counts": {"down": 1}}
    opened = open_incident("archive/dicom_echo", "archive/tcp", acknowledged=ACKNOWLEDGED)
    nodes = {"nodes": [{"node": "archive", "checks": checks}], "incidents": [opened]}
    lines = [line for line in plain(display.board(board | nodes, WHEN)) if REFUSED not in line]
    assert lines[2] == "    critical incident 01JD: see archive/dicom_echo below"
    assert lines[4:-1] == ["    critical incident 01JD: page: being decided", f"    {HAS_IT}"]


def test_what_was_acknowledged_before_it_began_says_that_nobody_is_paged_for_it() -> None:
    again = an_incident(acknowledged=ACKNOWLEDGED, since="2025-11-24T15:40:00Z")
    assert plain(display.incidents([again], WHEN))[1:] == [
        f"    {HAS_IT}",
        "    that was said before this began, and still holds: nobody is paged for it",
    ]


def sent_line(status: str, **more: Any) -> dict[str, Any]:
    told = {"at": "2025-11-24T15:01:00Z", "what": "notified", "event": "incident.opened", "channel": "hook"}
    became = {"status": status, "attempts": 1, "settled": None, "page": 1, "worse": False, "unrecorded": False}
    return told | became | {"summary": "it is down", "id": status} | more


def test_one_incident_tells_whose_fault_what_next_and_what_happened() -> None:
    opened = {"at": "2025-11-24T15:00:20Z", "what": "opened", "page_due": "2025-11-24T15:01:00Z"}
    told = sent_line("delivered", attempts=4, settled="2025-11-24T15:02:00Z", summary="[x] refuses connections")
    held = {"at": "2025-11-24T15:02:00Z", "what": "suppressed", "event": "incident.changed", "channel": None}
    paging = held | {"why": "paging", "detail": "", "until": "2025-11-24T15:02:00Z"}
    behind = held | {"channel": "desk", "why": "dependency", "detail": "fw-1", "until": None}
    told_so_far = [opened, told, paging, behind, {"at": "2025-11-24T15:03:00Z", "what": "something new"}]
    assert plain(display.incident(an_incident(story=told_so_far, linked=["01JE", "01JF"], group="01JG"), WHEN)) == [
        "archive/dicom_echo  critical  down  tcp_refused in phase connect, the node's fault",
        f"  {REFUSED}",
        "  → Is the service running?",
        "  impact: no priors",
        "  support: phone 4711, contract A 1",
        "  runbook: https://monitor.example.org/docs/operations#tcp_refused",
        "  last good 15:59:00 CET, since 16:00:00 CET, noticed 16:00:20 CET",
        "  linked with 01JE, 01JF",
        "  part of group 01JG",
        "what happened",
        "  16:00:20 CET  incident opens; it pages from 16:01:00 CET on",
        "  16:01:00 CET  to hook: opened, delivered at 16:02:00 CET after 4 attempts: [x] refuses connections",
        "  16:02:00 CET  to anybody: changed, suppressed: paging",
        "  16:02:00 CET  to desk: changed, suppressed: dependency fw-1, still",
    ]


def test_what_became_of_each_notification_is_said() -> None:
    rows = [sent_line(status) for status in ("delivered", "pending", "shadow", "refused", "given_up", "dropped")]
    stuck = [{"id": "pending", "stuck": True}]
    lines = plain(display.incident(an_incident(story=rows, notifications=stuck), WHEN))[8:]
    assert [line.removeprefix("  16:01:00 CET  to hook: opened, ") for line in lines] == [
        "delivered: it is down",
        "not delivered yet: it is down; refused while others are accepted, retried hourly",
        "not sent: shadow mode: it is down",
        "refused: the channel cannot send it: it is down",
        "given up: it is down",
        "not sent: it was no longer of use: it is down",
    ]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (
            {"what": "transition", "check": "a/x", "before": "up", "after": "down", "reason": "dns"},
            "a/x: up → down (dns) since 16:00:00 CET: no name",
        ),
        (
            {"what": "measured", "check": "a/x", "leaning": True},
            "a/x: run again at once, a fresh result; its state is about to change",
        ),
        (
            {"what": "unknown", "check": "a/x", "reason": "auth"},
            "a/x: no valid result since 16:00:00 CET (auth): no name",
        ),
        ({"what": "known", "check": "a/x"}, "a/x: a valid result again"),
        ({"what": "started", "off_since": "2025-11-24T15:00:00Z"}, "the monitor starts; it was off since 16:00:00 CET"),
        ({"what": "reloaded", "revision": "0123456789ab"}, "the configuration is reloaded (revision 0123456789ab)"),
        ({"what": "clock_set", "seconds": -90.0}, "the monitor's clock is set back by 1 min 30 s"),
        (
            {"what": "linked", "incident": "01JE", "cause": "full:a"},
            "linked with incident 01JE: the same cause (full:a), both were notified of",
        ),
        (
            {"what": "absorbed", "incident": "01JE", "cause": "a/x"},
            "incident 01JE (a/x) becomes part of this one: the same cause",
        ),
        (
            {"what": "group", "kind": "node", "incident": "01JE", "cause": "unreachable:a"},
            "stands for incident 01JE (unreachable:a)",
        ),
        (
            {"what": "ended", "ending": "merged", "ended": "2025-11-24T15:05:00Z", "into": "01JE"},
            "incident ends: merged into incident 01JE",
        ),
    ],
    ids=lambda value: value["what"] if isinstance(value, dict) else "",
)
def test_every_kind_of_line_has_its_words(line: dict[str, Any], text: str) -> None:
    known = {"at": "2025-11-24T15:05:00Z", "since": "2025-11-24T15:00:00Z", "detail": "no name"}
    assert plain(story.lines([known | line], WHEN)) == [f"  16:05:00 CET  {text}"]


def test_an_incident_that_is_over_asks_nothing_of_anybody() -> None:
    over = an_incident(
        detail="", next_step="", state="up", ended="2025-11-24T15:10:00Z", ending="resolved", last_good=None
    )
    assert plain(display.incident(over, WHEN)) == [
        "archive/dicom_echo  critical  up  tcp_refused in phase connect, the node's fault",
        "  since 16:00:00 CET, noticed 16:00:20 CET, resolved 16:10:00 CET",
        "what happened",
    ]
