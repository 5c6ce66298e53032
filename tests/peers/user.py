"""The monitor's user: what root may do, it may not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

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


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that everybody may reach and list, unlike those of pytest; what is closed in it is opened at the end."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            yield folder
        finally:
            for below in folder.iterdir():
                if below.is_dir() and not below.is_symlink():
                    below.chmod(0o700)
