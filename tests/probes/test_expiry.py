from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pacs_monitor.model import Node, Outcome, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.expiry import ExpirySettings, _first_end
from tests.peers.authority import Authority
from tests.peers.user import unprivileged
from tests.probes.support import Arranged, Peers
from tests.support.clock import StoppedClock
from tests.support.probing import ask

EXPIRY = kinds()["expiry"]
TODAY = datetime.now(UTC).date()


def ending(day: date, **more: object) -> Arranged:
    return Node("viewer"), ExpirySettings(date=day, what="viewer licence", **more)


def by_certificate(file: Path, **more: object) -> Arranged:
    return Node("ct"), ExpirySettings(cert=str(file), what="the certificate of CT 1", **more)


@asynccontextmanager
async def working(_folder: Path) -> AsyncIterator[Arranged]:
    yield ending(TODAY + timedelta(days=100))


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield ending(TODAY - timedelta(days=2))


@asynccontextmanager
async def warning(_folder: Path) -> AsyncIterator[Arranged]:
    yield ending(TODAY + timedelta(days=20))


@asynccontextmanager
async def blind(folder: Path) -> AsyncIterator[Arranged]:
    yield by_certificate(folder / "gone.pem")


PEERS = Peers(working, refusing, refusing, warning, blind)


async def asked(moment: datetime, zone: str = "UTC", **more: object) -> Outcome:
    return await ask(EXPIRY, *ending(date(2027, 3, 31), **more), clock=StoppedClock(moment), zone=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("moment", "status", "words"),
    [
        (datetime(2027, 1, 30, 23, 0, tzinfo=UTC), Status.OK, ""),
        (datetime(2027, 1, 31, 1, 0, tzinfo=UTC), Status.WARN, "expires on 2027-03-31, in 59 days"),
        (datetime(2027, 3, 30, 23, 0, tzinfo=UTC), Status.WARN, "expires on 2027-03-31, in 1 day"),
        (datetime(2027, 3, 31, 23, 59, tzinfo=UTC), Status.WARN, "expires on 2027-03-31, today"),
        (datetime(2027, 4, 1, 0, 1, tzinfo=UTC), Status.FAIL, "expired on 2027-03-31"),
        (datetime(2027, 4, 3, 0, 1, tzinfo=UTC), Status.FAIL, "expired on 2027-03-31, 2 days ago"),
    ],
)
async def test_it_warns_in_time_and_holds_to_the_end_of_its_last_day(
    moment: datetime, status: Status, words: str
) -> None:
    outcome = await asked(moment)
    assert outcome.status is status
    assert outcome.detail == (f"viewer licence {words}" if words else "")
    assert outcome.reason is (None if status is Status.OK else Reason.EXPIRING)
    assert outcome.measurements[0].value == datetime(2027, 4, 1, tzinfo=UTC).timestamp()


async def test_the_day_ends_where_the_monitor_stands() -> None:
    moment = datetime(2027, 3, 31, 22, 30, tzinfo=UTC)
    assert (await asked(moment)).status is Status.WARN
    assert (await asked(moment, "Europe/Berlin")).status is Status.FAIL


async def test_it_may_fail_before_the_date() -> None:
    assert (await asked(datetime(2027, 3, 30, tzinfo=UTC), fail=7 * 86400)).status is Status.FAIL


async def test_a_certificate_ends_at_its_minute_and_is_read_in_either_form(tmp_path: Path) -> None:
    pair = Authority(tmp_path).certificate(days=20)
    der = tmp_path / "ct.der"
    der.write_bytes(ssl.PEM_cert_to_DER_cert(Path(pair.cert).read_text()))
    ends = f"expires on {datetime.fromtimestamp(pair.expiry, UTC):%Y-%m-%d}, in 19 days"
    for file in (Path(pair.cert), der):
        outcome = await ask(EXPIRY, *by_certificate(file))
        assert (outcome.status, outcome.reason) == (Status.WARN, Reason.EXPIRING)
        assert outcome.detail == f"the certificate of CT 1 {ends}"
        assert [m.value for m in outcome.measurements] == [pair.expiry]


@pytest.mark.parametrize(("days", "status"), [(100, Status.OK), (-3, Status.FAIL)])
async def test_the_certificate_of_a_chain_that_ends_first_counts(tmp_path: Path, days: int, status: Status) -> None:
    authority = Authority(tmp_path)
    chain = tmp_path / "chain.pem"
    chain.write_bytes(Path(authority.ca).read_bytes() + Path(authority.certificate(days=days).cert).read_bytes())
    assert (await ask(EXPIRY, *by_certificate(chain))).status is status


async def test_a_certificate_that_cannot_be_had_is_our_blindness(tmp_path: Path) -> None:
    secret = tmp_path / "secret.pem"
    secret.touch(mode=0)
    empty = tmp_path / "empty.pem"
    empty.touch()
    key = Authority(tmp_path).certificate().key
    with unprivileged():
        outcomes = [await ask(EXPIRY, *by_certificate(secret))]
    outcomes += [await ask(EXPIRY, *by_certificate(Path(file))) for file in (tmp_path / "gone", empty, key, tmp_path)]
    assert {(outcome.status, outcome.reason) for outcome in outcomes} == {(Status.UNKNOWN, Reason.NOT_CONFIGURED)}
    assert [outcome.detail for outcome in outcomes] == [
        "the certificate cannot be read: Permission denied",
        "the certificate cannot be read: No such file or directory",
        "the file contains no certificate in PEM or DER",
        "the file contains no certificate in PEM or DER",
        "the certificate cannot be read: Is a directory",
    ]


@given(st.binary(max_size=200), st.booleans())
def test_whatever_a_file_holds_is_a_certificate_or_none(data: bytes, pem: bool) -> None:
    armour = (b"-----BEGIN CERTIFICATE-----\n", b"\n-----END CERTIFICATE-----\n") if pem else (b"", b"")
    with pytest.raises(ValueError):
        _first_end(armour[0] + base64.b64encode(data) + armour[1] if pem else data)


@pytest.mark.parametrize("settings", [{}, {"date": "2027-03-31", "cert": "ct1.pem"}])
def test_what_has_no_end_or_two_is_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="give either date or cert"):
        ExpirySettings(**settings)
