"""How long a text is as an SMS: septets of the GSM 7-bit default alphabet, or UTF-16 units. Pure.

3GPP TS 23.038 6.2.1: the default alphabet and its extension table, whose characters take two septets; without a
national language table. TS 23.040 9.2.3.24.1: a message that does not fit into one is sent in parts, each with a header
of six octets, so a part has 153 septets instead of 160, or 67 units of UCS-2 instead of 70. No part ends within a
character: an escape and what follows it, and the two surrogates of an emoji, stay together.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from wcwidth import iter_graphemes

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
_SPELLED = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4`", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | dict.fromkeys("\u2022\u00b7", "*")
    | dict.fromkeys("\u2192\u21d2", "->")
    | dict.fromkeys("\u2044\u2215", "/")
    | dict.fromkeys("\t\n\r\f", " ")
    | {"\u2026": "...", "\u2264": "<=", "\u2265": ">=", "\u00d7": "x", "\u00b0": "o", "\u00b5": "u"}
    | {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "\u0131": "i", "œ": "oe", "Œ": "OE", "ð": "d", "þ": "th", "ẞ": "SS"}
)
"""Typography, and letters that no decomposition makes plain."""
_ASCII = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ø": "o", "Ø": "O", "æ": "ae"}
    | {"Æ": "Ae", "€": "EUR", "£": "GBP", "§": "par. "}
)
_UNSEEN = frozenset(("So", "Sk", "Mn", "Me", "Cf", "Cc", "Co", "Cs", "Cn"))
"""Categories of Unicode that are left out of a text: pictures, loose accents, what joins or directs."""


class Alphabet(NamedTuple):
    """How one encoding counts."""

    size: Callable[[str], int]
    """Of a text: the sum of its characters."""
    single: int
    part: int
    """What one message holds, and what each of several parts does."""


def septets(text: str) -> int:
    """Of a text in the default alphabet."""
    return len(text) + sum(c in _EXTENSION for c in text)


def units(text: str) -> int:
    """Of UTF-16, which UCS-2 is on phones: an emoji takes two."""
    return len(text) + sum(c > "\uffff" for c in text)


GSM7 = Alphabet(septets, 160, 153)
UCS2 = Alphabet(units, 70, 67)


def is_gsm7(text: str) -> bool:
    return all(c in _BASIC or c in _EXTENSION for c in text)


def alphabet_of(text: str) -> Alphabet:
    """The one in which it is sent: one character outside of the default alphabet makes all of it UCS-2."""
    return GSM7 if is_gsm7(text) else UCS2


def segments(text: str) -> int:
    """How many messages a text takes."""
    size, single, part = alphabet_of(text)
    if size(text) <= single:
        return 1
    count, used = 1, 0
    for c in text:
        more = size(c)
        if used + more > part:
            count, used = count + 1, 0
        used += more
    return count


def room(alphabet: Alphabet, count: int) -> int:
    """What surely fits into so many messages, wherever their borders fall."""
    return alphabet.single if count == 1 else alphabet.part * count - (count - 1)


def plain(text: str, *, ascii_only: bool = False) -> str:
    """A text on one line, spelled in the default alphabet (or ASCII) as far as that can be.

    Typography becomes ASCII, accents that the alphabet lacks are left off, pictures are left out; what has no spelling
    in it (Cyrillic, Greek small letters, Chinese) stays as it is, or is `?` in ASCII.
    """
    spelled = "".join(_spelled(cluster, ascii_only=ascii_only) for cluster in iter_graphemes(_composed(text)))
    return " ".join(spelled.split())


def _composed(text: str) -> str:
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return unicodedata.normalize("NFC", whole).translate(_SPELLED)


def _spelled(cluster: str, *, ascii_only: bool) -> str:
    """One character as people see it."""
    if ascii_only:
        cluster = cluster.translate(_ASCII)
    if is_gsm7(cluster) and (cluster.isascii() or not ascii_only):
        return cluster
    loose = unicodedata.normalize("NFKD", cluster).translate(_SPELLED)
    kept = "".join(c for c in loose if unicodedata.category(c) not in _UNSEEN)
    if ascii_only:
        return "".join(c if c.isascii() else "?" for c in kept)
    return kept if is_gsm7(kept) else "".join(c for c in cluster if unicodedata.category(c) not in _UNSEEN)
