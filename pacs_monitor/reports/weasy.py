"""The program that prints with WeasyPrint: HTML file, PDF file; its steps go to standard error.

It runs in a process of its own (reports/pdf.py), so that nobody waits for it without a bound. It fetches nothing: what
a page shows stands in it. Without arguments its exit code says whether WeasyPrint and its libraries can be loaded.
"""

from __future__ import annotations

import logging
import re
import sys
from hashlib import sha256
from pathlib import Path

VARIANT = "pdf/ua-1"
"""ISO 14289-1: tagged, so that a screen reader finds headings and tables."""


def main(arguments: list[str]) -> int:
    """The same page makes the same bytes with the same versions of WeasyPrint and of the fonts."""
    try:
        from weasyprint import HTML  # noqa: PLC0415 - what cannot be loaded is an answer
        from weasyprint.urls import URLFetcher  # noqa: PLC0415 - as above
    except (ImportError, OSError) as error:
        print(f"WeasyPrint cannot be loaded: {error}".splitlines()[0], file=sys.stderr)
        return 1
    if arguments:
        source, target = map(Path, arguments)
        content = source.read_bytes()
        _tell_steps()
        HTML(string=content.decode("utf-8"), url_fetcher=URLFetcher(allowed_protocols=("data",))).write_pdf(
            target, pdf_identifier=sha256(content).hexdigest()[:32].encode(), pdf_variant=VARIANT
        )
    return 0


def _tell_steps() -> None:
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
    steps, handler = logging.getLogger("weasyprint.progress"), logging.StreamHandler(sys.stderr)
    handler.addFilter(lambda record: re.match(r"Step \d", record.getMessage()) is not None)
    steps.setLevel(logging.INFO)
    steps.addHandler(handler)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
