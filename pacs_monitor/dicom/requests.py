"""What we send, encoded once per target by pynetdicom's PDU and DIMSE classes and kept."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from pynetdicom.dimse_messages import C_ECHO_RQ
from pynetdicom.dimse_primitives import C_ECHO
from pynetdicom.pdu import A_ASSOCIATE_RQ, P_DATA_TF
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import build_context

from pacs_monitor.dicom.identity import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, MAXIMUM_LENGTH

IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
VERIFICATION = "1.2.840.10008.1.1"
"""The Verification SOP Class (PS3.4 A.4)."""
APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
"""PS3.7 A.2.1."""


class Context(NamedTuple):
    """A presentation context as proposed (PS3.8 7.1.1.13); its ID is odd, 1 to 255."""

    id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...] = (IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN)


@lru_cache(8192)
def associate_request(called: str, calling: str, contexts: tuple[Context, ...]) -> bytes:
    """A-ASSOCIATE-RQ (PS3.8 9.3.2)."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = APPLICATION_CONTEXT
    primitive.called_ae_title, primitive.calling_ae_title = called, calling
    proposed = []
    for context in contexts:
        item = build_context(context.abstract_syntax, list(context.transfer_syntaxes))
        item.context_id = context.id
        proposed.append(item)
    primitive.presentation_context_definition_list = proposed
    length, uid, name = (
        MaximumLengthNotification(),
        ImplementationClassUIDNotification(),
        ImplementationVersionNameNotification(),
    )
    length.maximum_length_received = MAXIMUM_LENGTH
    uid.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    name.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    primitive.user_information = [length, uid, name]
    pdu = A_ASSOCIATE_RQ()
    pdu.from_primitive(primitive)
    return pdu.encode()


@lru_cache(1024)
def echo_request(context_id: int, message_id: int) -> bytes:
    """C-ECHO-RQ (PS3.7 9.3.5.1) as one P-DATA-TF PDU."""
    primitive = C_ECHO()
    primitive.AffectedSOPClassUID = VERIFICATION
    primitive.MessageID = message_id
    message = C_ECHO_RQ()
    message.primitive_to_message(primitive)
    encoded = b""
    for data in message.encode_msg(context_id, MAXIMUM_LENGTH):
        pdu = P_DATA_TF()
        pdu.from_primitive(data)
        encoded += pdu.encode()
    return encoded
