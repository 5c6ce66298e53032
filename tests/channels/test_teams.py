"""Teams, against a fake of a workflow that answers as documented (202): it is not Microsoft's."""

from __future__ import annotations

import json
from typing import Any

from pacs_monitor.channels.teams import Teams, TeamsSettings
from pacs_monitor.model import Event, Notification
from tests.channels import samples
from tests.channels.contract import Subject, answering, receiver
from tests.support.timing import SOON

CONTRACT = Subject(
    settings=lambda url: {"url": f"{url}/workflows/T0KEN/triggers/manual?sig=s1gnature", "disclose": "full"},
    secrets=("T0KEN", "s1gnature"),
)


def body_of(notification: Notification, **settings: Any) -> dict[str, Any]:
    with receiver(answering(202)) as at:
        Teams("team", TeamsSettings.model_validate({"url": at.url + "/x", **settings})).deliver(notification, SOON)
    body: dict[str, Any] = json.loads(at.requests[0].body)
    return body


def card_of(notification: Notification, **settings: Any) -> dict[str, Any]:
    card: dict[str, Any] = body_of(notification, **settings)["attachments"][0]["content"]
    return card


def lines(card: dict[str, Any]) -> list[str]:
    return ["".join(run["text"] for run in block["inlines"]) for block in card["body"]]


def test_the_first_line_says_it_all_and_the_rest_what_to_do() -> None:
    assert lines(card_of(samples.notification(), disclose="full")) == [
        samples.SUMMARY,
        "For whom: ED and stroke CT cannot see priors",
        "Since: Mon 2025-11-24 16:00:00 UTC",
        "Why: out of resources: C-STORE to SECRETAET at 10.1.2.3:104 answered 0xA700",
        "Do first: Free space on the archive.",
        "Call: acme-east, phone: +49 30 1234, contract: K-4711",
        "Still works: archive/dicom_echo",
        "Acknowledged: by Nurse Joy until t, vendor rebooted it, ticket INC1",
        "Users were told: vendor rebooted it",
    ]


def test_the_message_has_the_envelope_of_a_workflow() -> None:
    body = body_of(samples.notification())
    assert body["type"] == "message"
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"], card["msteams"]) == ("AdaptiveCard", "1.2", {"width": "full"})
    assert [action["url"] for action in card["actions"]] == [samples.data()["url"], samples.data()["runbook"]]


def test_an_end_is_green_and_a_critical_page_red() -> None:
    assert card_of(samples.notification())["body"][0]["inlines"][0]["color"] == "Attention"
    assert card_of(samples.notification(Event.RESOLVED))["body"][0]["inlines"][0]["color"] == "Good"


def test_by_default_only_the_minimum_leaves_the_house() -> None:
    for event in samples.every_event().values():
        told = json.dumps(body_of(event), ensure_ascii=False)
        assert [word for word in samples.PRIVATE if word in told] == []


def test_a_card_stays_far_below_28_kb() -> None:
    long = 'Röntgen "👨\u200d👩\u200d👧" ' * 10_000
    huge = dict.fromkeys(("summary", "impact", "detail", "next_step", "still_ok"), long)
    many = [long] * 50
    told = body_of(
        samples.notification(Event.OPENED, **huge, also_failing=many, nodes=many, failing=many), disclose="full"
    )
    assert len(json.dumps(json.dumps(told))) < 28_672
