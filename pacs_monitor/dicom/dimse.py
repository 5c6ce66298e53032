"""DIMSE messages (PS3.7 6.3): fragments joined, and a small reader and writer of command sets."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from pacs_monitor.dicom.pdu import Malformed, Pdv

COMMAND_LIMIT = 64 * 1024
DATA_LIMIT = 16 * 1024 * 1024
"""Bytes of the longest message that we accept, including the headers of its fragments."""
HEADER_SIZE = 6
"""Bytes before a fragment (PS3.8 9.3.5.1), counted too, so that even empty fragments come to an end."""

_ELEMENT = Struct("<HHL")
_UNSIGNED_SHORT = Struct("<HHLH")
_UNSIGNED_LONG = Struct("<HHLL")
PENDING = (0xFF00, 0xFF01)
"""PS3.7 C; FF01: pending too, but optional keys of the request are not supported."""
_DATA_SET = 0x0001
_NO_DATA_SET = 0x0101
_RESPONSE = 0x8000


class CommandField(IntEnum):
    """(0000,0100), PS3.7 E.1."""

    C_STORE_RQ = 0x0001
    C_GET_RQ = 0x0010
    C_FIND_RQ = 0x0020
    C_MOVE_RQ = 0x0021
    C_ECHO_RQ = 0x0030
    N_EVENT_REPORT_RQ = 0x0100
    N_ACTION_RQ = 0x0130
    C_CANCEL_RQ = 0x0FFF

    @property
    def response(self) -> int:
        """The command field of the answer."""
        return self | _RESPONSE

    @property
    def service(self) -> str:
        """As the standard writes it: C-STORE."""
        return self.name.removesuffix("_RQ").replace("_", "-")


class Element(IntEnum):
    """Elements of group 0000 (PS3.7 E.1)."""

    AFFECTED_SOP_CLASS_UID = 0x0002
    REQUESTED_SOP_CLASS_UID = 0x0003
    COMMAND_FIELD = 0x0100
    MESSAGE_ID = 0x0110
    MESSAGE_ID_BEING_RESPONDED_TO = 0x0120
    MOVE_DESTINATION = 0x0600
    PRIORITY = 0x0700
    COMMAND_DATA_SET_TYPE = 0x0800
    STATUS = 0x0900
    ERROR_COMMENT = 0x0902
    AFFECTED_SOP_INSTANCE_UID = 0x1000
    REQUESTED_SOP_INSTANCE_UID = 0x1001
    EVENT_TYPE_ID = 0x1002
    ACTION_TYPE_ID = 0x1008
    REMAINING_SUB_OPERATIONS = 0x1020
    COMPLETED_SUB_OPERATIONS = 0x1021
    FAILED_SUB_OPERATIONS = 0x1022
    WARNING_SUB_OPERATIONS = 0x1023


Value = int | str | bytes
"""What a command element is written from."""


class Command(NamedTuple):
    """A command set (PS3.7 9.3, 10.3): the elements that every answer has, and all of group 0000 as encoded."""

    field: int
    """(0000,0100) Command Field."""
    answers: int
    """(0000,0120) Message ID Being Responded To."""
    status: int | None
    """(0000,0900) Status."""
    has_data: bool
    elements: Mapping[int, bytes]

    @property
    def is_read_with_data(self) -> bool:
        """Whether a data set matters: that of a request, or of a match (PS3.7 9.3.2.2). No other answer's is read."""
        is_match = self.field == CommandField.C_FIND_RQ.response and self.status in PENDING
        return is_match or not self.field & _RESPONSE

    def number(self, element: Element) -> int | None:
        """The value of an element of VR US, None where it is missing or none."""
        value = self.elements.get(element, b"")
        return int.from_bytes(value, "little") if len(value) == 2 else None

    def uid(self, element: Element) -> str:
        """The value of an element of VR UI, "" where it is missing or no UID."""
        text = self.elements.get(element, b"").rstrip(b"\0 ")
        return text.decode("ascii") if len(text) <= 64 and not text.strip(b"0123456789.") else ""


class Message(NamedTuple):
    context_id: int
    command: Command
    data: bytes


class Assembler:
    """Joins the fragments of one message after the other (PS3.7 6.3.1: those of two are never mixed).

    An answer is complete with its command where nobody reads its data set: some peers announce one and never send
    it. If it does come, it is dropped.
    """

    __slots__ = ("_command", "_context_id", "_data_limit", "_dropping", "_fragments", "_size")

    def __init__(self, data_limit: int = DATA_LIMIT) -> None:
        self._data_limit = data_limit
        self._command: Command | None = None
        self._context_id: int | None = None
        self._fragments: list[bytes] = []
        self._dropping = False
        self._size = 0

    def add(self, pdv: Pdv) -> Message | None:
        """The message that this fragment completes, if it does; raises Malformed."""
        if self._dropping:
            if not pdv.is_command:
                self._drop(pdv)
                return None
            self._dropping, self._size = False, 0
        if pdv.is_command is not (self._command is None):
            raise Malformed("command and data set fragments arrive in the wrong order")
        if self._context_id not in (None, pdv.context_id):
            raise Malformed("one message arrived on two presentation contexts")
        self._context_id = pdv.context_id
        self._size += HEADER_SIZE + len(pdv.fragment)
        if self._size > (COMMAND_LIMIT if pdv.is_command else self._data_limit):
            raise Malformed("a message is longer than any that was requested")
        self._fragments.append(pdv.fragment)
        return self._complete(pdv.context_id, b"".join(self._fragments)) if pdv.is_last else None

    def _complete(self, context_id: int, value: bytes) -> Message | None:
        self._fragments, self._size = [], 0
        command, data = self._command, value
        if command is None:
            command, data = read_command(value), b""
            self._dropping = command.has_data and not command.is_read_with_data
            if command.has_data and not self._dropping:
                self._command = command
                return None
        self._command = self._context_id = None
        return Message(context_id, command, data)

    def _drop(self, pdv: Pdv) -> None:
        self._size += HEADER_SIZE + len(pdv.fragment)
        if self._size > self._data_limit:
            raise Malformed("a message is longer than any that was requested")
        if pdv.is_last:
            self._dropping, self._size = False, 0


def read_command(data: bytes) -> Command:
    """A command set; what a peer says the same every time is read once, not to be changed by its readers."""
    return _kept(data) if len(data) <= _WORTH_KEEPING else _read_command(data)


def _read_command(data: bytes) -> Command:
    """Group 0000 in Implicit VR Little Endian (PS3.7 6.3.1); raises Malformed."""
    elements: dict[int, bytes] = {}
    start = 0
    while start < len(data):
        if len(data) - start < 8:
            raise Malformed("a command element ends early")
        group, element, length = _ELEMENT.unpack_from(data, start)
        end = start + 8 + length
        if group != 0 or end > len(data):
            raise Malformed("a command set contains elements that do not belong there")
        elements[element] = data[start + 8 : end]
        start = end
    field = _unsigned_short(elements, Element.COMMAND_FIELD)
    data_set_type = _unsigned_short(elements, Element.COMMAND_DATA_SET_TYPE)
    if field is None or data_set_type is None:
        raise Malformed("a command set lacks its command field or its data set type")
    return Command(
        field,
        _unsigned_short(elements, Element.MESSAGE_ID_BEING_RESPONDED_TO) or 0,
        _unsigned_short(elements, Element.STATUS),
        data_set_type != _NO_DATA_SET,
        elements,
    )


_WORTH_KEEPING = 256
"""Bytes: the answers to every C-ECHO are shorter; what has UIDs of its own does not come again."""
_kept = lru_cache(1024)(_read_command)


def _unsigned_short(elements: Mapping[int, bytes], element: int) -> int | None:
    """VR US (PS3.5 6.2): two bytes."""
    value = elements.get(element)
    if value is None:
        return None
    if len(value) != 2:
        raise Malformed("a command element of VR US is not 2 bytes long")
    return int.from_bytes(value, "little")


def write_command(field: int, elements: Mapping[Element, Value], *, has_data: bool = False) -> bytes:
    """A command set, in order of tags (PS3.7 6.3.1): a number is VR US, a text VR UI, bytes are bytes."""
    data_set_type = _DATA_SET if has_data else _NO_DATA_SET
    all_elements = {**elements, Element.COMMAND_FIELD: field, Element.COMMAND_DATA_SET_TYPE: data_set_type}
    body = b"".join(_written(element, all_elements[element]) for element in sorted(all_elements))
    return _UNSIGNED_LONG.pack(0, 0, 4, len(body)) + body


def write_response(request: Command, status: int, more: Mapping[Element, Value] | None = None) -> bytes:
    """The command set that answers a request, without a data set (PS3.7 9.3, 10.3)."""
    elements: dict[Element, Value] = {
        Element.AFFECTED_SOP_CLASS_UID: request.uid(Element.AFFECTED_SOP_CLASS_UID),
        Element.MESSAGE_ID_BEING_RESPONDED_TO: request.number(Element.MESSAGE_ID) or 0,
        Element.STATUS: status,
    }
    return write_command(CommandField(request.field).response, {**elements, **(more or {})})


def _written(element: Element, value: Value) -> bytes:
    if isinstance(value, int):
        return _UNSIGNED_SHORT.pack(0, element, 2, value)
    text = value.encode("ascii") if isinstance(value, str) else value
    text += b"\0" * (len(text) % 2)
    return _ELEMENT.pack(0, element, len(text)) + text
