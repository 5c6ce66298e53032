"""Answers that do not have their documented form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pacs_monitor.http import HttpError
from pacs_monitor.model import Reason
from pacs_monitor.net import Trace


@contextmanager
def read_as(product: str, path: str, trace: Trace) -> Iterator[None]:
    """Whatever an answer's form makes fail in here becomes `bad_content`, which repeats nothing of it."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        raise HttpError(
            Reason.BAD_CONTENT, f"wrong url? The server that answers {path} is not {product}", trace
        ) from None
