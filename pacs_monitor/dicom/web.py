"""DICOMweb (PS3.18): QIDO-RS, WADO-RS and STOW-RS, in the few forms that a check needs.

Patient data is read no further than it must be: answers are counted, or compared with what we sent, and dropped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from email.message import Message
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, urlencode

from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID

from pacs_monitor import http
from pacs_monitor.dicom import reasons
from pacs_monitor.dicom.identity import IMPLEMENTATION_CLASS_UID
from pacs_monitor.dicom.testobject import Synthetic, Uids
from pacs_monitor.http import Access, HttpError, Response
from pacs_monitor.model import Address, Flag, ProbeContext, Reason
from pacs_monitor.net import Trace

JSON = "application/dicom+json"
Level = Literal["studies", "series", "instances"]
"""What QIDO-RS searches for (PS3.18 10.6)."""
SIZE_LIMIT = 64 * 1024 * 1024
"""Bytes of an answer: 1,000 matches with every attribute, or one frame of a large image."""
_BOUNDARY = "pacs-monitor-5f0c0d6b8e"
_REFERENCED, _FAILED, _FAILURE, _WARNING = "00081199", "00081198", "00081197", "00081196"
_SOP_INSTANCE, _REFERENCED_INSTANCE = "00080018", "00081155"
_MISSING = (404, 410)
_TAKEN = (200, 201, 202, 204)
"""201 (Created) says the same as 200, which PS3.18 10.5.3 wants."""
_PERSISTENT = re.compile(r"(?:^|,)\s*299(?:\s|$)")
"""A warn-code of the header Warning (RFC 7234 5.5.7)."""
_FLAGS = {0xB000: Flag.COERCED, 0xB006: Flag.ELEMENTS_DISCARDED}


class Service(NamedTuple):
    """Where a DICOMweb service begins, how it lets us in, and the run that asks it."""

    url: str
    access: Access
    ctx: ProbeContext
    trace: Trace
    kept: float = 0.0
    """No request starts within this many seconds of the run's deadline."""

    def __str__(self) -> str:
        return str(self.address)

    @property
    def address(self) -> Address:
        return http.address_of(self.url)

    async def get(self, path: str, accept: str = JSON) -> Response:
        return await http.request(
            "GET",
            self.url + path,
            self.ctx,
            self.trace,
            access=self.access,
            headers={"Accept": accept},
            size_limit=SIZE_LIMIT,
            kept=self.kept,
        )


class Matches(NamedTuple):
    """What QIDO-RS found; `cut`: there are more, which the service did not give."""

    datasets: list[Any]
    cut: bool


async def search(service: Service, level: str, keys: Mapping[str, str], limit: int | None = None) -> Matches:
    """QIDO-RS (PS3.18 10.6): the matches; raises NetFailure.

    None are 200 with an empty list or an empty payload, or 204 (PS3.18 before 2022).
    """
    query = {**keys, **({} if limit is None else {"limit": str(limit)})}
    return _matches(await service.get(f"/{level}?{urlencode(query, quote_via=quote)}"), service.trace)


def _matches(answer: Response, trace: Trace) -> Matches:
    cut = answer.status == 206 or _says_more(answer)
    if _is_empty(answer):
        return Matches([], cut)
    if answer.status in (400, 413):
        detail = f"QIDO-RS was answered with {answer.status}: the query is not supported or requests too much"
        raise HttpError(Reason.QUERY_REFUSED, detail, trace)
    http.expect(answer, "QIDO-RS", 200, 206)
    return Matches(_datasets(answer, "QIDO-RS"), cut)


async def is_found(service: Service, uids: Uids) -> bool:
    """Whether QIDO-RS finds an instance; below a study that is not there, a service may answer 404 (PS3.18 8.3.4.1)."""
    query = urlencode({"SOPInstanceUID": uids.instance})
    answer = await service.get(f"/studies/{uids.study}/series/{uids.series}/instances?{query}")
    if answer.status in _MISSING:
        return False
    found = _matches(answer, service.trace).datasets
    return any(_value(dataset, _SOP_INSTANCE) == uids.instance for dataset in found)


async def has_metadata(service: Service, uids: Uids) -> bool:
    """Whether WADO-RS gives the metadata of an instance (PS3.18 10.4.1.1.2)."""
    answer = await service.get(f"{_path(uids)}/metadata")
    if answer.status in _MISSING or _is_empty(answer):
        return False
    http.expect(answer, "WADO-RS metadata", 200)
    datasets = _datasets(answer, "WADO-RS metadata")
    if not datasets:
        return False
    if [_value(dataset, _SOP_INSTANCE) for dataset in datasets] != [uids.instance]:
        raise HttpError(Reason.BAD_CONTENT, "WADO-RS returned the metadata of a different instance", service.trace)
    return True


_HEAD = 1024
"""Bytes in which the header of a first part ends."""


async def frame_hash(service: Service, uids: Uids) -> str | None:
    """SHA-256 of the first frame by WADO-RS (PS3.18 10.4.1.1.6), None when the instance is not there."""
    wanted = 'multipart/related; type="application/octet-stream"'
    answer = await service.get(f"{_path(uids)}/frames/1", wanted)
    if answer.status in _MISSING or _is_empty(answer):
        return None
    http.expect(answer, "WADO-RS frames", 200)
    parts = parts_of(answer.body, answer.headers.get("Content-Type", ""))
    if parts in ([], [b""]):
        return None
    if len(parts) != 1:
        detail = f"WADO-RS frames returned {len(parts)} parts instead of one"
        raise HttpError(Reason.BAD_CONTENT, detail, service.trace)
    if _is_compressed(parts[0], answer.body, answer.headers.get("Content-Type", "")):
        detail = "WADO-RS frames returned a compressed frame, although an uncompressed one was requested"
        raise HttpError(Reason.BAD_CONTENT, f"{detail}: its pixels cannot be compared", service.trace)
    return hashlib.sha256(parts[0]).hexdigest()


def _is_compressed(frame: bytes, body: bytes, content_type: str) -> bool:
    """By its media type (PS3.18 8.7.3.3), or as JPEG, JPEG-LS and JPEG 2000 begin."""
    head = body[: len(body) - len(frame)][:_HEAD].lower()
    return "image/" in content_type or b"image/" in head or frame.startswith((b"\xff\xd8\xff", b"\xff\x4f\xff\x51"))


async def store(service: Service, made: Synthetic) -> int:
    """STOW-RS (PS3.18 10.5): bytes sent, once the peer says that it has stored them; raises NetFailure."""
    sent = part10(made, made.transfer_syntaxes[0])
    head = f"--{_BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    answer = await http.request(
        "POST",
        f"{service.url}/studies",
        service.ctx,
        service.trace,
        access=service.access,
        headers={
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={_BOUNDARY}',
            "Accept": JSON,
        },
        kept=service.kept,
        body=head + sent + f"\r\n--{_BOUNDARY}--\r\n".encode(),
    )
    _judge_store(service, answer, made.uids)
    return len(sent)


def _judge_store(service: Service, answer: Response, uids: Uids) -> None:
    """Stored, refused with a Failure Reason (0008,1197), or neither said."""
    taken = answer.status in _TAKEN
    if not taken and answer.status not in (400, 409):
        http.expect(answer, "STOW-RS", 200)
    reported = _object(answer, service.trace) if (taken and answer.body.strip()) or _is_json(answer) else {}
    for item in _items(reported, _FAILED):
        code = _value(item, _FAILURE)
        raise HttpError(*reasons.of_status("STOW-RS", code if isinstance(code, int) else 0x0110), service.trace)
    stored = [item for item in _items(reported, _REFERENCED) if _value(item, _REFERENCED_INSTANCE) == uids.instance]
    if not stored:
        more = ", but the answer does not confirm that the object was stored" if taken else ""
        reason = Reason.BAD_CONTENT if taken else Reason.DATASET_REFUSED
        raise HttpError(reason, f"STOW-RS was answered with {answer.status}{more}", service.trace)
    warning = _value(stored[0], _WARNING)
    if isinstance(warning, int) and warning:
        service.trace.flags.append(_FLAGS.get(warning, Flag.STORED_WITH_WARNING))


def part10(made: Synthetic, transfer_syntax: str) -> bytes:
    """The object as a file (PS3.10 7)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(made.sop_class)
    meta.MediaStorageSOPInstanceUID = UID(made.uids.instance)
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_file_meta_info(buffer, meta)
    return bytes(128) + b"DICM" + buffer.getvalue() + made.encoded(transfer_syntax)


def parts_of(body: bytes, content_type: str) -> list[bytes]:
    """The bodies of a multipart answer (RFC 2046 5.1.1); an answer that is none is its own only part."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if boundary is None:
        return [body]
    found = []
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:]:
        if piece.startswith(b"--"):
            break
        _, blank, content = piece.partition(b"\r\n\r\n")
        found.append(content if blank else b"")
    return found


def _path(uids: Uids) -> str:
    return f"/studies/{uids.study}/series/{uids.series}/instances/{uids.instance}"


def _is_empty(answer: Response) -> bool:
    """Whether an answer says that nothing is there: 204, or a payload of no bytes."""
    return answer.status == 204 or (answer.status in (200, 206) and not answer.body.strip())


def _says_more(answer: Response) -> bool:
    """Whether a Warning says that the service has more than it gives (PS3.18 8.3.4.4).

    The same code says that fuzzy matching was not done (8.3.4.2), which leaves nothing out.
    """
    said = answer.headers.get("Warning", "")
    return bool(_PERSISTENT.search(said)) and "fuzzy" not in said.lower()


def _is_json(answer: Response) -> bool:
    return answer.body.lstrip()[:1] == b"{"


def _object(answer: Response, trace: Trace) -> dict[str, Any]:
    found = http.read_json(answer, "STOW-RS")
    if not isinstance(found, dict):
        raise HttpError(Reason.BAD_CONTENT, "STOW-RS was answered with JSON that is not a data set", trace)
    return found


def _datasets(answer: Response, what: str) -> list[Any]:
    found = http.read_json(answer, what)
    if not isinstance(found, list) or not all(isinstance(dataset, dict) for dataset in found):
        raise HttpError(
            Reason.BAD_CONTENT, f"{what} was answered with JSON that is not a list of data sets", answer.trace
        )
    return found


def _items(dataset: Mapping[str, Any], tag: str) -> list[Any]:
    """The items of a sequence in the DICOM JSON model (PS3.18 F.2)."""
    sequence = dataset.get(tag)
    items = sequence.get("Value", []) if isinstance(sequence, dict) else []
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _value(dataset: Mapping[str, Any], tag: str) -> Any:
    """The first value of an attribute in the DICOM JSON model; None when there is none."""
    attribute = dataset.get(tag)
    values = attribute.get("Value") if isinstance(attribute, dict) else None
    return values[0] if isinstance(values, list) and values else None
