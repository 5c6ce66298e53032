"""Real DCMTK servers (Debian's package dcmtk), on free loopback ports."""

from __future__ import annotations

from pathlib import Path

from tests.peers.ports import Program, free_port, program


def faketime() -> Path:
    """The library of Debian's package libfaketime; the program faketime stays before its child, which outlives it."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    assert found, "libfaketime is missing: install the Debian package faketime, or run scripts/install-test-peers"
    return found[0]


class Storescp(Program):
    """DCMTK's storescp, which has switches for faults: `--refuse`, `--abort-after`, `--sleep-after` …

    `clock` is how far its clock is off, in words of faketime: `+60d`.
    """

    def __init__(self, folder: Path, *options: str, ae_title: str = "SINK", clock: str | None = None) -> None:
        self.ae_title = ae_title
        sink = folder / "sink"
        sink.mkdir()
        port = free_port()
        command = [program("storescp", "dcmtk"), "-aet", ae_title, "-od", str(sink), *options, str(port)]
        if clock is not None:
            command = ["env", f"LD_PRELOAD={faketime()}", f"FAKETIME={clock}", *command]
        super().__init__(command, folder, port)


class Dcmqrscp(Program):
    """DCMTK's small archive: C-STORE, C-FIND, C-GET, and C-MOVE to the `peers` (AE title, port) on loopback."""

    def __init__(
        self, folder: Path, *options: str, ae_title: str = "QR", peers: tuple[tuple[str, int], ...] = ()
    ) -> None:
        self.ae_title = ae_title
        storage = folder / "storage"
        storage.mkdir()
        port = free_port()
        hosts = "".join(f"{name.lower()} = ({name}, 127.0.0.1, {peer})\n" for name, peer in peers)
        (folder / "dcmqrscp.cfg").write_text(
            f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
            f"HostTable BEGIN\n{hosts}HostTable END\nVendorTable BEGIN\nVendorTable END\n"
            f"AETable BEGIN\n{ae_title} {storage} RW (200, 1024mb) ANY\nAETable END\n"
        )
        command = [program("dcmqrscp", "dcmtk"), "-c", str(folder / "dcmqrscp.cfg"), *options]
        super().__init__(command, folder, port)
