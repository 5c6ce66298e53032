"""When a certificate expires, trusted or not; files of ours that change; whose certificate is refused."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from pacs_monitor.model import SECOND, Address, Measurement, Outcome, Phase, Reason, Status, Tls
from pacs_monitor.net import EXPIRY, NetFailure, Resolver, Trace, connect, refusal, refuses_us, warn_before_expiry
from pacs_monitor.net.tls import client_context
from tests.peers.authority import Authority, Pair
from tests.peers.tls import context_of, tls_server
from tests.support.timing import SOON

DAY = 86400


class Seen:
    """What became of one attempt: the failure or loss, and the expiry that was noted."""

    def __init__(self) -> None:
        self.trace = Trace()
        self.failure: NetFailure | None = None
        self.loss: BaseException | None = None

    @property
    def reason(self) -> Reason | None:
        return self.failure.reason if self.failure else None

    @property
    def expiry(self) -> float | None:
        return next((m.value for m in self.trace.measurements.values() if m.name == EXPIRY.name), None)


def server(
    shows: Pair, trusts: str | None = None, version: ssl.TLSVersion | None = None
) -> AbstractContextManager[int]:
    return tls_server(context_of(shows, trusts, version))


async def attempt(port: int, tls: Tls) -> Seen:
    seen, reader = Seen(), asyncio.StreamReader()
    try:
        transport, _ = await connect(
            lambda: asyncio.StreamReaderProtocol(reader),
            Address("127.0.0.1", port),
            resolver=Resolver(),
            deadline=time.monotonic() + SOON,
            trace=seen.trace,
            tls=tls,
        )
    except NetFailure as failure:
        seen.failure = failure
        return seen
    try:
        assert await reader.readexactly(1) == b"!"
    except (OSError, asyncio.IncompleteReadError) as loss:
        seen.loss = loss
    transport.close()
    return seen


async def test_a_trusted_certificate_is_dated(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.certificate(days=30)
    with server(pair) as port:
        seen = await attempt(port, Tls(ca=authority.ca))
    assert (seen.reason, seen.expiry) == (None, pair.expiry)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("names", "days", "since", "trusted", "reason", "says"),
    [
        ((), -3, -365, True, Reason.TLS_EXPIRED, "has expired; it is valid until "),
        ((), 20, -365, False, Reason.TLS_UNTRUSTED, "is not signed by a CA trusted here; it is valid until "),
        (
            ("pacs.example.org",),
            20,
            -365,
            True,
            Reason.TLS_HOSTNAME,
            "is not issued for the name 127.0.0.1; it is valid until ",
        ),
        ((), 20, 2, True, Reason.TLS_UNTRUSTED, "is not valid yet"),
    ],
    ids=["expired", "untrusted", "wrong name", "not yet"],
)
async def test_a_certificate_that_is_refused_is_dated_too(
    tmp_path: Path,
    version: ssl.TLSVersion,
    names: tuple[str, ...],
    days: int,
    since: int,
    trusted: bool,
    reason: Reason,
    says: str,
) -> None:
    authority = Authority(tmp_path)
    pair = authority.certificate(*names, days=days, since=since)
    with server(pair, version=version) as port:
        seen = await attempt(port, Tls(ca=authority.ca if trusted else None))
    assert (seen.reason, seen.expiry) == (reason, pair.expiry)
    assert seen.failure is not None
    assert seen.failure.phase is Phase.TLS
    assert says in seen.failure.detail
    assert time.strftime("%Y-%m-%d", time.gmtime(pair.expiry)) in seen.failure.detail


async def test_a_peer_that_also_wants_ours_before_tls_1_3_is_dated_when_untrusted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair, ours = authority.certificate(), authority.certificate("PACSMON", file="us")
    with server(pair, trusts=authority.ca, version=ssl.TLSVersion.TLSv1_2) as port:
        seen = await attempt(port, Tls(cert=ours.cert, key=ours.key))
    assert (seen.reason, seen.expiry) == (Reason.TLS_UNTRUSTED, pair.expiry)


async def test_a_client_certificate_that_is_trusted_is_let_in(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    ours = authority.certificate("PACSMON", file="us")
    with server(authority.certificate(), trusts=authority.ca) as port:
        seen = await attempt(port, Tls(authority.ca, ours.cert, ours.key))
    assert (seen.reason, seen.loss) == (None, None)


@pytest.mark.parametrize("days", [30, -3], ids=["stranger", "expired"])
async def test_before_tls_1_3_a_client_certificate_that_is_refused_is_auth(tmp_path: Path, days: int) -> None:
    authority = Authority(tmp_path)
    signer = authority if days < 0 else Authority(tmp_path, "Another CA")
    ours = signer.certificate("PACSMON", days=days, file="us")
    with server(authority.certificate(), trusts=authority.ca, version=ssl.TLSVersion.TLSv1_2) as port:
        seen = await attempt(port, Tls(authority.ca, ours.cert, ours.key))
    assert seen.reason is Reason.AUTH
    assert seen.failure is not None
    assert "rejects our TLS certificate" in seen.failure.detail


@pytest.mark.parametrize("shown", [True, False], ids=["stranger", "none"])
async def test_in_tls_1_3_a_refused_client_certificate_is_told_after_the_handshake(tmp_path: Path, shown: bool) -> None:
    authority = Authority(tmp_path)
    ours = Authority(tmp_path, "Another CA").certificate("PACSMON", file="us")
    tls = Tls(authority.ca, ours.cert, ours.key) if shown else Tls(authority.ca)
    with server(authority.certificate(), trusts=authority.ca) as port:
        seen = await attempt(port, tls)
    assert refuses_us(seen.loss)
    assert refusal("PACS").reason is Reason.AUTH


async def test_no_client_certificate_before_tls_1_3_is_told_from_a_peer_without_tls_in_words_only(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    with server(authority.certificate(), trusts=authority.ca, version=ssl.TLSVersion.TLSv1_2) as port:
        seen = await attempt(port, Tls(authority.ca))
    assert seen.reason is Reason.TLS_NOT_OFFERED
    assert seen.failure is not None
    assert "requires a client certificate" in seen.failure.detail


async def test_a_certificate_file_that_is_renewed_counts_from_the_next_connection_on(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    ours = Authority(tmp_path, "Another CA").certificate("PACSMON", file="us")
    tls = Tls(authority.ca, ours.cert, ours.key)
    with server(authority.certificate(), trusts=authority.ca) as port:
        before = await attempt(port, tls)
        renewed = authority.certificate("PACSMON", file="renewed")
        shutil.move(renewed.cert, ours.cert)
        shutil.move(renewed.key, ours.key)
        after = await attempt(port, tls)
    assert (refuses_us(before.loss), after.loss) == (True, None)


def test_contexts_are_kept_while_nothing_changes(tmp_path: Path) -> None:
    tls = Tls(Authority(tmp_path).ca)
    assert client_context(tls) is client_context(tls)


@pytest.mark.parametrize(
    ("content", "says"), [("no PEM", "are not PEM"), ("", "are not PEM"), (None, "cannot be read")]
)
def test_files_that_cannot_be_used_are_not_configured(tmp_path: Path, content: str | None, says: str) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(NetFailure) as caught:
        client_context(Tls(str(file)))
    assert caught.value.reason is Reason.NOT_CONFIGURED
    assert says in caught.value.detail


def test_a_key_that_is_not_the_certificates_is_not_configured(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, other = authority.certificate(file="one"), authority.certificate(file="other")
    with pytest.raises(NetFailure, match="do not match each other") as caught:
        client_context(Tls(authority.ca, one.cert, other.key))
    assert caught.value.reason is Reason.NOT_CONFIGURED


@pytest.mark.parametrize(("left", "status"), [(13 * DAY, Status.WARN), (15 * DAY, Status.OK)])
def test_a_certificate_that_ends_soon_is_a_warning(left: int, status: Status) -> None:
    now = 1_700_000_000
    outcome = Outcome(Status.OK, measurements=(Measurement(EXPIRY.name, now + left),))
    minded = warn_before_expiry(outcome, 14 * DAY, now * SECOND)
    assert minded.status is status
    if status is Status.WARN:
        assert (minded.reason, minded.phase) == (Reason.CERTIFICATE_EXPIRING, Phase.TLS)
        assert minded.detail == "the TLS certificate expires in 13 d: it is valid until 2023-11-27"


def test_a_failure_is_not_made_a_warning_about_its_certificate() -> None:
    outcome = Outcome.of(Reason.TLS_EXPIRED, phase=Phase.TLS, measurements=(Measurement(EXPIRY.name, 0),))
    assert warn_before_expiry(outcome, 14 * DAY, SECOND) is outcome
