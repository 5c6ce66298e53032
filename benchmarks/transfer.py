"""C-STORE of 39 kB and of 4 MB, and C-FIND with 100 answers, three ways: processor time, latency, and their ratios.

    python -m benchmarks.transfer [--seconds 5]

The table goes to benchmarks/results/transfer.md. The peers are DCMTK's storescp, which ignores what it gets, and its
dcmqrscp with 100 images. Each run is an association of its own, one after the other, as fast as the client can; each
client runs in a process of its own, so that what is measured is the client.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

import psutil
import uvloop
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID
from pynetdicom import AE

from benchmarks.echo import free_port
from benchmarks.image import SERIES, STUDY, image
from benchmarks.paced import Figures, processor_time, sequential
from pacs_monitor.dicom import Association, Target, associate
from pacs_monitor.dicom.datasets import encode
from pacs_monitor.dicom.find import STUDY_ROOT_FIND, count_matches, find
from pacs_monitor.dicom.requests import IMPLICIT_VR_LITTLE_ENDIAN, contexts
from pacs_monitor.dicom.store import store
from pacs_monitor.dicom.testobject import SECONDARY_CAPTURE
from pacs_monitor.model import Address
from pacs_monitor.net import Resolver

RESULTS = Path(__file__).parent / "results" / "transfer.md"
SIZES = {"C-STORE 39 kB": 39_000, "C-STORE 4 MB": 4_000_000}
FIND, ANSWERS = "C-FIND, 100 answers", 100
OPERATIONS = (*SIZES, FIND)
IMAGES = {"QueryRetrieveLevel": "IMAGE", "StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "SOPInstanceUID": ""}


def file_of(dataset: bytes, path: Path) -> Path:
    """The same as a DICOM file (PS3.10 7)."""
    made = read_dataset(BytesIO(dataset), True, True)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = UID(IMPLICIT_VR_LITTLE_ENDIAN)
    made.save_as(path, enforce_file_format=True)
    return path


@contextmanager
def peer(operation: str, folder: Path) -> Iterator[int]:
    port = free_port()
    command = ["storescp", "--ignore", str(port)] if operation in SIZES else archive(port, folder)
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port)
            if operation == FIND:
                fill(port, folder)
            yield port
        finally:
            process.terminate()


def archive(port: int, folder: Path) -> list[str]:
    (folder / "storage").mkdir()
    (folder / "dcmqrscp.cfg").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\nHostTable BEGIN\nHostTable END\n"
        "VendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nPEER {folder / 'storage'} RW (200, 1024mb) ANY\nAETable END\n"
    )
    return ["dcmqrscp", "-c", str(folder / "dcmqrscp.cfg")]


def fill(port: int, folder: Path) -> None:
    files = [str(file_of(image(number, 1000)[1], folder / f"{number}.dcm")) for number in range(ANSWERS)]
    subprocess.run(["storescu", "-aec", "PEER", "127.0.0.1", str(port), *files], check=True, capture_output=True)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while subprocess.run(
        ["echoscu", "-aec", "PEER", "127.0.0.1", str(port)], check=False, capture_output=True
    ).returncode:
        if time.monotonic() > deadline:
            raise SystemExit("the peer did not come up")
        time.sleep(0.1)


def by_association(operation: str, port: int, seconds: float, _folder: Path) -> Figures:
    """This project's association."""
    target = Target(Address("127.0.0.1", port), "PEER", "PACSMON")
    sop_class = STUDY_ROOT_FIND if operation == FIND else SECONDARY_CAPTURE
    proposed = contexts([(sop_class, [IMPLICIT_VR_LITTLE_ENDIAN])])
    ask = finding() if operation == FIND else storing(SIZES[operation])

    async def main() -> Figures:
        resolver, latencies = Resolver(), []
        before, began = processor_time(), time.perf_counter()
        while (now := time.perf_counter()) - began < seconds:
            deadline = time.monotonic() + 30
            async with await associate(target, proposed, resolver=resolver, deadline=deadline) as association:
                await ask(association)
            latencies.append(time.perf_counter() - now)
        return Figures.of("association", time.perf_counter() - began, processor_time() - before, latencies)

    return uvloop.run(main())


def storing(size: int) -> Callable[[Association], Awaitable[None]]:
    uid, dataset = image(1, size)

    async def ask(association: Association) -> None:
        await store(association, SECONDARY_CAPTURE, uid, dataset, IMPLICIT_VR_LITTLE_ENDIAN)

    return ask


def finding() -> Callable[[Association], Awaitable[None]]:
    identifier = encode(IMAGES)

    async def ask(association: Association) -> None:
        assert (await count_matches(find(association, STUDY_ROOT_FIND, identifier))).matches == ANSWERS

    return ask


def by_pynetdicom(operation: str, port: int, seconds: float, folder: Path) -> Figures:
    ae = AE(ae_title="PACSMON")
    ae.add_requested_context(STUDY_ROOT_FIND if operation == FIND else SECONDARY_CAPTURE, IMPLICIT_VR_LITTLE_ENDIAN)
    query = Dataset()
    for keyword, value in IMAGES.items():
        setattr(query, keyword, value)
    kept = None if operation == FIND else dcmread(file_of(image(1, SIZES[operation])[1], folder / "1.dcm"))

    def ask(_n: int) -> None:
        association = ae.associate("127.0.0.1", port, ae_title="PEER")
        assert association.is_established
        if kept is None:
            pending = [
                status for status, _ in association.send_c_find(query, STUDY_ROOT_FIND) if status.Status == 0xFF00
            ]
            assert len(pending) == ANSWERS
        else:
            assert association.send_c_store(kept).Status == 0
        association.release()

    return sequential("pynetdicom", ask, seconds)


def by_dcmtk(operation: str, port: int, seconds: float, folder: Path) -> Figures:
    """storescu or findscu, a process for each."""
    where = ["-aec", "PEER", "127.0.0.1", str(port)]
    if operation == FIND:
        keys = [part for keyword, value in IMAGES.items() for part in ("-k", f"{keyword}={value}")]
        name, command = "DCMTK `findscu`", ["findscu", "-S", *keys, *where]
    else:
        file = file_of(image(1, SIZES[operation])[1], folder / "1.dcm")
        name, command = "DCMTK `storescu`", ["storescu", "-xi", *where, str(file)]

    def ask(_n: int) -> None:
        subprocess.run(command, check=True, capture_output=True)

    return sequential(name, ask, seconds, resource.RUSAGE_CHILDREN)


WAYS: dict[str, Callable[[str, int, float, Path], Figures]] = {
    "association": by_association,
    "pynetdicom": by_pynetdicom,
    "dcmtk": by_dcmtk,
}


def measure(operation: str, way: str, seconds: float) -> Figures:
    """One way in a process of its own, against a peer of its own."""
    with tempfile.TemporaryDirectory() as name, peer(operation, Path(name)) as port:
        command = [sys.executable, "-m", "benchmarks.transfer", "--way", way, "--operation", operation]
        command += ["--port", str(port), "--seconds", str(seconds)]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Figures(**json.loads(out.splitlines()[-1]))


def report(rows: dict[str, list[Figures]]) -> str:
    machine = f"{platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        "# C-STORE and C-FIND: processor time and latency",
        "",
        f"{time.strftime('%Y-%m-%d')}, {machine}; all in one run, each against a local peer of its own",
        "(DCMTK's storescp and dcmqrscp). A run is an association with one operation, one after the other; DCMTK's",
        "programs are a process for each run. A ratio says how many times as much as this project's association.",
        "",
        "Of the latency of the others, some 40 to 80 ms are delays of TCP, not work: DCMTK sends the parts of a PDU",
        "apart with Nagle's algorithm, and waits for acknowledgements that its peer delays. This project's association",
        "acknowledges at once (TCP_QUICKACK). With TCP_NODELAY=1 in storescp's environment, storescu took 19 instead",
        "of 104 ms, and pynetdicom 52 instead of 96 ms; the ratio of processor time is the one that compares work.",
        "",
        "| operation | client | runs/s | processor per run | ratio | latency (median) | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for operation, figures in rows.items():
        ours = figures[0]
        lines += [
            f"| {operation} | {one.name} | {one.rate:.0f} | {one.processor * 1000:.2f} ms "
            f"| {one.processor / ours.processor:.1f} | {one.median * 1000:.2f} ms | {one.median / ours.median:.1f} |"
            for one in figures
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--operation", choices=OPERATIONS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        with tempfile.TemporaryDirectory() as folder:
            figures = WAYS[given.way](given.operation, given.port, given.seconds, Path(folder))
        print(json.dumps(asdict(figures)))
        return
    rows: dict[str, list[Figures]] = {}
    for operation in OPERATIONS:
        for way in WAYS:
            print(f"{operation}: {way} …", file=sys.stderr)
            rows.setdefault(operation, []).append(measure(operation, way, given.seconds))
    text = report(rows)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
