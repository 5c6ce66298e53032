"""A configuration of the record decides as the file did that it was made from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pacs_monitor import config
from pacs_monitor.alerting.causes import asked
from pacs_monitor.config import Estate, NotReadableError, canonical, of_record
from tests.config.test_canonical import SECRET, TEXT
from tests.support.estates import loaded

ROOT = Path(__file__).parents[2]
NEEDED = ("nodes", "routes", "default_route", "sites", "calendars")


def again(estate: Estate) -> Estate:
    return of_record(json.loads(canonical(estate)), estate.file, estate.revision)


@pytest.fixture(params=["monitor.yaml", "docs/scenarios/monitor.yaml", "secrets"])
def estate(request: pytest.FixtureRequest, tmp_path: Path) -> Estate:
    if request.param != "secrets":
        return config.load(ROOT / request.param)
    (tmp_path / "t").write_text(SECRET)
    return loaded(tmp_path, TEXT, ORTHANC=SECRET)


def test_what_is_on_record_says_the_same_when_it_is_written_again(estate: Estate) -> None:
    before, after = json.loads(canonical(estate)), json.loads(canonical(again(estate)))
    for document in (before, after):
        document["nodes"].get("archive", {}).get("checks", {}).pop("count", None)  # where it asks is a secret
    for section in NEEDED:
        assert after[section] == before[section]


def test_each_check_asks_the_same_address(estate: Estate) -> None:
    found = again(estate)
    for check in estate.checks.values():
        kind = check.probe.kind
        secret = kind == "database"
        assert asked(found.checks[check.id]) == (("10.0.0.1", kind) if secret else asked(check))
    assert (found.channels.keys(), found.monitor.paging) == (estate.channels.keys(), estate.monitor.paging)


def test_what_another_version_has_written_is_said_to_be_unreadable(tmp_path: Path) -> None:
    with pytest.raises(NotReadableError, match=r"the recorded configuration 012345 cannot be read: KeyError\('"):
        of_record({"nodes": {}}, tmp_path, "012345")
