"""What negotiates an association, as it comes from the wire: A-ASSOCIATE-RQ and -AC (PS3.8 9.3.2 and 9.3.3).

And our A-ASSOCIATE-AC, which answers whatever context IDs and roles a peer proposes, where pynetdicom's encoder raises.

Read leniently: what is not significant is not tested (the transfer syntax of a refused context, PS3.8 9.3.3.2), and
what cannot be read of one context, role or name says nothing of the others. A UID that is none becomes the empty one:
what is proposed with it is refused, what is accepted with it cannot be used. Only where the bytes do not add up to
items is the whole Malformed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from pacs_monitor.dicom.identity import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, MAXIMUM_LENGTH
from pacs_monitor.dicom.pdu import HEADER, Malformed, PduType, four

_ITEM = Struct(">BxH")
_FIXED = 68
"""Bytes of both PDUs before their items."""
_CONTEXT = 4
"""Bytes of a presentation context before its sub-items; one that is shorter has no ID, or no result."""


class Roles(NamedTuple):
    """SCP/SCU role selection for one SOP class, from the requestor's side (PS3.7 D.3.3.4)."""

    scu: bool = True
    scp: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Accepted:
    """A-ASSOCIATE-AC (PS3.8 9.3.3). The same bytes are the same object, so that what follows from it may be kept."""

    contexts: dict[int, tuple[int, str]]
    """Presentation context ID: its result, and the transfer syntax where the result is 0 (acceptance)."""
    maximum_length: int
    """Bytes that a P-DATA-TF PDU to this peer may have; 0 is no limit (PS3.8 D.1.1)."""
    implementation_class_uid: str
    implementation_version_name: str
    roles: dict[str, Roles]
    """SOP class UID: the roles accepted; one that is not mentioned has the default ones."""


class Requested(NamedTuple):
    """A-ASSOCIATE-RQ (PS3.8 9.3.2)."""

    protocol_version: int
    called: str
    calling: str
    application_context: str
    contexts: dict[int, tuple[str, tuple[str, ...]]]
    """Presentation context ID: its abstract syntax and transfer syntaxes."""
    maximum_length: int
    roles: dict[str, Roles]


class _UserInformation(NamedTuple):
    maximum_length: int
    roles: dict[str, Roles]
    implementation_class_uid: str
    implementation_version_name: str


def read_accept(body: bytes) -> Accepted:
    """A peer says the same every time, so that what it said is read once; not to be changed by its readers."""
    return _kept(body) if len(body) <= _WORTH_KEEPING else _read_accept(body)


def _read_accept(body: bytes) -> Accepted:
    contexts: dict[int, tuple[int, str]] = {}
    user = _user_information(b"")
    for kind, value in _items(body, _FIXED):
        if kind == 0x21 and len(value) >= _CONTEXT:
            context_id, result = value[0], value[2]
            contexts[context_id] = (result, _first(_uids(value, 0x40)) if result == 0 else "")
        elif kind == 0x50:
            user = _user_information(value)
    return Accepted(
        contexts,
        user.maximum_length,
        user.implementation_class_uid,
        user.implementation_version_name,
        user.roles,
    )


_WORTH_KEEPING = 2048
"""Bytes: longer answers are rare, and could fill the memory."""
_kept = lru_cache(1024)(_read_accept)


def read_request(body: bytes) -> Requested:
    contexts: dict[int, tuple[str, tuple[str, ...]]] = {}
    application_context, user = "", _user_information(b"")
    for kind, value in _items(body, _FIXED):
        if kind == 0x10:
            application_context = _uid(value)
        elif kind == 0x20 and len(value) >= _CONTEXT:
            contexts[value[0]] = (_first(_uids(value, 0x30)), _uids(value, 0x40))
        elif kind == 0x50:
            user = _user_information(value)
    called, calling = (_text(body[start : start + 16], 16) for start in (4, 20))
    version = int.from_bytes(body[:2])
    return Requested(version, called, calling, application_context, contexts, user.maximum_length, user.roles)


def write_accept(requested: Requested, results: Mapping[int, tuple[int, str]], roles: Mapping[str, Roles]) -> bytes:
    """A-ASSOCIATE-AC: the result of each context and its transfer syntax, and the roles that we agree to."""
    items = [_item(0x10, requested.application_context.encode())]
    for context_id, (result, transfer_syntax) in results.items():
        syntax = _item(0x40, transfer_syntax.encode())
        items.append(_item(0x21, bytes((context_id, 0, result, 0)) + syntax))
    user = [_item(0x51, MAXIMUM_LENGTH.to_bytes(4)), _item(0x52, IMPLEMENTATION_CLASS_UID.encode())]
    for sop_class, chosen in roles.items():
        uid = sop_class.encode()
        user.append(_item(0x54, len(uid).to_bytes(2) + uid + bytes(chosen)))
    user.append(_item(0x55, IMPLEMENTATION_VERSION_NAME.encode()))
    titles = f"{requested.called:16}{requested.calling:16}".encode()
    body = b"\0\1\0\0" + titles + bytes(32) + b"".join(items) + _item(0x50, b"".join(user))
    return HEADER.pack(PduType.A_ASSOCIATE_AC, len(body)) + body


def _item(kind: int, value: bytes) -> bytes:
    return _ITEM.pack(kind, len(value)) + value


def _user_information(value: bytes) -> _UserInformation:
    items = list(_items(value, 0))
    last = dict(items)
    maximum_length = int.from_bytes(four(last.get(0x51, bytes(4))))
    if 0 < maximum_length < _SMALLEST:
        raise Malformed(f"a maximum length of {maximum_length} bytes leaves no room to answer")
    return _UserInformation(
        maximum_length,
        dict(filter(None, (_roles(sub) for kind, sub in items if kind == 0x54))),
        _uid(last.get(0x52, b"")),
        _text(last.get(0x55, b""), 16),
    )


_SMALLEST = 8
"""Bytes of a P-DATA-TF PDU that carries anything at all, by two bytes."""


def _roles(value: bytes) -> tuple[str, Roles] | None:
    """The roles for a SOP class; None where they cannot be read, which leaves the default ones."""
    end = 2 + int.from_bytes(value[:2])
    sop_class = _uid(value[2:end])
    if not sop_class or len(value) < end + 2:
        return None
    return sop_class, Roles(bool(value[end]), bool(value[end + 1]))


def _uids(context: bytes, kind: int) -> tuple[str, ...]:
    """The UIDs of one kind of sub-item of a presentation context, as far as they can be read."""
    found = []
    with suppress(Malformed):
        for sub_kind, value in _items(context, _CONTEXT):
            if sub_kind == kind:
                found.append(_uid(value))
    return tuple(found)


def _first(uids: tuple[str, ...]) -> str:
    return uids[0] if uids else ""


def _items(data: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Items and sub-items (PS3.8 9.3.2): unknown ones are for the caller to pass over (9.3.1)."""
    if len(data) < start:
        raise Malformed("the association negotiation PDU is too short")
    while start < len(data):
        if len(data) - start < 4:
            raise Malformed("an item of the association negotiation PDU ends early")
        kind, length = _ITEM.unpack_from(data, start)
        end = start + 4 + length
        if end > len(data):
            raise Malformed("an item of the association negotiation PDU is longer than its parent")
        yield kind, data[start + 4 : end]
        start = end


def _uid(value: bytes) -> str:
    """A UID (PS3.5 9.1), without the padding that some peers leave on it; "" where it is none."""
    text = value.rstrip(b"\0 ")
    return text.decode("ascii") if _UID.fullmatch(text) else ""


_UID = re.compile(rb"[0-9.]{0,64}")
_UNPRINTABLE = re.compile(rb"[^ -~]")


def _text(value: bytes, limit: int) -> str:
    """An AE title or an implementation version name (PS3.7 D.3.3.2.3), harmless on a terminal.

    Peers written in C end it with a NUL, behind which is whatever their buffer held before.
    """
    return _UNPRINTABLE.sub(b"?", value[:limit].partition(b"\0")[0]).decode("ascii").strip()
