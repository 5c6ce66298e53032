"""A small synthetic image of any size, in Implicit VR Little Endian; also what the tests of the DICOM room send."""

from __future__ import annotations

from typing import NamedTuple

from pacs_monitor.dicom.datasets import encode
from pacs_monitor.dicom.testobject import SECONDARY_CAPTURE

STUDY, SERIES = "1.2.826.0.1.1", "1.2.826.0.1.2"
COLUMNS = 200


class Image(NamedTuple):
    uid: str
    dataset: bytes


def image(number: int = 1, size: int = 8 * COLUMNS) -> Image:
    """A Secondary Capture image with `size` bytes of pixels, in whole rows."""
    uid = f"{SERIES}.{number}"
    values = {
        "SOPClassUID": SECONDARY_CAPTURE,
        "SOPInstanceUID": uid,
        "StudyInstanceUID": STUDY,
        "SeriesInstanceUID": SERIES,
        "PatientID": "ZZTEST",
        "PatientName": "ZZTEST^PACSMONITOR",
        "Modality": "OT",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": size // COLUMNS,
        "Columns": COLUMNS,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "PixelData": bytes(size),
    }
    return Image(uid, encode(values))
