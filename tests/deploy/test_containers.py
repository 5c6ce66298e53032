"""The container files: what they name is there, and fits together. No container engine runs them here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pacs_monitor import __version__, config
from tests.peers.ports import program

ROOT = Path(__file__).parents[2]
HERE = ROOT / "deploy" / "container"
CONTAINERFILE = (HERE / "Containerfile").read_text()
STACK: dict[str, Any] = yaml.safe_load((HERE / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = STACK["services"]


def test_the_image_is_made_of_files_that_are_there_and_let_in() -> None:
    copied = {
        path
        for line in re.findall(r"(?m)^COPY (?!--from)(.+)$", CONTAINERFILE)
        for path in line.split()[:-1]
    }  # fmt: skip
    assert all((ROOT / path).exists() for path in copied)
    let_in = re.findall(r"(?m)^!(.+)$", (ROOT / ".dockerignore").read_text())
    assert copied == set(let_in)
    packed = (ROOT / "pyproject.toml").read_text().partition("force-include]\n")[2].partition("\n\n")[0]
    assert set(re.findall(r'(?m)^"([^"]+)" =', packed)) <= copied, "the wheel is built of them"


def test_linters_have_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    assert hadolint.exists(), "hadolint is missing: pip install --constraint constraints.txt '.[dev]'"
    dclint = program("dclint", "npm, then run scripts/install-test-peers")
    for line in ([str(hadolint), f"{HERE}/Containerfile"], [dclint, "--max-warnings", "0", str(HERE)]):
        done = subprocess.run(line, check=False, capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", ""), done.stdout + done.stderr


def test_the_image_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    user = re.findall(r"(?m)^USER (\d+)$", CONTAINERFILE)
    assert user
    assert user[-1] != "0"
    assert f"--uid {user[-1]}" in CONTAINERFILE
    assert "/healthz" in CONTAINERFILE.partition("HEALTHCHECK")[2]


def test_the_stack_runs_what_was_built_of_this_version() -> None:
    image = f"localhost/pacs-monitor:{__version__}"
    assert SERVICES["monitor"]["image"] == image
    assert image in CONTAINERFILE
    assert image in (ROOT / "docs" / "deployment.md").read_text()


@pytest.mark.parametrize("service", SERVICES)
def test_every_container_is_closed_and_its_files_exist(service: str) -> None:
    said = SERVICES[service]
    assert said["read_only"]
    assert said["cap_drop"] == ["ALL"]
    assert said["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in said["ports"])
    assert re.search(r":v?\d+\.\d+\.\d+$", said["image"]), "a version, not whatever is the latest"
    for volume in said["volumes"]:
        source, _, mode = volume.partition(":")
        if source.startswith("."):
            assert (HERE / source).exists()
            assert mode.endswith(":ro")
        else:
            assert source in STACK["volumes"]
    made = (HERE / "make-secrets").read_text()
    for name in said.get("secrets", ()):
        assert STACK["secrets"][name] == {"file": f"secrets/{name}"}
        assert name in made


def test_the_configurations_of_the_stack_are_accepted() -> None:
    prometheus = yaml.safe_load((HERE / "prometheus" / "prometheus.yaml").read_text())
    assert "pacs-monitor" in {job["job_name"] for job in prometheus["scrape_configs"]}, "by this the rules find it"
    assert prometheus["rule_files"] == ["rules/*.yaml"]
    assert list((ROOT / "rules").glob("*.yaml"))
    targets = re.findall(r'"([\w-]+):(\d+)"', (HERE / "prometheus" / "prometheus.yaml").read_text())
    assert {(host, SERVICES[host]["ports"][0].rpartition(":")[2]) for host, _ in targets} == set(targets)

    checked = [program("promtool", "prometheus"), "check", "config", "--syntax-only"]
    subprocess.run([*checked, HERE / "prometheus" / "prometheus.yaml"], check=True, capture_output=True, timeout=60)
    checked = [program("amtool", "prometheus-alertmanager"), "check-config"]
    subprocess.run([*checked, HERE / "alertmanager" / "alertmanager.yaml"], check=True, capture_output=True, timeout=60)

    (source,) = yaml.safe_load((HERE / "grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (folder,) = yaml.safe_load((HERE / "grafana/provisioning/dashboards/pacs-monitor.yaml").read_text())["providers"]
    assert f"../../dashboards:{folder['options']['path']}:ro" in SERVICES["grafana"]["volumes"]


def test_the_secrets_are_made_once_and_the_monitor_begins_with_them_in_shadow_mode(tmp_path: Path) -> None:
    script = tmp_path / "make-secrets"
    script.write_bytes((HERE / "make-secrets").read_bytes())
    assert os.access(HERE / "make-secrets", os.X_OK)
    made = [_secrets(script) for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0].values())) == len(STACK["secrets"])
    assert all(re.fullmatch("[0-9a-f]{48}", secret) for secret in made[0].values())

    file = tmp_path / "monitor.yaml"
    file.write_text((HERE / "monitor" / "monitor.yaml").read_text().replace("/run/secrets", f"{tmp_path}/secrets"))
    monitor = config.load(file, {}).monitor
    assert monitor.paging == "shadow"
    assert monitor.database == "sqlite:////var/lib/pacs-monitor/pacs-monitor.db"


def _secrets(script: Path) -> dict[str, str]:
    subprocess.run(["sh", script], check=True, capture_output=True, timeout=60)
    return {path.name: path.read_text() for path in (script.parent / "secrets").iterdir()}
