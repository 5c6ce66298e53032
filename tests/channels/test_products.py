"""The recipes for tickets and chats, whole, against FAKES that behave as the products' documentation says."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pacs_monitor.config import load
from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.messages.trial import Shape, shaped
from pacs_monitor.model import Channel, DeliveryError, Event, Failure, Notification
from tests.channels import samples
from tests.peers.products import PRODUCTS, Glpi, Product, serving
from tests.support.timing import SOON

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
TICKETS = ("servicenow", "jira", "zammad", "glpi")
COURSE = (Event.OPENED, Event.CHANGED, Event.RESOLVED)


@contextmanager
def recipe(product: Product, folder: Path) -> Iterator[Channel]:
    """The channel as people copy it, but for the address."""
    (text,) = (
        one for one in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if f"channels:\n  {product.name}:" in one
    )
    with serving(product) as url:
        text = re.sub(r"https://[\w.-]+(?=/)", url, text, count=1)
        if product.name == "glpi":
            (script,) = (one for one in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "GLPI" in one)
            (folder / "glpi-ticket").write_text(script)
            text = text.replace("[/usr/local/bin/glpi-ticket", f"[{sys.executable}, {folder}/glpi-ticket")
        file = folder / "monitor.yaml"
        head = "" if text.startswith("monitor:") else "monitor: {name: east}\n"
        file.write_text(f"{head}nodes: {{}}\n{text}")
        environment = {"GLPI_APP_TOKEN": "app-t0ken", "GLPI_USER_TOKEN": "user-t0ken"}
        yield load(file, environment).channels[product.name]


def in_course() -> list[Notification]:
    return [samples.notification(event) for event in COURSE]


def test_every_product_has_its_recipe() -> None:
    tickets_and_chats = PAGE.partition("## Tickets and chats")[2].partition("\n## ")[0]
    names = re.findall(r"^channels:\n  (\w+):$", tickets_and_chats, re.MULTILINE)
    assert {made.name for made in PRODUCTS} >= {*names}
    assert len(names) == len(PRODUCTS)


@pytest.mark.parametrize("made", [one for one in PRODUCTS if one.name in TICKETS])
def test_one_ticket_is_opened_continued_and_ended(made: type[Product], tmp_path: Path) -> None:
    product = made()
    with recipe(product, tmp_path) as channel:
        for notification in in_course():
            channel.deliver(notification, SOON)
            (ticket,) = product.items.values()
            assert ticket.open == (notification.event is not Event.RESOLVED)
    assert len(ticket.entries) == len(COURSE)
    assert "Röntgen-Archiv" in ticket.title


@pytest.mark.parametrize("made", [one for one in PRODUCTS if one.name in TICKETS])
def test_two_incidents_are_two_tickets_and_a_retry_is_none(made: type[Product], tmp_path: Path) -> None:
    product = made()
    other = samples.notification(Event.OPENED, dedup_key="east-campus/01JDOTHER", incident="01JDOTHER")
    with recipe(product, tmp_path) as channel:
        for notification in (samples.notification(), samples.notification(), other):
            channel.deliver(notification, SOON)
        channel.deliver(samples.notification(Event.RESOLVED), SOON)
    assert [item.open for item in product.items.values()] == [False, True]


@pytest.mark.parametrize("made", [one for one in PRODUCTS if one.name not in TICKETS])
def test_a_chat_is_told_of_each(made: type[Product], tmp_path: Path) -> None:
    product = made()
    with recipe(product, tmp_path) as channel:
        for notification in in_course():
            channel.deliver(notification, SOON)
    (posts,) = product.items.values()
    assert len(posts.entries) == len(COURSE)


@pytest.mark.parametrize("made", PRODUCTS)
@pytest.mark.parametrize("shape", Shape)
def test_a_test_of_any_shape_leaves_nothing_open(made: type[Product], shape: Shape, tmp_path: Path) -> None:
    product = made()
    monitor = MonitorSettings(name="east", database="sqlite:///x.db", external_url="https://monitor.example.org")
    with recipe(product, tmp_path) as channel:
        for notification in shaped(shape, product.name, monitor, samples.AT):
            channel.deliver(notification, SOON)
    tickets = [item for key, item in product.items.items() if key != "channel"]
    assert [item for item in tickets if item.open] == []


def test_glpi_that_refuses_is_a_refusal_and_its_session_is_given_back(tmp_path: Path) -> None:
    product = Glpi()
    with recipe(product, tmp_path) as channel:
        channel.deliver(samples.notification(), SOON)
        assert product.sessions == set()
        stranger = load(tmp_path / "monitor.yaml", {"GLPI_APP_TOKEN": "app-t0ken"}).channels["glpi"]
        with pytest.raises(DeliveryError) as raised:
            stranger.deliver(samples.notification(), SOON)
    assert (raised.value.failure, str(raised.value)) == (Failure.REFUSAL, "exit status 65: GLPI answered HTTP 401")
