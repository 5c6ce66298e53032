"""Clearing away over the APIs of products: dcm4chee as its interface description says it, Orthanc's refusals."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote

import pytest

from pacs_monitor.model import SECOND, DicomEndpoint, Node, ProbeContext, Reason, Status, TestObject
from pacs_monitor.probes.dicom_store import DicomStore, DicomStoreSettings
from pacs_monitor.stores.cleanup import AT_ONCE, Dcm4cheeCleaner, NoCleaner, OrthancCleaner, Removal, tidy
from pacs_monitor.systems.dcm4chee import Dcm4cheeSettings
from pacs_monitor.systems.orthanc import OrthancSettings
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.peers.queries import Dcmqrscp
from tests.peers.web import Reply, web_server
from tests.support.probing import A_CHECK, BookLedger, Context, ask
from tests.support.timing import SOON

NOTHING = (204, "", b"")


def an_object(number: int, node: str = "archive") -> TestObject:
    return TestObject(node, f"2.25.{number}", "1.2.840.10008.5.1.4.1.1.7", "2.25.7", "2.25.8", A_CHECK, number)


@dataclass
class Dcm4cheeArchive:
    """Instances of the one study 2.25.7, as an archive keeps and hides them."""

    kept: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, _body: bytes) -> Reply:
        self.asked.append(f"{method} {unquote(path)}")
        if method == "POST":
            instance = path.split("/instances/")[1].split("/", maxsplit=1)[0]
            if instance not in self.kept - self.rejected:
                return 404, "application/json", b"{}"
            self.rejected.add(instance)
            return NOTHING
        if not self.kept:
            return 404, "application/json", b"{}"
        if self.kept - self.rejected:
            return 403, "application/json", b"{}"
        self.kept, self.rejected = set(), set()
        return NOTHING


async def cleared(archive: Dcm4cheeArchive, ledger: BookLedger) -> int:
    """How many stay."""
    async with web_server(archive.answer) as port:
        block = Dcm4cheeSettings(url=f"http://127.0.0.1:{port}/dcm4chee-arc", ae_title="DCM4CHEE")
        node = Node("archive", systems={"dcm4chee": block})
        return (await tidy(Dcm4cheeCleaner(), node, Context(time.monotonic() + SOON, ledger=ledger))).count


async def test_dcm4chee_rejects_the_instance_and_deletes_the_study() -> None:
    archive, ledger = Dcm4cheeArchive({"2.25.1"}), BookLedger()
    await ledger.record([an_object(1)])
    assert (await cleared(archive, ledger), archive.kept, ledger.objects) == (0, set(), {})
    study = "/dcm4chee-arc/aets/DCM4CHEE/rs/studies/2.25.7"
    assert archive.asked == [
        f"POST {study}/series/2.25.8/instances/2.25.1/reject/113001^DCM",
        f"DELETE {study}",
    ]


async def test_what_dcm4chee_hides_and_keeps_stays_in_the_ledger_until_the_last_one_goes() -> None:
    archive, ledger = Dcm4cheeArchive({"2.25.1", "2.25.2"}), BookLedger()
    await ledger.record([an_object(1)])
    assert (await cleared(archive, ledger), len(ledger.objects)) == (1, 1)
    await ledger.record([an_object(2)])
    assert (await cleared(archive, ledger), archive.kept) == (0, set())
    assert [thing.sop_instance for thing in ledger.objects.values()] == ["2.25.1"]  # once not found; a minute to go


async def test_an_account_that_is_refused_is_told_and_tried_once(tmp_path: Path) -> None:
    ledger = BookLedger()
    await ledger.record([an_object(1), an_object(2)])
    with Orthanc(tmp_path, AuthenticationEnabled=True, RegisteredUsers={"monitor": "right"}) as orthanc:
        wrong = OrthancSettings(url=orthanc.url, username="monitor", password="wrong")
        node = Node("archive", systems={"orthanc": wrong})
        left = await tidy(OrthancCleaner(), node, Context(time.monotonic() + SOON, ledger=ledger))
        assert left.count == 2
        assert "401" in left.why
        assert "wrong" not in left.why
        right = replace(
            node, systems={"orthanc": OrthancSettings(url=orthanc.url, username="monitor", password="right")}
        )
        assert (await tidy(OrthancCleaner(), right, Context(time.monotonic() + SOON, ledger=ledger))).count == 0
    assert {thing.missed is None for thing in ledger.objects.values()} == {False}


@pytest.mark.parametrize(
    "answer",
    [
        lambda *_: (200, "text/html", b"<html>"),
        lambda *_: (200, "application/json", b"{}"),
        lambda *_: (200, "application/json", b'[{"Type": "Instance", "Path": "/studies/1"}]'),
        lambda *_: (200, "application/json", b'[{"Type": "Instance"}]'),
    ],
)
async def test_what_is_not_orthanc_is_asked_to_delete_nothing(answer: Callable[..., Reply]) -> None:
    ledger, methods = BookLedger(), []
    await ledger.record([an_object(1)])

    def noted(method: str, path: str, body: bytes) -> Reply:
        methods.append(method)
        return answer(method, path, body)

    async with web_server(noted) as port:
        node = Node("archive", systems={"orthanc": OrthancSettings(url=f"http://127.0.0.1:{port}")})
        left = await tidy(OrthancCleaner(), node, Context(time.monotonic() + SOON, ledger=ledger))
    assert (set(methods) - {"POST"}, len(ledger.objects)) == (set(), 1)
    assert left.count == 1


async def test_an_address_that_is_down_is_tried_once_and_all_are_counted() -> None:
    ledger = BookLedger()
    await ledger.record([an_object(n) for n in range(5)])
    node = Node("archive", systems={"orthanc": OrthancSettings(url=f"http://127.0.0.1:{free_port()}")})
    began = time.monotonic()
    left = await tidy(OrthancCleaner(), node, Context(began + SOON, ledger=ledger))
    assert left.count == 5
    assert "refused" in left.why


async def test_a_copy_on_a_node_that_is_not_named_any_more_is_told() -> None:
    ledger = BookLedger()
    await ledger.record([an_object(1, "vna")])
    left = await tidy(NoCleaner(), Node("archive"), Context(time.monotonic() + SOON, ledger=ledger))
    assert (left.count, left.why) == (1, "vna: the check no longer names this node")


async def test_one_run_tries_so_many_and_no_more() -> None:
    ledger, tried = BookLedger(), []
    await ledger.record([an_object(n) for n in range(AT_ONCE + 5)])

    class Counting(NoCleaner):
        async def remove(self, thing: TestObject, where: Node, ctx: ProbeContext) -> Removal:
            tried.append(thing)
            return await super().remove(thing, where, ctx)

    left = await tidy(Counting(), Node("archive"), Context(time.monotonic() + SOON, ledger=ledger))
    assert (len(tried), left.count) == (AT_ONCE, 5)


async def test_store_and_find_on_dcmqrscp(tmp_path: Path) -> None:
    ledger = BookLedger()
    with Dcmqrscp(tmp_path) as peer:
        node = Node("archive", host="127.0.0.1", dicom=DicomEndpoint(peer.port, peer.ae_title, "PACSMON"))
        for verify in ("find", "get"):
            settings = DicomStoreSettings(cleanup="retention", verify=verify)
            outcome = await ask(DicomStore(), node, settings, ledger=ledger)
            assert (outcome.status, outcome.detail) == (Status.OK, "")
    assert len(ledger.objects) == 2


async def test_retention_that_is_not_kept_is_the_nodes_fault(tmp_path: Path) -> None:
    ledger = BookLedger()
    with Dcmqrscp(tmp_path) as peer:
        node = Node("archive", host="127.0.0.1", dicom=DicomEndpoint(peer.port, peer.ae_title, "PACSMON"))
        settings = DicomStoreSettings(cleanup="retention", keep_days=1)
        await ask(DicomStore(), node, settings, ledger=ledger)
        (key,) = ledger.objects
        ledger.objects[key] = replace(ledger.objects[key], stored=ledger.objects[key].stored - 90_000 * SECOND)
        outcome = await ask(DicomStore(), node, settings, ledger=ledger)
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.CLEANUP_FAILED)
