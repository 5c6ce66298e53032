"""The dashboards' JSON, without a Grafana: what can be known of it offline."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import promql_parser
import pytest

from dashboards.all import rendered
from tests.dashboards.queries import (
    DASHBOARDS,
    load,
    queries,
    recorded,
    recordings,
    variables,
)

each = pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.name)
COLUMNS = 24
SCHEMA = Path(__file__).parent / "schema"
PANELS = {"stat", "table", "timeseries", "state-timeline"}
COMMON = {"datasource", "monitor"}
OF_NODES = COMMON | {"site", "role", "node"}


def test_the_json_is_what_the_source_says() -> None:
    found = {file.stem: file.read_text() for file in DASHBOARDS}
    assert found == rendered(), "run `python -m dashboards`"


@each
def test_it_has_what_grafana_needs_to_import_it(file: Path) -> None:
    dashboard = load(file)
    assert dashboard["uid"]
    assert dashboard["title"]
    assert dashboard["schemaVersion"] >= 36
    assert "id" not in dashboard, "an id belongs to one server's database"


@each
def test_panels_have_ids_of_their_own(file: Path) -> None:
    ids = [panel["id"] for panel in load(file)["panels"]]
    assert sorted(set(ids)) == sorted(ids)


@each
def test_panels_lie_on_the_grid_and_do_not_overlap(file: Path) -> None:
    panels = load(file)["panels"]
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= COLUMNS, panel["title"]
    for one, other in combinations(panels, 2):
        assert not _overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])


@each
def test_every_panel_says_what_it_shows(file: Path) -> None:
    for panel in load(file)["panels"]:
        assert panel["type"] in PANELS
        assert panel["title"]
        assert panel["description"], panel["title"]
        assert panel["targets"], panel["title"]


@each
def test_every_query_goes_to_the_chosen_data_source(file: Path) -> None:
    dashboard = load(file)
    askers = [*dashboard["panels"], *dashboard["annotations"]["list"]]
    askers += [target for panel in dashboard["panels"] for target in panel["targets"]]
    askers += [variable for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
    assert {asker["datasource"]["uid"] for asker in askers} == {"${datasource}"}


@each
def test_the_queries_of_a_panel_have_names_of_their_own(file: Path) -> None:
    for panel in load(file)["panels"]:
        names = [target["refId"] for target in panel["targets"]]
        assert sorted(set(names)) == sorted(names), panel["title"]


@each
def test_every_variable_that_is_used_is_defined_and_the_other_way_round(file: Path) -> None:
    defined = {variable["name"] for variable in load(file)["templating"]["list"]}
    assert defined in (COMMON, OF_NODES)
    assert variables(file.read_text()) == defined


@each
def test_every_panel_has_a_unit_and_thresholds(file: Path) -> None:
    for panel in load(file)["panels"]:
        assert panel["fieldConfig"]["defaults"].keys() >= {"unit", "thresholds", "mappings"}, panel["title"]


@each
def test_what_is_counted_per_interval_is_counted_once(file: Path) -> None:
    """Bars over `$__interval` follow each other; four scrapes are the least in which increase() finds something."""
    for panel in load(file)["panels"]:
        per_interval = [target for target in panel["targets"] if "$__interval" in target["expr"]]
        assert per_interval == [] or panel["interval"] == "1m", panel["title"]


@each
def test_every_query_is_promql(file: Path) -> None:
    for query in queries(load(file)):
        assert promql_parser.parse(query.expr) is not None, query


@each
def test_every_recorded_series_is_recorded_by_the_rules(file: Path) -> None:
    assert {name for query in queries(load(file)) for name in recordings(query.expr)} - recorded() == set()


@each
def test_it_is_what_the_schema_of_grafana_says(file: Path) -> None:
    dashboard = load(file)
    for annotation in dashboard["annotations"]["list"]:
        del annotation["titleFormat"], annotation["target"]  # of the data source: the schema knows Grafana's own alone
    found = [error.message for error in _schema("dashboard").iter_errors(dashboard)]
    for panel in dashboard["panels"]:
        config = panel["fieldConfig"]["defaults"].get("custom", {})
        found += [error.message for error in _schema(f"{panel['type']}.Options").iter_errors(panel["options"])]
        found += [error.message for error in _schema(f"{panel['type']}.FieldConfig").iter_errors(config)]
    assert found == []


def test_schema_and_components_are_of_one_version_of_grafana() -> None:
    pinned = json.loads((SCHEMA.parents[2] / "scripts" / "drawing" / "package.json").read_text())["dependencies"]
    assert pinned["@grafana/ui"] == pinned["@grafana/data"]
    assert f"`@grafana/schema` {pinned['@grafana/ui']} " in (SCHEMA / "README.md").read_text()


def _schema(name: str) -> jsonschema.Draft7Validator:
    """See schema/README.md."""
    return jsonschema.Draft7Validator(json.loads((SCHEMA / f"{name}.json").read_text()))


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )
