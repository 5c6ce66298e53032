"""One run of a program for one delivery: what it is given on its standard input, how it ended, and what it printed."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from typing import IO

from pacs_monitor.reaper import MARK, reaper

OUTPUT_LIMIT = 16384
"""Bytes of output that are looked at; the rest is read and dropped."""
PLAIN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
"""The environment of a program, none of the monitor's own."""
_STRAGGLERS = 1.0
"""Seconds for the pipe to be closed by what was killed."""


def run(command: tuple[str, ...], environment: Mapping[str, str], body: bytes, limit: float) -> tuple[int | None, str]:
    """Exit status (negative: the signal that ended it, None: it had to be killed), and the beginning of its output.

    Nothing of it runs on. Raises OSError when it cannot be run.
    """
    read_end, write_end = os.pipe()
    output = bytearray()
    with os.fdopen(read_end, "rb", 0) as pipe, tempfile.TemporaryFile() as given, reaper.command() as name:
        given.write(body)
        given.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603 - the site's own program, as a list
                command,
                stdin=given,
                stdout=write_end,
                stderr=write_end,
                env={**environment, MARK: name},
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(write_end)
        reading = threading.Thread(target=_read, args=(pipe, output), daemon=True, name="exec-output")
        reading.start()
        status: int | None = None
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            pass
        finally:
            reaper.end(name, process.pid)
            process.wait()
            reading.join(_STRAGGLERS)
    return status, output.decode(errors="replace")


def _read(pipe: IO[bytes], output: bytearray) -> None:
    """Until nobody holds the other end; a program that prints without end is not held up, but killed at its time."""
    while chunk := pipe.read(OUTPUT_LIMIT):
        output += chunk[: max(0, OUTPUT_LIMIT - len(output))]
