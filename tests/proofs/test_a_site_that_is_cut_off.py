"""Our own site answers, another does not: one page that says so, and none of its nodes is charged."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from pacs_monitor.history import HistoryReader
from tests.peers.network import apart, drop, let_through
from tests.proofs.site import SETTLES, account, site

PORT = 4242
EAST, WEST = "127.8.0.1", "127.9.0.1"
"""What stands for each site: they refuse, which is an answer."""
NODES = {f"n{n}": f"127.9.1.{n}, site: west" for n in range(1, 6)} | {"ris": "127.8.1.1, site: east"}
SITES = f"""sites:
  east: {{title: East, reference: ["{EAST}:{PORT}"]}}
  west: {{title: West, reference: ["{WEST}:{PORT}"]}}
"""


def test_a_site_whose_link_is_down_is_one_page_that_says_so_and_charges_none_of_its_nodes(tmp_path: Path) -> None:
    def scene() -> None:
        with site(tmp_path, NODES, sites=SITES, monitor="site: east") as place:
            drop("ip daddr 127.9.0.0/16")
            place.shows("down", 5)
            (opened,) = place.hears("group.opened west")
            place.restart()
            let_through()
            place.shows("up", len(NODES))
            place.hears("group.opened west", "group.resolved west")
            row = account(place, "n1")
            with closing(HistoryReader.open(place.database, "proof")) as reader:
                events = [event.kind for event in reader.events()]

        assert opened.data["title"] == "West"
        assert opened.data["summary"].startswith("West cannot be reached from East since ")
        assert opened.data["summary"].endswith(": priors and sending from there are probably down")
        assert row["seconds"]["unreachable"] > SETTLES
        assert row["seconds"]["down"] < 1
        assert row["availability_attributable"] > 0.9
        assert [kind for kind in events if kind.startswith("site_")] == ["site_cut", "site_reached"]

    apart(scene)
