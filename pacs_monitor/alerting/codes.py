"""Short codes, by which people answer a page: an SMS with the code of an incident acknowledges it.

An incident has one from the first page that goes to a channel that takes replies, until it ends. What takes an
acknowledgement back takes the code along: the next page has a new one, so that a reply which comes late or again
acknowledges nothing. Among open incidents no two have the same.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import replace

from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import Channel, Incident, takes_replies

DIGITS = 5
_FIRST = 10 ** (DIGITS - 1)
"""Without a zero in front, which people leave out."""
_KEY = secrets.token_bytes(32)
"""Of this process: nobody can compute a code from the identities that the API shows. Codes that were given are on
record with their incidents."""
_ATTEMPTS = 1000


def given(turn: Turn, subject: Subject, channel: str) -> Subject:
    """The subject, with a code if a page of it goes to a channel that takes replies."""
    if channel not in turn.rules.replying or subject.incident.code:
        return subject
    incident = subject.incident.changed(code=_new(turn))
    turn.effects.incidents[incident.id] = incident
    return turn.remember(replace(subject, incident=incident))


def on_page(incident: Incident, channel: Channel | None) -> dict[str, str]:
    """What a page to that channel has beside its text: the code, unless somebody deals with it or it is over."""
    is_answered = incident.ended is not None or incident.acknowledgement is not None
    return {"code": incident.code} if takes_replies(channel) and incident.code and not is_answered else {}


def _new(turn: Turn) -> str:
    """One that no open incident has; "" where so many are open that none is found."""
    taken = {subject.incident.code for subject in turn.now.subjects.values()}
    identity = turn.identity()
    for attempt in range(_ATTEMPTS):
        digest = hmac.digest(_KEY, f"{identity} {attempt}".encode(), "sha256")
        code = str(_FIRST + int.from_bytes(digest[:8]) % (9 * _FIRST))
        if code not in taken:
            return code
    return ""
