"""`show`: every effective setting, and where it comes from."""

from __future__ import annotations

from pathlib import Path

from pacs_monitor import config
from tests.support.estates import ARCHIVE, HEAD, loaded


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


def test_each_value_of_a_block_has_the_line_that_it_stands_on(tmp_path: Path) -> None:
    text = (
        HEAD.replace("east", "east, ae_title: MONITOR")
        + """nodes:
  archive:
    host: 10.0.0.1
    dicom:
      port: 104
      ae_title: ARCHIVE
    orthanc:
      url: http://10.0.0.1:8042
      password_file: orthanc.pw
    checks:
      dicom_echo: {calling_ae_title: OTHER, retry_interval: 1h, interval: 20s}
      http: {url: "http://10.0.0.1", token_file: orthanc.pw}
  worklist:
    host: 10.0.0.2
    checks: {dicom_worklist: {port: 104, ae_title: WORKLIST}}
"""
    )
    (tmp_path / "orthanc.pw").write_text("hunter2")
    estate = loaded(tmp_path, text)
    rows = {(row.check, row.key): (row.value, row.origin) for row in config.explain(estate, "archive")}
    file = tmp_path / "monitor.yaml"
    assert ("104", f"node ({file}:7)") == rows["", "dicom.port"]
    assert ("ARCHIVE", f"node ({file}:8)") == rows["", "dicom.ae_title"]
    assert ("MONITOR", f"monitor ({file}:1)") == rows["", "dicom.calling_ae_title"]
    assert ("http://10.0.0.1:8042", f"node ({file}:10)") == rows["", "orthanc.url"]
    assert ("********", f"node ({file}:11)") == rows["", "orthanc.password"]
    assert ("archive", f"name of the node ({file}:4)") == rows["", "title"]
    assert ("OTHER", f"check ({file}:13)") == rows["dicom_echo", "calling_ae_title"]
    assert ("20s", f"check ({file}:13)") == rows["dicom_echo", "retry_interval"], "never above the interval"
    assert ("********", f"check ({file}:14)") == rows["http", "token"]
    assert rows["http", "method"] == ("GET", "built in")
    worklist = {row.key: (row.value, row.origin) for row in config.explain(estate, "worklist")}
    assert ("MONITOR", f"monitor ({file}:1)") == worklist["calling_ae_title"]


def test_our_ae_title_is_built_in_where_nobody_wrote_one(tmp_path: Path) -> None:
    rows = {row.key: row.origin for row in config.explain(loaded(tmp_path, HEAD + ARCHIVE), "archive") if not row.check}
    assert rows["dicom.calling_ae_title"] == "built in"
