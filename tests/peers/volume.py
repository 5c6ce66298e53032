"""A real file system of its own, of any size; needs root, as CI has it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.peers.ports import program


@contextmanager
def tmpfs(folder: Path, options: str) -> Iterator[Path]:
    mount = folder / "volume"
    mount.mkdir()
    subprocess.run([program("mount", "mount"), "-t", "tmpfs", "-o", options, "tmpfs", str(mount)], check=True)
    try:
        yield mount
    finally:
        subprocess.run([program("umount", "mount"), str(mount)], check=True)


@contextmanager
def filled(volume: Path) -> Iterator[None]:
    """While it is entered, nothing is left of its space."""
    filler = volume / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    try:
        yield
    finally:
        filler.unlink()
