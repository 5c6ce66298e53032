"""The counterparts themselves come up, see each other, and go."""

from __future__ import annotations

from pathlib import Path

from tests.peers.ports import free_port
from tests.peers.prometheus import Alertmanager, Blackbox, Prometheus, promtool


def test_prometheus_scrapes_and_knows_an_alertmanager(tmp_path: Path) -> None:
    hook = f"http://127.0.0.1:{free_port()}/"
    with (
        Alertmanager(tmp_path / "am", hook) as alertmanager,
        Prometheus(tmp_path / "p", {"am": alertmanager.address}, alertmanager=alertmanager.address) as prometheus,
    ):
        assert prometheus.wait_for('up{job="am"} == 1')
        assert prometheus.wait_for("alertmanager_build_info")
        assert "up" in prometheus.names()


def test_blackbox_probes_a_port(tmp_path: Path) -> None:
    with Blackbox(tmp_path) as blackbox:
        assert "probe_success 1" in blackbox.probe(blackbox.address)
        assert "probe_success 0" in blackbox.probe(f"127.0.0.1:{free_port()}")


def test_promtool_reads_metrics_from_its_input() -> None:
    assert promtool("check", "metrics", given="# HELP a_total A.\n# TYPE a_total counter\na_total 1\n").returncode == 0
    assert promtool("check", "metrics", given="a_total{ 1\n").returncode != 0
