"""A newcomer's first minute: `pacs-monitor demo`."""

from __future__ import annotations

import re
import subprocess
import sys


def test_the_first_minute_shows_a_page_opened_and_resolved():
    command = [sys.executable, "-m", "pacs_monitor", "demo", "--for", "40s"]
    said = subprocess.run(command, check=False, capture_output=True, text=True)
    times = {event: float(at) for at, event in re.findall(r"^ *([\d.]+) s +PAGE (incident\.\w+)", said.stdout, re.M)}

    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stderr == ""
    assert times["incident.opened"] < times["incident.resolved"] < 60
    assert len(re.findall("PAGE", said.stdout)) == 2
    assert "Main archive refuses connections" in said.stdout
