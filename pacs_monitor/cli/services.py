"""What users call the PACS, as lines of `status`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape


def lines(status: Mapping[str, Any], colours: Mapping[str, str]) -> list[str]:
    """`service reading: down (ris/dicom_worklist down): no reading, no priors`."""
    return [_line(row, colours[row["state"]]) for row in status.get("services", ())]


def _line(row: Mapping[str, Any], colour: str) -> str:
    others = ", ".join(f"{m['member']} {m['state']}" for m in row["members"] if m["state"] != "up")
    text = f"service {row['service']}: {row['state']}"
    text += f" ({others})" if others else ""
    text += ", in maintenance" if row["maintenance"] else ""
    text += f": {row['impact']}" if row["impact"] and row["state"] == "down" else ""
    return f"[{colour}]{escape(text)}[/{colour}]"
