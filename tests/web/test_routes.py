"""All routes of the app, so that a new one cannot be forgotten: who may write, and that no look changes anything."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Route

from pacs_monitor.web.app import create_app
from pacs_monitor.web.auth import API, OPEN_PATHS, PUSH, READING, REPLIES
from tests.web.conftest import Guarded, Served

FOREIGN = "https://evil.example.org"
SAID = ("audit", "evidence", "declared", "revisions", "reports", "report_words", "constancy_explanations", "moves")
"""What people said, by the tables that hold it."""
FORM = {"do": "ack", "token": "guess"}


def routes(app: FastAPI) -> Iterable[tuple[frozenset[str], str]]:
    """Methods and paths; a route that is none of Starlette's (a mount, a web socket) is one that nobody thought of."""
    for route in app.routes:
        assert isinstance(route, Route), route
        yield frozenset(route.methods or ()), route.path


def writes(app: FastAPI) -> list[tuple[str, str]]:
    """Every write that any route takes."""
    found = []
    for methods, path in routes(app):
        assert methods <= READING or not methods & READING, f"{path} reads and writes in one"
        found += [(method, re.sub(r"\{[^}]*\}", "x", path)) for method in methods - READING]
    return sorted(found)


async def test_every_write_is_refused_to_whoever_may_not(guarded: Guarded) -> None:
    paths = writes(create_app(guarded.daemon))
    assert ("POST", "/incidents/x") in paths
    assert ("DELETE", "/api/v1/maintenance/x") in paths
    stranger, viewer, operator = guarded.browser(), await guarded.signed_in("reader"), await guarded.signed_in("oncall")
    proxied, elsewhere = guarded.proxied(), guarded.proxied("10.0.0.6")
    own, foreign = {"origin": guarded.url}, {"origin": FOREIGN}
    reader, jane = {"x-remote-user": "john"}, {"x-remote-user": "jane", "x-remote-groups": "PACS-Operators"}
    proof = await guarded.proof(operator, "/maintenance")
    for method, path in paths:
        assert path not in OPEN_PATHS
        bearer, screen, token = ({"authorization": f"Bearer {name}-token"} for name in ("oncall", "screen", "reader"))
        tries = {
            "no token": await stranger.request(method, path, data=FORM, headers=own),
            "foreign origin": await stranger.request(method, path, json={}, headers=bearer | foreign),
            "foreign page": await operator.request(method, path, data=FORM, headers=foreign),
            "no origin": await operator.request(method, path, data=FORM | {"proof": proof}),
            "no proof": await operator.request(method, path, data=FORM, headers=own),
            "simple form": await stranger.request(method, path, data=FORM, headers=bearer | own),
            "proxied, no origin": await proxied.request(method, path, json={}, headers=jane),
            "proxied, foreign origin": await proxied.request(method, path, json={}, headers=jane | foreign),
            "proxied, foreign name": await proxied.request(
                method, path, json={}, headers=jane | foreign | {"host": "evil.example.org"}
            ),
            "proxied, simple form": await proxied.request(method, path, data=FORM, headers=jane | own),
            "not the proxy": await elsewhere.request(method, path, json={}, headers=jane | own),
        }
        if path in (REPLIES, PUSH + "x/x"):
            del tries["simple form"]  # boxes send forms, and a job may send its output along
            del tries["proxied, simple form"]
        if not path.startswith(PUSH):
            tries["viewer"] = await stranger.request(method, path, json={}, headers=token)
            tries["viewer's session"] = await viewer.request(method, path, data=FORM, headers=own)
            tries["viewer by the proxy"] = await proxied.request(method, path, json={}, headers=reader | own)
            tries["wall"] = await stranger.request(method, path, json={}, headers=screen)
        answers = {name: answer.status_code for name, answer in tries.items()}
        assert set(answers.values()) <= {401, 403, 415}, (method, path, answers)


async def test_without_auth_no_page_of_another_site_writes_anything(served: Served) -> None:
    plain = {"content-type": "text/plain"}
    for method, path in writes(create_app(served.daemon)):
        heads = {
            "foreign origin": {"origin": FOREIGN},
            "sandboxed page": {"origin": "null"},
            "foreign page": {"sec-fetch-site": "cross-site"},
            "foreign name": {"host": "evil.example.org"},
            "by a proxy": {"x-forwarded-for": "10.0.0.6"},
        }
        tries = {why: await served.client.request(method, path, json={}, headers=sent) for why, sent in heads.items()}
        if path != REPLIES and not path.startswith(PUSH):
            tries["simple form"] = await served.client.request(method, path, data=FORM)
            tries["simple text"] = await served.client.request(method, path, content="{}", headers=plain)
        answers = {name: answer.status_code for name, answer in tries.items()}
        assert set(answers.values()) <= {403, 415}, (method, path, answers)


def said(guarded: Guarded) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(guarded.daemon.estate.file.with_name("proof.db"))) as database:
        return {table: database.execute(f"SELECT * FROM {table}").fetchall() for table in SAID}


@pytest.mark.usefixtures("no_printer")
async def test_no_look_changes_anything(guarded: Guarded) -> None:
    identity, operator = await guarded.incident(), await guarded.signed_in("oncall")
    bearer = {"authorization": "Bearer oncall-token"}
    asked = {"do": "ack", "node": "archive", "check": "tcp", "for": "2h", "why": "looking", "all": "true"}
    names = {"node": "archive", "check": "tcp", "incident": identity, "period": "2026-Q1", "revision": "1"}
    before, plans = said(guarded), guarded.daemon.desk.plans
    for methods, template in routes(create_app(guarded.daemon)):
        if "GET" not in methods:
            continue
        path = re.sub(r"\{(\w+)[^}]*\}", lambda found: names.get(found[1], "x"), template)
        answer = await operator.get(path, params=asked, headers=bearer if path.startswith(API) else {}, timeout=60)
        assert answer.status_code in (200, 303, 307, 404, 422), path
    (incident,) = guarded.daemon.desk.open_incidents()
    assert (incident.id, incident.acknowledgement, plans.windows(), plans.pauses()) == (identity, None, [], [])
    assert said(guarded) == before
