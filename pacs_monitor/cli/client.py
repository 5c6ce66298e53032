"""Talking to the running daemon over its own API."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import requests

from pacs_monitor.cli.common import fail
from pacs_monitor.cli.daemon_address import DaemonAddress
from pacs_monitor.cli.display import reader_of_times
from pacs_monitor.clock import SystemClock
from pacs_monitor.messages.paged import When
from pacs_monitor.model import PacsMonitorError

ANSWER_WITHIN = 10.0
"""Seconds for the daemon to answer, beyond what a run may take."""
DOWNLOADED_WITHIN = 60.0
"""Seconds more for a document."""
GIVE_A_TOKEN = (
    "set it with PACS_MONITOR_TOKEN or --token-file FILE; monitor.auth.tokens in the configuration lists them"  # noqa: S105 - no token
)


class NoDaemonError(PacsMonitorError):
    """Nobody answers where the daemon should be."""


class RefusedError(PacsMonitorError):
    """The daemon answered with an error that explains itself."""


class ForbiddenError(RefusedError):
    """The daemon does not serve who asks (401, 403)."""


class MisuseError(RefusedError):
    """What was asked for cannot be meant so: a value is wrong (422)."""


class MissingError(RefusedError):
    """What was asked for is not there (404)."""


REFUSALS: dict[int, type[RefusedError]] = {
    HTTPStatus.UNAUTHORIZED: ForbiddenError,
    HTTPStatus.FORBIDDEN: ForbiddenError,
    HTTPStatus.NOT_FOUND: MissingError,
    HTTPStatus.UNPROCESSABLE_ENTITY: MisuseError,
}
MISUSE = (MissingError, MisuseError)
"""The command ends as for any other wrong word on its line."""
_KEY = re.compile(
    r"^(for|until|start|from|to|at|what|node|service|evidence|retract|responsible|counts|why|match|ticket|announced|notify|next_update|open_for|event)(?=[.:])|'(for|until)'"
)


class Client:
    """The API of a daemon."""

    def __init__(self, daemon: DaemonAddress) -> None:
        self._base = daemon.url
        self._session = requests.Session()
        self._session.trust_env = False  # the daemon is on this machine or near: no proxy
        self._session.verify = daemon.verify
        if daemon.token:
            self._session.headers["Authorization"] = f"Bearer {daemon.token}"

    def get(self, path: str, **query: Any) -> Any:
        return self._ask("GET", path, params=query)

    def post(self, path: str, words: Mapping[str, Any] | None = None, *, wait: float = 0.0) -> Any:
        return self._ask("POST", path, wait=wait, json=words)

    def delete(self, path: str, words: Mapping[str, Any] | None = None) -> Any:
        return self._ask("DELETE", path, json=words)

    def download(self, path: str, **query: Any) -> bytes:
        """What is no JSON."""
        answer = self._answer("GET", path, wait=DOWNLOADED_WITHIN, params=query)
        if not answer.ok:
            self._read(answer)
        return answer.content

    def _ask(self, method: str, path: str, *, wait: float = 0.0, **what: Any) -> Any:
        return self._read(self._answer(method, path, wait=wait, **what))

    def _answer(self, method: str, path: str, *, wait: float, **what: Any) -> requests.Response:
        try:
            return self._session.request(method, self._base + path, timeout=ANSWER_WITHIN + wait, **what)
        except requests.exceptions.SSLError:
            trust = "SSL_CERT_FILE names a file of authorities to trust"
            raise NoDaemonError(f"the certificate of {self._base} is not trusted here; {trust}") from None
        except requests.ConnectionError:
            raise NoDaemonError(f"start the daemon with: pacs-monitor run (none answers at {self._base})") from None
        except requests.RequestException as error:
            raise NoDaemonError(f"the daemon at {self._base} did not answer: {type(error).__name__}") from None

    def _read(self, answer: requests.Response) -> Any:
        try:
            body = answer.json()
        except ValueError:
            raise NoDaemonError(f"wrong address? The server at {self._base} is not pacs-monitor") from None
        if not answer.ok:
            detail = body.get("detail") if isinstance(body, dict) else None
            refusal = REFUSALS.get(answer.status_code, RefusedError)
            lines = detail if isinstance(detail, list) else [str(detail or answer.status_code)]
            raise refusal("\n".join(map(_as_typed, lines) if refusal is MisuseError else lines))
        return body


def get(daemon: DaemonAddress, path: str, **query: Any) -> Any:
    """What the running daemon says, or the end of the command with why it says nothing."""
    try:
        return Client(daemon).get(path, **query)
    except (NoDaemonError, RefusedError) as error:
        fail(str(error) + remedy(error), 2 if isinstance(error, MISUSE) else 1)


def _as_typed(sentence: str) -> str:
    """The keys of a body as the options of the command line: `--for`, `--next-update`."""
    return _KEY.sub(lambda key: f"--{(key[1] or key[2]).replace('_', '-')}", sentence)


def times(daemon: DaemonAddress) -> When:
    """Times as the monitor's people read their clocks, in its own zone, also where its configuration is not at hand."""
    return reader_of_times(zone_of(daemon), SystemClock().now())


def zone_of(daemon: DaemonAddress) -> str:
    """The IANA name of the monitor's time zone; asks the daemon where no configuration says it."""
    return daemon.zone or str(get(daemon, "/api/v1/status").get("timezone", "UTC"))


def post(
    daemon: DaemonAddress,
    path: str,
    words: Mapping[str, Any] | None = None,
    *,
    instead: str = "",
    wait: float = 0.0,
    misuse: tuple[type[RefusedError], ...] = MISUSE,
) -> Any:
    """Have the running daemon do something, or end the command with why it does not.

    `words` is the body (cli.words); `instead` is what to do where the daemon cannot be asked; `misuse` are the
    refusals for what was typed, not for what is there.
    """
    return _write(lambda client: client.post(path, words, wait=wait), daemon, instead, misuse)


def delete(daemon: DaemonAddress, path: str, words: Mapping[str, Any] | None = None) -> Any:
    """Have the running daemon end something, or end the command with why it does not."""
    return _write(lambda client: client.delete(path, words), daemon)


def _write(
    ask: Callable[[Client], Any],
    daemon: DaemonAddress,
    instead: str = "",
    misuse: tuple[type[RefusedError], ...] = MISUSE,
) -> Any:
    try:
        return ask(Client(daemon))
    except (NoDaemonError, RefusedError) as error:
        lines = [str(error) + remedy(error)]
        lines += [instead] if instead and isinstance(error, NoDaemonError | ForbiddenError) else []
        fail("\n".join(lines), 2 if isinstance(error, misuse) else 1)


def remedy(error: NoDaemonError | RefusedError) -> str:
    """What helps where the daemon does not know who asks: a line more, or nothing."""
    return f"\n{GIVE_A_TOKEN}" if isinstance(error, ForbiddenError) else ""
