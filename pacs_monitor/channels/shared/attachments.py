"""The files of a report that go with a mail, read when the mail is sent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pacs_monitor.channels.shared.mail import Attachment

LARGEST = 10 * 1024 * 1024
"""Bytes: what most servers take, once it is a third larger in base64 (RFC 2045 6.8)."""
KINDS = {".pdf": "application/pdf", ".html": "text/html", ".zip": "application/zip", ".json": "application/json"}


def report_files(data: Mapping[str, Any]) -> list[Attachment]:
    """The first file of a report; none where it has gone, or is too large for a mail."""
    report = data.get("report")
    files = report.get("files") if isinstance(report, Mapping) else None
    if data.get("kind") != "report" or not isinstance(files, Mapping) or not files:
        return []
    path = Path(str(next(iter(files.values()))))
    try:
        if path.stat().st_size > LARGEST:
            return []
        content = path.read_bytes()
    except OSError:
        return []
    return [Attachment(path.name, KINDS.get(path.suffix, "application/octet-stream"), content)]
