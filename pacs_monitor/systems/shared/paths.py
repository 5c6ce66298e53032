"""Reading paths of this machine, any of which may hang: a dead network share blocks every process that accesses it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import TypeVar

from pacs_monitor.model import Phase, ProbeContext, Reason
from pacs_monitor.net import Trace
from pacs_monitor.net.threads import OneThread

T = TypeVar("T")

_looking = OneThread()
_NOWHERE = (errno.ENOENT, errno.ELOOP, errno.ENOTDIR)
"""Of a link: its end is gone, it leads to itself, or through a file."""


async def look(path: str, at: Callable[[], T], ctx: ProbeContext, trace: Trace) -> T:
    """What a blocking call finds at a path, within the deadline; raises NetFailure."""
    trace.begin(Phase.OPERATION)
    try:
        return await _looking.call(at, ctx, trace)
    except PermissionError:
        raise trace.failure(Reason.NOT_AUTHORISED, f"the monitor's user may not read {path}") from None
    except FileNotFoundError:
        raise trace.failure(Reason.MISSING, f"{path} is not there") from None
    except OSError as error:
        raise trace.failure(Reason.MISSING, f"{path} cannot be read ({error.strerror})") from None


def leads_to_a_file(entry: os.DirEntry[str]) -> bool:
    """Whether an entry of a folder is a file, or a link to one; a link that leads nowhere is neither.

    Raises OSError when that cannot be seen.
    """
    try:
        return entry.is_file()
    except OSError as error:
        if error.errno in _NOWHERE:
            return False
        raise
