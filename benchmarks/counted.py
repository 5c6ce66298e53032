"""The daemon with its reading of the database counted, for the benchmark of the pages.

    python -m benchmarks.counted FILE run --config monitor.yaml

The first eight bytes of FILE hold how many SELECTs there were.
"""

from __future__ import annotations

import mmap
import struct
import sys
from pathlib import Path
from threading import Lock

from sqlalchemy import Engine, event

from pacs_monitor import cli

COUNT = struct.Struct("Q")


def counts(file: Path) -> None:
    """From now on, every SELECT of this process, whatever its engine and thread."""
    file.write_bytes(bytes(COUNT.size))
    with file.open("r+b") as opened:
        memory = mmap.mmap(opened.fileno(), COUNT.size)
    lock, number = Lock(), [0]

    def count(_: object, __: object, statement: str, *___: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            with lock:
                number[0] += 1
                COUNT.pack_into(memory, 0, number[0])

    event.listen(Engine, "before_cursor_execute", count)


if __name__ == "__main__":
    counts(Path(sys.argv.pop(1)))
    cli.main()
