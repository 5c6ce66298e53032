"""Whom a check calls: its node's block, each part of which the check may replace."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacs_monitor import config
from pacs_monitor.dicom.endpoint import EndpointSettings, addresses_of, target_of
from pacs_monitor.model import Address, CheckId, DicomEndpoint, Node, Tls
from tests.peers.certificates import certificate

NODE = Node("archive", host="10.0.0.5", dicom=DicomEndpoint(104, "ARCHIVE", "PACSMON", Tls(server_name="pacs")))


def test_a_check_takes_what_its_node_says() -> None:
    target = target_of(NODE, EndpointSettings())
    assert target == (Address("10.0.0.5", 104), "ARCHIVE", "PACSMON", Tls(server_name="pacs"))
    assert addresses_of(NODE, EndpointSettings()) == (Address("10.0.0.5", 104),)


def test_a_check_replaces_each_part() -> None:
    settings = EndpointSettings.model_validate(
        {"port": 11112, "ae_title": "OTHER", "calling_ae_title": "CT1", "tls": {"server_name": "other"}}
    )
    assert target_of(NODE, settings) == (Address("10.0.0.5", 11112), "OTHER", "CT1", Tls(server_name="other"))


@pytest.mark.parametrize("node", [Node("bare"), Node("no dicom", host="10.0.0.5"), Node("no host", dicom=NODE.dicom)])
def test_without_host_or_block_there_is_nobody_to_call(node: Node) -> None:
    assert target_of(node, EndpointSettings()) is None
    assert addresses_of(node, EndpointSettings()) == ()


def test_tls_of_a_check_is_written_under_it(tmp_path: Path) -> None:
    made = certificate(tmp_path)
    file = tmp_path / "monitor.yaml"
    file.write_text(
        "monitor: {name: test}\n"
        "nodes:\n"
        "  archive:\n"
        "    host: 10.0.0.5\n"
        "    dicom: {port: 104, ae_title: ARCHIVE}\n"
        f"    checks: {{dicom_echo: {{port: 2762, tls: {{ca: {made.name}}}}}}}\n"
    )
    check = config.load(file).checks[CheckId("archive", "dicom_echo")]
    target = target_of(check.node, check.settings)
    assert target == (Address("10.0.0.5", 2762), "ARCHIVE", "PACSMON", Tls(ca=str(made)))
