"""How much of the last 90 days a node was available, for the board."""

from __future__ import annotations

import asyncio

from pacs_monitor.web.pages.plots.figures import Figures
from tests.support.timing import SOON
from tests.web.conftest import Served


async def test_it_is_told_once_something_was_measured_and_nobody_waits_for_it(served: Served) -> None:
    figures = Figures(served.daemon)
    assert figures.look() == {}
    async with asyncio.timeout(3 * SOON):
        while not (found := figures.look()):
            await asyncio.sleep(0.1)

    assert found == {"archive": 1.0}
