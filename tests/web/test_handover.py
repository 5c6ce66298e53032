"""The handover as the API gives it."""

from __future__ import annotations

from tests.web.conftest import Served
from tests.web.test_api import until_up
from tests.web.test_incidents import incidents


async def test_what_is_open_is_handed_over_first_unacknowledged_then_as_handled(served: Served) -> None:
    await until_up(served)
    assert "Nothing is open." in (await served.client.get("/api/v1/handover")).json()["text"]
    served.peer.down()
    (row,) = await incidents(served, ended=False)
    said = (await served.client.get("/api/v1/handover")).json()
    assert [one["id"] for one in said["open"]] == [row["id"]]
    assert said["open"][0]["summary"].startswith("archive ")
    await served.client.post(f"/api/v1/incidents/{row['id']}/ack", json={"by": "it-duty", "why": "vendor called"})
    words = {"by": "it-duty", "text": "use the viewer", "public": True, "next_update": "tomorrow 07:00"}
    await served.client.post(f"/api/v1/incidents/{row['id']}/note", json=words)
    colleague = {"by": "anna", "text": "technician comes at 05:30"}
    await served.client.post(f"/api/v1/incidents/{row['id']}/note", json=colleague)
    said = (await served.client.get("/api/v1/handover")).json()
    assert [(note["by"], note["text"]) for note in said["acknowledged"][0]["notes"]] == [tuple(colleague.values())]
    assert "\n    anna at " in said["text"]
    assert (said["open"], [one["acknowledged"]["by"] for one in said["acknowledged"]]) == ([], ["it-duty"])
    (open_now,) = (await served.client.get("/api/v1/status")).json()["incidents"]
    assert open_now["acknowledged"]["by"] == "it-duty"
    assert open_now["public_note"]["text"] == "use the viewer"
    served.peer.up()
    await incidents(served, ended=True)
    said = (await served.client.get("/api/v1/handover")).json()
    assert [one["acknowledged"]["by"] for one in said["ended"]] == ["it-duty"]
    assert "; handled by it-duty (incident " in said["text"]
