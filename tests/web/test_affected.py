"""Whom an outage affects and whom to call: of one system, and of several that are lost together."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from pacs_monitor.model import IncidentKind
from pacs_monitor.web.pages.affected import common_parents, hanging_on
from pacs_monitor.web.pages.contacts import dialled
from tests.peers.ports import free_port
from tests.support.asking import asking
from tests.support.estates import loaded, write_estate
from tests.support.timing import SOON

TIMING = "interval: 500ms, retry_interval: 100ms, timeout: 10s, failures: 2, recoveries: 1, page_after: 0s"
NETWORK = "support: {name: Network team, phone: '+49 30 99'}"
ACME = "support: {phone: '+49 30 1234', contract: '4711'}, labels: {vendor: acme}"
PROCEDURE = "use the viewer at desk 2"
SERVICES = "services:\n  Reading: {all: [gateway/tcp], impact: no reading in the west}\n"


def site(open_port: int) -> str:
    """A firewall that answers, three systems behind it that do not, and one behind one of these."""

    def lost(name: str, more: str, above: str = "firewall") -> str:
        return (
            f"  {name}: {{title: '{name.title()} west', host: 127.0.0.1, site: west, depends_on: [{above}], {more}, "
            f"checks: {{tcp: {{port: {free_port()}}}}}}}\n"
        )

    firewall = (
        f"  firewall: {{title: Firewall west, host: 127.0.0.1, {NETWORK}, checks: {{tcp: {{port: {open_port}}}}}}}\n"
    )
    gateway = f"{ACME}, impact: no priors, downtime_procedure: {PROCEDURE}"
    return firewall + lost("ct", ACME) + lost("mr", ACME) + lost("gateway", gateway)


@asynccontextmanager
async def running(folder: Path, nodes: str, services: str) -> AsyncIterator[tuple[Daemon, httpx.AsyncClient]]:
    file = write_estate(folder, 0, nodes, defaults=TIMING)
    file.write_text(file.read_text() + services)
    daemon = await Daemon.open(load(file))
    await daemon.start()
    client = asking("http://{}:{}".format(*daemon.address), headers={"accept": "text/html"})
    yield daemon, client
    await client.aclose()
    await daemon.stop()


async def opened(daemon: Daemon, kind: IncidentKind) -> str:
    async with asyncio.timeout(SOON):
        while not (found := [one.id for one in daemon.desk.open_incidents() if one.kind is kind]):
            await asyncio.sleep(0.05)
    return found[0]


@pytest.fixture
async def open_port() -> AsyncIterator[int]:
    """Something that accepts connections."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def words(html: str) -> str:
    """A page as one reads it."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


async def test_what_several_systems_share_says_whom_to_call_and_who_is_affected(tmp_path: Path, open_port: int) -> None:
    async with running(tmp_path, site(open_port), SERVICES) as (daemon, client):
        page = (await client.get(f"/incidents/{await opened(daemon, IncidentKind.GROUP)}")).text
    said = words(page)

    assert "First: Check the network and the power of west first" in said
    assert "Reading (no reading in the west)" in said
    head = words(page.partition('id="p-systems"')[0])
    assert "Support for Firewall west (Network team) Call +49 30 99" in head, "what all of them hang on comes first"
    assert "Support for Gateway west, Ct west, Mr west (acme) Call +49 30 1234 · contract 4711" in head
    assert 'href="tel:+49301234"' in page
    systems = words(page.partition('id="p-systems"')[2].partition("</section>")[0])
    assert "All of them are reached through: Firewall west up" in systems
    assert systems.index("Gateway west") < systems.index("Ct west"), "what users feel comes first"
    assert f"no priors Meanwhile: {PROCEDURE}" in systems


async def test_a_system_that_stands_for_itself_is_not_counted_with_its_group(tmp_path: Path, open_port: int) -> None:
    async with running(tmp_path, site(open_port), SERVICES) as (_daemon, client), asyncio.timeout(SOON):
        while "west: 2 more systems down" not in (wall := words((await client.get("/wall")).text)):
            await asyncio.sleep(0.2)
        board = words((await client.get("/")).text)

    assert wall.count("no priors") == 1, "it is said of the gateway"
    assert "Gateway west down" in wall
    assert "2 more systems: Ct west, Mr west" in board
    assert "down Reading no reading in the west because of gateway/tcp" in board


async def test_an_incident_of_one_system_says_whose_number_it_is_and_what_hangs_on_it(
    tmp_path: Path, open_port: int
) -> None:
    behind = "host: 127.0.0.1, depends_on: [archive]"
    nodes = (
        f"  archive: {{title: Main archive, host: 127.0.0.1, {ACME}, checks: {{tcp: {{port: {free_port()}}}}}}}\n"
        f"  gateway: {{title: Gateway, {behind}, checks: {{tcp: {{port: {free_port()}}}}}}}\n"
        f"  viewer: {{title: Viewer, {behind}, checks: {{tcp: {{port: {open_port}}}}}}}\n"
    )
    services = "services:\n  Archive: {all: [archive/tcp], impact: no priors}\n  Viewing: {all: [viewer/tcp]}\n"
    async with running(tmp_path, nodes, services) as (daemon, client):
        async with asyncio.timeout(SOON):
            while not (found := [i.id for i in daemon.desk.open_incidents() if i.members[0].node == "archive"]):
                await asyncio.sleep(0.05)
            while "Gateway down" not in (said := words((await client.get(f"/incidents/{found[0]}")).text)):
                await asyncio.sleep(0.2)
        node = words((await client.get("/nodes/archive")).text)

    assert "Support for Main archive (acme) Call +49 30 1234 · contract 4711" in said
    assert "Services affected: " in said
    assert "down Archive (no priors)" in said
    assert "Viewing" not in said
    assert "Needed by Gateway down" in said
    assert "Viewer" not in said, "it works"
    assert "Support for Main archive (acme) Call +49 30 1234 · contract 4711" in node


NAMES = ("a", "b", "c", "d", "e")
PARENTS = some.fixed_dictionaries(
    {
        name: some.sets(some.sampled_from(NAMES[:index]), max_size=2) if index else some.just(set[str]())
        for index, name in enumerate(NAMES)
    }
)


@given(PARENTS, some.sets(some.sampled_from(NAMES), min_size=1))
def test_what_all_hang_on_is_above_each_of_them(
    tmp_path_factory: pytest.TempPathFactory, parents: dict[str, set[str]], asked: set[str]
) -> None:
    text = "monitor: {name: east}\ndefault_route: {channels: []}\nnodes:\n" + "".join(
        f"  {name}: {{host: 127.0.0.1, depends_on: [{', '.join(sorted(above))}], checks: {{tcp: {{port: 1}}}}}}\n"
        for name, above in parents.items()
    )
    estate = loaded(tmp_path_factory.mktemp("estate"), text)

    def below(name: str) -> set[str]:
        """All that hangs on it, by its own reckoning: from above to below."""
        direct = {one for one, above in parents.items() if name in above}
        return direct.union(*(below(one) for one in direct)) if direct else set()

    assert set(common_parents(estate, sorted(asked))) == {name for name in NAMES if asked <= below(name)}
    assert set(hanging_on(estate, asked)) == set[str]().union(*(below(name) for name in asked)) - asked


@pytest.mark.parametrize(
    ("written", "number"),
    [("+49 30 1234", "+49301234"), ("030/12 34-0", "03012340"), ("pager 7", ""), ("٠١٢٣", ""), ("", "")],
)
def test_a_number_can_be_dialled_where_it_has_digits(written: str, number: str) -> None:
    assert dialled(written) == number
