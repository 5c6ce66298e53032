"""What people do on pages: by forms that carry a proof, signed in by a cookie, and never by a look."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx
import pytest

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from pacs_monitor.model import SECOND, iso
from pacs_monitor.web.app import create_app
from pacs_monitor.web.auth import API, SIGN_IN, SIGN_OUT, today_of
from pacs_monitor.web.session import COOKIE
from tests.web.conftest import Guarded


async def audited(guarded: Guarded) -> list[dict[str, Any]]:
    answer = await guarded.browser().get("/api/v1/audit", headers={"authorization": "Bearer oncall-token"})
    found: list[dict[str, Any]] = answer.json()
    return found


async def test_whoever_is_not_signed_in_is_led_to_the_form_and_back(guarded: Guarded) -> None:
    identity = await guarded.incident()
    browser = guarded.browser()
    asked = await browser.get(f"/incidents/{identity}")
    assert (asked.status_code, asked.headers["location"]) == (303, f"../sign-in?next=incidents%2F{identity}")

    form = asked.headers["location"].removeprefix("..")
    answer = await guarded.send(browser, form, form, token="oncall-token")
    assert (answer.status_code, answer.headers["location"]) == (303, f"./incidents/{identity}")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert (await browser.get(f"/incidents/{identity}")).status_code == 200


@pytest.mark.parametrize(
    "wanted", ["//evil.example.org", "https://evil.example.org", "/\\evil.example.org", "javascript:alert(1)"]
)
async def test_the_form_leads_nobody_elsewhere(guarded: Guarded, wanted: str) -> None:
    answer = await guarded.send(guarded.browser(), SIGN_IN, f"/sign-in?next={wanted}", token="oncall-token")

    assert answer.headers["location"] == "./"


async def test_wrong_tokens_are_refused_and_then_made_to_wait(guarded: Guarded) -> None:
    browser = guarded.browser()
    wrong = [await guarded.send(browser, SIGN_IN, SIGN_IN, token="guess") for _ in range(11)]

    assert {answer.status_code for answer in wrong[:10]} == {401}
    assert wrong[10].status_code == 429
    assert COOKIE not in browser.cookies
    assert "guess" not in wrong[0].text
    job = await guarded.send(browser, SIGN_IN, SIGN_IN, token="job-token")
    assert job.status_code == 429


async def test_a_session_ends_with_the_sign_out_and_with_its_token(guarded: Guarded) -> None:
    browser = await guarded.signed_in("oncall")
    cookie = browser.cookies[COOKIE]
    answer = await guarded.send(browser, "/", SIGN_OUT)
    assert answer.status_code == 303

    again = guarded.browser()
    again.cookies.set(COOKIE, cookie)
    assert (await again.get("/")).status_code == 303
    forged = guarded.browser()
    forged.cookies.set(COOKIE, cookie.replace("oncall", "reader"))
    assert (await forged.get("/")).status_code == 303


@pytest.mark.parametrize("end", ["9" * 5000 + ".x.y", "9999999999.x.\xff", "9999999999.x.y", "\u0663.x.y", ".", ""])
async def test_a_cookie_that_somebody_made_up_is_no_session(guarded: Guarded, end: str) -> None:
    made_up = f"{COOKIE}=oncall.{end}".encode()
    answer = await guarded.browser().get("/", headers=[(b"cookie", made_up)])
    assert (answer.status_code, answer.headers["location"]) == (303, "sign-in?next=")


async def test_an_operator_acknowledges_notes_and_is_audited(guarded: Guarded) -> None:
    identity = await guarded.incident()
    browser, page = await guarded.signed_in("oncall"), f"/incidents/{identity}"
    answer = await guarded.send(browser, page, page, do="ack", why="looking", **{"for": "2h"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"./{identity}?done=ack")
    await guarded.send(browser, page, page, do="note", text="Images are late", public="true")

    shown = (await browser.get(f"{page}?done=ack")).text
    assert "It is acknowledged." in shown
    assert "Acknowledged by <b>oncall (operator)</b>" in shown
    assert "Users were told: Images are late" in shown
    entries = [one for one in await audited(guarded) if one["action"] == f"POST {page}"]
    assert [(one["token"], one["details"]["do"], one["outcome"]) for one in entries] == [
        ("oncall", "note", "done"),
        ("oncall", "ack", "done"),
    ]


async def test_each_step_of_the_vendor_is_one_tap_and_can_be_corrected(guarded: Guarded) -> None:
    identity = await guarded.incident()
    browser, page = await guarded.signed_in("oncall"), f"/incidents/{identity}"
    assert "I called the vendor" in (await browser.get(page)).text
    answer = await guarded.send(browser, page, page, do="evidence", what="reported")
    assert (answer.status_code, answer.headers["location"]) == (303, f"./{identity}?done=evidence")
    again = await guarded.send(browser, page, page, do="evidence", what="reported")
    assert again.status_code == 409
    assert "to correct it, give the time" in again.text
    shown = (await browser.get(page)).text
    assert 'name="what" value="reported"' not in shown  # the tap is spent; the form for a time stays
    assert "oncall (operator): vendor called" in shown
    now = guarded.daemon.clock.now()
    answer = await guarded.send(
        browser, page, page, do="evidence", what="reported", at=iso(now - 60 * SECOND), why="late"
    )
    assert answer.status_code == 303
    shown = (await browser.get(page)).text
    assert "oncall (operator) corrects: vendor called" in shown
    assert "Corrected 1 time" in shown
    counted = await guarded.send(browser, page, page, do="evidence", counts="no", why="power cut")
    assert counted.status_code == 303
    assert "does not count (oncall (operator): power cut)" in (await browser.get(page)).text
    refused = await guarded.send(browser, page, page, do="evidence", counts="no")
    assert (refused.status_code, "say why it does not count" in refused.text) == (422, True)
    (first, *_) = [one for one in await audited(guarded) if one["action"] == f"POST {page}" and one["status"] == 303]
    assert first["details"] == {"do": "evidence", "counts": "no"}
    reader = await guarded.signed_in("reader")
    assert "Add or correct evidence" not in (await reader.get(page)).text


async def test_what_is_wrong_is_said_on_the_page(guarded: Guarded) -> None:
    identity = await guarded.incident()
    browser, page = await guarded.signed_in("oncall"), f"/incidents/{identity}"
    closed = await guarded.send(browser, page, page, do="close")
    noted = await guarded.send(browser, page, page, do="note", text="DOE^JANE")
    odd = await guarded.send(browser, page, page, do="<script>")

    assert (closed.status_code, noted.status_code, odd.status_code) == (409, 422, 422)
    assert 'class="notice refused"' in closed.text
    assert "leave the patient out" in noted.text
    assert "<script>" not in odd.text


async def test_a_check_is_run_and_paused_and_runs_again(guarded: Guarded) -> None:
    browser, page = await guarded.signed_in("oncall"), "/checks/archive/tcp"
    for verb in ("run", "pause", "resume"):
        answer = await guarded.send(browser, page, page, do=verb)
        assert (answer.status_code, answer.headers["location"]) == (303, f"./tcp?done={verb}")
    assert guarded.daemon.desk.plans.pauses() == []


async def test_maintenance_is_previewed_planned_extended_and_ended(guarded: Guarded) -> None:
    browser, page = await guarded.signed_in("oncall"), "/maintenance"
    asked = {"node": "arch*", "name": "update", "for": "2h", "start": "tomorrow 02:00"}
    preview = await guarded.send(browser, page, page, do="preview", **asked)
    assert "mutes 1 check: archive/tcp" in preview.text
    assert guarded.daemon.desk.plans.windows() == []

    await guarded.send(browser, page, page, do="plan", **asked)
    (window,) = guarded.daemon.desk.plans.windows()
    assert window.name == "update"
    assert "Call off" in (await browser.get(page)).text
    await guarded.send(browser, page, page, do="extend", window=window.id, **{"for": "1h"})
    assert guarded.daemon.desk.plans.windows()[0].end > window.end
    await guarded.send(browser, page, page, do="end", window=window.id)
    assert guarded.daemon.desk.plans.windows() == []
    wrong = await guarded.send(browser, page, page, do="plan", node="archive", **{"for": "soon"})
    assert (wrong.status_code, 'value="archive"' in wrong.text) == (422, True)


@pytest.mark.usefixtures("no_printer")  # printing takes long, and is tested elsewhere
async def test_a_report_is_frozen_approved_and_downloaded(guarded: Guarded) -> None:
    operator, reader = await guarded.signed_in("oncall"), await guarded.signed_in("reader")
    answer = await guarded.send(operator, "/reports", "/reports", do="freeze", period="2025-Q1", why="for the board")
    assert (answer.status_code, answer.headers["location"]) == (303, "./reports?done=freeze")
    number = "2025-Q1/1"
    for fields in (
        {"do": "approve", "number": number, "by": "Grace Hopper", "why": "as discussed"},
        {"do": "distributed", "number": number, "to": "<b>the vendor</b>"},
        {"do": "action", "number": number, "text": "second power supply", "owner": "IT", "due": "2026-12-15"},
    ):
        assert (await guarded.send(operator, "/reports", "/reports", **fields)).status_code == 303
    page = (await reader.get("/reports")).text
    for shown in ("2025-Q1/1", "Grace Hopper", "as discussed", "&lt;b&gt;the vendor&lt;/b&gt;", "second power supply"):
        assert shown in page
    assert "<form" not in page.partition("<main")[2]
    document = await reader.get(f"/reports/{number}?format=html")
    assert (document.status_code, "2025-Q1/1" in document.text) == (200, True)
    assert document.headers["content-security-policy"].startswith("sandbox")
    assert (await reader.get("/reports/last-quarter?format=csv")).content.startswith(b"PK")
    refused = await guarded.send(operator, "/reports", "/reports", do="freeze", period="this-quarter")
    assert (refused.status_code, "freeze it when it is over" in refused.text) == (422, True)
    again = await guarded.send(operator, "/reports", "/reports", do="approve", number=number, by="Grace Hopper")
    assert (again.status_code, "has approved 2025-Q1/1 already" in again.text) == (409, True)
    forbidden = await guarded.send(reader, "/reports", "/reports", do="freeze", period="2025-Q2")
    assert forbidden.status_code == 403
    assert [entry["action"] for entry in await audited(guarded)].count("POST /reports") >= 4


async def test_a_viewer_sees_no_way_to_write_and_has_none(guarded: Guarded) -> None:
    identity = await guarded.incident()
    browser = await guarded.signed_in("reader")
    for page in ("/", f"/incidents/{identity}", "/nodes/archive", "/checks/archive/tcp", "/maintenance"):
        text = (await browser.get(page)).text
        forms = re.findall(r'<form[^>]*method="post" action="([^"]*)"', text)
        assert [form.rpartition("/")[2] for form in forms] == ["sign-out"], page
        assert "Acknowledge …" not in text
    refused = await guarded.send(browser, "/", f"/incidents/{identity}", do="ack")
    assert refused.status_code == 403


async def test_the_role_wall_sees_the_wall_alone(guarded: Guarded) -> None:
    browser = await guarded.signed_in("screen")
    seen = {
        path: (await browser.get(path)).status_code
        for path in ("/wall", "/wall?part=1", "/", "/nodes/archive", "/maintenance")
    }

    assert seen == {"/wall": 200, "/wall?part=1": 200, "/": 403, "/nodes/archive": 403, "/maintenance": 403}
    assert (await browser.get("/api/v1/status")).status_code == 401


async def test_the_wall_names_nobody(guarded: Guarded) -> None:
    identity = await guarded.incident()
    page, oncall = f"/incidents/{identity}", await guarded.signed_in("oncall")
    await guarded.send(oncall, page, page, do="ack", by="Dr. Jane Roe")
    await guarded.send(
        oncall, page, page, do="note", text="Use the downtime viewer", public="true", next_update="tomorrow 07:00"
    )
    wall = (await (await guarded.signed_in("screen")).get("/wall")).text

    assert "IT is on it" in wall
    assert "Use the downtime viewer" in wall
    assert "Roe" not in wall
    assert "<form" not in wall


async def test_a_screen_is_let_in_by_its_network(guarded: Guarded) -> None:
    app = create_app(guarded.daemon)
    seen = []
    for peer in ("10.1.2.3", "10.1.2.16"):
        transport = httpx.ASGITransport(app=app, client=(peer, 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://10.1.2.1:9741") as screen:
            seen.append([(await screen.get(path)).status_code for path in ("/wall", "/", "/api/v1/status")])

    assert seen == [[200, 401, 401], [401, 401, 401]]


async def test_a_session_writes_nothing_by_the_api(guarded: Guarded) -> None:
    browser = await guarded.signed_in("oncall")
    answer = await browser.post("/api/v1/pause", json={"all": True}, headers={"origin": guarded.url})

    assert answer.status_code == 401
    assert API == "/api/"


async def test_a_sign_out_lasts_over_a_restart(guarded: Guarded) -> None:
    left, stays = await guarded.signed_in("oncall"), await guarded.signed_in("screen")
    cookies = left.cookies[COOKIE], stays.cookies[COOKIE]
    await guarded.send(left, "/", SIGN_OUT)
    await guarded.daemon.stop()
    with closing(sqlite3.connect(guarded.daemon.estate.file.with_name("proof.db"))) as database:
        (row,) = database.execute("SELECT token, status, details FROM audit WHERE action = 'POST /sign-out'").fetchall()
    assert row[:2] == ("oncall", 303)
    assert cookies[0] not in row[2]

    again = Guarded(await Daemon.open(load(guarded.daemon.estate.file)))
    await again.daemon.start()
    seen = []
    for cookie in cookies:
        browser = again.browser()
        browser.cookies.set(COOKIE, cookie)
        seen.append((await browser.get("/wall")).status_code)
    await again.close()
    await again.daemon.stop()
    assert seen == [303, 200]


async def test_a_token_that_has_expired_is_refused_in_words_and_so_is_its_session(guarded: Guarded) -> None:
    browser = await guarded.signed_in("oncall")
    yesterday = today_of(guarded.daemon.estate.monitor) - timedelta(days=1)
    file = guarded.daemon.estate.file
    file.write_text(file.read_text().replace("token: oncall-token", f"token: oncall-token, expires: {yesterday}"))
    await guarded.daemon.reload("test")

    why = f"sk for a new token: this one (oncall) expired on {yesterday}"
    answer = await browser.get("/api/v1/status", headers={"authorization": "Bearer oncall-token"})
    assert (answer.status_code, answer.json()["detail"]) == (401, f"a{why}")
    assert (await browser.get("/")).status_code == 303
    form = await guarded.send(guarded.browser(), SIGN_IN, SIGN_IN, token="oncall-token")
    assert (form.status_code, f"A{why}." in form.text) == (401, True)


async def test_whom_the_proxy_signs_in_does_what_people_do_and_is_named(guarded: Guarded) -> None:
    identity = await guarded.incident()
    browser, page = guarded.proxied(), f"/incidents/{identity}"
    browser.headers.update({"x-remote-user": "jane@HOSPITAL", "x-remote-groups": "PACS-Operators"})
    answer = await guarded.send(browser, page, page, do="ack", why="looking")
    shown = (await browser.get(page)).text

    assert answer.status_code == 303
    assert "Acknowledged by <b>jane@HOSPITAL (operator)</b>" in shown
    assert "Sign out" not in shown
    entries = [one for one in await audited(guarded) if one["action"] == f"POST {page}"]
    assert [(one["by"], one["token"], one["role"], one["address"]) for one in entries] == [
        ("jane@HOSPITAL", "jane@HOSPITAL", "operator", "10.0.0.5")
    ]
    browser.headers["x-remote-groups"] = "Radiology"
    assert 'method="post"' not in (await browser.get(page)).text
    assert (await guarded.send(browser, "/", page, do="note")).status_code == 403


async def test_refusals_say_what_to_do_on_a_page(guarded: Guarded) -> None:
    screen, reader = await guarded.signed_in("screen"), await guarded.signed_in("reader")
    stranger = guarded.proxied("10.0.0.99")
    odd = await reader.get("/nothing/here")
    wall = await screen.get("/maintenance")
    viewer = await guarded.send(reader, "/", "/maintenance", do="plan")
    foreign = await stranger.get("/", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"})

    for answer, status, said in (
        (odd, 404, "Check the address, or begin at the board"),
        (wall, 403, "Use another token: the role wall sees /wall alone"),
        (viewer, 403, "Use a token with the role operator"),
        (foreign, 403, "Open this address yourself"),
    ):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert said in answer.text
    assert "You are signed in as screen (wall)" in wall.text
    assert 'href="./wall"' in wall.text
    assert 'href="../sign-in"' not in odd.text
    german = await screen.get("/maintenance", headers={"accept-language": "de"})
    assert "Verwenden Sie ein anderes Token: die Rolle wall sieht nur /wall" in german.text
    assert '<html lang="de">' in german.text
    as_program = await guarded.browser().get("/nothing", headers={"accept": "*/*"})
    assert as_program.headers["content-type"] == "application/json"
    limited = [await guarded.send(guarded.browser(), SIGN_IN, SIGN_IN, token="guess") for _ in range(12)][-1]
    assert (limited.status_code, "try again in" in limited.text) == (429, True)
