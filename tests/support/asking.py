"""A client of a daemon's API that waits as long as a busy machine needs: httpx by itself gives up after 5 s."""

from __future__ import annotations

from typing import Any

import httpx

PATIENCE = 60.0
"""Seconds."""


def asking(url: str = "", **given: Any) -> httpx.AsyncClient:
    """Without a proxy of the environment."""
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE, **given)
