"""The monitor's user: what root may do, it may not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

NOBODY = 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """This process, as a user without privileges."""
    rank = os.geteuid()
    os.seteuid(rank or NOBODY)
    try:
        yield
    finally:
        os.seteuid(rank)
