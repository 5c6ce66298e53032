from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pacs_monitor.model import Node, Phase, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.http import HttpProbeSettings
from tests.peers.authority import Authority
from tests.peers.pages import Page, web
from tests.peers.ports import free_port
from tests.peers.scripted import hang, scripted
from tests.peers.tls import context_of
from tests.probes.support import Arranged, Peers
from tests.support.probing import ask

HTTP = kinds()["http"]
VIEWER = Node("viewer")


def at(url: str, **more: object) -> Arranged:
    return VIEWER, HttpProbeSettings(url=url, **more)


@asynccontextmanager
async def working(_folder: Path) -> AsyncIterator[Arranged]:
    with web({"/": Page(200, b"Sign in")}) as peer:
        yield at(peer.url, contains="Sign in")


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield at(f"http://127.0.0.1:{free_port()}")


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with scripted(hang) as peer:
        yield at(f"http://127.0.0.1:{peer.port}")


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    authority = Authority(folder)
    with web({"/": Page()}, context_of(authority.certificate(days=10))) as peer:
        yield at(peer.url, tls={"ca": authority.ca})


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    with web({"/": Page(401)}) as peer:
        yield at(peer.url, username="monitor", password="wrong")


PEERS = Peers(working, refusing, hanging, warning, blind)


async def test_a_page_is_ok_and_its_status_and_length_are_measured() -> None:
    with web({"/login?x=1": Page(200, b"Sign in")}) as peer:
        outcome = await ask(HTTP, *at(peer.url, path="/login?x=1", matches="^Sign"))
    assert outcome.status is Status.OK
    assert {m.name: m.value for m in outcome.measurements} == {"http_status": 200, "http_answer_bytes": 7}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"contains": "Welcome"}, Reason.BAD_CONTENT),
        ({"matches": "^in"}, Reason.BAD_CONTENT),
        ({"lacks": "DOE"}, Reason.BAD_CONTENT),
        ({"size_limit": 3}, Reason.BAD_CONTENT),
        ({"status": "204"}, Reason.HTTP_STATUS),
        ({"path": "/gone"}, Reason.HTTP_STATUS),
    ],
)
async def test_what_is_not_as_it_should_be_fails_and_is_not_repeated(settings: dict[str, Any], reason: Reason) -> None:
    with web({"/": Page(200, b"Sign in DOE^JOHN")}) as peer:
        outcome = await ask(HTTP, *at(peer.url, **settings))
    assert (outcome.status, outcome.reason, outcome.phase) == (Status.FAIL, reason, Phase.OPERATION)
    assert "JOHN" not in outcome.detail


async def test_a_server_error_is_http_status() -> None:
    with web({"/": Page(503)}) as peer:
        outcome = await ask(HTTP, *at(peer.url))
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.HTTP_STATUS)
    assert "503 Service Unavailable" in outcome.detail


async def test_a_wrong_account_is_our_fault_unless_the_login_page_is_what_we_want() -> None:
    with web({"/": Page(401)}) as peer:
        refused = await ask(HTTP, *at(peer.url, username="monitor", password="wrong"))
        wanted = await ask(HTTP, *at(peer.url, status=["401"]))
    assert (refused.status, refused.reason) == (Status.UNKNOWN, Reason.AUTH)
    assert wanted.status is Status.OK


async def test_a_slow_answer_is_a_warning() -> None:
    with web({"/": Page()}) as peer:
        outcome = await ask(HTTP, *at(peer.url, slow=1e-9))
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.SLOW)


async def test_redirects_are_followed_and_credentials_stay_at_home() -> None:
    with web({"/": Page(200, b"viewer")}) as elsewhere:
        pages = {
            "/": Page(302, headers={"Location": "/app"}),
            "/app": Page(307, headers={"Location": f"{elsewhere.url}/"}),
        }
        with web(pages) as home:
            settings = {"username": "monitor", "password": "secret", "headers": {"X-Key": "secret"}}
            outcome = await ask(HTTP, *at(home.url, contains="viewer", **settings))
    assert outcome.status is Status.OK
    assert [("authorization" in r.headers, "x-key" in r.headers) for r in home.requests] == [(True, True)] * 2
    assert [("authorization" in r.headers, "x-key" in r.headers) for r in elsewhere.requests] == [(False, False)]


async def test_redirects_that_go_round_end() -> None:
    with web({"/": Page(302, headers={"Location": "/"})}) as peer:
        outcome = await ask(HTTP, *at(peer.url, redirects=3))
    assert outcome.reason is Reason.HTTP_STATUS
    assert len(peer.requests) == 4


@pytest.mark.parametrize("to", ["ftp://example.org/", "http://me:secret@example.org/", "http://x:99999/"])
async def test_a_redirect_that_is_no_web_address_is_bad_content(to: str) -> None:
    with web({"/": Page(302, headers={"Location": to})}) as peer:
        outcome = await ask(HTTP, *at(peer.url))
    assert outcome.reason is Reason.BAD_CONTENT
    assert "secret" not in outcome.detail


@pytest.mark.parametrize(
    "to", ["http://s3cret-token.invalid/", "https://127.0.0.1:1/", "https://s3cret-token.invalid/"]
)
async def test_the_host_that_a_redirect_names_is_not_repeated(to: str) -> None:
    with web({"/": Page(302, headers={"Location": to})}) as peer:
        outcome = await ask(HTTP, *at(peer.url))
        refused = await ask(HTTP, *at(peer.url, redirects=0))
    assert outcome.reason in (Reason.DNS, Reason.TCP_REFUSED)
    assert outcome.detail.startswith("it redirects to another host, which could not be reached")
    for said in (outcome.detail, refused.detail):
        assert "s3cret" not in said
        assert ":1" not in said


async def test_a_redirect_from_https_to_http_is_bad_content(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = context_of(authority.certificate())
    with web({"/": Page(302, headers={"Location": "http://127.0.0.1:1/"})}, context) as peer:
        outcome = await ask(HTTP, *at(peer.url, tls={"ca": authority.ca}))
    assert outcome.reason is Reason.BAD_CONTENT
    assert "from https to http" in outcome.detail


async def test_a_certificate_that_soon_ends_is_a_warning_and_dated(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.certificate(days=10)
    with web({"/": Page()}, context_of(pair)) as peer:
        near = await ask(HTTP, *at(peer.url, tls={"ca": authority.ca}))
        far = await ask(HTTP, *at(peer.url, tls={"ca": authority.ca}, certificate=86400.0))
        untrusted = await ask(HTTP, *at(peer.url))
    assert (near.status, near.reason) == (Status.WARN, Reason.CERTIFICATE_EXPIRING)
    assert far.status is Status.OK
    assert (untrusted.status, untrusted.reason) == (Status.UNKNOWN, Reason.TLS_UNTRUSTED)
    assert "tls_certificate_expiry_timestamp_seconds" in {m.name for m in near.measurements}


@pytest.mark.parametrize("wrong", [{"status": "ok"}, {"matches": "("}, {"path": "login"}, {"method": "POST"}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        at("http://example.org", **wrong)
