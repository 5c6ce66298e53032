"""The client against a server that answers as told: pages, refusals, silence, and what is no daemon."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pacs_monitor.client import Client, ForbiddenError, MissingError, MisuseError, NoDaemonError, RefusedError
from tests.peers.ports import free_port
from tests.support.timing import HANGS, SOON

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Server:
    """What it was asked, and what it answers next."""

    url: str = ""
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    instead: Callable[[Any], None] | None = None
    """What it does and does not answer."""

    def will(self, status: int, body: Any, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, {key.replace("_", "-"): value for key, value in headers.items()}, content))


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            super().handle_one_request()
            self.close_connection = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            server.asked.append((self.command, self.path, dict(self.headers), json.loads(body) if body else None))
            if server.instead is not None:
                server.instead(self)
                return
            status, headers, content = server.answers.pop(0)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        server.url = f"http://127.0.0.1:{listening.server_port}"
        yield server
        listening.shutdown()
        thread.join()


@pytest.fixture
def server(running: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.delenv("PACS_MONITOR_TOKEN", raising=False)
    running.asked.clear()
    running.answers.clear()
    running.instead = None
    return running


def test_words_are_sent_as_the_api_has_them_and_what_was_not_said_is_left_out(server: Server) -> None:
    server.will(200, {"recorded": True})
    Client(server.url + "/").acknowledge("01K", for_="2h", why="vendor called")
    server.will(201, {"recorded": True})
    Client(server.url).plan(match={"node": "archive"}, for_="2h", probing="read_only")

    (method, path, _, body), (_, _, _, planned) = server.asked
    assert (method, path, body) == ("POST", "/api/v1/incidents/01K/ack", {"for": "2h", "why": "vendor called"})
    assert planned == {"match": {"node": "archive"}, "for": "2h", "probing": "read_only"}


def test_names_are_one_part_of_the_address_whatever_they_contain(server: Server) -> None:
    server.will(200, {})
    Client(server.url).check("a/b", "c?d")

    assert server.asked[0][1] == "/api/v1/checks/a%2Fb/c%3Fd"


def test_the_token_comes_from_the_argument_or_the_environment_and_not_from_netrc(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for token in ("given", None):
        server.will(200, {})
        monkeypatch.setenv("PACS_MONITOR_TOKEN", "of the environment")
        Client(server.url, token).status()

    assert [headers["Authorization"] for _, _, headers, _ in server.asked] == [
        "Bearer given",
        "Bearer of the environment",
    ]


def test_a_long_list_is_read_page_by_page_as_far_as_it_is_wanted(server: Server) -> None:
    for rows, query in (([{"id": "3"}, {"id": "2"}], "limit=2&before=2"), ([{"id": "1"}, {"id": "0"}], "before=0")):
        server.will(200, rows, Link=f'<?{query}>; rel="next"')
    found = Client(server.url).incidents(open_only=True, limit=3)

    assert [row["id"] for row in found] == ["3", "2", "1"]
    assert [path for _, path, _, _ in server.asked] == [
        "/api/v1/incidents?open=true&limit=3",
        "/api/v1/incidents?limit=2&before=2",
    ]


def test_without_a_limit_all_pages_are_read_to_the_last(server: Server) -> None:
    server.will(200, [{"id": "1"}], Link='<?before=1>; rel="next"')
    server.will(200, [])

    assert [row["id"] for row in Client(server.url).audit(limit=None)] == ["1"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, ForbiddenError), (403, ForbiddenError), (404, MissingError), (422, MisuseError), (409, RefusedError)],
)
def test_a_refusal_says_what_the_daemon_said(server: Server, status: int, kind: type[RefusedError]) -> None:
    server.will(status, {"detail": ["for: 'x' is not a duration", "why: is missing"]})
    with pytest.raises(kind, match=r"for: 'x' is not a duration\nwhy: is missing") as refused:
        Client(server.url).reload()

    assert (refused.value.status, len(refused.value.sentences), refused.value.retry_after) == (status, 2, None)


def test_when_to_try_again_is_told(server: Server) -> None:
    server.will(429, {"detail": "another report is being made"}, Retry_After="5")
    with pytest.raises(RefusedError) as refused:
        Client(server.url).report("2026-Q3", "html")

    assert refused.value.retry_after == 5.0


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff", b"[" * 100_000])
def test_what_is_no_daemon_is_told(server: Server, body: bytes) -> None:
    server.will(200, body)
    with pytest.raises(NoDaemonError, match="wrong address"):
        Client(server.url).status()


def test_a_redirect_is_not_followed_with_the_token(server: Server) -> None:
    server.will(302, b"", Location=f"{server.url}/elsewhere")
    with pytest.raises(NoDaemonError, match="wrong address"):
        Client(server.url, "secret").status()

    assert len(server.asked) == 1


def test_where_nobody_answers_the_fix_is_to_start_the_daemon() -> None:
    with pytest.raises(NoDaemonError, match="start the daemon with: pacs-monitor run"):
        Client(f"http://127.0.0.1:{free_port()}").status()


def test_a_server_that_trickles_its_answer_is_given_up_in_time(server: Server) -> None:
    def trickle(handler: Any) -> None:
        end = time.monotonic() + SOON
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while time.monotonic() < end:
            try:
                handler.wfile.write(b"x")
            except OSError:
                return
            threading.Event().wait(HANGS / 20)

    server.instead = trickle
    began = time.monotonic()
    with pytest.raises(NoDaemonError, match="did not answer"):
        Client(server.url, timeout=HANGS).status()

    assert time.monotonic() - began < SOON


def test_a_token_that_cannot_be_sent_is_told_and_not_repeated(server: Server) -> None:
    with pytest.raises(NoDaemonError) as told:
        Client(server.url, "two\nlines").status()

    assert "header" in str(told.value)
    assert "lines" not in str(told.value).replace("one line", "")
