"""DIMSE messages as they come from the wire (PS3.7 6.3): fragments joined, and a small reader of command sets."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from pacs_monitor.dicom.pdu import Malformed, Pdv

COMMAND_LIMIT = 64 * 1024
DATA_LIMIT = 16 * 1024 * 1024
"""Bytes of one message that we are willing to take, the headers of its fragments included."""
HEADER_SIZE = 6
"""Bytes before a fragment (PS3.8 9.3.5.1), counted too, so that even empty fragments come to an end."""

_ELEMENT = Struct("<HHL")
_NO_DATA_SET = 0x0101


class CommandField(IntEnum):
    """(0000,0100) of the answers that we read (PS3.7 E.1)."""

    C_ECHO_RSP = 0x8030


class Command(NamedTuple):
    """A command set (PS3.7 9.3): the elements that every answer has, and all of group 0000 as encoded."""

    field: int
    """(0000,0100) Command Field."""
    answers: int
    """(0000,0120) Message ID Being Responded To."""
    status: int | None
    """(0000,0900) Status."""
    has_data: bool
    elements: Mapping[int, bytes]


class Message(NamedTuple):
    context_id: int
    command: Command
    data: bytes


class Assembler:
    """Joins the fragments of one message after the other (PS3.7 6.3.1: those of two are never mixed)."""

    __slots__ = ("_command", "_context_id", "_data", "_data_limit", "_fragments", "_size")

    def __init__(self, data_limit: int = DATA_LIMIT) -> None:
        self._data_limit = data_limit
        self._command: Command | None = None
        self._context_id: int | None = None
        self._fragments: list[bytes] = []
        self._size = 0

    def add(self, pdv: Pdv) -> Message | None:
        """The message that this fragment completes, if it does; raises Malformed."""
        if pdv.is_command is not (self._command is None):
            raise Malformed("command and data set fragments come in the wrong order")
        if self._context_id not in (None, pdv.context_id):
            raise Malformed("one message came over two presentation contexts")
        self._context_id = pdv.context_id
        self._size += HEADER_SIZE + len(pdv.fragment)
        if self._size > (COMMAND_LIMIT if pdv.is_command else self._data_limit):
            raise Malformed("a message is longer than any that was asked for")
        self._fragments.append(pdv.fragment)
        return self._complete(pdv.context_id, b"".join(self._fragments)) if pdv.is_last else None

    def _complete(self, context_id: int, value: bytes) -> Message | None:
        self._fragments, self._size = [], 0
        command, data = self._command, value
        if command is None:
            command, data = read_command(value), b""
            if command.has_data:
                self._command = command
                return None
        self._command = self._context_id = None
        return Message(context_id, command, data)


def read_command(data: bytes) -> Command:
    """Group 0000 in Implicit VR Little Endian (PS3.7 6.3.1); raises Malformed."""
    elements: dict[int, bytes] = {}
    start = 0
    while start < len(data):
        if len(data) - start < 8:
            raise Malformed("a command element ends early")
        group, element, length = _ELEMENT.unpack_from(data, start)
        end = start + 8 + length
        if group != 0 or end > len(data):
            raise Malformed("a command set holds what does not belong there")
        elements[element] = data[start + 8 : end]
        start = end
    field, data_set_type = _unsigned_short(elements, 0x0100), _unsigned_short(elements, 0x0800)
    if field is None or data_set_type is None:
        raise Malformed("a command set lacks its command field or its data set type")
    return Command(
        field,
        _unsigned_short(elements, 0x0120) or 0,
        _unsigned_short(elements, 0x0900),
        data_set_type != _NO_DATA_SET,
        elements,
    )


def _unsigned_short(elements: Mapping[int, bytes], element: int) -> int | None:
    """VR US (PS3.5 6.2): two bytes."""
    value = elements.get(element)
    if value is None:
        return None
    if len(value) != 2:
        raise Malformed("a command element of VR US is not 2 bytes long")
    return int.from_bytes(value, "little")
