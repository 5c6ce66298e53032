"""fhir, against a server of the tests that answers by the specification (FHIR R4, CapabilityStatement)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.model import Change, Node, Outcome, Reason, Status
from pacs_monitor.net import Trace
from pacs_monitor.probes import kinds
from pacs_monitor.probes.fhir import FhirSettings, _judge, _software
from tests.peers.authority import Authority
from tests.peers.pages import Page, Request, web
from tests.peers.ports import free_port
from tests.peers.scripted import hang, scripted
from tests.peers.tls import context_of
from tests.probes.support import Arranged, Peers
from tests.support.probing import ask

FHIR = kinds()["fhir"]
STATEMENT: dict[str, Any] = {
    "resourceType": "CapabilityStatement",
    "status": "active",
    "kind": "instance",
    "software": {"name": "Archive", "version": "7.4.1"},
    "fhirVersion": "4.0.1",
    "rest": [{"mode": "server", "resource": [{"type": "ImagingStudy"}, {"type": "Patient"}]}],
}


def serving(statement: object = STATEMENT, status: int = 200) -> dict[str, Page]:
    return {"/fhir/metadata": Page(status, json.dumps(statement).encode())}


def at(port: int, scheme: str = "http", **more: object) -> tuple[Node, Any]:
    return Node("archive"), FhirSettings(url=f"{scheme}://127.0.0.1:{port}/fhir", **more)


@asynccontextmanager
async def working(_folder: Path) -> AsyncIterator[Arranged]:
    with web(serving()) as peer:
        yield at(peer.port, version="4.0", resources=["ImagingStudy"])


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield at(free_port())


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with scripted(hang) as peer:
        yield at(peer.port)


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    authority = Authority(folder)
    with web(serving(), context_of(authority.certificate(days=3))) as peer:
        yield at(peer.port, "https", tls={"ca": authority.ca})


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    with web(serving(status=401)) as peer:
        yield at(peer.port)


PEERS = Peers(working, refusing, hanging, warning, blind)


async def asked(pages: dict[str, Page], memory: dict[str, Any] | None = None, **settings: Any) -> Outcome:
    with web(pages) as peer:
        return await ask(FHIR, *at(peer.port, **settings), memory={} if memory is None else memory)


async def test_a_statement_with_all_that_is_wanted_is_ok() -> None:
    with web(serving()) as peer:
        outcome = await ask(FHIR, *at(peer.port, version="4.0", resources=["Patient"]))
    assert outcome.status is Status.OK
    assert [m.value for m in outcome.measurements] == [2]
    assert peer.requests[0].headers["accept"].startswith("application/fhir+json, ")


async def test_a_server_of_dstu2_is_asked_in_the_media_type_that_it_knows() -> None:
    old = {"resourceType": "Conformance", "fhirVersion": "1.0.2", "rest": [{"resource": [{"type": "ImagingStudy"}]}]}

    def ours(request: Request) -> bool:
        return "application/json+fhir" in request.headers["accept"]

    def answer(request: Request) -> Page:
        return Page(200, json.dumps(old).encode()) if ours(request) else Page(406)

    with web(answer) as peer:
        outcome = await ask(FHIR, *at(peer.port, version="1.0", resources=["ImagingStudy"]))
    assert (outcome.status, outcome.detail) == (Status.OK, "")


@pytest.mark.parametrize(
    ("pages", "settings", "status", "reason"),
    [
        (serving(), {"resources": ["ImagingStudy", "Task"]}, Status.FAIL, Reason.MISSING),
        (serving(), {"version": "5."}, Status.FAIL, Reason.BAD_CONTENT),
        (serving({"resourceType": "OperationOutcome"}), {}, Status.FAIL, Reason.BAD_CONTENT),
        (serving([]), {}, Status.FAIL, Reason.BAD_CONTENT),
        ({"/fhir/metadata": Page(200, b"<html>DOE^JOHN")}, {}, Status.FAIL, Reason.BAD_CONTENT),
        ({}, {}, Status.FAIL, Reason.HTTP_STATUS),
        (serving(status=401), {}, Status.UNKNOWN, Reason.AUTH),
        (serving(), {"slow": 1e-9}, Status.WARN, Reason.SLOW),
    ],
)
async def test_what_is_wrong_has_its_reason(
    pages: dict[str, Page], settings: dict[str, Any], status: Status, reason: Reason
) -> None:
    outcome = await asked(pages, **settings)
    assert (outcome.status, outcome.reason) == (status, reason)
    assert "JOHN" not in outcome.detail


async def test_an_upgrade_of_the_product_is_a_change() -> None:
    memory: dict[str, Any] = {}
    first = await asked(serving(), memory)
    upgraded = await asked(serving(STATEMENT | {"software": {"version": "7.5.0"}}), memory)
    assert (first.changes, upgraded.changes) == ((), (Change("software version", "7.4.1", "7.5.0"),))


async def test_a_certificate_that_soon_ends_is_a_warning(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with web(serving(), context_of(authority.certificate(days=3))) as peer:
        outcome = await ask(FHIR, *at(peer.port, "https", tls={"ca": authority.ca}))
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.CERTIFICATE_EXPIRING)


JSON = st.recursive(
    st.none() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.sampled_from(list("abt")), c)
)


@given(st.dictionaries(st.sampled_from(["rest", "software", "fhirVersion"]), JSON))
def test_any_statement_is_read_without_an_error(statement: dict[str, Any]) -> None:
    _judge(statement, FhirSettings(url="http://archive"), Trace())
    assert _software(statement, "7") == ("7", ())
