"""How long the event loop of a daemon answers nobody."""

from __future__ import annotations

import threading
import time

import requests

OFTEN = 0.05
"""Seconds between two questions."""


class Loop(threading.Thread):
    """Asks `/healthz` all the time: the longest wait is what the event loop did not answer for."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url, self._over = url, threading.Event()
        self.waits: list[float] = []

    def run(self) -> None:
        with requests.Session() as session:
            while not self._over.wait(OFTEN):
                began = time.perf_counter()
                session.get(f"{self._url}/healthz", timeout=60).raise_for_status()
                self.waits.append(time.perf_counter() - began)

    def stop(self) -> list[float]:
        self._over.set()
        self.join()
        return sorted(self.waits)
