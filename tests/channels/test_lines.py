"""A page as lines: nothing that it says is lost, in the order in which it is needed."""

from __future__ import annotations

from typing import Any

from pacs_monitor.channels.shared.disclosure import disclosed
from pacs_monitor.channels.shared.lines import lines, plain_text
from pacs_monitor.language import speaking
from pacs_monitor.model import Event
from tests.channels import samples

WHOLE: dict[str, Any] = {
    "timezone": "Europe/Berlin",
    "why": "refuses new objects (out of resources)",
    "points_to": "Röntgen-Archiv itself",
    "also_failing": ["archive/archive_disk"],
    "last_changes": [
        {"at": "2025-11-20T15:00:00.000000Z", "what": "version", "check": "archive/fhir", "text": "5.1 became 5.2"}
    ],
    "downtime_procedure": "Folder 7 at the desk",
    "public_note": "",
    "acknowledged": None,
}


def test_the_page_as_text_is_whole_and_in_order() -> None:
    assert plain_text(samples.data(**WHOLE)).splitlines() == [
        f"CRITICAL {samples.SUMMARY}",
        "For whom: ED and stroke CT cannot see priors",
        "Since: Mon 2025-11-24 17:00:00 CET",
        "Why: refuses new objects (out of resources): C-STORE to SECRETAET at 10.1.2.3:104 answered 0xA700",
        "Points to: Röntgen-Archiv itself",
        "Do first: Free space on the archive.",
        "Call: acme-east, phone: +49 30 1234, contract: K-4711",
        "Still works: archive/dicom_echo",
        "Also failing: archive/archive_disk",
        "Recent changes: 5.1 became 5.2",
        "Downtime procedure: Folder 7 at the desk",
        "Runbook: https://monitor.example.org/docs/operations#out_of_resources",
        "Incident: https://monitor.example.org/incidents/01JD0000000000000000000000",
    ]


def test_the_text_names_the_services_that_are_affected() -> None:
    reading = {"service": "reading", "state": "down", "impact": "no priors", "summary": "reading is down: no priors"}
    stores = {"service": "stores", "state": "degraded", "impact": "", "summary": "stores is degraded"}
    told = plain_text(samples.data(services=[reading, stores])).splitlines()
    assert told[2] == "Services affected: reading is down: no priors; stores is degraded"
    assert told[2] in plain_text(disclosed(samples.notification(services=[reading, stores]), "minimal")).splitlines()
    over = samples.data(services=[reading], ended="2025-11-24T17:00:00.000000Z")
    assert "reading" not in plain_text(over)


def test_the_text_names_the_severity_of_what_is_open_and_critical() -> None:
    over = {"ended": "2025-11-24T17:00:00.000000Z"}
    calm: list[dict[str, Any]] = [{"severity": "warning"}, {"test": True}, over]
    assert [plain_text(samples.data(**one)).startswith(samples.SUMMARY) for one in calm] == [True] * 3
    with speaking("de"):
        assert plain_text(samples.data()).startswith(f"KRITISCH {samples.SUMMARY}")


def test_without_links_a_page_names_the_entry_to_look_up() -> None:
    told = {line.key: line.text for line in lines(samples.data(**WHOLE, url="", runbook=""))}
    assert "url" not in told
    assert told["runbook"] == "entry out_of_resources of the operations manual"


def test_what_leaves_the_house_says_what_sort_of_change_it_was() -> None:
    told = plain_text(disclosed(samples.notification(Event.OPENED, **WHOLE), "minimal"))
    assert "Recent changes: software version (Thu 2025-11-20 16:00:00 CET)" in told.splitlines()
    assert "5.1" not in told


def test_a_page_of_an_earlier_version_has_its_lines_too() -> None:
    told = {line.key: line.text for line in lines({"summary": "x", "reason": "tcp_refused", "since": "soon"})}
    assert told == {
        "since": "soon",
        "why": "tcp refused",
        "runbook": "entry tcp_refused of the operations manual",
    }


def test_whom_to_call_has_a_name_where_one_is_known() -> None:
    def told(support: dict[str, str], **labels: str) -> str | None:
        return {line.key: line.text for line in lines(samples.data(support=support, labels=labels))}.get("support")

    assert told({"name": "Hotline", "phone": "1234"}, vendor="acme") == "Hotline, phone: 1234"
    assert told({"phone": "1234"}, vendor="acme") == "acme, phone: 1234"
    assert told({"phone": "1234"}) == "phone: 1234"
    assert told({}, vendor="acme") is None


def test_what_is_over_says_who_had_acknowledged_it() -> None:
    told = plain_text(samples.data(ended="2025-11-24T17:00:00.000000Z")).splitlines()
    assert "Acknowledged: by Nurse Joy, vendor rebooted it, ticket INC1" in told
