"""What people have stopped: in status, metrics and whatever asks for a run."""

from __future__ import annotations

from pacs_monitor.cli import display
from pacs_monitor.model import CheckId, Restriction, RestrictionMode, State, parse_iso
from tests.support.timing import until
from tests.web.conftest import Served

ECHO, PORT = CheckId("archive", "dicom_echo"), CheckId("archive", "port")
UNTIL = parse_iso("2026-11-27T10:45:00Z")
PAUSE = Restriction(RestrictionMode.STOP, "paused by it-duty until 10:45: detector exchange", UNTIL)
WINDOW = Restriction(RestrictionMode.READ_ONLY, "maintenance 'archive patching' until 04:00", is_pause=False)


async def test_a_stopped_check_says_who_and_why_wherever_it_is_shown_and_runs_for_nobody(served: Served) -> None:
    engine = served.daemon.engine
    await until(lambda: all(entry.standing.state is State.UP for entry in engine.board.entries.values()))
    engine.restrict({ECHO: PAUSE, PORT: WINDOW})
    runs = engine.board.entries[ECHO].runs

    board = (await served.client.get("/api/v1/status")).json()
    echo, port = board["nodes"][0]["checks"]
    assert (echo["state"], echo["reason"], echo["next_due"]) == ("unknown", "paused", None)
    assert echo["restriction"] == {
        "mode": "stop",
        "text": PAUSE.text,
        "until": "2026-11-27T10:45:00.000000Z",
        "pause": True,
    }
    assert (port["state"], port["restriction"]["until"], port["restriction"]["pause"]) == ("up", None, False)
    shown = [line.strip() for line in display.board(board, lambda text: text)]
    assert PAUSE.text in shown
    assert WINDOW.text in shown

    lines = (await served.client.get("/metrics")).text.splitlines()
    of_echo = [line for line in lines if 'check="dicom_echo"' in line]
    assert not [line for line in of_echo if line.startswith("pacs_probe_success")]
    labels = 'check="dicom_echo",node="archive",probe="dicom_echo",site="east"'
    assert f"pacs_check_state{{{labels}}} 0.0" in of_echo
    assert f"pacs_check_restricted{{{labels}}} 2.0" in of_echo
    assert [line for line in lines if line.startswith("pacs_probe_success") and 'check="port"' in line]

    answer = (await served.client.post("/api/v1/checks/archive/dicom_echo/run")).json()
    assert (answer["status"], answer["reason"], answer["detail"]) == ("unknown", "paused", PAUSE.text)
    probed = (await served.client.get("/probe?node=archive&check=dicom_echo")).text
    assert "\nprobe_success" not in probed
    assert engine.board.entries[ECHO].runs == runs

    engine.restrict({})
    await until(lambda: engine.board.entries[ECHO].standing.state is State.UP)
    assert (await served.client.get("/api/v1/checks/archive/dicom_echo")).json()["restriction"] is None
