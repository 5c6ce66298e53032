"""What a peer says of itself when it accepts an association, and what of it has changed since the last time.

The implementation version name is the peer's free text, so that only a digest of it is kept and recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

from pacs_monitor.dicom.association import Association
from pacs_monitor.dicom.context_results import answer_to
from pacs_monitor.dicom.names import name_of
from pacs_monitor.dicom.negotiation import Accepted
from pacs_monitor.dicom.requests import Context
from pacs_monitor.model import SECOND, Change, Micros

QUIET: Micros = 3600 * SECOND
"""After a change of a peer, the next one is looked for this much later: two machines behind one name, which answer in
turn, must not fill the history."""


def described(association: Association, contexts: tuple[Context, ...]) -> Mapping[str, str]:
    """A peer by what it says: words of the standard, UIDs and digests, none of its free text."""
    return _described(association.accepted, association.certificate, contexts)


@lru_cache(1024)
def _described(accepted: Accepted, certificate: bytes | None, contexts: tuple[Context, ...]) -> Mapping[str, str]:
    peer = {
        "implementation class UID": accepted.implementation_class_uid,
        "implementation version name": _digest(accepted.implementation_version_name.encode()),
    }
    if certificate is not None:
        peer["certificate"] = _digest(certificate)
    return peer | {name_of(context.abstract_syntax): answer_to(accepted, context) for context in contexts}


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
