"""Whom a reverse proxy signs in: believed of its own address alone, and nothing of it is kept."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pacs_monitor.config import Auth, MonitorSettings, ProxyAuth, Token
from pacs_monitor.config.access import Wall
from pacs_monitor.web.auth import Gate
from pacs_monitor.web.caller import CALLER, NOBODY

PROXY, STRANGER = "10.0.0.5", "10.0.0.6"
SETTINGS = {
    "from": [PROXY, "10.9.0.0/30"],
    "user_header": "X-Remote-User",
    "roles": {"operator": ["PACS-Operators"], "viewer": ["Radiology", "PACS"]},
}
OURS = "https://monitor.example.org"
JANE = {"X-Remote-User": "jane", "X-Remote-Groups": "PACS-Operators"}
READER = {"X-Remote-User": "john", "X-Remote-Groups": "Radiology"}
Sent = Mapping[str, str] | list[tuple[str, str]]


def client(peer: str = PROXY, url: str = OURS, **more: Any) -> httpx.AsyncClient:
    async def said(request: Request) -> PlainTextResponse:
        name, role = request.scope.get(CALLER, NOBODY)
        return PlainTextResponse(f"{name}={role}")

    paths = ("/", "/wall", "/sign-in", "/maintenance", "/api/v1/status", "/api/v1/pause")
    app = Starlette(routes=[Route(path, said, methods=["GET", "POST"]) for path in paths])
    token = Token(name="script", role="viewer", token=SecretStr("see"))
    monitor = MonitorSettings(
        name="east",
        database="sqlite:///x.db",
        external_url=OURS,
        auth=Auth(tokens=(token,), proxy=ProxyAuth.model_validate(SETTINGS | more)),
        wall=Wall.model_validate({"from": ["10.1.2.0/28"]}),
    )
    gate = Gate(app, lambda: monitor)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=gate, client=(peer, 5000)), base_url=url)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (JANE, "jane=operator"),
        (READER, "john=viewer"),
        ({**JANE, "X-Remote-Groups": "Radiology, PACS-Operators"}, "jane=operator"),
        ({**JANE, "X-Remote-Groups": "Radiology;PACS-Operators"}, "jane=operator"),
        ({**JANE, "X-Remote-Groups": "Radiology|PACS-Operators"}, "jane=operator"),
        (
            {"x-remote-user": "JANE@HOSPITAL.EXAMPLE", "x-remote-groups": "PACS-Operators"},
            "JANE@HOSPITAL.EXAMPLE=operator",
        ),
        ({**JANE, "Authorization": "Negotiate YII="}, "jane=operator"),
        ({**READER, "Authorization": "Bearer see"}, "john=viewer"),
        ({"Authorization": "Bearer see"}, "script=viewer"),
        ({**JANE, "X-Remote-User": "", "Authorization": "Bearer see"}, "script=viewer"),
    ],
)
async def test_the_proxy_says_who_asks_and_the_groups_give_the_role(sent: dict[str, str], said: str) -> None:
    answer = await client().get("/api/v1/status", headers=sent)
    assert (answer.status_code, answer.text) == (200, said)


async def test_a_name_is_that_of_the_proxy_whatever_its_script() -> None:
    headers = [(b"x-remote-user", "Jürgen Müller".encode()), (b"x-remote-groups", b"PACS")]
    answer = await client(peer="10.9.0.2").get("/", headers=headers)
    assert answer.text == "Jürgen Müller=viewer"


@pytest.mark.parametrize(
    "groups", ["", "pacs-operators", "PACS-Operators2", "PACS Operators", "*", "CN=PACS-Operators", "PACS-Operators\\"]
)
async def test_groups_without_a_role_let_nobody_in(groups: str) -> None:
    answer = await client().get("/", headers={"X-Remote-User": "jane", "X-Remote-Groups": groups})
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("ask whoever keeps monitor.auth.proxy.roles for a role")


async def test_everybody_whom_the_proxy_lets_in_may_have_a_role() -> None:
    proxied = client(roles={"operator": ["PACS-Operators"], "viewer": "*"})
    assert (await proxied.get("/", headers={"X-Remote-User": "anybody"})).text == "anybody=viewer"
    assert (await proxied.get("/", headers=JANE)).text == "jane=operator"
    assert (await proxied.get("/")).status_code == 401


@pytest.mark.parametrize(
    "sent",
    [
        [("X-Remote-User", "admin"), *JANE.items()],
        [*JANE.items(), ("x-remote-groups", "Radiology")],
        [("X-Remote-User", "jane\u200b"), ("X-Remote-Groups", "PACS")],
        [("X-Remote-User", "\u202eenaj"), ("X-Remote-Groups", "PACS")],
        [("X-Remote-User", "j" * 81), ("X-Remote-Groups", "PACS")],
    ],
    ids=["user twice", "groups twice", "invisible", "right to left", "too long"],
)
async def test_what_is_odd_about_the_headers_is_refused(sent: list[tuple[str, str]]) -> None:
    headers = [(name.encode(), value.encode()) for name, value in sent]
    answer = await client().get("/", headers=headers)
    assert answer.status_code == 403
    assert "proxy" in answer.json()["detail"]


async def test_bytes_that_are_no_text_are_refused() -> None:
    answer = await client().get("/", headers=[(b"x-remote-user", b"j\xff"), (b"x-remote-groups", b"PACS")])
    assert answer.status_code == 403


@pytest.mark.parametrize("peer", [STRANGER, "127.0.0.1", "::1", "10.9.0.4", "not-an-address"])
@pytest.mark.parametrize(
    "more", [{}, {"X-Forwarded-For": PROXY}, {"Forwarded": f"for={PROXY}"}, {"X-Real-IP": PROXY}, {"Via": PROXY}]
)
async def test_headers_from_anywhere_else_are_ignored(
    peer: str, more: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = client(peer=peer)
    with caplog.at_level(logging.WARNING):
        answers = [await elsewhere.get("/api/v1/status", headers=JANE | more) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [401] * 3
    (warned,) = caplog.messages
    assert warned.startswith(f"ignored X-Remote-User and X-Remote-Groups from {peer}: if this is the proxy, add it")


async def test_a_mapped_address_is_that_of_the_proxy() -> None:
    assert (await client(peer=f"::ffff:{PROXY}").get("/", headers=JANE)).text == "jane=operator"


@pytest.mark.parametrize(
    "name", ["X_Remote_User", "X-Remote_User", "X_REMOTE_USER", "Remote-User", "HTTP_X_REMOTE_USER"]
)
async def test_a_header_that_looks_like_it_is_another_one(name: str) -> None:
    answer = await client().get("/", headers={name: "jane", "X-Remote-Groups": "PACS-Operators"})
    assert answer.status_code == 401


async def test_with_the_word_of_the_proxy_the_same_is_refused_as_with_a_token() -> None:
    own = {"origin": OURS}
    tries = {
        "operator": await client().post("/maintenance", headers=JANE | own),
        "operator by the api": await client().post("/api/v1/pause", headers=JANE | own),
        "viewer": await client().post("/maintenance", headers=READER | own),
        "no origin": await client().post("/maintenance", headers=JANE),
        "foreign origin": await client().post("/maintenance", headers=JANE | {"origin": "https://evil.example.org"}),
        "foreign page": await client().get("/api/v1/status", headers=JANE | {"sec-fetch-site": "cross-site"}),
    }
    assert {name: answer.status_code for name, answer in tries.items()} == {
        "operator": 200,
        "operator by the api": 200,
        "viewer": 403,
        "no origin": 403,
        "foreign origin": 403,
        "foreign page": 403,
    }


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("monitor.example.org", 200),
        ("MONITOR.example.org.:443", 200),
        ("10.0.0.9:9741", 200),
        ("[fe80::1]:9741", 200),
        ("localhost:9741", 200),
        ("evil.example.org", 403),
        ("monitor.example.org.evil.example.org", 403),
        ("", 403),
    ],
)
async def test_a_foreign_name_that_leads_here_shows_nothing(host: str, status: int) -> None:
    own = {"host": host}
    proxied = await client().get("/", headers=JANE | own)
    screen = await client(peer="10.1.2.3").get("/wall", headers=own)

    assert (proxied.status_code, screen.status_code) == (status, status)
    if status == 403:
        assert screen.json()["detail"].startswith("set monitor.external_url to the address in your browser")
