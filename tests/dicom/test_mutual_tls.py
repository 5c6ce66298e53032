"""DICOM over TLS with certificates on both sides, against real servers: each way in which it fails has its reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pacs_monitor.dicom import Target
from pacs_monitor.model import Address, Phase, Reason, Status, Tls
from pacs_monitor.net import EXPIRY, NetFailure, Trace
from tests.dicom.support import echo_at
from tests.peers.authority import Authority, Pair
from tests.peers.dcmtk import Storescp
from tests.peers.orthanc import Orthanc
from tests.support.timing import HANGS, SOON

Secured = Storescp | Orthanc
Start = Callable[[Path, Authority, Pair], Secured]


def storescp(folder: Path, authority: Authority, shows: Pair) -> Storescp:
    return Storescp(folder, "+tls", shows.key, shows.cert, "+cf", authority.ca, ae_title="PEER")


def orthanc(folder: Path, authority: Authority, shows: Pair) -> Orthanc:
    return Orthanc(
        folder,
        ae_title="PEER",
        DicomTlsEnabled=True,
        DicomTlsCertificate=shows.cert,
        DicomTlsPrivateKey=shows.key,
        DicomTlsTrustedCertificates=authority.ca,
        DicomTlsRemoteCertificateRequired=True,
    )


class Peers:
    """Servers of one kind, by what they show; all trust the certificates of one authority."""

    def __init__(self, folder: Path, start: Start) -> None:
        self._folder, self._start = folder, start
        self._running: dict[str, Secured] = {}
        self.authority = Authority(folder)
        self.ours = self.authority.certificate("PACSMON", file="ours")
        self.shown: dict[str, Pair] = {
            "good": self.authority.certificate(file="good"),
            "expired": self.authority.certificate(days=-3, file="expired"),
            "another name": self.authority.certificate("pacs.example.org", file="other"),
        }

    def that_shows(self, what: str) -> Secured:
        if what not in self._running:
            folder = self._folder / what
            folder.mkdir()
            self._running[what] = self._start(folder, self.authority, self.shown[what])
        return self._running[what]

    def tls(self, **instead: str | None) -> Tls:
        return Tls(**({"ca": self.authority.ca, "cert": self.ours.cert, "key": self.ours.key} | instead))

    def showing(self, pair: Pair) -> Tls:
        return self.tls(cert=pair.cert, key=pair.key)

    def end(self) -> None:
        for peer in self._running.values():
            peer.kill()


@pytest.fixture(scope="module", params=[storescp, orthanc], ids=["storescp", "orthanc"])
def peers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    made = Peers(tmp_path_factory.mktemp("peers"), request.param)
    yield made
    made.end()


def target(peer: Secured, tls: Tls | None, host: str = "localhost") -> Target:
    return Target(Address(host, peer.port), "PEER", "PACSMON", tls)


async def failure_of(to: Target, timeout: float = SOON) -> NetFailure:
    with pytest.raises(NetFailure) as caught:
        await echo_at(to, timeout=timeout)
    return caught.value


async def closed(to: Secured) -> None:
    """Both sides have said close_notify (RFC 8446 6.1), so that the test's loop leaves no transport behind."""
    async with asyncio.timeout(SOON):
        while any(getattr(one.raddr, "port", None) == to.port for one in psutil.Process().net_connections("tcp")):
            await asyncio.sleep(0.01)


def expiry_in(trace: Trace) -> float | None:
    return next((found.value for found in trace.measurements.values() if found.name == EXPIRY.name), None)


async def test_both_trusted_is_fine_and_dated(peers: Peers) -> None:
    peer = peers.that_shows("good")
    association = await echo_at(target(peer, peers.tls()), timeout=SOON)
    await closed(peer)
    assert association.trace.flags == []
    assert list(association.trace.phases) == list(Phase)
    assert expiry_in(association.trace) == peers.shown["good"].expiry


@pytest.mark.parametrize(
    ("shown", "trusted", "reason", "status"),
    [
        ("good", False, Reason.TLS_UNTRUSTED, Status.UNKNOWN),
        ("expired", True, Reason.TLS_EXPIRED, Status.FAIL),
        ("another name", True, Reason.TLS_HOSTNAME, Status.FAIL),
    ],
)
async def test_a_certificate_that_fails_has_its_reason_and_date(
    peers: Peers, shown: str, trusted: bool, reason: Reason, status: Status
) -> None:
    failure = await failure_of(target(peers.that_shows(shown), peers.tls() if trusted else peers.tls(ca=None)))
    assert (failure.reason, failure.phase, failure.outcome().status) == (reason, Phase.TLS, status)
    assert expiry_in(failure.trace) == peers.shown[shown].expiry


async def test_a_silent_handshake_is_tls_timeout(peers: Peers) -> None:
    peer = peers.that_shows("good")
    peer.freeze()
    failure = await failure_of(target(peer, peers.tls()), timeout=HANGS)
    peer.thaw()
    assert (failure.reason, failure.phase) == (Reason.TLS_TIMEOUT, Phase.TLS)


async def test_plain_dicom_on_a_tls_port_is_closed_before_accept(peers: Peers) -> None:
    failure = await failure_of(target(peers.that_shows("good"), None))
    assert (failure.reason, failure.phase) == (Reason.CLOSED_BEFORE_ACCEPT, Phase.ASSOCIATE)
    assert "tls" in failure.detail.lower()


@pytest.mark.parametrize("plain", [Storescp, Orthanc])
async def test_tls_on_a_plain_port_is_tls_not_offered(tmp_path: Path, plain: type[Storescp] | type[Orthanc]) -> None:
    with plain(tmp_path, ae_title="PEER") as peer:
        failure = await failure_of(target(peer, Tls()))
    assert (failure.reason, failure.phase) == (Reason.TLS_NOT_OFFERED, Phase.TLS)


@pytest.mark.parametrize("shown", ["none", "stranger's", "expired"])
async def test_our_certificate_refused_is_ours_to_mend(tmp_path: Path, peers: Peers, shown: str) -> None:
    tls = peers.tls(cert=None, key=None)
    if shown == "expired":
        tls = peers.showing(peers.authority.certificate("PACSMON", days=-3, file="late"))
    elif shown == "stranger's":
        tls = peers.showing(Authority(tmp_path, "Another CA").certificate("PACSMON"))
    failure = await failure_of(target(peers.that_shows("good"), tls))
    assert (failure.reason, failure.outcome().status) == (Reason.AUTH, Status.UNKNOWN)


@pytest.mark.parametrize(
    ("clock", "shown", "reason"),
    [("+60d", "good", Reason.AUTH), ("-10d", "expired", Reason.TLS_EXPIRED)],
    ids=["ahead: our certificate has ended for it", "behind: its own has not ended for it"],
)
async def test_each_side_judges_by_its_own_clock(tmp_path: Path, clock: str, shown: str, reason: Reason) -> None:
    authority = Authority(tmp_path)
    ours = authority.certificate("PACSMON", file="ours")
    theirs = authority.certificate(days=30 if shown == "good" else -3)
    tls = Tls(ca=authority.ca, cert=ours.cert, key=ours.key)
    options = ("+tls", theirs.key, theirs.cert, "+cf", authority.ca)
    with Storescp(tmp_path, *options, ae_title="PEER", clock=clock) as peer:
        failure = await failure_of(target(peer, tls))
    assert failure.reason is reason
    assert expiry_in(failure.trace) == theirs.expiry
