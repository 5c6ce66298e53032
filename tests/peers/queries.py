"""Real peers that answer queries: DCMTK's dcmqrscp and wlmscpfs, with made-up contents."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from tests.peers.ports import Program, free_port, program

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
WORKLIST = "1.2.840.10008.5.1.4.31"


class Dcmqrscp(Program):
    """An archive; anybody may store to it and ask it."""

    def __init__(self, folder: Path, ae_title: str = "QR") -> None:
        self.ae_title = ae_title
        (folder / "qr").mkdir()
        port = free_port()
        lines = (
            f"NetworkTCPPort = {port}",
            "MaxPDUSize = 16384",
            "MaxAssociations = 8",
            *("HostTable BEGIN", "HostTable END", "VendorTable BEGIN", "VendorTable END", "AETable BEGIN"),
            f"{ae_title} {folder / 'qr'} RW (500, 64mb) ANY",
            "AETable END",
        )
        configuration = folder / "dcmqrscp.cfg"
        configuration.write_text("\n".join(lines) + "\n")
        super().__init__([program("dcmqrscp", "dcmtk"), "-c", str(configuration)], folder, port)


class Wlmscpfs(Program):
    """A worklist of these items; DCMTK matches them by file."""

    def __init__(self, folder: Path, items: Iterable[Dataset] = (), ae_title: str = "WLAE") -> None:
        self.ae_title = ae_title
        files = folder / "worklists" / ae_title
        files.mkdir(parents=True)
        (files / "lockfile").touch()
        for number, item in enumerate(items):
            _save(item, files / f"{number}.wl", UID(WORKLIST))
        port = free_port()
        command = [program("wlmscpfs", "dcmtk"), "-dfp", str(files.parent), str(port)]
        super().__init__(command, folder, port)


def worklist_item(day: str, modality: str = "CT", station: str = "CT1", number: int = 1) -> Dataset:
    """One scheduled procedure step of nobody (PS3.4 K.6.1.2.2)."""
    step = Dataset()
    step.Modality, step.ScheduledStationAETitle = modality, station
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = day, "101500"
    step.ScheduledProcedureStepID, step.ScheduledProcedureStepDescription = f"S{number}", "made up"
    step.ScheduledPerformingPhysicianName = step.ScheduledStationName = ""
    item = Dataset()
    item.PatientName, item.PatientID, item.PatientBirthDate, item.PatientSex = "DOE^JOHN", f"P{number}", "", "O"
    item.AccessionNumber, item.RequestedProcedureID, item.RequestedProcedureDescription = f"A{number}", "R", "made up"
    item.StudyInstanceUID, item.ReferringPhysicianName, item.RequestingPhysician = generate_uid(), "", ""
    item.ScheduledProcedureStepSequence = [step]
    return item


def image(day: str, modality: str = "CT", *, study: str | None = None, time: str = "101500") -> Dataset:
    """A tiny made-up image of nobody, with what a query looks at."""
    made = Dataset()
    made.PatientName, made.PatientID, made.PatientBirthDate, made.PatientSex = "DOE^JOHN", "P1", "", "O"
    made.StudyInstanceUID, made.SeriesInstanceUID = study or generate_uid(), generate_uid()
    made.SOPClassUID, made.SOPInstanceUID = SECONDARY_CAPTURE, generate_uid()
    made.StudyDate = made.SeriesDate = day
    made.StudyTime = made.SeriesTime = time
    made.Modality, made.StationName, made.ConversionType = modality, f"{modality}1", "SYN"
    made.StudyID, made.AccessionNumber, made.ReferringPhysicianName = "1", "", ""
    made.SeriesNumber, made.InstanceNumber = 1, 1
    made.Rows = made.Columns = 2
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0
    made.add_new("PixelData", "OB", b"\1\2\3\4")
    return made


def store(images: Iterable[Dataset], folder: Path, port: int, ae_title: str) -> None:
    """By DCMTK's storescu."""
    outbox = folder / f"outbox-{port}-{generate_uid()[-8:]}"
    outbox.mkdir()
    for number, made in enumerate(images):
        _save(made, outbox / f"{number}.dcm", made.SOPClassUID)
    command = [program("storescu", "dcmtk"), "-aec", ae_title, "+sd", "127.0.0.1", str(port), str(outbox)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def _save(made: Dataset, path: Path, sop_class: UID) -> None:
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = sop_class
    made.file_meta.MediaStorageSOPInstanceUID = made.get("SOPInstanceUID") or generate_uid()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.save_as(path, enforce_file_format=True)
