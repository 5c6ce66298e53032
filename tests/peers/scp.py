"""pynetdicom servers that answer whatever a test wants: any status, any comment, any answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socket import socket
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any

from pydicom import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    ModalityWorklistInformationFind,
    StorageCommitmentPushModel,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)
from pynetdicom.transport import ThreadedAssociationServer

SERVICES = (
    Verification,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    ModalityWorklistInformationFind,
    StorageCommitmentPushModel,
)
Handlers = dict[Any, Callable[[Any], Any]]


@contextmanager
def scp(handlers: Handlers, ae_title: str = "PEER", without: Iterable[str] = ()) -> Iterator[int]:
    """A server with these handlers by event; answers with its port."""
    ae = AE(ae_title)
    ae.maximum_associations = 50
    for service in SERVICES:
        if service not in without:
            ae.add_supported_context(service)
    for context in AllStoragePresentationContexts:
        ae.add_supported_context(str(context.abstract_syntax), scu_role=True, scp_role=True)
    with serving(ae, handlers) as port:
        yield port


class _Server(ThreadedAssociationServer):
    """Keeps every socket, to close it in the end: pynetdicom leaves one open that it cannot shut down after a reset."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.taken: list[socket] = []
        super().__init__(*args, **options)

    def get_request(self) -> tuple[socket, Any]:
        taken, address = super().get_request()
        self.taken.append(taken)
        return taken, address

    def service_actions(self) -> None:
        """pynetdicom's collects garbage again and again, which holds up a process as large as that of the tests."""


@contextmanager
def serving(ae: AE, handlers: Handlers, port: int = 0) -> Iterator[int]:
    """As start_server does, which polls every half second only; answers with the port, and ends what is open."""
    server: Any = ae.make_server(("127.0.0.1", port), evt_handlers=list(handlers.items()), server_class=_Server)
    ae._servers.append(server)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()
        thread.join()
        ThreadingMixIn.server_close(server)  # waits for connections that have just come in
        for association in ae.active_associations:
            association.join(5)
        for sock in server.taken:
            sock.close()


def status(code: int, comment: str | None = None) -> Dataset:
    """A status, perhaps with (0000,0902) Error Comment."""
    answer = Dataset()
    answer.Status = code
    if comment is not None:
        answer.ErrorComment = comment
    return answer


def matches(count: int, code: int = 0xFF00) -> Iterator[tuple[int, Dataset]]:
    """Pending answers that name a patient."""
    for number in range(count):
        match = Dataset()
        match.QueryRetrieveLevel = "STUDY"
        match.PatientName = "SECRET^NAME"
        match.StudyInstanceUID = f"1.2.{number}"
        yield code, match


def stores(code: int | Dataset) -> Handlers:
    return {evt.EVT_C_STORE: lambda _event: code}


def finds(*answers: tuple[int | Dataset, Dataset | None]) -> Handlers:
    return {evt.EVT_C_FIND: lambda _event: iter(answers)}
