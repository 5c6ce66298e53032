"""The rules for Prometheus: promtool runs their own tests in `make check`; here is what it cannot know."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dashboards.queries import RULES, recorded, recordings

ROOT = Path(__file__).parents[1]
ALERTS = [rule for rule in RULES if "alert" in rule]


def test_every_series_that_rules_use_is_recorded_by_a_rule() -> None:
    assert {name for rule in RULES for name in recordings(rule["expr"])} - recorded() == set()


def test_thresholds_are_in_one_place_and_each_is_used() -> None:
    defined = [rule["labels"]["name"] for rule in RULES if rule.get("record") == "pacs:threshold"]
    asked = {name for rule in RULES for name in re.findall(r'pacs:threshold\{name="(\w+)"\}', rule["expr"])}
    assert sorted(defined) == sorted(asked)


def test_alerts_and_recordings_have_names_as_prometheus_wants_them() -> None:
    for rule in ALERTS:
        assert re.fullmatch(r"(?:[A-Z][a-z]+)+", rule["alert"])
    assert all(":" in rule["record"] for rule in RULES if "record" in rule)


def test_every_alert_has_its_entry_and_points_at_it() -> None:
    entries = re.findall(r"^## (Pacs\w+)$", (ROOT / "docs" / "alerts.md").read_text(), re.MULTILINE)
    assert entries == [rule["alert"] for rule in ALERTS]
    for rule in ALERTS:
        assert rule["annotations"]["runbook_url"] == f"docs/alerts.md#{rule['alert'].lower()}"


def test_every_alert_says_how_bad_it_is_and_what_happened() -> None:
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"critical", "warning"}, rule["alert"]
        assert rule["annotations"].keys() - {"services"} == {"summary", "description", "runbook_url"}, rule["alert"]


def test_an_alert_about_a_node_or_an_objective_names_the_services_that_are_affected() -> None:
    of_monitor = {rule["alert"] for rule in ALERTS if "services" not in rule["annotations"]}
    assert {rule["alert"] for rule in ALERTS if "$labels.node" in str(rule["annotations"])} & of_monitor == set()


def test_every_alert_is_seen_firing_and_silent_in_a_promtool_test() -> None:
    cases = [case for test in _promtool_tests() for case in test.get("alert_rule_test", [])]
    alerts = {rule["alert"] for rule in ALERTS}
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == alerts
    silent = {case["alertname"] for case in cases if not case["exp_alerts"]}
    assert alerts - silent == set()


@pytest.mark.parametrize("gap", [r"(^|\s)_", r"\bstale\b"], ids=["missing", "stale"])
def test_every_alert_is_tried_with_samples_that_are_missing_and_stale(gap: str) -> None:
    tried = {
        case["alertname"]
        for test in _promtool_tests()
        if any(re.search(gap, str(series["values"])) for series in test["input_series"])
        for case in test.get("alert_rule_test", [])
    }
    assert {rule["alert"] for rule in ALERTS} - tried == set()


def _promtool_tests() -> list[dict[str, Any]]:
    files = (ROOT / "rules" / "tests").glob("*.yaml")
    return [test for file in files for test in yaml.safe_load(file.read_text())["tests"]]
