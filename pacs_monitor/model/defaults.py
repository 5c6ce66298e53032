"""What holds for a check where neither the configuration nor its probe kind says otherwise."""

from __future__ import annotations

from typing import NamedTuple

from pacs_monitor.model.enums import Severity


class CheckDefaults(NamedTuple):
    """Durations in seconds."""

    interval: float = 60.0
    retry_interval: float = 10.0
    timeout: float = 10.0
    failures: int = 3
    recoveries: int = 2
    page_after: float = 60.0
    severity: Severity = Severity.WARNING
    unknown_after: float = 900.0
    busy_fail_after: float = 600.0


CHECK_DEFAULTS = CheckDefaults()
