"""What operators say, as the API reads it: over HTTP to an app that has the bodies and the refusals of ours."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request
from pydantic import SecretStr, ValidationError

from pacs_monitor.config import Auth, MonitorSettings, Token
from pacs_monitor.model import SECOND, iso, parse_iso
from pacs_monitor.web.app import explain_errors
from pacs_monitor.web.auth import Gate
from pacs_monitor.web.body import LARGEST, READ_AWAY, JsonBody
from pacs_monitor.web.words import Limited, Matching, Words, printable, speaker

BERLIN = ZoneInfo("Europe/Berlin")
NOW = parse_iso("2026-11-27T10:00:00+01:00")
TOKENS = (Token(name="oncall", role="operator", token=SecretStr("do")),)
JSON = {"content-type": "application/json"}
BEARER = {"authorization": "Bearer do"}


class Pause(Limited, Matching):
    """As a verb has it."""


def client(tokens: tuple[Token, ...] | None = None) -> httpx.AsyncClient:
    app = FastAPI()
    explain_errors(app)
    app.add_middleware(JsonBody)
    monitor = MonitorSettings(name="east", database="sqlite:///x.db", auth=Auth(tokens=tokens) if tokens else None)
    app.add_middleware(Gate, monitor=lambda: monitor)

    @app.post("/api/pause")
    async def pause(request: Request, words: Pause) -> dict[str, Any]:
        who, ends = speaker(request, words.by), words.ends(NOW, BERLIN)
        match = words.match.model_dump(exclude_defaults=True) if words.match else None
        until = None if ends is None else iso(ends)
        return {"who": str(who), "address": who.address, "why": words.why, "until": until, "match": match}

    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 5000))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:9741")


async def test_words_are_read_as_they_are_promised() -> None:
    body = {"by": "it-duty", "why": "vendor called", "for": "8h", "match": {"node": "archive", "labels.vendor": ["a*"]}}
    answer = await client().post("/api/pause", json=body)

    assert answer.json() == {
        "who": "it-duty",
        "address": "127.0.0.1",
        "why": "vendor called",
        "until": "2026-11-27T17:00:00.000000Z",
        "match": {"node": ["archive"], "labels": {"vendor": ["a*"]}},
    }


@pytest.mark.parametrize(
    ("tokens", "by", "who"),
    [
        (TOKENS, "it-duty", "it-duty, oncall (operator)"),
        (TOKENS, "oncall", "oncall (operator)"),
        (TOKENS, "", "oncall (operator)"),
        (None, "it-duty", "it-duty"),
        (None, "", "the API"),
    ],
)
async def test_what_is_claimed_stands_beside_what_is_known(tokens: tuple[Token, ...] | None, by: str, who: str) -> None:
    answer = await client(tokens).post("/api/pause", json={"by": by}, headers=BEARER)

    assert answer.json()["who"] == who


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"for": "8h", "until": "10:45"}, "write either 'for' or 'until', not both"),
        ({"for": "8"}, "for: '8' is not a duration"),
        ({"for": "0s"}, "for: '0s' ends at once"),
        ({"for": 8}, "for: 8 is not a duration; write it as text"),
        ({"for": True}, "for: True is not a duration"),
        ({"for": "99999d"}, "ten years"),
        ({"until": "09:00"}, "until: '09:00' has passed; write tomorrow 09:00"),
        ({"until": "soon"}, "until: 'soon' is not a time; write 10:45"),
        ({"until": 1764230000}, "until: must be text"),
        ({"by": 5}, "by: must be text"),
        ({"by": "a\r\nX-Evil: 1"}, "by: type it anew, on one line: it contains the invisible character U+000D"),
        ({"by": "\u202etxen"}, "U+202E"),
        ({"by": "adm\u200bin"}, "U+200B"),
        ({"by": "a\u2028b"}, "U+2028"),
        ({"by": "\u3164"}, "U+3164"),
        ({"by": "adm\u034fin"}, "U+034F"),
        ({"by": "adm\U000e0069in"}, "U+E0069"),
        ({"by": "\ud800"}, "by: must be text in whole Unicode characters"),
        ({"why": "\x1b[31m"}, "why: type it anew, on one line: it contains the invisible character U+001B"),
        ({"why": "x" * 501}, "why: write at most 500 characters"),
        ({"whi": "x"}, "whi: unknown key"),
        ({"x" * 500: "x"}, "…: unknown key"),
        ({"a\nb": "x"}, "a?b: unknown key"),
        ({"match": {"nodes": "archive"}}, "match.nodes: unknown key"),
        ({"match": "archive"}, "match: must be an object with keys"),
        ({"match": {"node": 5}}, "match.node: must be text or a list of texts"),
        ({"match": {"labels.vendor": "acme", "labels": None}}, "match.labels: must be an object"),
        ({"match": {"labels.vendor": "acme", "labels": [1]}}, "match.labels: must be an object"),
        ({"match": {"node": ["*a" * 100]}}, "match: write patterns of at most 80"),
        ({"match": {"node": [f"a{n}" for n in range(51)]}}, "match: write at most 50 patterns"),
        ([], "the body must be a JSON object"),
        ("why", "the body must be a JSON object"),
        (None, "send a JSON object as the body"),
    ],
)
async def test_what_is_wrong_is_said_in_a_sentence(body: Any, said: str) -> None:
    content = b"" if body is None else json.dumps(body).encode()
    answer = await client().post("/api/pause", content=content, headers=JSON)

    assert answer.status_code == 422
    (sentence,) = answer.json()["detail"]
    assert said in sentence


async def test_everything_that_is_wrong_is_said_at_once() -> None:
    answer = await client().post("/api/pause", json={"by": 1, "why": 2, "for": 3, "what": 4})

    assert [line.split(":")[0] for line in answer.json()["detail"]] == ["by", "why", "for", "what"]


@pytest.mark.parametrize(
    ("content", "kind", "status", "said"),
    [
        (b"why=vendor", "application/x-www-form-urlencoded", 415, "Content-Type: application/json"),
        (b"{}", "text/plain", 415, "Content-Type: application/json"),
        (b"{}", "", 415, "Content-Type: application/json"),
        (b"{}", "application/json; charset=utf-8", 200, ""),
        (b"{", "application/json", 400, "it is not JSON"),
        (b'{"why": "\xfc"}', "application/json", 400, "not JSON in UTF-8"),
        (b'{"why": ' + b"9" * 5000 + b"}", "application/json", 400, "too long a number"),
        (b"[" * (LARGEST - 1), "application/json", 400, "not JSON"),
        (b"{" + b" " * LARGEST + b"}", "application/json", 413, "larger than 64 KiB"),
        (b" " * (READ_AWAY + 10), "application/json", 413, "larger than 64 KiB"),
        (b'{"why": "' + b"x" * 400 + b'"}', "application/json", 200, ""),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(content: bytes, kind: str, status: int, said: str) -> None:
    answer = await client().post("/api/pause", content=content, headers={"content-type": kind})

    assert answer.status_code == status
    assert said in answer.text


@pytest.mark.parametrize("tokens", [None, TOKENS])
async def test_a_page_of_another_origin_writes_nothing_and_reads_no_answer(tokens: tuple[Token, ...] | None) -> None:
    answer = await client(tokens).post("/api/pause", json={}, headers={"origin": "https://evil.example.org", **BEARER})

    assert answer.status_code == 403


def test_names_look_like_what_they_are() -> None:
    assert printable(" J\u0075\u0308rgen\u00a0M\u00fcller ") == "J\u00fcrgen M\u00fcller"
    assert printable("\u26a0\ufe0f adm\ufe0fin") == "\u26a0 admin"
    assert Words(by="Владимир", why="山田さん: 👍 ok").why == "山田さん: 👍 ok"
    with pytest.raises(ValidationError):
        Words(by="x" * 81)


def test_a_duration_counts_from_now() -> None:
    assert Limited.model_validate({"for": "90m"}).ends(NOW, BERLIN) == NOW + 5400 * SECOND
    assert Limited().ends(NOW, BERLIN) is None
    with pytest.raises(HTTPException):
        Limited(until="2026-11-26").ends(NOW, BERLIN)
