"""The state diagram in the documentation is the table in the code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_diagram_is_drawn_from_the_table() -> None:
    drawn = subprocess.run(
        [sys.executable, ROOT / "scripts" / "draw-states", "--print"], capture_output=True, text=True, check=True
    ).stdout
    assert drawn in (ROOT / "docs" / "states.md").read_text(), "run scripts/draw-states"
