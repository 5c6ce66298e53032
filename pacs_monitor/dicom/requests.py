"""What we propose (PS3.8 9.3.2), encoded once per target by pynetdicom's PDU classes and kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
)
from pynetdicom.presentation import PresentationContext, build_context

from pacs_monitor.dicom.identity import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, MAXIMUM_LENGTH
from pacs_monitor.dicom.negotiation import Roles

IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
VERIFICATION = "1.2.840.10008.1.1"
"""The Verification SOP Class (PS3.4 A.4)."""
APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
"""PS3.7 A.2.1."""
SOP_CLASS_NOT_SUPPORTED, TRANSFER_SYNTAXES_NOT_SUPPORTED = 3, 4
"""Results of a presentation context (PS3.8 table 9-18)."""
_MOST_CONTEXTS = 128


class Context(NamedTuple):
    """A presentation context as proposed (PS3.8 7.1.1.13); its ID is odd, 1 to 255."""

    id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...] = (IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN)
    roles: Roles = Roles()


def contexts(pairs: Iterable[tuple[str, Sequence[str]]], *, scp: Collection[str] = ()) -> tuple[Context, ...]:
    """One context per pair of a SOP class and transfer syntaxes, in this order.

    Name a SOP class twice, with one transfer syntax each, to learn which of them is refused. For those in `scp` we
    offer to be the SCP (role selection, PS3.7 D.3.3.4): the storage classes of a C-GET.
    """
    made = tuple(
        Context(2 * n + 1, sop_class, tuple(syntaxes), Roles(sop_class not in scp, sop_class in scp))
        for n, (sop_class, syntaxes) in enumerate(pairs)
    )
    if not 1 <= len(made) <= _MOST_CONTEXTS:
        raise ValueError(f"an association proposes 1 to {_MOST_CONTEXTS} presentation contexts, not {len(made)}")
    return made


@lru_cache(8192)
def associate_request(called: str, calling: str, proposed: tuple[Context, ...]) -> bytes:
    """A-ASSOCIATE-RQ (PS3.8 9.3.2)."""
    primitive = _primitive(called, calling)
    primitive.presentation_context_definition_list = [_proposed(context) for context in proposed]
    roles = {context.abstract_syntax: context.roles for context in proposed if context.roles != Roles()}
    primitive.user_information = _user_information(roles)
    pdu = A_ASSOCIATE_RQ()
    pdu.from_primitive(primitive)
    return pdu.encode()


def _primitive(called: str, calling: str) -> A_ASSOCIATE:
    primitive = A_ASSOCIATE()
    primitive.application_context_name = APPLICATION_CONTEXT
    primitive.called_ae_title, primitive.calling_ae_title = called, calling
    return primitive


def _proposed(context: Context) -> PresentationContext:
    item = build_context(context.abstract_syntax, list(context.transfer_syntaxes))
    item.context_id = context.id
    return item


def _user_information(roles: Mapping[str, Roles]) -> list[Any]:
    length, uid, name = (
        MaximumLengthNotification(),
        ImplementationClassUIDNotification(),
        ImplementationVersionNameNotification(),
    )
    length.maximum_length_received = MAXIMUM_LENGTH
    uid.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    name.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    return [length, uid, *(_role_selection(sop_class, chosen) for sop_class, chosen in roles.items()), name]


def _role_selection(sop_class: str, roles: Roles) -> SCP_SCU_RoleSelectionNegotiation:
    item = SCP_SCU_RoleSelectionNegotiation()
    item.sop_class_uid = sop_class
    item.scu_role, item.scp_role = roles
    return item
