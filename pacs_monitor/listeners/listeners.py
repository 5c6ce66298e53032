"""Our own listeners for the checks, opened as the present configuration says."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, Protocol, TypeVar

from pacs_monitor import model
from pacs_monitor.config.listening import DicomListener, Hl7Listener
from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.dicom import acceptor
from pacs_monitor.hl7 import listener as mllp
from pacs_monitor.model import Address, Clock, Node, RememberingResolver
from pacs_monitor.net.connection_server import Refusals

log = logging.getLogger(__name__)


class Listens(Protocol):
    """A listener of either kind."""

    async def start(self) -> None:
        """Listen; raises OSError."""
        ...

    async def stop(self) -> None: ...


class UsesListeners(Protocol):
    """Whose checks wait for what our listeners receive: the runner."""

    dicom_listener: model.DicomListener | None
    hl7_listener: model.Hl7Listener | None


class SaysWhere(Protocol):
    """The settings of either kind."""

    @property
    def listen(self) -> tuple[str, int]: ...


S = TypeVar("S", bound=SaysWhere)
L = TypeVar("L", bound=Listens)


class Slot(Generic[S, L]):
    """One listener, and the settings by which it is open."""

    def __init__(self, key: str, make: Callable[[S], L]) -> None:
        self.listener: L | None = None
        self._key, self._make = key, make
        self._settings: S | None = None

    async def adopt(self, settings: S | None) -> list[str]:
        """Open it anew when its settings have changed, or when it could not be opened before; what went wrong."""
        if settings == self._settings:
            return []
        await self.stop()
        if settings is None:
            return []
        try:
            listener = self._make(settings)
            await listener.start()
        except OSError as error:
            trouble = f"monitor.{self._key} cannot listen at {Address(*settings.listen)} ({error.strerror})"
            log.error("checks that need it cannot run: %s", trouble)
            return [trouble]
        self.listener, self._settings = listener, settings
        return []

    async def stop(self) -> None:
        if self.listener is not None:
            await self.listener.stop()
        self.listener = self._settings = None


class Listeners:
    """The listeners of `monitor`, and the runner whose checks need them."""

    def __init__(
        self,
        runner: UsesListeners,
        resolver: RememberingResolver,
        clock: Clock,
        *,
        nodes: Callable[[], Iterable[Node]],
        ours: Callable[[str], Awaitable[bool]],
        refusals: Refusals | None = None,
    ) -> None:
        peers = acceptor.KnownNodes(nodes, resolver)

        def dicom(settings: DicomListener) -> acceptor.Listener:
            host, port = settings.listen
            return acceptor.Listener(
                settings.ae_title,
                known=peers.caller,
                near=peers.near,
                ours=ours,
                host=host,
                port=port,
                refusals=refusals,
            )

        def hl7(settings: Hl7Listener) -> mllp.Listener:
            host, port = settings.listen
            receiver = settings.receiving_application, settings.receiving_facility
            tls = settings.tls.context() if settings.tls else None
            return mllp.Listener(clock, receiver, settings.sources, host=host, port=port, tls=tls, refusals=refusals)

        self._runner = runner
        self._dicom = Slot("dicom_listener", dicom)
        self._hl7 = Slot("hl7_listener", hl7)

    async def adopt(self, monitor: MonitorSettings) -> list[str]:
        """Listen as the configuration says now; what went wrong. Certificates are read again: they may be new."""
        trouble = await self._dicom.adopt(monitor.dicom_listener) + await self._hl7.adopt(monitor.hl7_listener)
        self._runner.dicom_listener, self._runner.hl7_listener = self._dicom.listener, self._hl7.listener
        tls = monitor.hl7_listener.tls if monitor.hl7_listener else None
        if tls and self._hl7.listener and self._hl7.listener.tls:
            trouble += tls.read_again_into(self._hl7.listener.tls)
        return trouble

    async def stop(self) -> None:
        await self._dicom.stop()
        await self._hl7.stop()
