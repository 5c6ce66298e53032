"""The options of operators, as a body."""

from __future__ import annotations

import pytest
import typer

from pacs_monitor.cli.words import matching, said, which
from pacs_monitor.client.transport import words_of
from pacs_monitor.format.human import login_name


def test_only_what_was_said_is_sent() -> None:
    assert said(None) == {"by": login_name()}, "and not why, which some are not asked"
    options = which(None, None, ["node=a", "node=b", "labels.x=y=z"], False)
    assert words_of(said("it-duty", "vendor called", for_="8h", until=None) | options) == {
        "by": "it-duty",
        "why": "vendor called",
        "for": "8h",
        "match": {"node": ["a", "b"], "labels.x": ["y=z"]},
    }
    assert words_of(said("", match=None, public=False)) == {"public": False}


@pytest.mark.parametrize("option", ["archive", "=archive", "node=", ""])
def test_what_is_no_key_and_value_is_misuse(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        matching([option])
    assert ended.value.exit_code == 2
    assert "write --match KEY=VALUE" in capsys.readouterr().err
