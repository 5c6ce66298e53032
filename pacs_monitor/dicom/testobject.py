"""The synthetic object that test stores send: a Secondary Capture image (PS3.3 A.8.1), generated here, showing no
patient.

Its pixels say TEST; the rows below hold bytes made from its own UID, so that no other image passes for it. It is marked
QualityControlImage (PS3.3 C.7.6.1), and its dates are those of its making.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import NAMESPACE_OID, uuid4, uuid5

from pydicom import Dataset, FileDataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from pacs_monitor.dicom.datasets import decode
from pacs_monitor.dicom.identity import IMPLEMENTATION_CLASS_UID
from pacs_monitor.dicom.requests import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from pacs_monitor.model import PacsMonitorError

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
ROWS = COLUMNS = 192
SCALE = 6
_LETTERS = {
    "T": ("11111", "00100", "00100", "00100", "00100", "00100", "00100"),
    "E": ("11111", "10000", "10000", "11110", "10000", "10000", "11111"),
    "S": ("01111", "10000", "10000", "01110", "00001", "00001", "11110"),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """The patient of the object: an agreed test patient, no real person."""

    patient_id: str
    patient_name: str
    issuer: str = ""
    birth_date: str = ""
    sex: str = "O"
    accession: str = ""
    description: str = ""
    institution: str = ""
    modality: str = "OT"


@dataclass(frozen=True, slots=True)
class Uids:
    """Where an object belongs, and its own name."""

    study: str
    series: str
    instance: str

    @classmethod
    def fresh(cls, seed: str, node: str, day: str) -> Uids:
        """The study and series of a node and a day, the same at every call, and a new instance (PS3.5 B.2)."""
        return cls(_uid(seed, node, day, "study"), _uid(seed, node, day, "series"), f"2.25.{uuid4().int}")

    @classmethod
    def fixed(cls, seed: str, node: str) -> Uids:
        """The one object that a node without any clean-up is sent again and again."""
        return cls(*(_uid(seed, node, "fixed", level) for level in ("study", "series", "instance")))


@dataclass(frozen=True, slots=True)
class Synthetic:
    """An object ready to be sent: its names, and its data set in the transfer syntax that the peer accepts."""

    uids: Uids
    sop_class: str
    dataset: Dataset
    transfer_syntaxes: tuple[str, ...] = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)

    @property
    def content(self) -> str:
        """What must come back whatever the archive does to the rest: the hash of its pixels."""
        return _hash(self.dataset.get("PixelData", b""))

    def encoded(self, transfer_syntax: str) -> bytes:
        """The data set without a file's header, as C-STORE sends it (PS3.5 7)."""
        buffer = DicomBytesIO()
        buffer.is_little_endian = True
        buffer.is_implicit_VR = transfer_syntax == IMPLICIT_VR_LITTLE_ENDIAN
        write_dataset(buffer, self.dataset)
        return buffer.getvalue()


LARGEST_FILE = 16_000_000
"""Bytes of a user's own file: what is sent every quarter of an hour must be small, and is held in memory."""


class UnfitFileError(PacsMonitorError):
    """The user's own file may not be sent."""


def hash_of(dataset: bytes, transfer_syntax: str) -> str:
    """SHA-256 of the Pixel Data (7FE0,0010) of an encoded data set; raises Malformed."""
    return _hash(decode(dataset, ("PixelData",), transfer_syntax).get("PixelData", b""))


def _hash(pixels: bytes) -> str:
    return hashlib.sha256(pixels).hexdigest()


def synthetic(identity: Identity, uids: Uids, at: datetime) -> Synthetic:
    """A new Secondary Capture object."""
    dataset = Dataset()
    for module in (
        _patient(identity),
        _study_and_series(identity, at),
        _equipment(identity),
        _image(uids.instance, at),
    ):
        dataset.update(module)
    if not all(getattr(identity, name).isascii() for name in Identity.__slots__):
        dataset.SpecificCharacterSet = "ISO_IR 192"
    return Synthetic(uids, SECONDARY_CAPTURE, _named(dataset, SECONDARY_CAPTURE, uids))


def from_file(path: str, marker: str, uids: Uids) -> Synthetic:
    """The user's own file under new UIDs; raises UnfitFileError unless its patient carries the marker."""
    file = _read(path, marker)
    sop_class, syntax = str(file.SOPClassUID), str(file.file_meta.TransferSyntaxUID)
    plain = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
    return Synthetic(uids, sop_class, _named(file, sop_class, uids), plain if syntax in plain else (syntax,))


def patient_of(made: Synthetic) -> dict[str, str]:
    """The elements by which an archive knows the test patient, for whatever else is said of the object."""
    return {keyword: str(made.dataset.get(keyword, "")) for keyword in _PATIENT}


_PATIENT = ("SpecificCharacterSet", "PatientName", "PatientID", "PatientBirthDate", "PatientSex")


def _read(path: str, marker: str) -> FileDataset:
    try:
        if Path(path).stat().st_size > LARGEST_FILE:
            raise UnfitFileError(f"it is larger than {LARGEST_FILE} bytes")
        with warnings.catch_warnings(action="ignore"):
            file = dcmread(Path(path))
            marked = marker in str(file.get("PatientName", "")) or marker in str(file.get("PatientID", ""))
            whole = file.SOPClassUID and file.file_meta.TransferSyntaxUID
    except (OSError, InvalidDicomError, AttributeError, ValueError, TypeError, KeyError) as error:
        raise UnfitFileError(f"it cannot be read as a DICOM file ({type(error).__name__})") from None
    if not whole:
        raise UnfitFileError("it lacks the SOP class or the transfer syntax")
    if not marked:
        raise UnfitFileError(f"neither its PatientName nor its PatientID contains the marker {marker!r}")
    return file


def _uid(*parts: str) -> str:
    return f"2.25.{uuid5(NAMESPACE_OID, '/'.join(('pacs_monitor', *parts))).int}"


def _named(dataset: Dataset, sop_class: str, uids: Uids) -> Dataset:
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, uids.instance
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = uids.study, uids.series
    return dataset


def _patient(identity: Identity) -> Dataset:
    """PS3.3 C.7.1.1."""
    module = Dataset()
    module.PatientName, module.PatientID = identity.patient_name, identity.patient_id
    if identity.issuer:
        module.IssuerOfPatientID = identity.issuer
    module.PatientBirthDate, module.PatientSex = identity.birth_date, identity.sex
    return module


def _study_and_series(identity: Identity, at: datetime) -> Dataset:
    """PS3.3 C.7.2.1, C.7.3.1; what is empty here is unknown, but must be there."""
    module = Dataset()
    module.StudyDate, module.StudyTime = at.strftime("%Y%m%d"), "000000"
    module.StudyID, module.AccessionNumber, module.ReferringPhysicianName = "1", identity.accession, ""
    module.StudyDescription = module.SeriesDescription = identity.description
    module.Modality, module.SeriesNumber, module.Laterality = identity.modality, 1, ""
    return module


def _equipment(identity: Identity) -> Dataset:
    """PS3.3 C.7.5.1 and C.8.6.1; SYN is a synthetic image."""
    module = Dataset()
    module.Manufacturer, module.ConversionType = "pacs_monitor", "SYN"
    if identity.institution:
        module.InstitutionName = identity.institution
    return module


def _image(sop_instance: str, at: datetime) -> Dataset:
    """PS3.3 C.7.6.1, C.7.6.3, C.8.6.2, C.12.1."""
    module = Dataset()
    module.InstanceCreationDate = module.ContentDate = module.DateOfSecondaryCapture = at.strftime("%Y%m%d")
    module.InstanceCreationTime = module.ContentTime = module.TimeOfSecondaryCapture = at.strftime("%H%M%S")
    module.InstanceCreatorUID = IMPLEMENTATION_CLASS_UID
    module.InstanceNumber, module.PatientOrientation = 1, ""
    module.ImageType = ["DERIVED", "SECONDARY"]
    module.BurnedInAnnotation, module.QualityControlImage, module.LossyImageCompression = "NO", "YES", "00"
    module.SamplesPerPixel, module.PhotometricInterpretation = 1, "MONOCHROME2"
    module.Rows, module.Columns = ROWS, COLUMNS
    module.BitsAllocated = module.BitsStored = 8
    module.HighBit, module.PixelRepresentation = 7, 0
    module.add_new("PixelData", "OB", _pixels(sop_instance))
    return module


def _pixels(sop_instance: str) -> bytes:
    """TEST, and under it a pattern that only this UID makes."""
    rows = [bytearray(COLUMNS) for _ in range(ROWS)]
    for place, letter in enumerate("TEST"):
        left, top = SCALE * (2 + 7 * place), SCALE * 6
        for y, line in enumerate(_LETTERS[letter]):
            for x, dot in enumerate(line):
                for row in rows[top + SCALE * y : top + SCALE * (y + 1)] if dot == "1" else ():
                    row[left + SCALE * x : left + SCALE * (x + 1)] = b"\xff" * SCALE
    digest = hashlib.sha256(sop_instance.encode()).digest()
    for row in rows[-2 * SCALE :]:
        row[:] = digest * (COLUMNS // len(digest))
    return b"".join(rows)
