"""The object that test stores send: valid by PS3.3, unmistakable, and its own."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID

from pacs_monitor.dicom.identity import IMPLEMENTATION_CLASS_UID
from pacs_monitor.dicom.requests import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from pacs_monitor.dicom.testobject import (
    LARGEST_FILE,
    Identity,
    Synthetic,
    Uids,
    UnfitFileError,
    from_file,
    hash_of,
    synthetic,
)
from tests.peers.ports import program

AT = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
NOBODY = Identity("ZZTEST-PACSMON", "ZZTEST^PACSMONITOR", accession="ZZTEST-PACSMON", description="NOT A PATIENT")
EVERYTHING = Identity(
    "ZZTEST-1", "ZZTÄST^Müller", "EAST", "19000101", "O", "ZZ-1", "PACS MONITOR TEST - NOT A PATIENT", "Ostklinik", "CT"
)
SYNTAXES = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
LATERALITY_IS_UNKNOWN = (
    "is only permitted to be empty when actually unknown; should be absent (not empty) if an unpaired body part, "
    "and have a value if a paired body part - attribute <Laterality>"
)
"""It is: no body was examined."""


def an_object(identity: Identity = NOBODY) -> Synthetic:
    return synthetic(identity, Uids.fresh("seed", "archive", "20261124"), AT)


def as_file(made: Synthetic, transfer_syntax: str) -> bytes:
    """A file with the header that PS3.10 7.1 wants, as an archive would keep it."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(made.sop_class), UID(made.uids.instance)
    meta.TransferSyntaxUID, meta.ImplementationClassUID = UID(transfer_syntax), UID(IMPLEMENTATION_CLASS_UID)
    file = BytesIO()
    empty = FileDataset(file, Dataset(), preamble=bytes(128), file_meta=meta)
    empty.save_as(file, enforce_file_format=True)
    return file.getvalue() + made.encoded(transfer_syntax)


@pytest.mark.parametrize("transfer_syntax", SYNTAXES)
@pytest.mark.parametrize("identity", [NOBODY, EVERYTHING], ids=["defaults", "everything"])
def test_it_is_a_valid_secondary_capture_image(identity: Identity, transfer_syntax: str, tmp_path: Path) -> None:
    file = tmp_path / "test.dcm"
    file.write_bytes(as_file(an_object(identity), transfer_syntax))
    told = subprocess.run([program("dciodvfy", "dicom3tools"), file], capture_output=True, text=True, check=False)
    said = {line.partition(" - ")[::2] for line in (told.stdout + told.stderr).splitlines() if line.strip()}
    assert (told.returncode, said) == (0, {("SCImage", ""), ("Warning", LATERALITY_IS_UNKNOWN)})


@pytest.mark.parametrize("transfer_syntax", SYNTAXES)
def test_what_is_sent_reads_back_as_what_was_made(transfer_syntax: str) -> None:
    made = an_object(EVERYTHING)
    back = dcmread(BytesIO(as_file(made, transfer_syntax)))
    assert (back.PatientName, back.PatientID, back.Modality) == ("ZZTÄST^Müller", "ZZTEST-1", "CT")
    assert (back.SOPInstanceUID, back.StudyInstanceUID) == (made.uids.instance, made.uids.study)
    assert (back.QualityControlImage, back.BurnedInAnnotation) == ("YES", "NO")
    assert hash_of(made.encoded(transfer_syntax), transfer_syntax) == made.content
    assert len(made.encoded(transfer_syntax)) < 40_000


def test_every_object_has_pixels_of_its_own() -> None:
    first, second = an_object(), an_object()
    assert first.content != second.content
    encoded = bytearray(first.encoded(EXPLICIT_VR_LITTLE_ENDIAN))
    encoded[-1] ^= 1
    assert hash_of(bytes(encoded), EXPLICIT_VR_LITTLE_ENDIAN) != first.content


def test_study_and_series_stay_for_a_node_and_a_day_and_the_instance_is_new() -> None:
    first, second = Uids.fresh("seed", "archive", "20261124"), Uids.fresh("seed", "archive", "20261124")
    assert (first.study, first.series) == (second.study, second.series)
    assert first.instance != second.instance
    others = {
        Uids.fresh(*at).study
        for at in [("other", "archive", "20261124"), ("seed", "vna", "20261124"), ("seed", "archive", "20261125")]
    }
    assert len(others | {first.study}) == 4


def test_the_fixed_object_is_always_the_same() -> None:
    assert Uids.fixed("seed", "archive") == Uids.fixed("seed", "archive")
    assert Uids.fixed("seed", "archive") != Uids.fixed("seed", "vna")


@given(st.text(), st.text(), st.text())
def test_uids_are_uids(seed: str, node: str, day: str) -> None:
    uids = Uids.fresh(seed, node, day)
    assert len({uids.study, uids.series, uids.instance}) == 3
    assert all(len(uid) <= 64 and uid.replace(".", "").isdecimal() for uid in (uids.study, uids.series, uids.instance))


def own_file(folder: Path, name: str, patient_id: str = "1") -> str:
    made = an_object(Identity(patient_id, name))
    file = folder / "own.dcm"
    file.write_bytes(as_file(made, EXPLICIT_VR_LITTLE_ENDIAN))
    return str(file)


@pytest.mark.parametrize(("name", "patient_id"), [("ZZTEST^A", "1"), ("A^B", "ZZTEST-7")])
def test_a_users_own_file_is_sent_under_new_uids(tmp_path: Path, name: str, patient_id: str) -> None:
    uids = Uids.fresh("seed", "archive", "20261124")
    taken = from_file(own_file(tmp_path, name, patient_id), "ZZTEST", uids)
    assert (taken.uids, taken.dataset.SOPInstanceUID, taken.dataset.StudyInstanceUID) == (
        uids,
        uids.instance,
        uids.study,
    )
    assert (taken.dataset.PatientName, taken.dataset.PatientID) == (name, patient_id)
    assert taken.transfer_syntaxes == SYNTAXES


def test_a_file_that_may_show_a_patient_is_refused_and_its_name_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(UnfitFileError, match="contains the marker 'ZZTEST'") as refused:
        from_file(own_file(tmp_path, "Doe^Jane"), "ZZTEST", Uids.fixed("seed", "archive"))
    assert "Doe" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"no DICOM", bytes(128) + b"DICM"])
def test_what_is_no_dicom_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "own.dcm").write_bytes(content)
    with pytest.raises(UnfitFileError, match="cannot be read as a DICOM file"):
        from_file(str(tmp_path / "own.dcm"), "ZZTEST", Uids.fixed("seed", "archive"))


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "own.dcm").open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(UnfitFileError, match="larger than 16000000 bytes"):
        from_file(str(tmp_path / "own.dcm"), "ZZTEST", Uids.fixed("seed", "archive"))


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnfitFileError, match="FileNotFoundError"):
        from_file(str(tmp_path / "none.dcm"), "ZZTEST", Uids.fixed("seed", "archive"))
