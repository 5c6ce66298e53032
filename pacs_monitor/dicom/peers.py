"""What a peer says of itself when it accepts an association, and what of it has changed since the last time.

The implementation version name is the peer's free text, so that only a digest of it is kept and recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from hashlib import sha256
from typing import Any

from pacs_monitor.dicom import reasons
from pacs_monitor.dicom.association import Association
from pacs_monitor.dicom.requests import Context
from pacs_monitor.dicom.sop_classes import name_of
from pacs_monitor.model import SECOND, Change, Micros

QUIET: Micros = 3600 * SECOND
"""After a change of a peer, the next one is looked for this much later: two machines behind one name, which answer in
turn, must not fill the history."""
_ACCEPTED = 0


def described(association: Association, contexts: Iterable[Context]) -> dict[str, str]:
    """A peer by what it says: words of the standard, UIDs and digests, none of its free text."""
    accepted = association.accepted
    peer = {
        "implementation class UID": accepted.implementation_class_uid,
        "implementation version name": _digest(accepted.implementation_version_name.encode()),
    }
    if association.certificate is not None:
        peer["certificate"] = _digest(association.certificate)
    return peer | {name_of(context.abstract_syntax): answer_to(association, context) for context in contexts}


def facts(association: Association, contexts: Iterable[Context]) -> tuple[tuple[str, str], ...]:
    """For the terminal of `pacs-monitor probe` alone."""
    accepted = association.accepted
    return (
        *((name_of(context.abstract_syntax), answer_to(association, context)) for context in contexts),
        ("maximum PDU length", str(accepted.maximum_length)),
        ("implementation class UID", accepted.implementation_class_uid),
        ("implementation version name", accepted.implementation_version_name),
    )


def answer_to(association: Association, context: Context) -> str:
    """How the peer answered one proposed context (PS3.8 9.3.3.2)."""
    result, syntax = association.accepted.contexts.get(context.id, (None, ""))
    if result != _ACCEPTED:
        return f"refused ({reasons.context_result(result)})"
    return (
        f"accepted with {name_of(syntax) if syntax in context.transfer_syntaxes else 'a transfer syntax not proposed'}"
    )


def changes_of(memory: MutableMapping[str, Any], who: str, peer: Mapping[str, str], now: Micros) -> tuple[Change, ...]:
    """What differs from what `memory` knows of this peer, which is brought up to date."""
    known = memory.setdefault("peers", {})
    before = known.get(who)
    if before is None:
        known[who] = {"said": dict(peer)}
        return ()
    said = before["said"]
    if said == peer or now - before.get("changed", now - QUIET) < QUIET:
        return ()
    changes = tuple(
        Change(f"{who}: {what}", said[what], value) for what, value in peer.items() if said.get(what, value) != value
    )
    known[who] = {"said": dict(peer), "changed": now} if changes else {**before, "said": dict(peer)}
    return changes


def _digest(data: bytes) -> str:
    return f"sha256:{sha256(data).hexdigest()[:32]}"
