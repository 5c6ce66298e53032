"""What scripts find at `/`, and where the `runbook` of a page leads: the operations manual."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

RUNBOOK = "/docs/operations"
FRONT = {
    "status": "/api/v1/status",
    "incidents": "/api/v1/incidents",
    "metrics": "/metrics",
    "manual": RUNBOOK,
    "api": "/api/openapi.json",
    "health": "/healthz",
    "ready": "/readyz",
}
"""What stands at `/` for whoever does not ask for a page."""
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Operations</title>
<style>pre {{ white-space: pre-wrap; max-width: 76em; margin: 1em auto }} b:target {{ background: yellow }}</style>
<pre>{text}</pre></html>"""


def add_links(app: FastAPI) -> None:
    @app.get(RUNBOOK, summary="The operations manual, with an anchor per reason.", include_in_schema=False)
    async def runbook() -> HTMLResponse:
        return HTMLResponse(manual())


@cache
def manual() -> str:
    """docs/operations.md as it is, its entries with anchors; in the package when installed."""
    here = Path(__file__).parent
    checkout = here.parents[1] / "docs" / "operations.md"
    text = (checkout if checkout.exists() else here / "operations.md").read_text(encoding="utf-8")
    return _PAGE.format(text=re.sub(r"^### (\w+)$", r'<b id="\1">\1</b>', escape(text), flags=re.MULTILINE))
