"""What holds for a check where neither the configuration nor its probe kind says otherwise; durations in seconds."""

from __future__ import annotations

from pacs_monitor.model.enums import Severity

INTERVAL = 60.0
RETRY_INTERVAL = 10.0
TIMEOUT = 10.0
FAILURES = 3
RECOVERIES = 2
PAGE_AFTER = 60.0
SEVERITY = Severity.WARNING
UNKNOWN_AFTER = 900.0
BUSY_FAIL_AFTER = 600.0
