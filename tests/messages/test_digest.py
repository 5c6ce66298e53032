"""The digest of an opening: what it says of what is over and of what is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pacs_monitor.messages import digest, fallback
from pacs_monitor.messages.scene import Scene
from pacs_monitor.model import Ending, Incident, State
from tests.alerting.support import ARCHIVE, CHECKS, RIS, an_estate, at, moved, opened

ESTATE = an_estate()
SCENE = Scene("east-campus", ESTATE.monitor, ESTATE.checks, {}, at(50_000))
DOWN = opened(moved(State.DOWN, 0), CHECKS[ARCHIVE], "01A")
OVER = replace(
    opened(moved(State.DOWN, 0, RIS), CHECKS[RIS], "01B"), ended=at(600), ending=Ending.RESOLVED, state=State.UP
)


def said(*over: Incident, open_: tuple[Incident, ...] = ()) -> dict[str, Any]:
    return digest.data("01D", "hook", over, open_, SCENE)


def test_it_says_what_is_over_and_what_is_still_open() -> None:
    data = said(OVER, open_=(DOWN,))
    assert data["summary"] == (
        "1 incident began and ended outside paging hours: ris: dicom_echo recovered at Mon 2025-11-24 17:10:00 CET, "
        "after 10 min 20 s. 1 incident still open: Main archive refuses connections on port 11112 since Mon 2025-11-24 "
        "16:59:40 CET"
    )
    assert [entry["incident"] for entry in data["missed"]] == ["01B"]
    (still,) = data["open"]
    assert (still["dedup_key"], still["severity"], still["ended"]) == ("east-campus/01A", "critical", None)
    assert (data["kind"], data["severity"], data["channel"]) == ("digest", "info", "hook")


def test_a_long_one_names_ten_and_lists_all() -> None:
    many = tuple(replace(OVER, id=f"01{n:02}") for n in range(12))
    data = said(*many)
    assert str(data["summary"]).endswith("; and 2 more")
    assert len(data["missed"]) == 12


def test_in_plain_words_it_names_them_too() -> None:
    data = fallback.digest("01D", "hook", (OVER, DOWN), "east-campus", "https://m")
    assert data.keys() == said(OVER).keys()
    assert "ris/dicom_echo since" in data["summary"]
    assert "archive/dicom_echo since" in data["summary"]


def test_it_says_when_nobody_will_be_on_call() -> None:
    told = digest.data("01D", "hook", (), (), SCENE, gaps={"it": "from Wed 2026-12-02 07:00 to 09:00"})
    assert told["summary"] == "Nobody is on call by the rota it from Wed 2026-12-02 07:00 to 09:00"
    assert told["rota_gaps"] == {"it": "from Wed 2026-12-02 07:00 to 09:00"}
