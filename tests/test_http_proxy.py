"""HTTP through a real proxy: what is the node's fault, and what is the way out's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError

from pacs_monitor import http
from pacs_monitor.model import Phase, Reason, Tls
from pacs_monitor.net import EXPIRY, NetFailure, Trace
from tests.peers.authority import Authority
from tests.peers.ports import Program, free_port, program
from tests.peers.scripted import hang, scripted
from tests.peers.tls import context_of
from tests.peers.web import web_server
from tests.support.probing import Context
from tests.support.timing import HANGS


def greeting(_method: str, _path: str, _body: bytes) -> tuple[int, str, bytes]:
    return 200, "text/plain", b"hello"


CONFIGURATION = """Port {port}
Listen 127.0.0.1
Timeout 10
MaxClients 10
"""


@contextmanager
def tinyproxy(folder: Path, *lines: str) -> Iterator[str]:
    """A proxy on loopback, with these lines of configuration more; answers with its URL."""
    port, file = free_port(), folder / "tinyproxy.conf"
    file.write_text(CONFIGURATION.format(port=port) + "\n".join(lines))
    with Program([program("tinyproxy", "tinyproxy-bin"), "-d", "-c", str(file)], folder, port):
        yield f"http://127.0.0.1:{port}"


async def get(url: str, proxy: str, *, tls: Tls | None = None, timeout: float = 20.0) -> http.Response:
    access = http.Access("Bearer ours", tls, proxy)
    return await http.request("GET", url, Context(time.monotonic() + timeout), Trace(), access=access)


async def failure_of(url: str, proxy: str, timeout: float = 20.0) -> NetFailure:
    with pytest.raises(NetFailure) as caught:
        await get(url, proxy, timeout=timeout)
    return caught.value


async def test_a_tunnel_leads_to_a_service_whose_own_certificate_counts(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.certificate()
    async with web_server(greeting, context_of(pair)) as port:
        with tinyproxy(tmp_path) as proxy:
            answer = await get(f"https://localhost:{port}", proxy, tls=Tls(authority.ca))
    assert answer.body == b"hello"
    assert list(answer.trace.phases) == [Phase.RESOLVE, Phase.CONNECT, Phase.TLS, Phase.OPERATION]
    assert [found.value for found in answer.trace.measurements.values() if found.name == EXPIRY.name] == [pair.expiry]


async def test_a_stranger_behind_the_proxy_is_untrusted_and_gets_no_second_visit_around_it(tmp_path: Path) -> None:
    async with web_server(greeting, context_of(Authority(tmp_path).certificate())) as port:
        with tinyproxy(tmp_path) as proxy:
            failure = await failure_of(f"https://localhost:{port}", proxy)
    assert (failure.reason, failure.phase) == (Reason.TLS_UNTRUSTED, Phase.TLS)


async def test_plain_http_goes_through_the_proxy_too(tmp_path: Path) -> None:
    async with web_server(greeting) as port:
        with tinyproxy(tmp_path) as proxy:
            assert (await get(f"http://127.0.0.1:{port}", proxy)).body == b"hello"
        log = (tmp_path / "tinyproxy.log").read_text()
    assert f"127.0.0.1:{port}" in log


@pytest.mark.parametrize(
    ("lines", "reason", "says"),
    [
        ([], Reason.TCP_UNREACHABLE, "the proxy cannot connect to 127.0.0.1:"),
        (["BasicAuth somebody else"], Reason.AUTH, "the proxy requires an account for 127.0.0.1:"),
        (["ConnectPort 443"], Reason.NOT_CONFIGURED, "the proxy does not allow connections to 127.0.0.1:"),
    ],
)
async def test_what_a_proxy_refuses_is_named(tmp_path: Path, lines: list[str], reason: Reason, says: str) -> None:
    with tinyproxy(tmp_path, *lines) as proxy:
        failure = await failure_of(f"https://127.0.0.1:{free_port()}", proxy)
    assert (failure.reason, failure.phase) == (reason, Phase.CONNECT)
    assert says in failure.detail


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_off_says_nothing_of_the_node(scheme: str) -> None:
    proxy = f"http://127.0.0.1:{free_port()}"
    failure = await failure_of(f"{scheme}://pacs.example.org", proxy)
    assert (failure.reason, failure.phase) == (Reason.NOT_MEASURED, Phase.CONNECT)
    assert failure.detail.startswith("no request was sent, because the proxy failed: 127.0.0.1:")


async def test_a_tunnel_that_never_opens_is_no_connection_to_the_node() -> None:
    async with scripted(hang) as peer:
        failure = await failure_of("https://pacs.example.org", f"http://127.0.0.1:{peer.port}", timeout=HANGS)
    assert (failure.reason, failure.phase) == (Reason.TCP_TIMEOUT, Phase.CONNECT)


@pytest.mark.parametrize("proxy", ["https://proxy:3128", "http://me:secret@proxy:3128", "http://proxy:3128/path"])
def test_other_proxies_are_refused(proxy: str) -> None:
    with pytest.raises(ValidationError, match="write proxy as http://HOST:PORT, without an account"):
        http.HttpSettings(url="https://pacs.example.org", proxy=proxy)


def test_a_redirect_elsewhere_takes_the_same_way_and_no_credentials() -> None:
    settings = http.HttpSettings(url="https://pacs.example.org", token="t", proxy="http://proxy:3128")
    assert settings.access().elsewhere() == http.Access(proxy="http://proxy:3128")
