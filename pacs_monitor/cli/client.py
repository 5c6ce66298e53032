"""Talking to the running daemon over its own API."""

from __future__ import annotations

import os
from http import HTTPStatus
from typing import Any

import requests

from pacs_monitor.cli.common import fail
from pacs_monitor.config import Estate
from pacs_monitor.model import Address, PacsMonitorError

ANSWER_WITHIN = 10.0
"""Seconds for the daemon to answer, beyond what a run may take."""


class NoDaemonError(PacsMonitorError):
    """Nobody answers at `monitor.listen`."""


class RefusedError(PacsMonitorError):
    """The daemon answered with an error that explains itself."""


class ForbiddenError(RefusedError):
    """The daemon does not serve who asks (401, 403)."""


class MissingError(RefusedError):
    """What was asked for is not there (404)."""


REFUSALS: dict[int, type[RefusedError]] = {
    HTTPStatus.UNAUTHORIZED: ForbiddenError,
    HTTPStatus.FORBIDDEN: ForbiddenError,
    HTTPStatus.NOT_FOUND: MissingError,
}


class Client:
    """The API of the daemon that this configuration describes."""

    def __init__(self, estate: Estate) -> None:
        monitor = estate.monitor
        host, port = monitor.listen
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
        self._base = f"{'https' if monitor.tls else 'http'}://{Address(host, port)}"
        self._session = requests.Session()
        self._session.trust_env = False  # the daemon is on this machine: no proxy
        if monitor.tls:
            self._session.verify = str(monitor.tls.cert)
        token = os.environ.get("PACS_MONITOR_TOKEN") or _operator_token(estate)
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **query: Any) -> Any:
        return self._ask("GET", path, params=query)

    def post(self, path: str, *, wait: float = 0.0, **query: Any) -> Any:
        return self._ask("POST", path, wait=wait, params=query)

    def _ask(self, method: str, path: str, *, wait: float = 0.0, params: Any = None) -> Any:
        try:
            answer = self._session.request(method, self._base + path, params=params, timeout=ANSWER_WITHIN + wait)
        except requests.ConnectionError:
            raise NoDaemonError(f"no daemon answers at {self._base}; start it with: pacs-monitor run") from None
        except requests.RequestException as error:
            raise NoDaemonError(f"the daemon at {self._base} did not answer: {type(error).__name__}") from None
        try:
            body = answer.json()
        except ValueError:
            raise NoDaemonError(f"what answers at {self._base} is no pacs-monitor") from None
        if not answer.ok:
            detail = body.get("detail") if isinstance(body, dict) else None
            refusal = REFUSALS.get(answer.status_code, RefusedError)
            raise refusal("\n".join(detail) if isinstance(detail, list) else str(detail or answer.status_code))
        return body


def get(estate: Estate, path: str, **query: Any) -> Any:
    """What the running daemon says, or the end of the command with why it says nothing."""
    try:
        return Client(estate).get(path, **query)
    except (NoDaemonError, RefusedError) as error:
        fail(str(error), 2 if isinstance(error, MissingError) else 1)


def post(estate: Estate, path: str, *, instead: str, **query: Any) -> Any:
    """Have the running daemon do something, or end the command with why it does not, and what to do instead."""
    try:
        return Client(estate).post(path, **query)
    except (NoDaemonError, RefusedError) as error:
        fail(f"{error}\n{instead}")


def _operator_token(estate: Estate) -> str | None:
    tokens = estate.monitor.auth.tokens if estate.monitor.auth else ()
    return next((token.token.get_secret_value() for token in tokens if token.role == "operator"), None)
