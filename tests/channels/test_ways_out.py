"""How a channel leaves the house, and whom it trusts: `proxy` and `ca`, else the environment, else the system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError

from pacs_monitor.channels.webhook import Webhook, WebhookSettings
from pacs_monitor.model import DeliveryError, Failure
from tests.channels import samples
from tests.channels.contract import Receiving, answering, receiver
from tests.peers.authority import Authority
from tests.peers.ports import Program, free_port, program
from tests.peers.stunnel import Stunnel
from tests.support.timing import SOON


@contextmanager
def tinyproxy(folder: Path) -> Iterator[str]:
    port, file = free_port(), folder / "tinyproxy.conf"
    file.write_text(f"Port {port}\nListen 127.0.0.1\nTimeout 10\nMaxClients 10\n")
    with Program([program("tinyproxy", "tinyproxy-bin"), "-d", "-c", str(file)], folder, port):
        yield f"http://127.0.0.1:{port}"


def deliver(url: str, **settings: str) -> str:
    made = WebhookSettings.model_validate({"url": url, **settings})
    return Webhook("hook", made).deliver(samples.notification(), SOON)


def failure_of(url: str, **settings: str) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        deliver(url, **settings)
    return raised.value


def came_by_proxy(at: Receiving) -> bool:
    return "via" in at.requests[-1].headers


def port_of(at: Receiving) -> int:
    return int(at.url.rpartition(":")[2])


def test_the_proxy_of_the_channel_goes_before_that_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    nobody = f"http://127.0.0.1:{free_port()}"
    with receiver(answering(200)) as at, tinyproxy(tmp_path) as proxy:
        deliver(at.url)
        assert not came_by_proxy(at)
        monkeypatch.setenv("http_proxy", nobody)
        deliver(at.url, proxy=proxy)
        assert came_by_proxy(at)
        monkeypatch.setenv("http_proxy", proxy)
        deliver(at.url)
        assert came_by_proxy(at)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        deliver(at.url)
        assert not came_by_proxy(at)


def test_a_proxy_that_is_away_is_named_and_nothing_has_arrived() -> None:
    error = failure_of("https://hooks.example.org/T0KEN", proxy=f"http://127.0.0.1:{free_port()}")
    assert (error.reason, error.failure, error.may_have_arrived) == ("proxy", Failure.TEMPORARY, False)
    assert "T0KEN" not in str(error)


def test_trust_is_the_channels_ca_else_the_environments_else_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = Authority(tmp_path), Authority(tmp_path, "Another CA")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    with receiver(answering(200)) as at, Stunnel(tmp_path, port_of(at), ours.certificate()) as tls:
        url = f"https://localhost:{tls.port}/"
        assert failure_of(url).reason == "tls_untrusted"
        assert deliver(url, ca=ours.ca) == "HTTP 200"
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", ours.ca)
        assert deliver(url) == "HTTP 200"
        assert failure_of(url, ca=other.ca).reason == "tls_untrusted"
        with tinyproxy(tmp_path) as proxy:
            assert deliver(url, ca=ours.ca, proxy=proxy) == "HTTP 200"


@pytest.mark.parametrize("proxy", ["https://proxy:3128", "http://me:secret@proxy:3128", "http://proxy:3128/path"])
def test_other_proxies_are_refused(proxy: str) -> None:
    with pytest.raises(ValidationError, match="write proxy as http://HOST:PORT, without an account"):
        WebhookSettings.model_validate({"url": "https://hooks.example.org", "proxy": proxy})
