"""What every probe that stores test objects lets the hospital say about them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from pacs_monitor.dicom.testobject import Identity
from pacs_monitor.fields import ExistingFile, NodeNames, Settings
from pacs_monitor.model import Load
from pacs_monitor.patterns import together

KEEP_DAYS = 7


def _text(value: str) -> str:
    """No control characters and no backslash, which separates values (PS3.5 6.2)."""
    if not value.isprintable() or "\\" in value:
        raise ValueError(f"{value!r} contains a control character or a backslash")
    return value


def _person_name(value: str) -> str:
    if any(len(group) > 64 for group in value.split("=")):
        raise ValueError("is longer than 64 characters (PS3.5 6.2, VR PN)")
    return _text(value)


def _birth_date(value: str) -> str:
    try:
        return value and f"{date.fromisoformat(value):%Y%m%d}"
    except ValueError:
        raise ValueError(f"{value!r} is not a date; write 1900-01-01") from None


LongString = Annotated[str, Field(max_length=64), AfterValidator(_text)]
"""VR LO (PS3.5 6.2)."""
ShortString = Annotated[str, Field(max_length=16), AfterValidator(_text)]
"""VR SH."""
CodeString = Annotated[str, Field(pattern=r"^[A-Z0-9_ ]{1,16}$")]
"""VR CS."""


class IdentitySettings(Settings):
    """The test patient, as the hospital knows him."""

    patient_id: LongString = "ZZTEST-PACSMON"
    """Patient ID (0010,0020)."""
    patient_name: Annotated[str, AfterValidator(_person_name)] = "ZZTEST^PACSMONITOR"
    """Patient's Name (0010,0010)."""
    issuer: LongString = ""
    """Issuer of Patient ID (0010,0021)."""
    birth_date: Annotated[str, AfterValidator(_birth_date)] = ""
    """Patient's Birth Date (0010,0030), such as 1900-01-01."""
    sex: Literal["M", "F", "O", ""] = "O"
    """Patient's Sex (0010,0040)."""
    accession: ShortString = "ZZTEST-PACSMON"
    """Accession Number (0008,0050)."""
    description: LongString = "PACS MONITOR TEST - NOT A PATIENT"
    """Study and Series Description (0008,1030), (0008,103E)."""
    institution: LongString = ""
    """Institution Name (0008,0080)."""
    modality: CodeString = "OT"
    """Modality (0008,0060)."""
    marker: Annotated[str, Field(min_length=3)] = "ZZTEST"
    """A text that the patient's name or ID must contain, also in a file of your own; nothing is sent without it."""

    @model_validator(mode="after")
    def _marked(self) -> Self:
        if self.marker not in self.patient_name and self.marker not in self.patient_id:
            raise ValueError(f"neither patient_name nor patient_id contains the marker {self.marker!r}")
        return self

    def identity(self) -> Identity:
        return Identity(**self.model_dump(exclude={"marker"}))


class StoreSettings(Settings):
    """Base of the settings of every check that stores test objects."""

    model_config = ConfigDict(json_schema_extra=together("cleanup", "none", "mode", "accept_only"))

    verify: str
    """How the stored object is verified: each kind says which ways it has."""
    identity: IdentitySettings = IdentitySettings()
    """The patient in the test object."""
    file: ExistingFile | None = None
    """A DICOM file of your own (at most 16 MB) to send instead, under new UIDs; its patient must carry the marker."""
    mode: Literal["new_object", "accept_only"] = "new_object"
    """`accept_only` sends one object with fixed UIDs again and again: for archives where nothing can be deleted."""
    cleanup: Literal["orthanc", "dcm4chee", "iocm", "retention", "none"]
    """How test objects are cleaned up: by the API of the node's `orthanc:` or `dcm4chee:` block, by rejection notes
    (`iocm`), by a partition that purges itself (`retention`), or not at all (`none`, with `mode: accept_only`)."""
    keep_days: Annotated[int, Field(ge=1, le=366)] = KEEP_DAYS
    """With `cleanup: retention`: the number of days after which an object must be gone."""
    copies_on: NodeNames = ()
    """Nodes to which routing copies what is stored here; copies are cleaned up there in the same way."""
    verify_on: NodeNames = ()
    """Nodes to which routing should deliver the object: it must be found there too, by C-FIND."""

    def load(self) -> Load:
        """What one run means for the archive: objects, deletions, and the notifications that both may set off."""
        objects = 1 + (self.cleanup == "iocm")
        deletions = 0 if self.mode == "accept_only" else 1 + len(self.copies_on)
        return Load(objects, deletions, objects + deletions)

    @model_validator(mode="after")
    def _no_waste(self) -> Self:
        if (self.cleanup == "none") != (self.mode == "accept_only"):
            raise ValueError(
                "use cleanup: none only with mode: accept_only, and the reverse, so that the archive does not fill up"
            )
        if self.mode == "accept_only" and self.copies_on:
            raise ValueError("remove copies_on: mode: accept_only does not clean up its object")
        if self.mode == "accept_only" and self.verify_on:
            raise ValueError(
                "remove verify_on: with mode: accept_only the object may be there already, so it proves nothing"
            )
        return self
