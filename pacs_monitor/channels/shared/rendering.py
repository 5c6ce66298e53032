"""From a page's data to bytes: JSON that is the same on every retry, and texts that fit their receiver."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from wcwidth import iter_graphemes

from pacs_monitor.model import DeliveryError, Event, Failure

ELLIPSIS = "…"

GOES_ON = frozenset({Event.OPENED, Event.CHANGED, Event.REMINDED, Event.ESCALATED, Event.ACKNOWLEDGED})
"""What tells of an open incident. All other events are announcements, which are about no incident."""


def json_bytes(value: Any) -> bytes:
    """The same bytes for the same value; DeliveryError (unsendable) for what JSON does not know."""
    try:
        return json.dumps(value, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise unsendable(f"the notification cannot be encoded as JSON: {type(error).__name__}") from None


def said(data: Mapping[str, Any], key: str) -> str:
    """A text of a page; "" where it has none, DeliveryError (unsendable) where it is no text."""
    value = data.get(key)
    if value is None:
        return ""
    if not isinstance(value, str | int):
        raise unsendable(f"{key} of the notification is {type(value).__name__}, not a text")
    return str(value)


def unsendable(detail: str) -> DeliveryError:
    """The channel itself cannot render it: a retry would not help."""
    return DeliveryError("unsendable", detail, failure=Failure.UNSENDABLE, may_have_arrived=False)


def cut(text: str, limit: int, size: Callable[[str], int] = len, ellipsis: str = ELLIPSIS) -> str:
    """The text if it fits, else its beginning and the `ellipsis`, cut between words, or within a very long one between
    characters.

    What people see as one character (an emoji with its modifiers, a letter with its accents; UAX #29) stays whole.
    `size` says what counts (characters, bytes, the length after escaping); it must be additive. Markup is to be put
    around the result, never into the text before it.
    """
    if size(text) <= limit:
        return text
    left = limit - size(ellipsis)
    if left < 0:
        return ""
    kept, end, word_end = 0, 0, 0
    for grapheme in iter_graphemes(text):
        kept += size(grapheme)
        if kept > left:
            break
        if grapheme.isspace():
            word_end = end
        end += len(grapheme)
    else:
        return text
    if end < len(text) and text[end].isspace():
        word_end = end
    whole_words = text[:word_end].rstrip()
    return (whole_words if 2 * len(whole_words) >= end else text[:end].rstrip()) + ellipsis


def utf8(text: str) -> int:
    """Bytes in UTF-8."""
    return len(text.encode("utf-8", "surrogatepass"))


def escaped(text: str) -> int:
    """Bytes within JSON as `json_bytes` writes it."""
    return len(json.dumps(text)) - 2
