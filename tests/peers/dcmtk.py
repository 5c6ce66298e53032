"""Real DCMTK servers (Debian's package dcmtk), on free loopback ports."""

from __future__ import annotations

from pathlib import Path

from tests.peers.ports import Program, free_port, program


class Storescp(Program):
    """DCMTK's storescp, which has switches for faults: `--refuse`, `--abort-after`, `--sleep-after` …"""

    def __init__(self, folder: Path, *options: str, ae_title: str = "SINK") -> None:
        self.ae_title = ae_title
        sink = folder / "sink"
        sink.mkdir()
        port = free_port()
        command = [program("storescp", "dcmtk"), "-aet", ae_title, "-od", str(sink), *options, str(port)]
        super().__init__(command, folder, port)
