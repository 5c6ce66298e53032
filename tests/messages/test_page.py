"""The data and the summary of notifications."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from pacs_monitor.messages import page
from pacs_monitor.messages.changes import Changed, What
from pacs_monitor.messages.next_steps import NO_DATAGRAM, next_step
from pacs_monitor.messages.reasons import REASON_TEXTS, phrase
from pacs_monitor.messages.scene import Scene
from pacs_monitor.model import (
    Check,
    CheckId,
    Ending,
    Event,
    Incident,
    IncidentKind,
    Outcome,
    Phase,
    Reason,
    Severity,
    Standing,
    State,
    Streak,
)
from pacs_monitor.probes import kinds
from pacs_monitor.services import Service
from tests.alerting.support import ARCHIVE, CHECKS, DISK, RIS, an_estate, at, moved, opened

ESTATE = an_estate()
WELL = Standing(State.UP, last=at(30))
STANDINGS = {
    "archive": {ARCHIVE: Standing(State.DOWN), DISK: WELL, CheckId("archive", "jobs"): Standing(State.DEGRADED)}
}
DOWN = opened(moved(State.DOWN, 20, since=0), CHECKS[ARCHIVE], "01JD")


def written(
    incident: Incident, event: Event = Event.OPENED, now: float = 60, standings: Mapping[str, Any] = STANDINGS
) -> dict[str, Any]:
    return page.data(incident, event, Scene("east-campus", ESTATE.monitor, CHECKS, standings, at(now)))


def summary(incident: Incident, event: Event = Event.OPENED, now: float = 60) -> object:
    return written(incident, event, now)["summary"]


def test_the_data_is_the_contracts() -> None:
    assert written(DOWN) == {
        "schema": 1,
        "monitor": "east-campus",
        "kind": "node",
        "incident": "01JD",
        "dedup_key": "east-campus/01JD",
        "node": "archive",
        "title": "Main archive",
        "site": "east",
        "role": "archive",
        "check": "dicom_echo",
        "probe": "dicom_echo",
        "severity": "critical",
        "state": "down",
        "reason": "tcp_refused",
        "blame": "node",
        "phase": None,
        "summary": "Main archive refuses connections on port 11112 since 17:00:00 CET; archive_disk still works",
        "impact": "no priors",
        "support": {"phone": "4711"},
        "detail": "",
        "why": "refuses connections",
        "points_to": "Main archive itself",
        "services": [],
        "last_changes": [],
        "downtime_procedure": "",
        "next_step": (
            "Check that the service is running and on this port: the machine is up, but nothing listens there."
        ),
        "last_good": "2025-11-24T15:59:00.000000Z",
        "since": "2025-11-24T16:00:00.000000Z",
        "noticed": "2025-11-24T16:00:20.000000Z",
        "resolved": None,
        "ended": None,
        "members": ["archive/dicom_echo"],
        "problems": [
            {
                "check": "archive/dicom_echo",
                "state": "down",
                "severity": "critical",
                "reason": "tcp_refused",
                "since": "2025-11-24T16:00:00.000000Z",
                "flapping": False,
            }
        ],
        "page": 1,
        "worse": False,
        "flags": [],
        "linked": [],
        "public_note": "",
        "acknowledged": None,
        "maintenance_ended": None,
        "also_failing": ["archive/jobs"],
        "still_ok": ["archive/archive_disk"],
        "runbook": "https://monitor.example.org/docs/operations#tcp_refused",
        "url": "https://monitor.example.org/incidents/01JD",
        "labels": {"vendor": "acme"},
        "unrecorded": False,
        "unproven": False,
    }


@pytest.mark.parametrize(
    ("reason", "where"),
    [
        (Reason.TCP_REFUSED, "Main archive itself"),
        (Reason.TCP_TIMEOUT, "the network between the monitor and Main archive"),
        (Reason.CALLING_AET_UNKNOWN, "the monitor, or its registration at Main archive"),
        (None, ""),
    ],
)
def test_a_page_says_what_its_reason_points_to_and_blames_nobody(reason: Reason | None, where: str) -> None:
    data = written(replace(DOWN, reason=reason))
    assert data["points_to"] == where
    assert [key for key, text in data.items() if "fault" in str(text)] == []
    assert written(replace(DOWN, reason=reason, ended=at(540), ending=Ending.RESOLVED))["points_to"] == ""


def test_a_node_of_which_nothing_works_may_be_off() -> None:
    data = written(replace(DOWN, reason=Reason.TCP_TIMEOUT), standings={"archive": {ARCHIVE: Standing(State.DOWN)}})
    assert data["points_to"] == "the network between the monitor and Main archive, or Main archive is off"


def test_a_page_says_what_changed_last_until_it_is_over() -> None:
    scene = Scene("east-campus", ESTATE.monitor, CHECKS, STANDINGS, at(60))
    scene = replace(scene, changes={"archive": [Changed(at(-60), What.CONFIGURATION)]})
    (change,) = page.data(DOWN, Event.OPENED, scene)["last_changes"]
    assert change["text"] == "the monitor's configuration of this node, at 16:59:00 CET"
    over = replace(DOWN, state=State.UP, ended=at(540), ending=Ending.RESOLVED)
    assert page.data(over, Event.RESOLVED, scene)["last_changes"] == []


def test_a_page_says_which_services_are_affected_until_it_is_over() -> None:
    rules = {
        "archive-service": Service("archive-service", 2, ("archive/dicom_echo", "archive/archive_disk")),
        "either": Service("either", 1, ("archive/dicom_echo", "vna/dicom_echo")),
        "reading": Service("reading", 2, ("archive-service", "ris/dicom_worklist"), "no reading"),
        "printing": Service("printing", 1, ("printer/tcp",)),
    }
    up = dict.fromkeys(("archive/archive_disk", "vna/dicom_echo", "ris/dicom_worklist"), State.UP)
    scene = Scene("east-campus", ESTATE.monitor, CHECKS, STANDINGS, at(60), services=rules, states=up)
    first, second = page.data(DOWN, Event.OPENED, scene)["services"]
    assert first == {
        "service": "archive-service",
        "state": "down",
        "impact": "",
        "summary": "archive-service is down",
    }
    assert second["summary"] == "reading is down: no reading"
    slow = replace(DOWN, problems=(replace(DOWN.problems[0], state=State.DEGRADED),))
    both = replace(scene, states={**up, "vna/dicom_echo": State.DOWN})
    told = page.data(slow, Event.CHANGED, both)["services"]
    assert [(one["service"], one["state"]) for one in told] == [
        ("archive-service", "degraded"),
        ("either", "degraded"),
        ("reading", "degraded"),
    ]
    behind = replace(scene, states={**up, "printer/tcp": State.DOWN})
    told = page.data(DOWN, Event.OPENED, behind, behind=["printer/tcp"])["services"]
    assert [one["service"] for one in told] == ["archive-service", "reading", "printing"]
    over = replace(DOWN, state=State.UP, ended=at(540), ending=Ending.RESOLVED)
    assert page.data(over, Event.RESOLVED, scene)["services"] == []


def test_without_an_external_url_that_people_can_open_there_are_no_links() -> None:
    scene = Scene("east-campus", an_estate(external_url="none").monitor, CHECKS, STANDINGS, at(60))
    data = page.data(DOWN, Event.OPENED, scene)
    assert (data["url"], data["runbook"]) == ("", "")


def test_the_worst_member_speaks_for_the_incident() -> None:
    first, worst = replace(DOWN.problems[0], state=State.DEGRADED), replace(DOWN.problems[0], check=DISK)
    incident = replace(DOWN, members=(ARCHIVE, DISK), problems=(first, worst))
    data = written(incident)
    assert (data["check"], data["members"]) == ("archive_disk", ["archive/dicom_echo", "archive/archive_disk"])
    assert [problem["check"] for problem in data["problems"]] == data["members"]
    assert data["summary"].endswith("; 2 checks fail: dicom_echo, archive_disk")
    left = written(replace(incident, problems=(first, replace(worst, left=at(30)))))
    assert (left["check"], [problem["check"] for problem in left["problems"]]) == ("dicom_echo", ["archive/dicom_echo"])


@pytest.mark.parametrize(
    "standing",
    [
        WELL._replace(fails=Streak(1, at(5)), bads=Streak(1, at(5))),
        WELL._replace(unknowns=Streak(1, at(5))),
        WELL._replace(last=at(-1)),
        WELL._replace(last=None),
    ],
    ids=["leans towards down", "leans towards unknown", "answered before the outage only", "never answered"],
)
def test_only_what_answered_since_and_is_not_about_to_change_is_said_to_answer(standing: Standing) -> None:
    data = written(DOWN, standings={"archive": {ARCHIVE: Standing(State.DOWN), DISK: standing}})
    assert (data["still_ok"], data["also_failing"]) == ([], [])
    assert data["summary"] == "Main archive refuses connections on port 11112 since 17:00:00 CET"


def test_summaries_say_in_words_what_happens() -> None:
    slow = replace(DOWN, state=State.DEGRADED, reason=Reason.SLOW)
    unknown = replace(DOWN, state=State.UNKNOWN, reason=Reason.AUTH)
    absent = replace(DOWN, state=State.ABSENT)
    resolved = replace(DOWN, state=State.UP, ended=at(540), ending=Ending.RESOLVED)
    withdrawn = replace(DOWN, ended=at(540), ending=Ending.WITHDRAWN)
    port, off = "refuses connections on port 11112", "switched off or out of reach"
    assert [
        summary(DOWN, Event.REMINDED),
        summary(DOWN, Event.OPENED, now=86400),
        summary(slow, Event.CHANGED),
        summary(slow),
        summary(unknown, Event.CHANGED),
        summary(absent, Event.CHANGED),
        summary(resolved, Event.RESOLVED),
        summary(withdrawn, Event.WITHDRAWN),
    ] == [
        f"Main archive still {port} since 17:00:00 CET; archive_disk still works",
        f"Main archive {port} since Mon 2025-11-24 17:00:00 CET; archive_disk still works",
        "Main archive responds too slowly (now degraded) since 17:00:00 CET",
        "Main archive responds too slowly (degraded) since 17:00:00 CET; archive_disk still works",
        "Main archive has been failing since 17:00:00 CET and cannot be checked now: our credentials are not accepted",
        f"Main archive is now {off}; its incident, open since 17:00:00 CET, stays open until it recovers",
        "Main archive: dicom_echo recovered at 17:09:00 CET, after 9 min; jobs still fails",
        "Main archive: archive/dicom_echo is no longer monitored; its incident, open since 17:00:00 CET, is withdrawn",
    ]
    assert written(resolved, Event.RESOLVED)["resolved"] == "2025-11-24T16:09:00.000000Z"
    assert written(resolved, Event.RESOLVED)["next_step"] == ""
    assert written(withdrawn, Event.WITHDRAWN)["resolved"] is None


def test_the_end_of_one_trouble_does_not_say_that_the_node_is_well_while_others_last() -> None:
    resolved = replace(DOWN, state=State.UP, ended=at(540), ending=Ending.RESOLVED)
    failing = {CheckId("archive", name): Standing(State.DOWN) for name in ("a", "b", "c", "d")}
    ends = [
        written(resolved, Event.RESOLVED, standings={"archive": others})["summary"].partition("9 min")[2]
        for others in ({}, {DISK: WELL}, {DISK: Standing(State.DOWN)}, failing)
    ]
    assert ends == ["", "", "; archive_disk still fails", "; a, b, c and 1 more still fail"]


def own(kind: IncidentKind, cause: str, reason: Reason | None = None, *members: CheckId) -> Incident:
    state = State.UNKNOWN if reason else State.DOWN
    return Incident("01JE", kind, cause, Severity.WARNING, state, reason, None, "", None, at(0), at(900), members)


def test_blindness_names_its_cause_and_its_checks() -> None:
    two = own(IncidentKind.BLIND, "auth", Reason.AUTH, ARCHIVE, RIS)
    many = replace(two, members=(ARCHIVE, DISK, RIS, CheckId("ct1", "echo"), CheckId("ct2", "echo")))
    why, first = "our credentials are not accepted", "archive/dicom_echo, ris/dicom_echo"
    more = "archive/dicom_echo, archive/archive_disk, ris/dicom_echo and 2 more"
    joined = "ct2/echo, ct1/echo, ris/dicom_echo and 2 more"
    assert summary(many, Event.CHANGED) == (
        f"The monitor has no valid result from 5 checks now, {joined}: {why} (the first since 17:00:00 CET)"
    )
    assert [summary(two), summary(many), summary(two, Event.RESOLVED), summary(two, Event.WITHDRAWN)] == [
        f"The monitor has had no valid result from {first} since 17:00:00 CET: {why}",
        f"The monitor has had no valid result from {more} since 17:00:00 CET: {why}",
        f"{first}: measured again, or not measured for another reason (not measured since 17:00:00 CET: {why})",
        f"{first}: no longer monitored; the incident, open since 17:00:00 CET, is withdrawn",
    ]
    assert (written(two)["runbook"], written(two)["blame"]) == (
        "https://monitor.example.org/docs/operations#auth",
        "monitor",
    )


def test_a_channel_that_takes_nothing_is_named() -> None:
    hook, over = own(IncidentKind.DELIVERY, "hook"), "works again, was reloaded, or has nothing left to deliver"
    assert [summary(hook, event) for event in (Event.OPENED, Event.RESOLVED, Event.WITHDRAWN)] == [
        "Channel hook has delivered nothing since 17:00:00 CET: pages sent through it do not arrive",
        f"Channel hook {over}; it had delivered nothing since 17:00:00 CET",
        "Channel hook was removed; its delivery incident, open since 17:00:00 CET, is withdrawn",
    ]
    data = written(hook)
    assert (data["node"], data["check"], data["probe"], data["title"]) == (None, None, None, "east-campus")
    assert data["runbook"] == "https://monitor.example.org/docs/operations#delivery"


def test_a_check_that_nobody_knows_any_more_is_told_by_its_name() -> None:
    scene = Scene("east-campus", ESTATE.monitor, {}, {}, at(60))
    data = page.data(replace(DOWN, ending=Ending.WITHDRAWN, ended=at(60)), Event.WITHDRAWN, scene)
    assert (data["title"], data["node"], data["site"], data["probe"]) == ("archive", "archive", "", None)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_words_and_a_next_step(reason: Reason) -> None:
    assert set(REASON_TEXTS) == set(Reason)
    assert REASON_TEXTS[reason].next_step.endswith((".", "?"))
    for words in (phrase(reason), phrase(reason, CHECKS[ARCHIVE])):
        assert words
        assert "{" not in words


def test_the_words_name_what_the_check_calls_not_what_its_node_says() -> None:
    check = CHECKS[ARCHIVE]
    own = replace(check, settings=check.settings.model_copy(update={"port": 104, "ae_title": "OTHER"}))
    assert phrase(Reason.TCP_REFUSED, own) == "refuses connections on port 104"
    assert phrase(Reason.CALLED_AET_UNKNOWN, own) == "does not recognize the called AE title OTHER"


def of_kind(kind: str, name: str | None = None, **settings: Any) -> Check:
    probe = kinds()[kind]
    identity = CheckId("archive", name or kind)
    return replace(CHECKS[ARCHIVE], id=identity, probe=probe, settings=probe.settings.model_construct(**settings))


def told(check: Check, reason: Reason, detail: str, event: Event = Event.OPENED, **more: Any) -> dict[str, Any]:
    """The data of an incident of this check."""
    latest = more.pop("latest", {})
    problems = (replace(DOWN.problems[0], check=check.id),)
    incident = replace(
        DOWN, cause=str(check.id), members=(check.id,), problems=problems, reason=reason, detail=detail, **more
    )
    scene = Scene("east-campus", ESTATE.monitor, {check.id: check}, {}, at(60), latest)
    return page.data(incident, event, scene)


FULL, FULLER = "/images is 89 % used, the limit is 80 %", "/images is 93 % used, the limit is 90 %"


def test_what_is_wrong_with_how_much_of_what_stands_first_where_the_reason_is_general() -> None:
    disk, orders = of_kind("disk"), of_kind("hl7_feed", "orders")
    silent = "ORM^O01: no message since Mon 2025-11-24 16:30:00 CET; the longest acceptable gap is 15 min"
    assert [
        told(disk, Reason.OVER_LIMIT, FULLER)["summary"],
        told(disk, Reason.OVER_LIMIT, FULL, state=State.DEGRADED)["summary"],
        told(disk, Reason.OVER_LIMIT, FULLER, Event.CHANGED)["summary"],
        told(disk, Reason.OVER_LIMIT, FULL, Event.CHANGED, state=State.DEGRADED)["summary"],
        told(orders, Reason.SILENT, silent)["summary"],
        told(orders, Reason.SILENT, silent, Event.REMINDED)["summary"],
        told(orders, Reason.SILENT, "orders: no message since monitoring began")["summary"],
    ] == [
        f"Main archive: {FULLER} (since 17:00:00 CET)",
        f"Main archive: {FULL} (degraded, since 17:00:00 CET)",
        f"Main archive: {FULLER} (now down, since 17:00:00 CET)",
        f"Main archive: {FULL} (now degraded, since 17:00:00 CET)",
        f"Main archive, orders: {silent} (since 17:00:00 CET)",
        f"Main archive, orders still: {silent} (since 17:00:00 CET)",
        "Main archive: orders: no message since monitoring began (since 17:00:00 CET)",
    ]


def test_no_more_is_claimed_than_was_measured() -> None:
    read_only = told(of_kind("disk"), Reason.OUT_OF_RESOURCES, "/images is read-only")
    snmp = told(of_kind("snmp_interface", "uplink"), Reason.TCP_TIMEOUT, "no answer by SNMP", phase=Phase.OPERATION)
    echo = told(CHECKS[ARCHIVE], Reason.TCP_TIMEOUT, "no answer in 10 s", phase=Phase.CONNECT)
    jobs = told(of_kind("queue", "jobs"), Reason.TCP_REFUSED, "refused", phase=Phase.CONNECT)
    assert [data["summary"] for data in (read_only, snmp, echo, jobs)] == [
        "Main archive: /images is read-only (since 17:00:00 CET)",
        "Main archive, uplink: no answer by SNMP (since 17:00:00 CET)",
        "Main archive does not answer connection attempts to port 11112 since 17:00:00 CET",
        "Main archive (jobs) refuses connections since 17:00:00 CET",
    ]
    assert snmp["next_step"] == NO_DATAGRAM


def test_an_acknowledged_heartbeat_proves_that_the_listener_accepts_and_no_more() -> None:
    over: dict[str, Any] = {"state": State.UP, "ended": at(540), "ending": Ending.RESOLVED}
    ends = [
        told(of_kind("hl7_heartbeat", verify=verify), Reason.NO_ACK, "", Event.RESOLVED, **over)["summary"]
        for verify in ("none", "loop")
    ]
    proves = "was acknowledged again (this proves only that the listener accepts messages)"
    assert ends == [
        f"Main archive: hl7_heartbeat {proves} at 17:09:00 CET, after 9 min",
        "Main archive: hl7_heartbeat recovered at 17:09:00 CET, after 9 min",
    ]


def test_a_reminder_has_the_latest_figures_as_long_as_the_trouble_is_the_same() -> None:
    disk = of_kind("disk")
    now = {disk.id: Outcome.of(Reason.OVER_LIMIT, detail=FULLER)}
    other = {disk.id: Outcome.of(Reason.AUTH, detail="archive refuses the account")}
    assert [
        told(disk, Reason.OVER_LIMIT, FULL, event, latest=latest)["detail"]
        for event, latest in ((Event.REMINDED, now), (Event.REMINDED, other), (Event.CHANGED, now))
    ] == [FULLER, FULL, FULL]


def test_blindness_says_what_the_one_check_said_and_what_several_have_in_common() -> None:
    plugin, other = of_kind("exec", "farm"), of_kind("exec", "broker")
    said = "the plugin reported UNKNOWN (exit status 3): no login"
    one = replace(own(IncidentKind.BLIND, "not_measured", Reason.NOT_MEASURED, plugin.id), detail=said)
    scene = Scene("east-campus", ESTATE.monitor, {plugin.id: plugin, other.id: other}, {}, at(60))
    alone = page.data(one, Event.OPENED, scene)
    both = page.data(replace(one, members=(plugin.id, other.id)), Event.REMINDED, scene)
    cannot = "The monitor has had no valid result from"
    assert [alone["summary"], both["summary"]] == [
        f"{cannot} archive/farm since 17:00:00 CET: {said}",
        f"{cannot} archive/farm, archive/broker since 17:00:00 CET: no results are arriving",
    ]
    assert alone["next_step"] == both["next_step"] == kinds()["exec"].next_steps[Reason.NOT_MEASURED]


def test_a_detail_is_cut_where_one_sentence_would_be_too_long() -> None:
    summary = told(of_kind("exec"), Reason.EXIT_STATUS, "x" * 300)["summary"]
    assert summary == f"Main archive: {'x' * 199}… (since 17:00:00 CET)"


def test_own_steps_of_a_kind_differ_from_those_of_the_reasons() -> None:
    own_steps = {(kind, reason): step for kind, probe in kinds().items() for reason, step in probe.next_steps.items()}
    assert len(own_steps) >= 24
    for (kind, reason), step in own_steps.items():
        assert step.endswith((".", "?"))
        assert next_step(reason, kind) == step != next_step(reason, "tcp") == REASON_TEXTS[reason].next_step


def test_a_page_about_a_check_that_has_never_worked_asks_for_the_configuration() -> None:
    scene = Scene("east-campus", ESTATE.monitor, CHECKS, STANDINGS, at(60), unproven=frozenset({ARCHIVE}))
    opened_and_reminded = [page.data(DOWN, event, scene) for event in (Event.OPENED, Event.REMINDED)]
    resolved = page.data(replace(DOWN, ended=at(540), ending=Ending.RESOLVED), Event.RESOLVED, scene)
    other = page.data(replace(DOWN, members=(DISK,)), Event.OPENED, scene)
    one_worked = page.data(replace(DOWN, members=(ARCHIVE, DISK)), Event.OPENED, scene)
    blind = page.data(replace(DOWN, kind=IncidentKind.BLIND, reason=Reason.AUTH), Event.OPENED, scene)
    never = "; archive_disk still works; this check has never worked with its present settings: "
    for data in opened_and_reminded:
        assert data["summary"].endswith(never + "is it configured correctly?")
        assert data["next_step"] == (
            "Compare host, port and AE titles in the monitor's configuration with the system's own settings. "
            "Check that the service is running and on this port: the machine is up, but nothing listens there."
        )
    assert [data["unproven"] for data in (*opened_and_reminded, resolved, other, one_worked, blind)] == [True] * 2 + [
        False
    ] * 4
    assert not any("never worked" in data["summary"] for data in (resolved, other, one_worked, blind))
