"""A small hospital in trouble, scraped for some minutes: what the pictures of the dashboards are drawn from.

Its archive, worklist, HL7 interface and peers are real programs. What fails, fails because it is stopped.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template
from typing import NamedTuple

from tests.dashboards.queries import RULE_FILES
from tests.peers.daemon import RunningDaemon
from tests.peers.mllp import hl7apy_server, sent
from tests.peers.orthanc import DICOMWEB, Orthanc
from tests.peers.ports import free_port
from tests.peers.prometheus import Prometheus
from tests.peers.queries import Wlmscpfs, image, store, worklist_item
from tests.peers.receiver import SECRET, Receiver
from tests.peers.switchable import Switchable

SCRAPED = 5
"""Seconds between two scrapes, and between two evaluations of the rules."""
STUDY = "1.2.826.0.1.3680043.8.498.1"
ORDER = "MSH|^~\\&|RIS|EAST|PACSMON|EAST|1||ORM^O01^ORM_O01|4711|P|2.3\rPID|1||1||DOE^JANE\r"
ESTATE = Path(__file__).with_suffix(".yaml")


class Hospital(NamedTuple):
    """What can be done to it, and who looks at it."""

    daemon: RunningDaemon
    prometheus: Prometheus
    faults: tuple[tuple[float, Callable[[], object]], ...]
    """What happens, and after which share of the time."""
    always: Callable[[], object]
    """What happens every few seconds."""


@contextmanager
def hospital(folder: Path, seconds: float) -> Iterator[Hospital]:
    """Up and scraped; `live` lets it live for so many seconds."""
    listen, orders = free_port(), free_port()
    for name in ("export", "backup", "orthanc", "wl"):
        (folder / name).mkdir()
    (folder / "backup" / "last.dump").write_text("made up")
    now = datetime.now(UTC).astimezone()
    with ExitStack() as stack:
        known = {"us": ["PACSMON", "127.0.0.1", 104]}
        orthanc = Orthanc(folder / "orthanc", DicomAlwaysAllowGet=True, DicomModalities=known, Plugins=[DICOMWEB])
        stack.enter_context(orthanc)
        store([image(f"{now:%Y%m%d}", study=STUDY, time=f"{now:%H%M%S}")], folder, orthanc.dicom_port, orthanc.ae_title)
        worklist = stack.enter_context(
            Wlmscpfs(folder / "wl", [worklist_item(f"{now:%Y%m%d}", number=number) for number in range(7)])
        )
        engine = stack.enter_context(hl7apy_server())
        longterm, ct, mr = (stack.enter_context(Switchable()) for _ in range(3))
        desk, gateway = stack.enter_context(Receiver()), stack.enter_context(Receiver())
        maintained = now + timedelta(seconds=0.3 * seconds)
        config = folder / "hospital.yaml"
        text = Template(ESTATE.read_text()).substitute(
            folder=folder,
            listen=listen,
            orders=orders,
            desk=desk.url,
            gateway=gateway.url,
            secret=SECRET,
            archive=orthanc.dicom_port,
            api=orthanc.url,
            study=STUDY,
            longterm=longterm.port,
            worklist=worklist.port,
            engine=engine,
            ct=ct.port,
            mr=mr.port,
            us=free_port(),
            service=maintained.isoformat(timespec="seconds"),
        )
        config.write_text(text)
        daemon = stack.enter_context(RunningDaemon(config, listen))
        prometheus = stack.enter_context(
            Prometheus(
                folder / "prometheus",
                {"pacs-monitor": f"127.0.0.1:{listen}"},
                interval=f"{SCRAPED}s",
                rules=RULE_FILES,
            )
        )

        def reload_with(text: str) -> None:
            config.write_text(text)
            daemon.hang_up()

        def every_few_seconds() -> None:
            asyncio.run(sent(orders, ORDER))
            daemon.post("/api/v1/push/engine/nightly")
            (folder / "export" / f"{time.monotonic_ns()}.dcm").touch()

        def clear_export() -> None:
            for file in (folder / "export").iterdir():
                file.unlink()

        faults = (
            (0.10, gateway.down),
            (0.15, longterm.down),
            (0.25, longterm.up),
            (0.40, orthanc.freeze),
            (0.44, clear_export),
            (0.52, orthanc.thaw),
            (0.55, lambda: reload_with("nodes: [")),
            (0.60, longterm.down),
            (0.62, longterm.up),
            (0.65, lambda: reload_with(text)),
            (0.70, gateway.up),
            (0.80, mr.down),
            (0.85, worklist.kill),
        )
        yield Hospital(daemon, prometheus, faults, every_few_seconds)


def live(there: Hospital, seconds: float) -> None:
    """Let so much time pass, with all that happens in it; afterwards a modality and the worklist are down."""
    began = time.monotonic()
    for share, happens in (*there.faults, (1.0, lambda: None)):
        while time.monotonic() < began + share * seconds:
            there.always()
            time.sleep(SCRAPED)
        happens()
