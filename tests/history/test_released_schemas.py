"""From every schema that there was: all rows come through, an old export too, and the daemon goes on."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from pacs_monitor.history import History
from pacs_monitor.history.engines import MIGRATIONS, migrate, parse
from pacs_monitor.history.exporting import export, load
from tests.history.conftest import START, HandClock
from tests.history.filling import FIRST, everything, fill
from tests.history.things import ECHO, outage


def schemas() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return sorted(step.revision for step in ScriptDirectory.from_config(config).walk_revisions())


RENAMED = {"withheld": "suppressions"}
NEVER_WRITTEN = ("acknowledgements", "maintenance", "pauses")
"""Tables that the first schemas had, and that no version has used."""
TURNING_POINTS = ("0001", "0007", "0012")


def counts(url: str, schema: str) -> Counter[str]:
    """Of what that schema had a use for."""
    found = {RENAMED.get(name, name): len(rows) for name, rows in everything(url).items()}
    kept = Counter({name: count for name, count in found.items() if name not in NEVER_WRITTEN})
    if schema < "0003":
        del kept["test_objects"]  # in its first form
    return kept


@pytest.mark.parametrize("schema", schemas())
async def test_no_row_is_lost_on_the_way(url: str, clock: HandClock, schema: str) -> None:
    fill(url, schema)
    before = counts(url, schema)
    migrate(parse(url))
    after = counts(url, schema)
    assert before - after == Counter(), "rows are gone"
    history = History.open(url, FIRST, clock)
    await history.record(outage(START))
    assert START in [transition.since for transition in history.reader.transitions()[ECHO]]
    history.close()


@pytest.mark.parametrize("schema", TURNING_POINTS)
def test_an_export_of_then_is_as_good_as_a_database_of_then(sqlite_url: str, tmp_path: Path, schema: str) -> None:
    fill(sqlite_url, schema)
    old = b"".join(export(sqlite_url, START, lambda _done, _total: None))
    load(f"sqlite:///{tmp_path}/new.db", io.BytesIO(old), lambda _done, _total: None)
    migrate(parse(sqlite_url))
    theirs, ours = everything(f"sqlite:///{tmp_path}/new.db"), everything(sqlite_url)
    del theirs["monitors"], ours["monitors"]  # whoever led
    assert theirs == ours
