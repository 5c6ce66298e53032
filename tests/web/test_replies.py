"""`POST /api/v1/replies`: who may deliver, how boxes write, what is refused and why, and what is on record of it."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from pacs_monitor.model import Incident
from pacs_monitor.web.rate_limit import TokenBucket
from pacs_monitor.web.replies import GUESSES_AT_ONCE, Guesses, masked
from tests.support.clock import SettableClock
from tests.support.timing import until
from tests.web.conftest import Served

AUTH = """\
  auth:
    tokens:
      - {name: oncall, role: operator, token: do-do-do-do-do-do-do-do-do-do-do-do-do}
      - {name: wall, role: viewer, token: see-see-see-see-see-see-see-see-see-see}
      - {name: jobs, role: reporter, token: say-say-say-say-say-say-say-say-say-say}
      - {name: sms-box, role: gateway, token: box-box-box-box-box-box-box-box-box-box}
"""
BOX, SEES = "box-box-box-box-box-box-box-box-box-box", "see-see-see-see-see-see-see-see-see-see"
DOES = "do-do-do-do-do-do-do-do-do-do-do-do-do"
CHANNELS = """\
channels:
  duty-phone:
    type: sms
    url: "http://127.0.0.1:9/"
    to: "+49 170 1234567"
    person: it-duty
    parameters: {t: "{{ text }}"}
    replies: {from: sender, text: msg, country: "49"}
  second:
    type: sms
    url: "http://127.0.0.1:9/"
    to: "+49 171 7654321"
    parameters: {t: "{{ text }}"}
    replies: {REPLIES}
default_route: {channels: [duty-phone, second]}
"""
PATH = "/api/v1/replies"


async def configured(served: Served, *, auth: str = "", replies: str = "from: sender, text: msg") -> Incident:
    """The daemon takes replies, and one incident is open that phones were told of."""
    text = served.config.read_text().replace("monitor:\n", f"monitor:\n{auth}")
    text = text.replace("timeout: 10s}", "timeout: 10s, failures: 2, page_after: 0s}")
    served.config.write_text(CHANNELS.replace("REPLIES", replies) + text)
    assert (await served.client.post("/api/v1/reload")).status_code == 200
    served.peer.down()
    both = list[Incident]()  # both checks fail: nothing becomes worse later, which would take a word back

    def are_told() -> bool:
        both[:] = [one for one in served.daemon.desk.open_incidents() if one.code and len(one.in_trouble) == 2]
        return bool(both)

    await until(are_told)
    return both[0]


@pytest.fixture
async def incident(served: Served) -> Incident:
    return await configured(served)


async def reply(served: Served, text: str, sender: str = "+491701234567", **more: Any) -> tuple[int, Any]:
    answer = await served.client.post(PATH, data={"sender": sender, "msg": text}, **more)
    return answer.status_code, answer.json()


async def audited(served: Served, **headers: str) -> list[dict[str, Any]]:
    answer = await served.client.get("/api/v1/audit", headers=headers)
    return [row for row in reversed(answer.json()) if row["action"].endswith(PATH)]


@pytest.mark.parametrize(
    "request_of",
    [
        lambda code: {"data": {"sender": "+491701234567", "msg": code}},
        lambda code: {"json": {"sender": "0170 1234567", "msg": f" {code} ok"}},
        lambda code: {"json": {"sender": 491701234567, "msg": int(code)}},
        lambda code: {
            "content": f"sender=+491701234567&msg={code}".encode(),  # the plus is not encoded, and becomes a blank
            "headers": {"content-type": "application/x-www-form-urlencoded; charset=ISO-8859-1"},
        },
    ],
)
async def test_boxes_write_forms_and_json(served: Served, incident: Incident, request_of: Any) -> None:
    answer = await served.client.post(PATH, **request_of(incident.code))
    assert (answer.status_code, answer.json()) == (
        200,
        {"accepted": True, "incident": incident.id, "by": "it-duty", "recorded": True},
    )
    (row,) = await audited(served)
    assert (row["by"], row["status"], row["details"], row["why"]) == ("it-duty", 200, {"incident": incident.id}, "")


@pytest.mark.parametrize(
    ("fields", "content"),
    [
        (
            "from: payload.phoneNumber, text: payload.message",
            {"json": {"event": "sms:received", "payload": {"phoneNumber": "+491717654321", "message": "CODE"}}},
        ),
        (
            "from: XMLDATA.SenderNumber, text: XMLDATA.Message",
            {
                "data": {
                    "username": "SMSFINDER",
                    "XMLDATA": '<?xml version="1.0" encoding="ISO-8859-1"?>\r\n<MessageNotification>\r\n'
                    "<ModemNumber>+2:19525945092</ModemNumber>\r\n<SenderNumber>+491717654321</SenderNumber>\r\n"
                    "<Message>CODE\r\n\r</Message>\r\n</MessageNotification>\r\n",
                }
            },
        ),
        ("from: a.b, text: c", {"json": {"a.b": "+491717654321", "c": "CODE"}}),
    ],
)
async def test_fields_are_found_within_objects_and_xml(served: Served, fields: str, content: dict[str, Any]) -> None:
    incident = await configured(served, replies=fields)
    told = json.loads(json.dumps(content).replace("CODE", incident.code))
    assert (await served.client.post(PATH, **told)).json()["by"] == "second"


async def test_a_reference_to_a_character_that_has_no_end_is_no_number(served: Served) -> None:
    await configured(served, replies="from: XMLDATA.SenderNumber, text: XMLDATA.Message")
    told = f"<SenderNumber>&#{'9' * 5000};</SenderNumber><Message>12345</Message>"
    assert (await served.client.post(PATH, data={"XMLDATA": told})).status_code == 422


async def test_what_is_refused_is_explained_and_audited(served: Served, incident: Incident) -> None:
    anna, code = "+491701234567", incident.code
    unknown = "only phones of sms channels may answer"
    cases = [
        ("+491709999999", code, 403, "…999", f"unknown number …999: {unknown}"),
        ("Vodafone", code, 403, "…", f"unknown number …: {unknown}"),
        (anna, "ok", 422, "it-duty", "write the code of the page, 5 digits: nothing is acknowledged"),
        (anna, f"1{code}", 422, "it-duty", "write the code of the page, 5 digits: nothing is acknowledged"),
        (anna, f"{code} 12345 54321", 422, "it-duty", "send one code at a time: nothing is acknowledged"),
        ("", code, 422, "", "send the fields sender and msg, as replies of the channel names them"),
    ]
    for sender, text, status, _, why in cases:
        assert await reply(served, text, sender) == (status, {"accepted": False, "detail": why})
    rows = await audited(served)
    assert [(row["by"], row["status"], row["why"]) for row in rows] == [(by, n, why) for _, _, n, by, why in cases]
    assert {row["outcome"] for row in rows} == {"refused"}
    assert code not in json.dumps(rows)
    assert all(one.acknowledgement is None for one in served.daemon.desk.open_incidents())


async def test_a_second_reply_is_refused_also_that_of_a_colleague(served: Served, incident: Incident) -> None:
    assert (await reply(served, incident.code))[0] == 200
    for sender in ("+491701234567", "+491717654321"):
        status, body = await reply(served, incident.code, sender)
        assert status == 409
        assert body["detail"].startswith("nothing to do: it-duty deals with it until ")
    assert [row["status"] for row in await audited(served)] == [200, 409, 409]


async def test_of_two_at_the_same_moment_one_is_the_first(served: Served, incident: Incident) -> None:
    answers = await asyncio.gather(*(reply(served, incident.code) for _ in range(5)))
    assert sorted(status for status, _ in answers) == [200, 409, 409, 409, 409]


async def test_codes_cannot_be_tried_out(served: Served, incident: Incident) -> None:
    wrong = [str(n) for n in range(10_000, 10_020) if str(n) != incident.code]
    tried = [(await reply(served, code))[0] for code in wrong[: GUESSES_AT_ONCE + 1]]
    assert tried == [404] * GUESSES_AT_ONCE + [429]
    status, body = await reply(served, incident.code)
    assert (status, body["detail"].startswith("wait ")) == (429, True)
    assert (await reply(served, incident.code, "+491717654321"))[0] == 200


async def test_a_wrong_code_that_a_box_repeats_is_one_guess(served: Served, incident: Incident) -> None:
    wrong = "10000" if incident.code != "10000" else "10001"
    assert {(await reply(served, wrong))[0] for _ in range(3 * GUESSES_AT_ONCE)} == {404}
    assert (await reply(served, incident.code))[0] == 200


def test_a_phone_may_be_wrong_again_after_a_while() -> None:
    clock = SettableClock()
    guesses = Guesses(clock.monotonic)
    for n in range(GUESSES_AT_ONCE):
        assert guesses.pause("duty-phone") == 0
        guesses.wrong("duty-phone", str(n))
    assert 0 < guesses.pause("duty-phone") <= 600
    assert guesses.pause("second") == 0
    clock.pass_by(601)
    assert guesses.pause("duty-phone") == 0


def test_asking_how_long_to_wait_counts_nothing() -> None:
    bucket = TokenBucket(1, 1, SettableClock().monotonic)
    assert [bucket.pause("a"), bucket.pause("a"), bucket.wait("a")] == [0, 0, 0]
    assert 0 < bucket.wait("a") <= bucket.pause("a") + 0.5 <= 1.5


async def test_a_box_that_repeats_what_is_not_200_is_answered_200_and_the_audit_knows_better(served: Served) -> None:
    incident = await configured(served, replies="from: s, text: m, always_200: true")
    wrong = "10000" if incident.code != "10000" else "10001"
    answers = [
        await served.client.post(PATH, data={"s": sender, "m": text})
        for sender, text in (("+491709999999", incident.code), ("+491717654321", wrong), ("+491717654321", "ok"))
    ]
    assert [(answer.status_code, answer.json()["accepted"]) for answer in answers] == [(200, False)] * 3
    assert [(row["status"], row["outcome"]) for row in await audited(served)] == [
        (403, "refused"),
        (404, "refused"),
        (422, "refused"),
    ]


async def test_without_phones_that_answer_there_is_nothing_to_reply_to(served: Served) -> None:
    assert await reply(served, "12345") == (
        404,
        {"accepted": False, "detail": "set replies in an sms channel: no channel takes any"},
    )


async def test_a_box_has_a_token_of_its_own_in_whatever_way_it_can(served: Served) -> None:
    incident = await configured(served, auth=AUTH)
    ways: list[tuple[dict[str, Any], int]] = [
        ({"params": {"access_token": SEES}}, 403),
        ({"params": {"access_token": "say-say-say-say-say-say-say-say-say-say"}}, 403),
        ({"params": {"access_token": "wrong"}}, 401),
        ({"headers": {"authorization": "Basic %%%"}}, 401),
        ({"headers": {"authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()}}, 401),
        ({}, 401),
        ({"params": {"access_token": BOX}, "headers": {"origin": "https://evil.example.org"}}, 403),
        ({"headers": {"authorization": f"Bearer {BOX}"}}, 200),
        ({"headers": {"authorization": "Basic " + base64.b64encode(f"any:{BOX}".encode()).decode()}}, 409),
        ({"params": {"access_token": BOX}}, 409),
        ({"params": {"access_token": DOES}}, 409),
    ]
    assert [(await reply(served, incident.code, **how))[0] for how, _ in ways] == [status for _, status in ways]
    rows = await audited(served, authorization=f"Bearer {DOES}")
    assert [(row["by"], row["token"]) for row in rows if row["status"] == 200] == [("it-duty", "sms-box")]
    assert BOX not in json.dumps(rows)


async def test_no_other_method_acknowledges(served: Served) -> None:
    incident = await configured(served, auth=AUTH)
    params = {"sender": "+491701234567", "msg": incident.code, "access_token": DOES}
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        assert (await served.client.request(method, PATH, params=params)).status_code == 405
    assert all(one.acknowledgement is None for one in served.daemon.desk.open_incidents())


async def test_the_token_of_a_box_reads_nothing(served: Served) -> None:
    await configured(served, auth=AUTH)
    for path in ("/api/v1/status", "/api/v1/audit", "/metrics", PATH):
        bearer = await served.client.get(path, headers={"authorization": f"Bearer {BOX}"})
        in_address = await served.client.get(path, params={"access_token": BOX})
        assert (bearer.status_code, in_address.status_code) == (403, 403 if path == PATH else 401)


async def test_the_address_and_the_password_are_no_way_in_elsewhere(served: Served) -> None:
    await configured(served, auth=AUTH)
    assert (await served.client.post("/api/v1/reload", params={"access_token": DOES})).status_code == 401
    assert (await served.client.post("/api/v1/reload", auth=("a", DOES))).status_code == 401


async def test_whatever_a_box_sends_is_answered(served: Served, incident: Incident) -> None:
    form = "application/x-www-form-urlencoded"
    cases = [
        (b"&".join(b"a%d=1" % n for n in range(200)), form, 400),
        (b"{", "application/json", 400),
        (b'["a"]', "application/json", 422),
        (b"a=b", "text/plain", 415),
        (b"", form, 422),
        (b"sender=%ff%fe&msg=%ff", form, 403),
        (b"x" * 70_000, form, 413),
    ]
    for content, kind, status in cases:
        answer = await served.client.post(PATH, content=content, headers={"content-type": kind})
        assert (answer.status_code, bool(answer.json()["detail"])) == (status, True)


async def test_only_replies_are_read_as_forms(served: Served) -> None:
    answer = await served.client.post("/api/v1/reload", data={"by": "it-duty"})
    assert answer.status_code == 415


async def test_nothing_shows_a_code_but_the_page(served: Served, incident: Incident, tmp_path: Path) -> None:
    paths = ("/api/v1/status", "/api/v1/incidents", f"/api/v1/incidents/{incident.id}", "/api/v1/notifications")
    told = [(await served.client.get(path)).text for path in (*paths, "/metrics", "/api/v1/handover")]
    assert [path for path, text in zip(paths, told, strict=False) if incident.code in text] == []


@pytest.mark.parametrize(
    ("number", "shown"), [("+491701234567", "…567"), ("12345", "…"), ("", "…"), ("Vodafone 1234567", "…567")]
)
def test_a_number_is_masked(number: str, shown: str) -> None:
    assert masked(number) == shown


def test_httpx_writes_forms_as_boxes_do() -> None:
    assert httpx.Request("POST", "http://a/", data={"sender": "+49"}).content == b"sender=%2B49"
