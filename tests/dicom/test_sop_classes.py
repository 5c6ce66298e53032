"""SOP classes by the names that people use."""

from __future__ import annotations

import pytest
from pydicom.uid import UID

from pacs_monitor.dicom.names import name_of
from pacs_monitor.dicom.sop_classes import EVERYDAY, sop_class


@pytest.mark.parametrize("word", EVERYDAY)
def test_every_everyday_word_means_a_class_that_the_standard_knows(word: str) -> None:
    uid = sop_class(word.upper())
    assert UID(uid).type in ("SOP Class", "Meta SOP Class")
    assert not UID(uid).is_retired


@pytest.mark.parametrize(
    "written", ["CT Image Storage", "ct image storage", "CTImageStorage", "1.2.840.10008.5.1.4.1.1.2", " CT "]
)
def test_names_keywords_and_uids_mean_the_same(written: str) -> None:
    assert sop_class(written.strip() if written[0].isdigit() else written) == "1.2.840.10008.5.1.4.1.1.2"


def test_a_private_class_is_known_by_its_uid_alone() -> None:
    assert sop_class("1.2.276.0.1") == name_of("1.2.276.0.1") == "1.2.276.0.1"


@pytest.mark.parametrize("written", ["", "MPSS", "1.2.03", "1..2", "3.1"])
def test_what_is_no_class_is_told_with_what_there_is(written: str) -> None:
    with pytest.raises(ValueError, match=r"is not a SOP class; .*mpps"):
        sop_class(written)
