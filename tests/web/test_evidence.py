"""Evidence by the API: one call each, corrections kept, told in the story; declared outages are apart."""

from __future__ import annotations

from typing import Any

import pytest

from pacs_monitor.model import SECOND, iso
from tests.web.conftest import Served
from tests.web.test_incidents import incidents
from tests.web.test_said import incident, said  # noqa: F401 - a fixture

LOG = {"from": "Mon 03:10", "to": "Mon 03:45", "evidence": "log of CT 2", "by": "it-duty"}


async def declared(served: Served, **words: Any) -> tuple[int, Any]:
    answer = await served.client.post("/api/v1/incidents", json=LOG | words)
    body = answer.json()
    return answer.status_code, body if answer.is_success else body["detail"]


async def test_each_step_is_one_call_and_a_correction_is_kept(served: Served, incident: str) -> None:  # noqa: F811
    status, body = await said(served, incident, "evidence", what="reported", ticket="88123", by="it-duty")
    assert (status, body["recorded"], body["evidence"]["ticket"]) == (200, True, "88123")
    first = body["evidence"]["reported"]
    status, detail = await said(served, incident, "evidence", what="reported", by="ben")
    assert status == 409
    assert detail.startswith("nothing to do: reported is on record already; to correct it, give the time (on record: ")
    earlier = iso(served.daemon.clock.now() - 60 * SECOND)
    status, body = await said(served, incident, "evidence", what="reported", at=earlier, why="typed late", by="ben")
    assert (status, body["evidence"]["reported"]) == (200, earlier)
    (correction,) = body["evidence"]["corrections"]
    assert (correction["before"], correction["after"], correction["by"]) == (first, earlier, "ben")
    found = (await served.client.get(f"/api/v1/incidents/{incident}")).json()
    assert found["evidence"] == body["evidence"]
    lines = [line for line in found["story"] if line["what"] == "evidence"]
    assert [(line["said"], line["by"], line["before"]) for line in lines] == [
        ("ticket", "it-duty", None),
        ("reported", "it-duty", None),
        ("reported", "ben", first),
    ]
    entries = (await served.client.get("/api/v1/audit")).json()
    done = [one for one in entries if one["action"].endswith("/evidence") and one["status"] == 200]
    assert [(one["by"], one["details"]["what"]) for one in done] == [("ben", "reported"), ("it-duty", "reported")]


async def test_evidence_is_added_after_the_end_too(served: Served, incident: str) -> None:  # noqa: F811
    served.peer.up()
    await incidents(served, ended=True)
    status, body = await said(served, incident, "evidence", counts="no", responsible="Acme", why="power cut", by="ada")
    assert (status, body["evidence"]["counts_by"], body["evidence"]["counts_why"]) == (200, "ada", "power cut")


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        ({}, 422, "say what happened"),
        ({"at": "03:14"}, 422, "say of what"),
        ({"what": "ticket"}, 422, "write ticket as a key of its own"),
        ({"what": "reported", "at": "tomorrow 07:00"}, 422, "at: 'tomorrow 07:00' is still to come"),
        ({"what": "reported", "at": "2020-01-01"}, 422, "correct the time: it is more than 7 days before this began"),
        ({"what": "restored", "retract": True}, 409, "nothing to take back: restored is not on record"),
        ({"what": "from", "at": "03:14"}, 422, "leave the times of what was measured"),
        ({"counts": "no"}, 422, "say why it does not count"),
        ({"standing": "disputed"}, 422, "say why it does not count, or is disputed"),
        ({"what": "called"}, 422, "what: "),
        ({"ticket": "1", "why": "for DOE^JANE"}, 422, "why: leave the patient out"),
    ],
)
async def test_what_is_not_accepted_says_why_and_changes_nothing(
    served: Served,
    incident: str,  # noqa: F811
    words: dict[str, Any],
    status: int,
    why: str,
) -> None:
    code, detail = await said(served, incident, "evidence", **words)
    assert (code, (detail if isinstance(detail, str) else detail[0])[: len(why)]) == (status, why)
    found = (await served.client.get(f"/api/v1/incidents/{incident}")).json()
    assert [line for line in found["story"] if line["what"] == "evidence"] == []


async def test_of_what_is_not_there_nothing_can_be_stated(served: Served) -> None:
    assert (await said(served, "01JD", "evidence", what="reported"))[0] == 404
    answer = await served.client.post("/api/v1/maintenance/01JD/counts", json={"counts": "yes"})
    assert answer.status_code == 404


async def test_an_outage_is_declared_told_and_corrected(served: Served) -> None:
    status, body = await declared(served, node="archive")
    assert (status, body["kind"], body["node"], body["recorded"]) == (201, "declared", "archive", True)
    assert (await declared(served, node="archive"))[0] == 409
    status, changed = await said(
        served, body["id"], "evidence", what="to", at="Mon 04:00", why="read it again", by="ben"
    )
    assert status == 200
    refused = await said(served, body["id"], "evidence", what="to", at="Mon 03:00")
    assert refused == (422, ["correct one of the times: the end would not be after the begin"])
    found = (await served.client.get(f"/api/v1/incidents/{body['id']}")).json()
    assert found["evidence"] == changed["evidence"]
    assert [(one["what"], one["before"]) for one in found["evidence"]["corrections"]] == [("to", body["ended"])]
    assert found["since"] == body["since"]
    assert found["ended"] > body["ended"]
    assert [(line["what"], line["by"]) for line in found["story"]] == [("declared", "it-duty"), ("evidence", "ben")]
    assert [row["id"] for row in (await served.client.get("/api/v1/declared")).json()] == [body["id"]]
    assert body["id"] not in [row["id"] for row in (await served.client.get("/api/v1/incidents")).json()]
    page = await served.client.get(f"/incidents/{body['id']}", headers={"accept": "text/html"})
    assert (page.status_code, "an outage that was not measured" in page.text) == (200, True)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({}, "say what was out: either node or service"),
        ({"node": "archive", "service": "reading"}, "say what was out: either node or service"),
        ({"node": "nowhere"}, "node: there is no 'nowhere'; there are: archive"),
        ({"node": "archive", "to": "Mon 03:00"}, "to: name an end after the begin"),
        ({"node": "archive", "from": "soon"}, "from: 'soon' is not a time"),
        ({"node": "archive", "evidence": ""}, "evidence: "),
    ],
)
async def test_what_cannot_be_declared_says_why(served: Served, words: dict[str, Any], why: str) -> None:
    status, detail = await declared(served, **words)
    assert (status, detail[0][: len(why)]) == (422, why)


async def test_a_window_says_whether_it_counts(served: Served) -> None:
    plan = {"match": {"node": "archive"}, "for": "2h", "by": "ada"}
    window = (await served.client.post("/api/v1/maintenance", json=plan)).json()["id"]
    answer = await served.client.post(f"/api/v1/maintenance/{window}/counts", json={"counts": "yes", "by": "ben"})
    assert (answer.status_code, answer.json()["evidence"]["counts_by"]) == (200, "ben")
    answer = await served.client.post(f"/api/v1/maintenance/{window}/counts", json={"counts": "no", "by": "ben"})
    assert (answer.status_code, answer.json()["detail"][0]) == (422, "say why it does not count: why")
