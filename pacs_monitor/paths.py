"""Paths of settings, looked at when the configuration is read: a folder where a file is meant, and the reverse.

Only what is seen at once counts: a network share that hangs holds nobody, and what is not there yet may come.
"""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Literal

from pydantic import ValidationInfo

from pacs_monitor.threads import started

AT_ONCE = 0.5
"""Seconds."""
Sort = Literal["folder", "file"]
_hanging: dict[str, Future[Sort | None]] = {}


def sort_of(path: str) -> Sort | None:
    """What is at a path; None where nothing is, where it may not be seen, and where it hangs."""
    if path in _hanging and not _hanging[path].done():
        return None
    look = started(lambda: _look(Path(path)), "place")
    try:
        return look.result(AT_ONCE)
    except TimeoutError:
        _hanging[path] = look
    except (OSError, ValueError):
        pass
    return None


def local_path(value: str, info: ValidationInfo) -> str:
    """A path that starts at the configuration's folder."""
    folder = (info.context or {}).get("folder")
    return str(Path(folder, value)) if folder else value


def folder_path(value: str, info: ValidationInfo) -> str:
    """The path of a folder, which need not be there yet."""
    path = local_path(value, info)
    if info.context and sort_of(path) == "file":
        raise ValueError(f"{value!r} is a file; write the folder that it is in")
    return path


def file_path(value: str, info: ValidationInfo) -> str:
    """The path of a file, which need not be there yet."""
    path = local_path(value, info)
    if info.context and sort_of(path) == "folder":
        raise ValueError(f"{value!r} is a folder; write the path of a file in it")
    return path


def existing_file(value: str, info: ValidationInfo) -> str:
    """A file that is there now, so that nobody learns of its absence at night."""
    path = file_path(value, info)
    if info.context and not Path(path).is_file():
        raise ValueError(f"{value!r} does not exist or is not a file")
    return path


def _look(path: Path) -> Sort | None:
    if not path.exists():
        return None
    return "folder" if path.is_dir() else "file"
