"""What a PDF says, page by page, to find what was changed in one; by PDFium (extra `pdf`)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from difflib import SequenceMatcher
from importlib.util import find_spec

Pages = Sequence[Sequence[str]]
"""The words of each page."""
MOST_WORDS = 12
"""That are shown of a place."""


def pages(content: bytes) -> list[list[str]]:
    """Nothing where it cannot be read."""
    if find_spec("pypdfium2") is None:
        return []
    from pypdfium2 import PdfDocument, PdfiumError  # noqa: PLC0415 - only with the extra, and only for this

    try:
        document = PdfDocument(content)
        try:
            return [page.get_textpage().get_text_bounded().split() for page in document]
        finally:
            document.close()
    except PdfiumError:
        return []


def number_in(found: Pages, known: Collection[str]) -> str | None:
    """The first number of a known report that it says: that of a report it replaces comes later."""
    words = (word.strip(",.;:()") for page in found for word in page)
    return next((word for word in words if word in known), None)


def changed(old: Pages, new: Pages) -> Iterator[str]:
    """Each place where the words differ; nothing where they are the same."""
    if len(old) != len(new):
        yield f"{len(new)} pages, frozen with {len(old)}"
    for number, (before, after) in enumerate(zip(old, new, strict=False), start=1):
        if before == after:
            continue
        for kind, start, end, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if kind != "equal":
                yield f"page {number}: {_said(after[first:last])}, frozen as {_said(before[start:end])}"


def _said(words: Sequence[str]) -> str:
    if not words:
        return "nothing"
    return repr(" ".join(words[:MOST_WORDS]) + (" …" if len(words) > MOST_WORDS else ""))
