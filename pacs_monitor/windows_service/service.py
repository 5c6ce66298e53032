"""The service while it runs: the daemon, whose manager is Windows."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import NoReturn

from pacs_monitor import __version__
from pacs_monitor.model import PacsMonitorError
from pacs_monitor.windows_service import event_log
from pacs_monitor.windows_service.dispatcher import dispatch
from pacs_monitor.windows_service.events import Event
from pacs_monitor.windows_service.life import STEP, Exit, Life, Report, State

log = logging.getLogger(__name__)
LOG_BYTES = 10 << 20
LOGS_KEPT = 5


def serve(config: Path, log_file: Path) -> None:
    """Be the service, until the process ends."""
    dispatch(lambda report: Service(config, log_file, report))


class Service:
    """The daemon with one configuration, and where it stands.

    The manager that `process.run` is given: an end that Windows asks for goes the way of SIGTERM.
    """

    def __init__(self, config: Path, log_file: Path, report: Callable[[Report], None]) -> None:
        self._config = config
        self._log_file = log_file
        self._report = report
        self._lock = threading.RLock()
        self._life = Life()
        self._end: Callable[[], object] | None = None

    # What Windows does.

    def run(self) -> None:
        """Until the process ends. What it needs is imported only now: an antivirus may look at each file for long."""
        self.tell()
        threading.Thread(target=self._keep_told, daemon=True).start()
        try:
            self._run()
        except PacsMonitorError as error:
            self._fail(Exit.REFUSED, Event.REFUSED, str(error))
        except OSError as error:
            self._fail(Exit.REFUSED, Event.REFUSED, f"check {error.filename}: {error.strerror}")
        except Exception as error:
            log.exception("the service has failed")  # and Windows has to hear that it has ended
            self._fail(Exit.FAULT, Event.FAULT, f"see {self._log_file}: the service has failed, {type(error).__name__}")

    def stop(self) -> None:
        self.ending()
        with self._lock:
            end = self._end
        if end is not None:
            with suppress(RuntimeError):  # the loop is closed: it ends by itself already
                end()

    def tell(self) -> None:
        with self._lock:
            self._report(self._life.report())

    # What the daemon does.

    def at_end(self, call: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        with self._lock:
            self._end = partial(loop.call_soon_threadsafe, call)
        if self._life.state is State.STOP_PENDING:
            call()

    def ready(self, status: str) -> None:
        if self._becomes(Life.ready):
            event_log.write(Event.STARTED, f"pacs-monitor {__version__} has started, {status}: {self._config}")

    def ending(self) -> None:
        self._becomes(Life.ending)

    def leave(self, code: int = 0) -> None:
        if code:
            self._fail(Exit.HUNG, Event.HUNG, f"see {self._log_file}: the daemon did not stop in time")
        event_log.write(Event.STOPPED, f"pacs-monitor {__version__} has stopped: {self._config}")
        self._ended(Exit.FINE)

    def _run(self) -> None:
        _log_to(self._log_file)
        from pacs_monitor import config, process

        if not self._config.exists():
            self._fail(
                Exit.CONFIGURATION, Event.CONFIGURATION, f"put the configuration there: {self._config} is missing"
            )
        try:
            estate = config.load(self._config)
        except config.ConfigError as error:
            self._fail(
                Exit.CONFIGURATION, Event.CONFIGURATION, f"correct {self._config}; nothing is monitored\n{error}"
            )
        for warning in estate.warnings:
            log.warning("%s", warning)
        process.run(estate, self)

    def _becomes(self, change: Callable[[Life], Life]) -> bool:
        """Report what it has become, if it has."""
        with self._lock:
            before, self._life = self._life, change(self._life)
            if changed := before != self._life:
                self.tell()
        return changed

    def _keep_told(self) -> None:
        """For as long as it starts or ends: a service that says nothing counts as hung."""
        pause = threading.Event()
        while not pause.wait(STEP):
            self._becomes(Life.goes_on)

    def _fail(self, code: Exit, event: Event, text: str) -> NoReturn:
        log.error("%s", text)
        event_log.write(event, text)
        self._ended(code)

    def _ended(self, code: Exit) -> NoReturn:
        """Report it last: Windows may end the process as soon as it knows."""
        logging.shutdown()
        self._becomes(lambda life: life.ended(code))
        os._exit(1 if code else 0)


def _log_to(file: Path) -> None:
    """A service has no output; what Python itself says of a crash goes to a file beside the log."""
    from pacs_monitor import logs

    rotated = RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=LOGS_KEPT, encoding="utf-8")
    logs.log_to(rotated, logging.INFO)
    logging.getLogger().addHandler(event_log.EventLogHandler())
    sys.stderr = file.with_suffix(".crash").open("a", encoding="utf-8")
    faulthandler.enable(sys.stderr)
