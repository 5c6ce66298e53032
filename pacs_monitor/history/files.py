"""Files that are there whole or not at all, for the monitor's user alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pacs_monitor.history.engines import PRIVATE
from pacs_monitor.history.errors import HistoryError


@contextmanager
def new_file(file: Path) -> Iterator[Path]:
    """An empty file beside it to be written, which takes its name when that is done; HistoryError.

    What a process that was killed has left under that other name is written over.
    """
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        if file.exists():
            raise HistoryError(f"name another file: {file} exists, and would be overwritten")
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
        try:
            yield unfinished
            with unfinished.open("rb+") as written:
                os.fsync(written.fileno())
            _named(unfinished, file)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise HistoryError(f"cannot write {file}: {error.strerror or error}; check its folder and its disk") from error


def _named(unfinished: Path, file: Path) -> None:
    """Also when somebody has made such a file meanwhile, nothing is overwritten."""
    try:
        os.link(unfinished, file)
    except FileExistsError:
        raise HistoryError(f"name another file: {file} was made by somebody else meanwhile") from None
    except OSError:  # a file system without links
        unfinished.rename(file)
        return
    unfinished.unlink()
