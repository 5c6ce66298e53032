"""Texts that are cut to their receiver's size."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wcwidth import iter_graphemes

from pacs_monitor.channels.shared.rendering import cut, escaped, utf8


def in_html(text: str) -> int:
    return len(escape(text))


SIZES: tuple[Callable[[str], int], ...] = (len, utf8, escaped, in_html)
PARTS = ("a", "b", " ", "<", "&", '"', "ü", "…", "\n", "e\u0301", "👨\u200d👩\u200d👧", "🇩🇪", "👍🏽", "\u0301")
WORDS = st.lists(st.sampled_from(PARTS)).map("".join)


@given(WORDS | st.text(), st.integers(0, 80), st.sampled_from(SIZES))
@example("👨\u200d👩\u200d👧" * 3, 8, len)
@example("x" * 100, 10, escaped)
def test_what_is_cut_fits_begins_alike_and_breaks_no_character(
    text: str, limit: int, size: Callable[[str], int]
) -> None:
    found = cut(text, limit, size)
    assert size(found) <= limit
    if size(text) <= limit:
        assert found == text
        return
    begins = found.removesuffix("…")
    assert text.startswith(begins)
    assert found in ("", begins + "…")
    ends = {0}
    for grapheme in iter_graphemes(text):
        ends.add(max(ends) + len(grapheme))
    assert len(begins) in ends


@pytest.mark.parametrize(
    ("text", "limit", "found"),
    [
        ("Main archive refuses new images", 31, "Main archive refuses new images"),
        ("Main archive refuses new images", 30, "Main archive refuses new…"),
        ("Main archive refuses new images", 25, "Main archive refuses new…"),
        ("Main archive refuses new images", 24, "Main archive refuses…"),
        ("archive.radiology.hospital.example.org", 12, "archive.rad…"),
        ("a archive.radiology.hospital.example.org", 14, "a archive.rad…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_words_stay_whole_unless_one_is_most_of_the_text(text: str, limit: int, found: str) -> None:
    assert cut(text, limit) == found
