"""Who is on call, as the API gives it: names and channels, never numbers."""

from __future__ import annotations

from tests.web.conftest import Served

ROTA = """people:
  anna: {channels: [{use: sms, headers: {X-To: "+49 171 5555"}}]}
  ben: {channels: desk}
shifts: [{order: [anna, ben], start: 2026-01-05, handover: "Mon 08:00"}]
vacations: [{who: anna, from: 2027-03-02, to: 2027-03-03}, {who: ben, from: 2027-03-03, to: 2027-03-04}]
"""
SECTIONS = """channels:
  desk: {type: webhook, url: "http://127.0.0.1:1/"}
  sms: {type: webhook, url: "http://127.0.0.1:1/"}
oncall: {it: {rota: rota.yaml, covers: "Mon-Fri 07:00-17:00", otherwise: [desk]}}
default_route: {oncall: it}
"""


async def test_who_is_on_call_at_a_time_and_who_follows_and_where_nobody_is(served: Served) -> None:
    assert (await served.client.get("/api/v1/oncall")).json()["oncall"] == []
    (served.config.parent / "rota.yaml").write_text(ROTA)
    served.config.write_text(served.config.read_text() + SECTIONS)
    assert (await served.client.post("/api/v1/reload")).is_success
    answer = await served.client.get("/api/v1/oncall", params={"at": "2027-03-01T09:00Z", "next": 2})
    said = answer.json()
    assert (said["time"], said["timezone"]) == ("2027-03-01T09:00:00.000000Z", "UTC")
    (rota,) = said["oncall"]
    assert (rota["name"], rota["covers"], rota["timezone"], rota["at_once"]) == ("it", "Mon-Fri 07:00-17:00", "UTC", 1)
    (since, until), channels = (rota["now"]["since"], rota["now"]["until"]), {"anna": "anna.sms", "ben": "desk"}
    assert (since, until) == ("2027-03-01T08:00:00.000000Z", "2027-03-01T17:00:00.000000Z")
    (who,) = rota["now"]["people"]
    assert rota["now"]["channels"] == [channels[who]]
    night, tuesday = rota["next"]
    assert (night["people"], night["channels"], night["covered"], night["gap"]) == ([], ["desk"], False, False)
    assert tuesday["people"] == ["ben"]
    assert rota["gaps"] == [{"start": "2027-03-03T07:00:00.000000Z", "end": "2027-03-03T17:00:00.000000Z"}]
    gap = (await served.client.get("/api/v1/oncall", params={"at": "2027-03-03T12:00Z"})).json()["oncall"][0]["now"]
    assert (gap["people"], gap["channels"], gap["gap"]) == ([], ["desk"], True)
    assert "5555" not in answer.text


async def test_a_time_that_is_none_is_explained(served: Served) -> None:
    for params in ({"at": "soon"}, {"at": "0001-01-02"}, {"next": "-1"}, {"next": "1000"}):
        assert (await served.client.get("/api/v1/oncall", params=params)).status_code == 422
