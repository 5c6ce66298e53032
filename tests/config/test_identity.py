"""Where and as whom a check asks: what of a configuration is identity, for every kind of probe and system."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacs_monitor.model import CheckId, Located, fingerprint
from pacs_monitor.probes import kinds
from pacs_monitor.systems import kinds as systems
from tests.support.estates import HEAD, loaded

NODE = "nodes:\n  n:\n    host: pacs.example.org\n"
DICOM = NODE + "    dicom: {port: 104, ae_title: ARCHIVE}\n"
OF_NOBODY = {"exec", "expiry", "push"}
"""Kinds that ask nobody at an address: a program, a date, a job that reports to us."""


def printed(folder: Path, text: str) -> str:
    folder.mkdir(exist_ok=True)
    return fingerprint(loaded(folder, HEAD + text).checks[CheckId("n", "c")])


def of(kind: str, settings: str = "", node: str = NODE) -> str:
    return f"{node}    checks: {{c: {{probe: {kind}{settings and ', ' + settings}}}}}\n"


OTHER = [
    (of("tcp", "port: 22"), of("tcp", "port: 23")),
    (of("tcp", "port: 22"), of("tcp", "port: 22").replace("pacs.", "ris.")),
    (of("tcp", "port: 53"), of("dns", "port: 53, name: x.example.org")),
    (of("ping"), of("ping").replace("pacs.", "ris.")),
    (of("ntp"), of("ntp", "port: 1123")),
    (of("tls_certificate"), of("tls_certificate", "port: 8443")),
    (of("dicom_echo", node=DICOM), of("dicom_echo", node=DICOM).replace("ARCHIVE", "ARCHIV")),
    (of("dicom_echo", node=DICOM), of("dicom_echo", node=DICOM).replace("104", "11112")),
    (of("dicom_echo", node=DICOM), of("dicom_echo", "calling_ae_title: ME", node=DICOM)),
    (of("dicom_echo", "members: [a, b]", node=DICOM), of("dicom_echo", "members: [a, c]", node=DICOM)),
    (of("hl7_heartbeat", "enabled_by: it, port: 2575"), of("hl7_heartbeat", "enabled_by: it, port: 2576")),
    (
        of("hl7_heartbeat", "enabled_by: it, port: 2575"),
        of("hl7_heartbeat", "enabled_by: it, port: 2575, receiving_application: RIS"),
    ),
    (of("http", "url: https://a.example.org/x"), of("http", "url: https://a.example.org/y")),
    (of("http", "url: https://a.example.org/x"), of("http", "url: https://a.example.org:8443/x")),
    (of("fhir", "url: https://a.example.org"), of("fhir", "url: http://a.example.org")),
    (
        of("queue", "source: orthanc", node=NODE + "    orthanc: {url: http://a}\n"),
        of("queue", "source: orthanc", node=NODE + "    orthanc: {url: http://b}\n"),
    ),
    (
        of("disk", "source: snmp", node=NODE + "    snmp: {community: x}\n"),
        of("disk", "source: snmp", node=NODE + "    snmp: {community: x, port: 1161}\n"),
    ),
    (of("disk", "source: local"), of("disk", "source: snmp", node=NODE + "    snmp: {community: x}\n")),
    (of("file_age", "path: /tmp/*"), of("file_age", "path: /var/tmp/*")),
    (of("database", "url: postgresql://u@db/x"), of("database", "url: postgresql://u@db/y")),
]
SAME = [
    (of("tcp", "port: 22"), of("tcp", "port: 22, slow: 1s, interval: 5s, timeout: 3s, severity: critical")),
    (of("tcp", "port: 22"), of("tcp", "port: 22").replace("pacs.example", "PACS.Example")),
    (of("dicom_echo", node=DICOM), of("dicom_echo", "port: 104, ae_title: ARCHIVE", node=DICOM)),
    (of("dicom_echo", node=DICOM), of("dicom_echo", "tls: {}", node=DICOM)),
    (of("push", "within: 1h"), of("push", "within: 2h").replace("pacs.", "ris.")),
    (of("http", "url: https://a.example.org"), of("http", "url: https://a.example.org").replace("pacs.", "ris.")),
    (of("http", "url: https://a.example.org"), of("http", "url: https://A.example.org/, token: secret, slow: 1s")),
    (of("ping"), of("ping", node=DICOM)),
    (
        of("disk", "source: snmp", node=NODE + "    snmp: {community: x}\n"),
        of("disk", "source: snmp", node=NODE + "    snmp: {community: y}\n"),
    ),
    (of("database", "url: postgresql://u:a@db/x"), of("database", "url: postgresql://v:b@db/x")),
]


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_another_address_or_title_is_another_identity(tmp_path: Path, one: str, other: str) -> None:
    assert printed(tmp_path / "1", one) != printed(tmp_path / "2", other)


def test_our_own_ae_title_is_identity_of_what_we_ask_by_it(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    ours = HEAD.replace("name: east", "name: east, ae_title: OTHER") + of("dicom_echo", node=DICOM)
    renamed = fingerprint(loaded(tmp_path / "1", ours).checks[CheckId("n", "c")])
    assert renamed != printed(tmp_path / "2", of("dicom_echo", node=DICOM))


@pytest.mark.parametrize(("one", "other"), SAME)
def test_limits_times_accounts_and_spelling_are_no_identity(tmp_path: Path, one: str, other: str) -> None:
    assert printed(tmp_path / "1", one) == printed(tmp_path / "2", other)


def test_the_other_nodes_that_a_check_asks_are_part_of_it(tmp_path: Path) -> None:
    one = of(
        "reconcile", "against: vna", node="nodes:\n  vna: {host: vna, dicom: {port: 104, ae_title: VNA}}\n" + DICOM[7:]
    )
    assert printed(tmp_path / "1", one) != printed(tmp_path / "2", one.replace("ae_title: VNA", "ae_title: VNB"))


def test_every_kind_says_whom_it_asks_or_asks_nobody() -> None:
    silent = {kind for kind, probe in kinds().items() if not issubclass(probe.settings, Located)}
    assert silent == OF_NOBODY
    assert {kind for kind, system in systems().items() if not issubclass(system.settings, Located)} == {"local"}
