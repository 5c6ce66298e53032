"""Prometheus, Alertmanager and blackbox_exporter as Debian packages them, on loopback ports of the moment."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import requests
import yaml

from tests.peers.ports import Program, free_port, program
from tests.support.timing import wait_until


class Server:
    """One server in a process of its own; its log is kept in its folder."""

    name: str
    ready: str

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"

    def options(self) -> list[str]:
        raise NotImplementedError

    def __enter__(self) -> Self:
        command = [program(self.name, self.name), f"--web.listen-address={self.address}", *self.options()]
        self._program = Program(command, self.folder, self.port)
        try:
            wait_until(self._is_ready, f"{self.name} ready")
        except BaseException:
            self._program.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._program.stop()

    def _is_ready(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(self.url + self.ready, timeout=1).ok
        return False


class Prometheus(Server):
    """Scrapes each address, by the name of its job, and whole `jobs`; evaluates `rules`, tells `alertmanager`."""

    name, ready = "prometheus", "/-/ready"

    def __init__(
        self,
        folder: Path,
        addresses: dict[str, str],
        *,
        jobs: Sequence[Mapping[str, Any]] = (),
        interval: str = "1s",
        rules: tuple[Path, ...] = (),
        alertmanager: str | None = None,
    ) -> None:
        super().__init__(folder)
        config: dict[str, Any] = {
            "global": {"scrape_interval": interval, "evaluation_interval": interval},
            "rule_files": [str(file.resolve()) for file in rules],
            "scrape_configs": [
                *({"job_name": job, "static_configs": [{"targets": [to]}]} for job, to in addresses.items()),
                *jobs,
            ],
        }
        if alertmanager is not None:
            config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))

    def options(self) -> list[str]:
        return [
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
        ]

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series that a query answers now; an error of Prometheus is raised with its words."""
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": expr}, timeout=10).json()
        assert answer["status"] == "success", f"{expr}: {answer.get('error')}"
        series: list[dict[str, Any]] = answer["data"]["result"]
        return series

    def names(self) -> set[str]:
        """Every metric name that it knows."""
        return set(requests.get(f"{self.url}/api/v1/label/__name__/values", timeout=10).json()["data"])

    def wait_for(self, expr: str, within: float = 30.0) -> list[dict[str, Any]]:
        """The series of a query, as soon as there are any."""
        found: list[dict[str, Any]] = []

        def answered() -> bool:
            found[:] = self.query(expr)
            return bool(found)

        wait_until(answered, expr, within)
        return found


class Alertmanager(Server):
    """Sends every alert to one webhook; alone, or with a peer of its cluster."""

    name, ready = "prometheus-alertmanager", "/-/ready"

    def __init__(
        self, folder: Path, webhook: str, peer: Alertmanager | None = None, *, clustered: bool = False
    ) -> None:
        super().__init__(folder)
        self._cluster = f"127.0.0.1:{free_port()}" if peer or clustered else ""
        self._peer = peer
        config = {
            "route": {"receiver": "hook", "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"},
            "receivers": [{"name": "hook", "webhook_configs": [{"url": webhook, "send_resolved": True}]}],
        }
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))

    def options(self) -> list[str]:
        peers = [f"--cluster.peer={self._peer._cluster}", "--cluster.settle-timeout=1s"] if self._peer else []
        return [
            f"--config.file={self.folder / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'data'}",
            f"--cluster.listen-address={self._cluster}",
            "--cluster.peer-timeout=1s",
            *peers,
        ]

    def kill(self) -> None:
        """SIGKILL: as when it crashes."""
        self._program.kill()

    def alerts(self, **parameters: str) -> list[dict[str, Any]]:
        """What fires now, silenced alerts too unless it is asked for otherwise."""
        found: list[dict[str, Any]] = requests.get(f"{self.url}/api/v2/alerts", params=parameters, timeout=10).json()
        return found

    def amtool(self, *arguments: str) -> str:
        """What amtool says to this one."""
        command = [program("amtool", "prometheus-alertmanager"), f"--alertmanager.url={self.url}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


class Blackbox(Server):
    """blackbox_exporter with its TCP probe as module `tcp`."""

    name, ready = "prometheus-blackbox-exporter", "/-/healthy"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "blackbox.yml").write_text("modules: {tcp: {prober: tcp, timeout: 3s}}\n")

    def options(self) -> list[str]:
        return [
            f"--config.file={self.folder / 'blackbox.yml'}",
        ]

    def probe(self, target: str) -> str:
        """The metrics of one probe of `host:port`."""
        return requests.get(f"{self.url}/probe", params={"module": "tcp", "target": target}, timeout=10).text


def promtool(*arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run promtool; its standard input may be given."""
    return subprocess.run(
        [program("promtool", "prometheus"), *arguments], input=given, capture_output=True, text=True, check=False
    )
