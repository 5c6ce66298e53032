"""Connects this process to the service control manager, by pywin32 (PythonService.cpp says how it calls us)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pacs_monitor.windows_service.life import Report


class Service(Protocol):
    def run(self) -> None:
        """Until it has ended."""

    def stop(self) -> None:
        """Begin to end; on another thread."""

    def tell(self) -> None:
        """Report the state again."""


def dispatch(service: Callable[[Callable[[Report], None]], Service]) -> None:
    """Be the service that Windows started this process for: within 30 s, or Windows gives up (error 1053)."""
    import servicemanager
    import win32service

    class Hosted:
        def __init__(self, arguments: list[str]) -> None:
            handle = servicemanager.RegisterServiceCtrlHandler(arguments[0], self._control, True)
            self._service = service(lambda report: win32service.SetServiceStatus(handle, report))

        def SvcRun(self) -> None:  # noqa: N802 - as pywin32 names it
            self._service.run()

        def _control(self, control: int, event_type: int, data: object) -> None:  # noqa: ARG002 - as Windows calls it
            if control in (win32service.SERVICE_CONTROL_STOP, win32service.SERVICE_CONTROL_PRESHUTDOWN):
                self._service.stop()
            else:
                self._service.tell()

    servicemanager.Initialize()
    servicemanager.PrepareToHostSingle(Hosted)
    servicemanager.StartServiceCtrlDispatcher()  # type: ignore[no-untyped-call]  # it takes nothing
