"""An archive behind two core switches: with one of them dead it pages for itself, with both it is part of theirs."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from pacs_monitor.history import HistoryReader
from pacs_monitor.model import IncidentKind
from tests.peers.network import apart, drop, let_through
from tests.peers.receiver import Received
from tests.proofs.site import Site, account, site

HOSTS = {"core-a": "127.9.0.1", "core-b": "127.9.0.2", "archive": "127.9.1.1"}
NODES = HOSTS | {"archive": f"{HOSTS['archive']}, depends_on: [{{any: [core-a, core-b]}}]"}
PAGE_AFTER = 2
"""Seconds: time for both switches to be known as dead."""


def suppressed(of: Site) -> set[tuple[str, str]]:
    """Why what was not sent about the archive, and the detail."""
    with closing(HistoryReader.open(of.database, "proof")) as reader:
        its = [i.id for i in reader.incidents() if i.kind is IncidentKind.NODE and i.members[0].node == "archive"]
        return {(row.why, row.detail) for row in reader.suppressed(its)}


def dark(of: Site, *names: str, paging: Collection[str]) -> list[Received]:
    """For a while these answer nobody: what is opened for it, after which nothing but the ends of that follows."""
    begun = len(of.pager.told)
    opened = [f"incident.opened {name}" for name in paging]
    drop("ip daddr {" + ", ".join(HOSTS[name] for name in names) + "}")
    of.shows("down", len(names))
    pages = of.hears(*opened, since=begun, at_last=False)
    let_through()
    of.shows("up", len(HOSTS))
    of.hears(*opened, *(f"incident.resolved {name}" for name in paging), since=begun)
    return pages


def test_one_dead_switch_of_two_excuses_no_archive_and_both_do(tmp_path: Path) -> None:
    def scene() -> None:
        with site(tmp_path, NODES, page_after=f"{PAGE_AFTER}s") as place:
            dark(place, "core-a", "archive", paging=["core-a", "archive"])
            charged, why = account(place, "archive"), suppressed(place)
            pages = dark(place, *HOSTS, paging=["core-a", "core-b"])
            after = account(place, "archive")
            excused = suppressed(place)

        assert why == set()
        assert charged["seconds"]["down"] > PAGE_AFTER
        assert charged["seconds"]["unreachable"] == 0
        assert charged["availability_attributable"] < 1

        assert [page.data["also_failing"] for page in pages] == [["archive/tcp"]] * 2
        assert excused == {("dependency", "core-a, core-b")}
        assert after["seconds"]["unreachable"] > PAGE_AFTER
        assert after["seconds"]["down"] == charged["seconds"]["down"]
        assert after["availability_attributable"] > charged["availability_attributable"]

    apart(scene)
