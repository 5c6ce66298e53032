"""The JSON Schema: what an editor refuses and accepts, compared with what `check-config` does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from pacs_monitor import config
from pacs_monitor.config import ConfigError
from tests.config.editor import complaints, complaints_of
from tests.support.estates import HEAD, loaded, messages

ROOT = Path(__file__).parents[2]
BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))
SCHEMA = config.schema()
ELSEWHERE = "a name that must exist elsewhere in the file: a schema looks at one place at a time"
FILES = "what the disk holds: a schema sees no other file"
YAML = "the YAML itself: every editor underlines it, before any schema"
NOT_IN_A_SCHEMA = {
    "alias_bomb": YAML,
    "alias_without_anchor": YAML,
    "calendar_unknown": ELSEWHERE,
    "constancy_logs_of_one_name": ELSEWHERE,
    "constancy_of_a_check_that_proves_no_arrival": ELSEWHERE,
    "constancy_of_a_check_that_stores_nothing": ELSEWHERE,
    "certificate_missing": FILES,
    "default_route_to_unknown_channel": ELSEWHERE,
    "handover_to_unknown_channel": ELSEWHERE,
    "duplicate_key": YAML,
    "environment_variable_missing": "the environment of the daemon",
    "key_that_is_no_text": YAML,
    "nested_too_deeply": YAML,
    "not_utf8": YAML,
    "not_yaml": YAML,
    "objective_that_includes_windows_with_notice": "two keys, one of which may be 0",
    "objective_on_time_that_nothing_measures": ELSEWHERE,
    "objectives_of_one_name": ELSEWHERE,
    "parent_unknown": ELSEWHERE,
    "fallback_to_unknown_channel": ELSEWHERE,
    "fallbacks_in_a_circle": "a circle through several places of the file",
    "parents_in_a_circle": "a circle through several places of the file",
    "route_to_unknown_channel": ELSEWHERE,
    "secret_file_missing": FILES,
    "service_of_more_than_there_are": "a number and the length of a list",
    "service_of_unknown_check": ELSEWHERE,
    "service_of_unknown_service": ELSEWHERE,
    "services_in_a_circle": "a circle through several places of the file",
    "site_unknown": ELSEWHERE,
    "tab_for_indentation": YAML,
    "tag": YAML,
    "template_unknown": ELSEWHERE,
    "two_documents": YAML,
    "variable_without_quotes": YAML,
}


def test_is_a_schema_of_the_draft_that_editors_of_yaml_read() -> None:
    Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_refuses_every_bad_file_that_a_schema_can_refuse(file: Path) -> None:
    try:
        refused = bool(complaints(file.read_text(encoding="utf-8")))
    except (ConfigError, UnicodeDecodeError):
        refused = False
    assert refused is (file.stem not in NOT_IN_A_SCHEMA)


def test_what_it_cannot_refuse_is_there() -> None:
    assert NOT_IN_A_SCHEMA.keys() <= {file.stem for file in BAD}


def test_every_key_has_a_description() -> None:
    assert [path for path, key in properties(SCHEMA, "") if not key.get("description")] == []


def properties(part: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(part, list):
        for item in part:
            yield from properties(item, path)
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "properties" and path.rpartition(".")[2] not in ("if", "then", "not", "anyOf"):
                yield from ((f"{path}.{name}", inner) for name, inner in value.items() if "$ref" not in inner)
            yield from properties(value, f"{path}.{key}")


@pytest.mark.parametrize("file", [ROOT / "monitor.yaml"], ids=lambda file: file.name)
def test_our_own_files_are_valid(file: Path) -> None:
    assert complaints(file.read_text(encoding="utf-8")) == []


def test_the_starter_is_valid() -> None:
    assert complaints(config.starter()) == []


def test_the_example_is_valid() -> None:
    text = (Path(__file__).parent / "monitor.example.yaml").read_text(encoding="utf-8")
    assert complaints(text) == []


def test_typed_values_are_valid_too() -> None:
    typed = yaml.safe_load((ROOT / "monitor.yaml").read_text(encoding="utf-8").replace("paging: on", "paging: 'on'"))
    assert complaints_of(typed) == []


@pytest.mark.parametrize(
    "node",
    [
        "{hots: x}",
        "{dicom: {port: 104}}",
        "{checks: {tcp: {prot: 22}}}",
        "{checks: {ssh: {probe: tcp}}}",
        "{checks: {ssh: {port: 22}}}",
        "{presence: sometimes}",
        "{host: h, checks: {ping: {timeout: 10}}}",
        "{host: h, checks: {ping: {interval: 5 minutes}}}",
        "{host: h, checks: {ping: {interval: 0}}}",
        "{host: h, checks: {ping: {lost: 120%}}}",
        "{host: h, checks: {ping: {lost: 0.5}}}",
        "{host: h, checks: {ping: {count: 21}}}",
        "{host: h, checks: {ping: {cron: 0 3 * *}}}",
        "{host: h, checks: {ping: {until: 24.12.2026}}}",
        "{host: h, checks: {ping: {until: 20261224}}}",
        "{host: h, checks: {disk: {source: local, free_warn: 20}}}",
        "{host: h, checks: {disk: {source: local, free_warn: 20 gigs}}}",
        "{host: h, checks: {disk: {source: loacl}}}",
        "{host: h, checks: {disk: {source: local, read_only: maybe}}}",
        "{host: h, checks: {queue: {source: snmp}}}",
        "{host: h, checks: {hl7_feed: {source: folder, within: 1h}}}",
        "{host: h, checks: {hl7_feed: {source: listener, within: 1h, folder: x}}}",
        "{host: h, checks: {hl7_feed: {source: listener, within: 1 hour}}}",
        "{host: h, checks: {expiry: }}",
        "{host: h, checks: {expiry: {date: 2027-03-31, cert: a.pem}}}",
        "{host: h, checks: {tls_certificate: {trusted: perhaps}}}",
        "{host: h, checks: {http: {url: pacs.example.org}}}",
        "{host: h, checks: {http: {url: 'http://h', status: 2yy}}}",
        "{host: h, checks: {http: {url: 'http://h', headers: {'X Y': z}}}}",
        "{host: h, checks: {http: {url: 'http://h', token: a, token_file: b}}}",
        "{host: h, dicom: {port: 104, ae_title: A_TITLE_OF_17_CHAR}}",
        "{host: h, dicom: {port: 104, ae_title: 'A\\B'}}",
        "{host: h, dicom: {port: 0, ae_title: A}}",
        "{host: h, dicom: {port: dicom, ae_title: A}}",
        "{host: h, dicom: {port: 104, ae_title: A}, checks: {dicom_store: {cleanup: retention}}}",
        "{host: h, dicom: {port: 104, ae_title: A}, checks: {dicom_store: {cleanup: none, enabled_by: x}}}",
        "{host: h, snmp: {port: 161}}",
        "{host: h, snmp: {community: public, username: us}}",
        "{host: 'a b'}",
        "{host: h, checks: {'a/b': {probe: tcp, port: 1}}}",
        "{checks: {tcp: {port: 22}}}",
        "{checks: {ssh: {probe: tcp, port: 22}}}",
        "{checks: {disk: {source: snmp}}, snmp: {community: public}}",
        "{host: h, checks: {dicom_echo: {port: 104}}}",
        "{host: h, checks: {hl7_heartbeat: {enabled_by: x}}}",
    ],
)
def test_faults_show_in_the_editor_as_in_check_config(node: str, tmp_path: Path) -> None:
    text = f"{HEAD}nodes:\n  a: {node}\n"
    assert complaints(text)
    assert messages(tmp_path, text)


@pytest.mark.parametrize(
    "section",
    [
        "routes: [{match: {severity: critcal}, channels: []}]",
        "routes: [{match: {probe: tpc}, channels: []}]",
        "routes: [{match: {presence: [always, never]}, channels: []}]",
        "services: {pacs: {at_least: 1}}",
        "objectives: [{name: a, availability: 99.9%}]",
        "objectives: [{name: a, availability: 99.9%, match: {role: a}, consequence: 5 % of a fee}]",
        "objectives: [{name: a, availability: 99.9%, match: {}, contract: S, counts: felt, consequence: ''}]",
        "constancy: {checks: [archive/dicom_store]}",
        "constancy: [{checks: archive/dicom_store, route: }]",
        "objectives: [{name: a, availability: 99.9%, service: pacs, match: {role: a}}]",
        "maintenance: [{name: a, match: {}, start: 20261224, duration: 2h}]",
        "maintenance: [{name: a, match: {}, start: 2026-12-24 02:00, duration: 2h, rrule: monthly}]",
        "calendars: {core: {hours: weekdays}}",
        "calendars: {core: {hours: 24x7, except: [24.12.]}}",
        "sites: {east: {reference: [10.0.0.1]}}",
        "channels: {hook: {type: webhook}}",
        "defaults: {severity: urgent}",
    ],
)
def test_so_do_those_of_sections(section: str, tmp_path: Path) -> None:
    text = f"{HEAD}{section}\n"
    assert complaints(text)
    assert messages(tmp_path, text)


@pytest.mark.parametrize(
    "monitor",
    [
        "listen: 127.0.0.1:65536",
        "listen: 0.0.0.0:9741",
        "listen: '[::]:9741'",
        "timezone: Europe/Berlim",
        "database: mysql://db",
        "external_url: monitor.example.org",
        "auth: {tokens: [{name: a, role: viewer, token: 'a b'}]}",
        "auth: {tokens: [{name: a, role: viewer, token: ab, checks: [a/b]}]}",
        "hl7_listener: {from: hospital.example.org, receiving_application: A, receiving_facility: B}",
        "hl7_listener: {from: [], receiving_application: A, receiving_facility: B}",
    ],
)
def test_so_do_those_of_the_monitor(monitor: str, tmp_path: Path) -> None:
    text = f"monitor:\n  name: east\n  {monitor}\n"
    assert complaints(text)
    assert messages(tmp_path, text)


def test_a_template_may_leave_out_what_its_nodes_say(tmp_path: Path) -> None:
    loaded(
        tmp_path, f"{HEAD}templates:\n  ct: {{dicom: {{port: 104}}, checks: {{tcp: {{slow: 1s}}, dicom_store: }}}}\n"
    )


@pytest.mark.parametrize("secret", ["url: x", "url_file: x"])
def test_a_secret_may_come_from_a_file(secret: str) -> None:
    assert complaints(f"{HEAD}channels: {{hook: {{type: webhook, {secret}}}}}\n") == []


def test_every_reference_leads_somewhere() -> None:
    referred = set(re.findall(r"#/definitions/(\w+)", json.dumps(SCHEMA)))
    assert referred - SCHEMA["definitions"].keys() == set()
