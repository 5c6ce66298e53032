"""Revisions of the configuration are on record whole, without a secret, and one for each that was in force."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

from sqlalchemy import text

from pacs_monitor.config import canonical
from pacs_monitor.history import History, Revision
from pacs_monitor.history.engines import parse, reading
from tests.config.test_canonical import SECRET, TEXT
from tests.history.conftest import HandClock, Opener
from tests.support.estates import ARCHIVE, loaded


async def test_no_secret_of_the_configuration_is_on_record(history: History, url: str, tmp_path: Path) -> None:
    (tmp_path / "t").write_text(SECRET)
    estate = loaded(tmp_path, TEXT, ORTHANC=SECRET)
    await history.adopt(estate.checks, Revision(estate.revision, content=canonical(estate)))
    engine = reading(parse(url))
    with engine.connect() as connection:
        (content,) = connection.scalars(text("SELECT content FROM revisions"))
    engine.dispose()
    said = zlib.decompress(content).decode()
    assert "hunter2" not in said
    assert history.reader.configuration() == json.loads(said)
    history.close()
    for file in tmp_path.glob("pacs-monitor.db*"):
        assert SECRET.encode() not in file.read_bytes()


async def test_the_same_file_with_another_environment_is_another_revision(
    history: History, clock: HandClock, tmp_path: Path
) -> None:
    written = f"monitor: {{name: east}}\ndefault_route: {{channels: []}}\n{ARCHIVE.replace('10.0.0.1', '${HOST}')}"
    for host, seconds in (("10.0.0.1", 1), ("10.0.0.1", 2), ("10.0.0.2", 3)):
        estate = loaded(tmp_path, written, HOST=host)
        clock.move(seconds)
        await history.adopt(estate.checks, Revision(estate.revision, content=canonical(estate)))
    found = history.reader.configuration()
    assert found is not None
    assert found["nodes"]["archive"]["host"] == "10.0.0.2"
    before = history.reader.configuration(at=clock.now())
    assert before is not None
    assert before["nodes"]["archive"]["host"] == "10.0.0.1"
    assert history.reader.configuration(at=clock.now() - 10**9) is None


async def test_a_revision_of_before_is_followed_by_the_whole_of_it(reopen: Opener, tmp_path: Path) -> None:
    estate = loaded(tmp_path, f"monitor: {{name: east}}\n{ARCHIVE}")
    await reopen().adopt(estate.checks, Revision(estate.revision))
    history = reopen()
    assert history.reader.configuration() is None
    await history.adopt(estate.checks, Revision(estate.revision, content=canonical(estate)))
    assert history.reader.configuration() == json.loads(canonical(estate))
