"""The verbs of the on-call in the API: acknowledge, note, close; what is not accepted says why and changes nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.web.conftest import Served
from tests.web.test_api import until_up
from tests.web.test_incidents import incidents


@pytest.fixture
async def incident(served: Served) -> str:
    """The id of an incident that is open: the peer is down."""
    await until_up(served)
    served.peer.down()
    (row,) = await incidents(served, ended=False)
    return str(row["id"])


async def said(served: Served, incident: str, verb: str, **words: Any) -> tuple[int, Any]:
    answer = await served.client.post(f"/api/v1/incidents/{incident}/{verb}", json=words)
    body = answer.json()
    return answer.status_code, body if answer.is_success else body["detail"]


async def test_an_incident_is_acknowledged_noted_and_that_is_in_its_story(served: Served, incident: str) -> None:
    status, body = await said(served, incident, "ack", by="it-duty", why="vendor called", **{"for": "2h"})
    assert (status, body["recorded"]) == (200, True)
    assert (body["acknowledged"]["by"], body["acknowledged"]["why"]) == ("it-duty", "vendor called")
    status, body = await said(served, incident, "note", by="it-duty", text="Use the downtime viewer", public=True)
    assert (status, body["public_note"]["text"]) == (200, "Use the downtime viewer")
    found = (await served.client.get(f"/api/v1/incidents/{incident}")).json()
    words = [(line["what"], line["by"]) for line in found["story"] if line["what"] in ("acknowledge", "note")]
    assert words == [("acknowledge", "it-duty"), ("note", "it-duty")]
    assert found["acknowledged"]["until"] > found["acknowledged"]["at"]


@pytest.mark.parametrize(
    ("verb", "words", "status", "why"),
    [
        ("ack", {"for": "48h"}, 422, "give the number of the ticket: an acknowledgement of more than 24 hours needs"),
        ("ack", {"for": "2h", "until": "10:45"}, 422, "write either 'for' or 'until', not both"),
        ("ack", {"because": "x"}, 422, "because: unknown key"),
        ("note", {}, 422, "text: is missing"),
        ("note", {"text": "a\nb"}, 422, "text: type it anew, on one line"),
        ("note", {"text": "waits for MÜLLER^HANS"}, 422, "text: leave the patient out"),
        ("ack", {"why": "for DOE^JANE"}, 422, "why: leave the patient out"),
        ("note", {"text": "a", "next_update": "10:45"}, 422, "add public: next_update is for public notes"),
        ("close", {}, 409, "acknowledge it instead: archive/"),
    ],
)
async def test_what_is_not_accepted_says_why(
    served: Served, incident: str, verb: str, words: dict[str, Any], status: int, why: str
) -> None:
    code, detail = await said(served, incident, verb, **words)
    assert code == status
    assert (detail if isinstance(detail, str) else detail[0]).startswith(why)
    (row,) = await incidents(served, ended=False)
    assert row["acknowledged"] is None


async def test_of_what_is_not_there_and_of_what_has_ended_nothing_can_be_said(served: Served, incident: str) -> None:
    assert await said(served, "01JD", "ack") == (
        404,
        "no open incident 01JD; list them with: pacs-monitor incidents",
    )
    served.peer.up()
    await incidents(served, ended=True)
    status, detail = await said(served, incident, "ack")
    assert status == 409
    assert re.fullmatch(
        f"nothing to do: incident {incident} has ended \\(resolved .*\\d\\d:\\d\\d:\\d\\d [A-Z]+\\)", detail
    )
