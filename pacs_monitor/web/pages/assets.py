"""The style sheet, the script and the icon: public, and kept by browsers until their content changes."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files

from fastapi import FastAPI, HTTPException
from fastapi.responses import Response

FOLDER = "/static/"
TYPES = {
    "pages.css": "text/css; charset=utf-8",
    "pages.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
PATHS = frozenset(FOLDER + name for name in TYPES)
"""They hold nothing that is worth a token: the form to sign in needs them."""


@cache
def content(name: str) -> bytes:
    """One of them."""
    return (files("pacs_monitor.web.pages") / "static" / name).read_bytes()


@cache
def address(name: str) -> str:
    """Relative to `/`; another one when the content is another."""
    return f"{FOLDER[1:]}{name}?{sha256(content(name)).hexdigest()[:12]}"


def add_assets(app: FastAPI) -> None:
    @app.get(FOLDER + "{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        if name not in TYPES:
            raise HTTPException(404, f"there is no {name!r} here")
        kept = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
        return Response(content(name), media_type=TYPES[name], headers=kept)
