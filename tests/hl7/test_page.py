"""docs/hl7.md: its examples work."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

from pacs_monitor.hl7 import Message
from pacs_monitor.probes.hl7_heartbeat import fill
from tests.support.estates import loaded

PAGE = (Path(__file__).parents[2] / "docs" / "hl7.md").read_text(encoding="utf-8")


def test_the_estate_loads_without_a_warning(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.S)
    estate = loaded(tmp_path, f"{example}default_route: {{channels: []}}\n")
    assert [str(check) for check in estate.checks] == ["engine/hl7_heartbeat", "engine/orders", "engine/results"]
    assert estate.warnings == ()


def test_the_template_can_be_sent() -> None:
    (template,) = re.findall(r"^    ```\n(.*?)^    ```", PAGE, flags=re.S | re.M)
    message = fill(dedent(template).encode(), "PM1", "20261124080000+0000")
    assert Message(message).type == "NMD^N02"
    assert b"{" not in message
