"""`show`: every effective setting, and where it comes from."""

from __future__ import annotations

from pathlib import Path

from pacs_monitor import config
from tests.config.support import ARCHIVE, HEAD, loaded


def test_each_value_has_its_origin(tmp_path: Path) -> None:
    text = (
        HEAD + "defaults: {page_after: 2m}\n" + ARCHIVE.replace("dicom_echo:", "dicom_echo: {interval: 20s, slow: 2s}")
    )
    estate = loaded(tmp_path, text.replace("    host:", "    severity: critical\n    host:"))
    rows = {(row.check, row.key): (row.value, row.origin) for row in config.explain(estate, "archive")}
    file = tmp_path / "monitor.yaml"
    assert ("10.0.0.1", f"node ({file}:7)") == rows["", "host"]
    assert ("20s", f"check ({file}:10)") == rows["dicom_echo", "interval"]
    assert ("2s", f"check ({file}:10)") == rows["dicom_echo", "slow"]
    assert ("critical", f"node ({file}:6)") == rows["dicom_echo", "severity"]
    assert ("2m", f"defaults ({file}:3)") == rows["dicom_echo", "page_after"]
    assert rows["dicom_echo", "timeout"] == ("10s", "probe kind")
    assert rows["dicom_echo", "failures"] == ("3", "built in")
    assert rows["dicom_echo", "paging"] == ("on", "monitor")
