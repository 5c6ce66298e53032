"""No secret of a channel gets out: a real daemon with every kind of channel, five ways in which its receiver can fail,
and a search of everything that the daemon writes, serves, stores, prints and shows to whoever lists processes.

`GIVEN` says for each kind where its secrets stand; a new kind fails until it has an entry.
"""

from __future__ import annotations

import base64
import json
import socket
import sqlite3
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from pacs_monitor.channels import kinds
from tests.channels.contract import Request, answering, hanging, receiver
from tests.peers.authority import Authority
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.threaded import threaded
from tests.peers.tls import context_of, tls_server
from tests.support.commands import invoke
from tests.support.timing import wait_until

MARK = "sekrit"
"""Begins every secret, so that a part of one is found too."""
NUMBER = "491709998877"
OPERATOR = f"{MARK}-operator-{'x' * 32}"
FAULTS = ("refused", "echo", "redirect", "tls", "hang")
TOLD = """\
import os, sys, time
told = f"{sys.stdin.read()} {dict(os.environ)} {sys.argv}"
how = sys.argv[1]
if how == "hang":
    print(told, flush=True)
    os.system("sleep 600")
print("see https://example.org/" + os.environ["TOKEN"] if how == "redirect" else told)
if how == "tls":
    os.kill(os.getpid(), 9)
sys.exit(65 if how == "echo" else 75)
"""
"""A program that tells all that it knows, then fails."""


@dataclass(frozen=True)
class Fault:
    """A receiver that fails in one way."""

    name: str
    host: str
    """HOST:PORT of HTTP."""
    secure: bool
    mail: int
    """Port of SMTP."""
    folder: Path

    @property
    def root(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.host}"


def _apprise(fault: Fault) -> dict[str, Any]:
    scheme = "jsons" if fault.secure else "json"
    given = f"{MARK}-apprise-user:{MARK}-apprise-pass@{fault.host}/{MARK}-apprise-path?+X-Key={MARK}-apprise-key"
    return {"url": f"{scheme}://{given}", "timeout": "5s"}


def _webhook(fault: Fault) -> dict[str, Any]:
    return {
        "url": f"{fault.root}/{MARK}-hook-path/x?token={MARK}-hook-query",
        "secret": f"{MARK}-hook-secret",
        "username": "monitor",
        "password": f"{MARK}-hook-password",
        "headers": {"X-Key": f"{MARK}-hook-header", "X-Mixed": f"{MARK}-hook-mixed {{{{ severity }}}}"},
        "timeout": "2s",
    }


def _sms(fault: Fault) -> dict[str, Any]:
    return {
        "url": f"{fault.root}/{MARK}-sms-path",
        "to": f"+{NUMBER}",
        "headers": {"X-Key": f"{MARK}-sms-header"},
        "parameters": {"token": f"{MARK}-sms-parameter", "to": "{{ number }}", "text": "{{ text }}"},
        "timeout": "2s",
    }


def _email(fault: Fault) -> dict[str, Any]:
    ca = {} if fault.name == "tls" else {"ca": str(fault.folder / "ca.pem")}
    return {
        "host": "127.0.0.1",
        "port": fault.mail,
        "tls": "tls",
        "timeout": "3s",
        "username": "monitor",
        "password": f"{MARK}-mail-password",
        "sender": "monitor@example.org",
        "to": "oncall@example.org",
        **ca,
    }


GIVEN: Mapping[str, Callable[[Fault], dict[str, Any]]] = {
    "alertmanager": lambda fault: {
        "urls": [f"{fault.root}/{MARK}-am-path"],
        "headers": {"Authorization": f"Bearer {MARK}-am-header"},
        "timeout": "2s",
    },
    "apprise": _apprise,
    "email": _email,
    "exec": lambda fault: {
        "command": [sys.executable, str(fault.folder / "told.py"), fault.name],
        "environment": {"TOKEN": f"{MARK}-exec-token"},
        "timeout": "3s",
    },
    "jsm": lambda fault: {"url": fault.root, "api_key": f"{MARK}-jsm-key", "timeout": "2s"},
    "pagerduty": lambda fault: {"url": fault.root, "routing_key": f"{MARK}-pagerduty-key", "timeout": "2s"},
    "sms": _sms,
    "teams": lambda fault: {"url": f"{fault.root}/{MARK}-teams-path?sig={MARK}-teams-query", "timeout": "2s"},
    "webhook": _webhook,
}
"""By kind: settings that have a secret wherever there may be one."""


def test_every_kind_says_where_its_secrets_stand() -> None:
    assert set(GIVEN) == set(kinds()), "add to GIVEN where the secrets of the new kind stand"


def echoed(connection: socket.socket, request: Request) -> None:
    answering(401, f"you sent {request.raw} ".encode())(connection, request)


def redirected(connection: socket.socket, request: Request) -> None:
    place = f"https://elsewhere.example.org{request.line.split()[1]}&again={MARK}-x"
    answering(307, f"moved to {place}: {request.raw}".encode(), Location=place)(connection, request)


@contextmanager
def mail_server(context: ssl.SSLContext, *, talks: bool) -> Iterator[int]:
    """SMTP over TLS that refuses a login and repeats it, also decoded; or one that says nothing."""
    streams: list[ssl.SSLSocket] = []

    def talk(connection: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as stream:
            streams.append(stream)
            if not talks:
                stream.recv(1)
            _smtp(stream)

    with threaded(talk) as port:
        try:
            yield port
        finally:
            for stream in streams:
                with suppress(OSError):
                    stream.shutdown(socket.SHUT_RDWR)


def _smtp(stream: ssl.SSLSocket) -> None:
    stream.sendall(b"220 mail ESMTP\r\n")
    for line in stream.makefile("rb"):
        word, _, rest = line.decode().strip().partition(" ")
        if word == "EHLO":
            stream.sendall(b"250-mail\r\n250 AUTH PLAIN\r\n")
        elif word == "AUTH":
            decoded = base64.b64decode(rest.split()[-1]).replace(b"\0", b" ")
            stream.sendall(b"535 5.7.8 not you: " + rest.encode() + b" that is " + decoded + b"\r\n")
        else:
            stream.sendall(b"250 Ok\r\n")


@contextmanager
def faults(folder: Path) -> Iterator[list[Fault]]:
    """One receiver for each."""
    authority = Authority(folder)
    trusted = context_of(authority.certificate("127.0.0.1"))
    (folder / "ca.pem").write_bytes(Path(authority.ca).read_bytes())
    with ExitStack() as stack:
        serving = {"echo": echoed, "redirect": redirected, "hang": hanging}
        http = {
            name: stack.enter_context(receiver(serve)).url.removeprefix("http://") for name, serve in serving.items()
        }
        http["refused"] = f"127.0.0.1:{free_port()}"
        http["tls"] = f"127.0.0.1:{stack.enter_context(tls_server(trusted))}"
        login = stack.enter_context(mail_server(trusted, talks=True))
        silent = stack.enter_context(mail_server(trusted, talks=False))
        mail = {"refused": free_port(), "hang": silent}
        yield [Fault(name, http[name], name == "tls", mail.get(name, login), folder) for name in FAULTS]


def configured(folder: Path, listen: int, every: list[Fault], **ports: int) -> Path:
    channels = {
        f"{kind}-{fault.name}": {"type": kind, "disclose": "full", **GIVEN[kind](fault)}
        for kind in GIVEN
        for fault in every
    }
    told = {
        "monitor": {
            "name": "proof",
            "database": f"sqlite:///{folder}/proof.db",
            "listen": f"127.0.0.1:{listen}",
            "allow": [f"channels/{name}" for name, settings in channels.items() if settings["type"] == "exec"],
            "auth": {"tokens": [{"name": "oncall", "role": "operator", "token": OPERATOR}]},
            "heartbeat": {"url": f"{every[0].root}/{MARK}-heartbeat", "interval": "5s"},
        },
        "defaults": {"interval": "1s", "retry_interval": "500ms", "timeout": "5s", "failures": 1, "page_after": "0s"},
        "channels": channels,
        "default_route": {"channels": [*channels]},
        "nodes": {
            name: {"host": "127.0.0.1", "checks": {"port": {"probe": "tcp", "port": port}}}
            for name, port in ports.items()
        },
    }
    file = folder / "monitor.yaml"
    file.write_text(json.dumps(told))  # JSON is YAML
    return file


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody can write the database."""
    database = sqlite3.connect(folder / "proof.db", timeout=60, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    yield
    database.rollback()
    database.close()


@contextmanager
def processes(pid: int) -> Iterator[set[str]]:
    """What a list of processes shows of the daemon and of all that it starts, looked at again and again."""
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            with suppress(psutil.Error):
                daemon = psutil.Process(pid)
                for one in (daemon, *daemon.children(recursive=True)):
                    with suppress(psutil.Error):
                        seen.add(" ".join([one.name(), *one.cmdline(), one.cwd()]))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def served(daemon: RunningDaemon) -> dict[str, str]:
    """Every answer to a GET, by its path: all that the API has."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {OPERATOR}"

    def get(path: str) -> str:
        answer = session.get(daemon.url + path, timeout=60)
        return f"{answer.status_code} {dict(answer.headers)} {answer.text}"

    paths = session.get(f"{daemon.url}/api/openapi.json", timeout=60).json()["paths"]
    incident = session.get(f"{daemon.url}/api/v1/incidents", timeout=60).json()[0]["id"]
    known = {"{node}": "first", "{check}": "port", "{incident}": incident}
    found = {"/probe?node=first": get("/probe?node=first"), "/api/openapi.json": json.dumps(paths)}
    for path, methods in paths.items():
        if "get" in methods:
            for name, value in known.items():
                path = path.replace(name, value)  # noqa: PLW2901
            found[path] = get(path)
    return found


def said(config: Path, *words: str) -> str:
    done = invoke(*words, config=config, PACS_MONITOR_TOKEN=OPERATOR)
    return done.stdout + done.stderr


def commanded(config: Path) -> dict[str, str]:
    """What the commands print, by what was typed."""
    lines = [
        *(["status"], ["status", "--json"], ["incidents"], ["incidents", "first"], ["incidents", "--json"], ["audit"]),
        *(["show", "first"], ["check-config"], ["check-config", "--json"], ["check-config", "--diff", "running"]),
        *(["handover"], ["reload"], ["probe", "first"], ["maintenance", "list"], ["report", "today"], ["schema"]),
        *(["notify-test", f"{kind}-echo", "--event", "opened", "--json"] for kind in GIVEN),
        *(["notify-test", f"{kind}-redirect", "--direct"] for kind in GIVEN),
        *(["notify-test", f"{kind}-tls"] for kind in GIVEN),
    ]
    return {" ".join(line): said(config, *line) for line in lines}


def stored(folder: Path, *, dumped: bool = True) -> dict[str, bytes]:
    """Every file that the daemon keeps, and each row of the database."""
    ours = {"monitor.yaml", "told.py"}
    found = {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file() and file.name not in ours}
    if dumped:
        database = sqlite3.connect(folder / "proof.db")
        found["dump"] = "\n".join(database.iterdump()).encode()
        database.close()
    return found


def leaks(told: Mapping[str, Any]) -> dict[str, bytes]:
    """What has a secret, by where: as it is written, or in Base64 as of a header."""
    encoded = [base64.b64encode(b"\0" * n + MARK.encode())[n and n + 1 :].rstrip(b"=")[:-1] for n in range(3)]
    found = {}
    for place, text in told.items():
        raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
        for word in (MARK.encode(), NUMBER.encode(), NUMBER[2:].encode(), *encoded):
            at = raw.lower().find(word) if word == MARK.encode() else raw.find(word)
            if at >= 0:
                found[place] = raw[max(0, at - 80) : at + 60]
    return found


def test_the_search_finds_what_it_is_to_find() -> None:
    basic = base64.b64encode(f"monitor:{MARK}-hook-password".encode()).decode()
    hidden = {"plain": f"x{MARK.upper()}y", "basic": basic, "file": b"\0" + MARK.encode(), "number": f"to +{NUMBER}"}
    hidden |= {f"shifted {n}": base64.b64encode(b"a" * n + MARK.encode() + b"-tail").decode() for n in range(3)}
    assert set(leaks(hidden)) == set(hidden)
    assert leaks({"nothing": "monitor", "path": "https://example.org/secret"}) == {}


@pytest.mark.timeout(600)
def test_no_secret_is_in_anything_that_gets_out(tmp_path: Path) -> None:
    (tmp_path / "told.py").write_text(TOLD)
    listen = free_port()
    with faults(tmp_path) as every, socket.create_server(("127.0.0.1", 0)) as up:
        config = configured(tmp_path, listen, every, first=free_port(), second=up.getsockname()[1])
        names = {f"{kind}-{fault.name}" for kind in GIVEN for fault in every}
        with RunningDaemon(config, listen) as daemon, processes(daemon.pid) as seen:

            def failed() -> set[str]:
                log = daemon.log.read_text()
                return {name for name in names if f"channel {name} did not deliver incident.opened" in log}

            wait_until(lambda: failed() == names, f"every channel has failed: {names - failed()}", within=240)
            told = {**served(daemon), **commanded(config)}
            with locked(tmp_path):
                up.close()
                wait_until(lambda: bool(list(tmp_path.glob("*.unrecorded"))), "what goes unrecorded is in the journal")
                kept = stored(tmp_path, dumped=False)
            daemon.stop()  # cleanly or at the last moment: dozens of hanging receivers and their processes are ended
        log = daemon.log.read_text()
        told |= {"log": log, "processes": "\n".join(seen)}
    assert {name for name in names if f"channel {name} did not deliver" in log} == names
    assert any("apprise_process" in line for line in seen)
    assert any("told.py hang" in line for line in seen)
    assert all(told.values())
    assert leaks(told) == {}
    assert leaks({**kept, **stored(tmp_path)}) == {}
