"""Rejection notes (IHE IOCM): a Key Object Selection document that instructs an archive to hide an object.

The object stays on the disk and the note beside it: it is clean-up for archives that offer nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pacs_monitor.dicom import Target, associate
from pacs_monitor.dicom.datasets import encode
from pacs_monitor.dicom.requests import IMPLICIT_VR_LITTLE_ENDIAN, contexts
from pacs_monitor.dicom.store import store
from pacs_monitor.model import SECOND, Micros, ProbeContext, TestObject

KEY_OBJECT_SELECTION = "1.2.840.10008.5.1.4.1.1.88.59"
_REJECTED = {
    "CodeValue": "113001",
    "CodingSchemeDesignator": "DCM",
    "CodeMeaning": "Rejected for Quality Reasons",
}


def note_of(rejected: TestObject, stored: Micros) -> TestObject:
    """The ledger's entry of the note that rejects an object; the note is one more object of ours."""
    return TestObject(
        node=rejected.node,
        sop_instance=f"2.25.{uuid4().int}",
        sop_class=KEY_OBJECT_SELECTION,
        study=rejected.study,
        series=f"2.25.{uuid4().int}",
        check=rejected.check,
        stored=stored,
    )


async def reject(
    target: Target, rejected: TestObject, note: TestObject, patient: Mapping[str, str], ctx: ProbeContext
) -> None:
    """Send the note (PS3.3 A.35.4, PS3.16 TID 2010 and CID 7011); raises NetFailure."""
    proposed = contexts([(KEY_OBJECT_SELECTION, (IMPLICIT_VR_LITTLE_ENDIAN,))])
    data = encode({**_document(rejected, note), **patient})
    async with await associate(target, proposed, resolver=ctx.resolver, deadline=ctx.deadline) as association:
        await store(association, KEY_OBJECT_SELECTION, note.sop_instance, data, IMPLICIT_VR_LITTLE_ENDIAN)


def _document(rejected: TestObject, note: TestObject) -> dict[str, Any]:
    at = datetime.fromtimestamp(note.stored / SECOND, UTC)
    reference = {"ReferencedSOPClassUID": rejected.sop_class, "ReferencedSOPInstanceUID": rejected.sop_instance}
    return {
        "SOPClassUID": KEY_OBJECT_SELECTION,
        "SOPInstanceUID": note.sop_instance,
        "StudyInstanceUID": note.study,
        "SeriesInstanceUID": note.series,
        "StudyDate": "",
        "StudyTime": "",
        "ContentDate": at.strftime("%Y%m%d"),
        "ContentTime": at.strftime("%H%M%S"),
        "AccessionNumber": "",
        "Modality": "KO",
        "Manufacturer": "pacs_monitor",
        "ReferringPhysicianName": "",
        "StudyID": "",
        "SeriesNumber": 1,
        "InstanceNumber": 1,
        "ReferencedPerformedProcedureStepSequence": [],
        "CurrentRequestedProcedureEvidenceSequence": [
            {
                "StudyInstanceUID": rejected.study,
                "ReferencedSeriesSequence": [
                    {"SeriesInstanceUID": rejected.series, "ReferencedSOPSequence": [reference]}
                ],
            }
        ],
        "ValueType": "CONTAINER",
        "ContinuityOfContent": "SEPARATE",
        "ConceptNameCodeSequence": [_REJECTED],
        "ContentTemplateSequence": [{"MappingResource": "DCMR", "TemplateIdentifier": "2010"}],
        "ContentSequence": [
            {"RelationshipType": "CONTAINS", "ValueType": "IMAGE", "ReferencedSOPSequence": [reference]}
        ],
    }
