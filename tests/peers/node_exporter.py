"""A real node_exporter (Debian's package prometheus-node-exporter) on a free loopback port."""

from __future__ import annotations

from pathlib import Path

from tests.peers.ports import Program, free_port, program


class NodeExporter(Program):
    def __init__(self, folder: Path, *arguments: str) -> None:
        port = free_port()
        name = program("prometheus-node-exporter", "prometheus-node-exporter")
        collectors = ["--collector.disable-defaults", "--collector.filesystem", "--collector.meminfo"]
        collectors += ["--collector.loadavg", "--collector.cpu"]
        super().__init__([name, f"--web.listen-address=127.0.0.1:{port}", *collectors, *arguments], folder, port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"
