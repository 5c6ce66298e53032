"""Who signs a report and how it looks, as data of the report: by the configuration in force when it is made."""

from __future__ import annotations

from typing import Any

from pacs_monitor.config import report_settings_of
from pacs_monitor.history import HistoryReader
from pacs_monitor.model import Micros


def document(reader: HistoryReader, now: Micros) -> dict[str, Any]:
    """Parties, who runs the monitor, language, paper and logo (a data URI)."""
    return report_settings_of(reader.configuration(now)).model_dump(mode="json")
