"""A real file system of its own, of any size; needs root, as CI has it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
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
