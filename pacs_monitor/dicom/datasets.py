"""Small data sets (PS3.5) to and from bytes, by pydicom at this border.

pydicom's decoders raise almost anything on bad bytes and repeat the peer's words in warnings: whatever they raise is
Malformed here, and they are silenced. Only the elements that the caller names are read, so that what a peer says of its
patients is dropped before it becomes a value.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Collection, Mapping
from io import BytesIO
from typing import Any

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.filereader import read_dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pynetdicom import dsutils

from pacs_monitor.dicom.pdu import Malformed
from pacs_monitor.dicom.requests import IMPLICIT_VR_LITTLE_ENDIAN

logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)


def encode(values: Mapping[str, Any]) -> bytes:
    """Implicit VR Little Endian, which every peer takes (PS3.5 10.1); a list of mappings is a sequence of items."""
    return dsutils.encode(_dataset(values), is_implicit_vr=True, is_little_endian=True) or b""


def decode(data: bytes, keywords: Collection[str], transfer_syntax: str = IMPLICIT_VR_LITTLE_ENDIAN) -> dict[str, Any]:
    """The elements with these keywords, also inside of sequences, that are there and not empty; raises Malformed."""
    tags: list[Any] = [tag for tag in map(tag_for_keyword, keywords) if tag is not None]
    implicit = transfer_syntax == IMPLICIT_VR_LITTLE_ENDIAN
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read = read_dataset(BytesIO(data), implicit, is_little_endian=True, specific_tags=tags)
            return _plain(read, frozenset(keywords))
    except Exception:  # noqa: BLE001 - pydicom raises almost anything on bad bytes, with the peer's words in it
        raise Malformed("a data set cannot be read") from None


def _dataset(values: Mapping[str, Any]) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        items = isinstance(value, list) and value and isinstance(value[0], Mapping)
        setattr(made, keyword, Sequence(map(_dataset, value)) if items else value)
    return made


def _plain(read: Dataset, keywords: frozenset[str]) -> dict[str, Any]:
    return {
        element.keyword: _value(element.value, keywords)
        for element in read
        if element.keyword in keywords and not element.is_empty
    }


def _value(value: Any, keywords: frozenset[str]) -> Any:
    if isinstance(value, Sequence):
        return [_plain(item, keywords) for item in value]
    if isinstance(value, MultiValue):
        return [_value(one, keywords) for one in value]
    if isinstance(value, bytes) or type(value) in (int, float):
        return value
    return str(value)
