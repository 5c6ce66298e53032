"""What Prometheus fetches: shards that together are the whole, gzip, and checks as targets of /probe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from tests.peers.prometheus import Prometheus
from tests.peers.switchable import Switchable
from tests.support.estates import write_estate
from tests.support.timing import SOON
from tests.web.conftest import Served


@pytest.fixture
async def estate(tmp_path: Path) -> AsyncIterator[Served]:
    with Switchable() as peer:
        nodes = "".join(
            f"  {name}: {{host: 127.0.0.1, {site}checks: {{port: {{probe: tcp, port: {peer.port}}}}}}}\n"
            for name, site in {"a1": "site: east, ", "a2": "site: east, ", "b1": 'site: "B/2", ', "c1": ""}.items()
        )
        daemon = await Daemon.open(load(write_estate(tmp_path, 0, nodes, defaults="interval: 1s, timeout: 10s")))
        await daemon.start()
        served = Served(daemon, peer)
        async with asyncio.timeout(SOON):
            while (await served.client.get("/api/v1/status")).json()["counts"]["up"] < 4:
                await asyncio.sleep(0.02)
        yield served
        await served.client.aclose()
        await daemon.stop()


def of_checks(text: str) -> list[str]:
    """The series of checks, in one exposition."""
    return sorted(line.partition(" ")[0] for line in text.splitlines() if 'check="' in line)


async def test_the_shards_together_are_the_whole_and_share_nothing(estate: Served) -> None:
    paths = ["/metrics", "/metrics/monitor", "/metrics/site/east", "/metrics/site/B/2"]
    whole, own, east, b2 = [(await estate.client.get(path)).text for path in paths]

    assert of_checks(whole) == sorted(of_checks(own) + of_checks(east) + of_checks(b2))
    assert {'node="a1"' in east, 'node="a2"' in east, 'node="b1"' in b2, 'node="c1"' in own} == {True}
    assert 'check="' in whole
    assert {name in whole for name in ("pacs_build_info{", "process_cpu_seconds_total ")} == {True}
    assert {name in own for name in ("pacs_build_info{", "process_cpu_seconds_total ")} == {True}
    assert "pacs_build_info" not in east + b2


async def test_a_shard_ends_as_its_format_wants_it(estate: Served) -> None:
    answer = await estate.client.get(
        "/metrics/site/east", headers={"accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert answer.text.endswith("# EOF\n")


async def test_a_site_that_is_not_there_is_a_404_that_names_those_that_are(estate: Served) -> None:
    answer = await estate.client.get("/metrics/site/west")
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "no site 'west' with checks; sites with checks: B/2, east",
    )


async def test_metrics_are_compressed_for_those_who_ask_and_pages_never(estate: Served) -> None:
    plain = await estate.client.get("/metrics", headers={"accept-encoding": "identity"})
    small = await estate.client.get("/metrics", headers={"accept-encoding": "gzip"})
    page = await estate.client.get("/", headers={"accept": "text/html", "accept-encoding": "gzip"})

    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert of_checks(small.text) == of_checks(plain.text)
    assert int(small.num_bytes_downloaded) < len(plain.content) / 3
    assert page.status_code == 200
    assert "content-encoding" not in page.headers


async def test_prometheus_discovers_every_check_and_probes_it(estate: Served, tmp_path: Path) -> None:
    discovered = {"job_name": "pacs-probe", "http_sd_configs": [{"url": f"{estate.url}/api/v1/targets"}]}
    with Prometheus(tmp_path / "prometheus", {}, jobs=[discovered]) as prometheus:
        found = await asyncio.to_thread(prometheus.wait_for, 'count(probe_success{job="pacs-probe"} == 1) == 4')
        assert found
        series = await asyncio.to_thread(prometheus.query, 'probe_success{node="b1"}')
        assert series[0]["metric"] | {"site": "B/2", "check": "port", "instance": "b1/port"} == series[0]["metric"]


@pytest.mark.parametrize(
    ("query", "nodes"), [("site=east", {"a1", "a2"}), ("probe=dicom_echo", set()), ("site=", {"c1"})]
)
async def test_targets_can_be_selected(estate: Served, query: str, nodes: set[str]) -> None:
    groups = (await estate.client.get(f"/api/v1/targets?{query}")).json()
    assert {group["labels"]["node"] for group in groups} == nodes
    assert {tuple(group["targets"]) for group in groups} <= {(httpx.URL(estate.url).netloc.decode(),)}
