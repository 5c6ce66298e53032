"""Names that systems tell, fit for a label."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.format.human import LONGEST, label

LONG = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=60, max_size=200)
ODD = st.text(st.sampled_from("a?\0\1\n\udcfc"), max_size=3)
TEXTS = LONG | ODD | st.text(max_size=80)


def test_a_name_that_fits_stays_as_it_is() -> None:
    assert label("x" * LONGEST) == "x" * LONGEST


def test_names_that_are_alike_at_both_ends_keep_apart() -> None:
    begin, end = "/srv/archive/of/the/main/building/" * 2, "/images/on/the/second/shelf" * 2
    assert label(f"{begin}1{end}") != label(f"{begin}2{end}")


@given(TEXTS, TEXTS)
def test_different_names_have_different_labels_that_are_not_endless(one: str, other: str) -> None:
    assert len(label(one)) <= LONGEST
    assert (label(one) == label(other)) == (one == other)
