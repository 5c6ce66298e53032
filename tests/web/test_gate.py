"""Who may ask: the gate, with and without tokens, as an ASGI app sees it."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pacs_monitor.config import Auth, MonitorSettings, Token
from pacs_monitor.web.auth import Gate

TOKENS = (
    Token(name="wall", role="viewer", token=SecretStr("see")),
    Token(name="oncall", role="operator", token=SecretStr("do")),
    Token(name="backup", role="reporter", token=SecretStr("say")),
)


def settings(tokens: Sequence[Token] | None) -> MonitorSettings:
    auth = None if tokens is None else Auth(tokens=tuple(tokens))
    return MonitorSettings(
        name="east", database="sqlite:///x.db", external_url="https://monitor.example.org/pacs", auth=auth
    )


def client(tokens: Sequence[Token] | None, peer: str = "127.0.0.1", host: str = "localhost:9741") -> httpx.AsyncClient:
    async def fine(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("fine")

    paths = ("/metrics", "/probe", "/healthz", "/readyz", "/api/v1/reload", "/incidents/{id}", "/api/v1/push/{n}/{c}")
    app = Starlette(routes=[Route(path, fine, methods=["GET", "POST"]) for path in paths])
    gate = Gate(app, lambda: settings(tokens))
    transport = httpx.ASGITransport(app=gate, client=(peer, 5000))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}")


@pytest.mark.parametrize(
    ("peer", "host", "status"),
    [
        ("127.0.0.1", "localhost:9741", 200),
        ("127.0.0.9", "127.0.0.9", 200),
        ("::1", "[::1]:9741", 200),
        ("10.0.0.5", "localhost", 403),
        ("127.0.0.1", "evil.example.org", 403),
        ("127.0.0.1", "localhost.evil.example.org:9741", 403),
        ("127.0.0.1", "[::1].evil.example.org:9741", 403),
        ("127.0.0.1", "127.0.0.1:80@evil.example.org", 403),
        ("127.0.0.1", "", 403),
        ("::ffff:10.0.0.5", "localhost", 403),
    ],
)
async def test_without_tokens_only_this_machine_is_served_under_a_loopback_name(
    peer: str, host: str, status: int
) -> None:
    answer = await client(None, peer).get("/metrics", headers={"host": host})

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://localhost:9741", 200),
        ("http://localhost:3000", 403),
        ("http://127.0.0.1:9741", 403),
        ("https://evil.example.org", 403),
        ("null", 403),
        ("", 403),
    ],
)
async def test_without_tokens_a_page_of_another_origin_cannot_ask_for_anything(origin: str | None, status: int) -> None:
    headers = {} if origin is None else {"origin": origin}
    answer = await client(None).post("/metrics", headers=headers)

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("origins", "method", "status"),
    [
        ([], "POST", 200),
        (["https://monitor.example.org"], "POST", 200),
        (["http://inner:9741"], "POST", 200),
        (["https://evil.example.org"], "POST", 403),
        (["https://monitor.example.org.evil.example.org"], "POST", 403),
        (["https://monitor.example.org:8443"], "POST", 403),
        (["http://monitor.example.org"], "POST", 403),
        (["ftp://inner:9741"], "POST", 403),
        (["http://x@inner:9741"], "POST", 403),
        (["inner:9741"], "POST", 403),
        (["null"], "POST", 403),
        ([""], "POST", 403),
        (["https://monitor.example.org", "https://evil.example.org"], "POST", 403),
        (["https://evil.example.org"], "GET", 200),
    ],
)
async def test_with_tokens_a_page_of_another_origin_writes_nothing(
    origins: Sequence[str], method: str, status: int
) -> None:
    headers = [("authorization", "Bearer do"), *(("origin", origin) for origin in origins)]
    answer = await client(TOKENS, host="inner:9741").request(method, "/metrics", headers=headers)

    assert answer.status_code == status


async def test_without_tokens_whoever_hides_its_address_is_refused() -> None:
    sent = []
    scope = {"type": "http", "method": "GET", "path": "/metrics", "headers": [(b"host", b"localhost")], "client": None}

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await Gate(Starlette(), lambda: settings(None))(scope, receive, send)

    assert sent[0]["status"] == 403


@pytest.mark.parametrize(
    ("header", "method", "status"),
    [
        (None, "GET", 401),
        ("Bearer wrong", "GET", 401),
        ("Basic see", "GET", 401),
        ("Bearer sée", "GET", 401),
        ("Bearer see", "GET", 200),
        ("bearer see", "GET", 200),
        ("Bearer see", "POST", 403),
        ("Bearer do", "GET", 200),
        ("Bearer do", "POST", 200),
    ],
)
async def test_with_tokens_the_role_decides(header: str | None, method: str, status: int) -> None:
    headers = {b"authorization": header.encode()} if header else {}
    answer = await client(TOKENS, "10.0.0.5", "monitor.example.org").request(method, "/metrics", headers=headers)

    assert answer.status_code == status
    if status != 200:
        assert answer.json()["detail"]
        assert "see" not in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_health_is_open_to_everybody(path: str) -> None:
    assert (await client(TOKENS, "10.0.0.5", "monitor.example.org").get(path)).status_code == 200
    assert (await client(None, "10.0.0.5", "monitor.example.org").get(path)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/api/v1/push/backup/nightly", 200), ("POST", "/metrics", 403), ("GET", "/metrics", 403)],
)
async def test_a_reporter_sends_reports_of_jobs_and_nothing_else(method: str, path: str, status: int) -> None:
    answer = await client(TOKENS, "10.0.0.5").request(method, path, headers={"authorization": "Bearer say"})

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("check", "status"),
    [("backup/nightly", 200), ("backup/weekly", 200), ("backup2/nightly", 403), ("archive/db", 403)],
)
async def test_a_reporter_reports_for_its_own_checks(check: str, status: int) -> None:
    token = Token(name="backup", role="reporter", token=SecretStr("say"), checks=("backup/*",))
    answer = await client([token]).post(f"/api/v1/push/{check}", headers={"authorization": "Bearer say"})

    assert answer.status_code == status


@pytest.mark.parametrize("tokens", [None, TOKENS])
@pytest.mark.parametrize(
    ("fetch", "path", "status"),
    [
        ({}, "/probe", 200),
        ({"sec-fetch-site": "none"}, "/probe", 200),
        ({"sec-fetch-site": "same-origin"}, "/probe", 200),
        ({"sec-fetch-site": "same-site", "sec-fetch-dest": "image"}, "/probe", 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-dest": "image"}, "/probe", 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-dest": "image"}, "/api/v1/reload", 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, "/probe", 403),
        (
            {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
            "/incidents/1",
            200,
        ),
        (
            {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
            "/incidents/1",
            403,
        ),
        ({"sec-fetch-site": "cross-site", "sec-fetch-dest": "image"}, "/healthz", 200),
    ],
)
async def test_a_page_of_another_site_runs_nothing_and_reads_nothing(
    tokens: Sequence[Token] | None, fetch: dict[str, str], path: str, status: int
) -> None:
    headers = fetch | ({"authorization": "Bearer do"} if tokens else {})

    assert (await client(tokens).get(path, headers=headers)).status_code == status


@pytest.mark.parametrize(("bearer", "status"), [("see", 403), ("do", 200)])
async def test_a_preview_of_a_reload_is_for_operators(bearer: str, status: int) -> None:
    answer = await client(TOKENS).get("/api/v1/reload", headers={"authorization": f"Bearer {bearer}"})

    assert answer.status_code == status
