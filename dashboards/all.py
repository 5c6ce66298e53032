"""All dashboards, by the name of their file."""

from __future__ import annotations

import json
from pathlib import Path

from dashboards import alerting, dicom, estate, hl7, monitor, node, storage, uptime

FOLDER = Path(__file__).parent


def rendered() -> dict[str, str]:
    """The JSON of each."""
    modules = (estate, node, dicom, hl7, storage, uptime, alerting, monitor)
    return {
        module.__name__.rpartition(".")[2]: json.dumps(module.dashboard(), indent=2, ensure_ascii=False) + "\n"
        for module in modules
    }
