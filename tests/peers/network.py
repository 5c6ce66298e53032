"""A network of the test's own, in which packets can be dropped and links cut; needs root, as CI has it."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import subprocess
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from tests.peers.ports import program
from tests.support.timing import wait_until

T = TypeVar("T")
_NEW_NETWORK = 0x40000000
"""CLONE_NEWNET of unshare(2)."""


def alone(scene: Coroutine[Any, Any, T]) -> T:
    """Play a scene in a thread with a network of its own, where only loopback is up; both are gone afterwards."""
    return apart(lambda: asyncio.run(scene))


def apart(scene: Callable[[], T]) -> T:
    """The same for a scene with processes and threads: those that it starts share its network."""

    def play() -> T:
        libc = ctypes.CDLL(None, use_errno=True)
        refused = libc.unshare(_NEW_NETWORK)
        assert not refused, f"this test needs a network namespace ({os.strerror(ctypes.get_errno())}): run it as root"
        link("set", "lo", "up")
        return scene()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(play).result()


def link(*words: str) -> None:
    """What `ip link` can do."""
    subprocess.run([program("ip", "iproute2"), "link", *words], check=True)


def cable(one: str, other: str, *, plugged: bool = True) -> None:
    """Two ends of a cable, up or with the other end down; returns when the kernel has seen it."""
    link("set", one, "up")
    link("set", other, "up" if plugged else "down")
    show = [program("ip", "iproute2"), "-json", "link", "show", "dev", one]

    def seen() -> bool:
        (state,) = json.loads(subprocess.run(show, check=True, capture_output=True).stdout)
        return (state["operstate"] == "UP") is plugged

    wait_until(seen, f"{one} is seen")


def drop(packets: str) -> None:
    """Of what comes in, drop what an nftables expression matches."""
    table = f"table inet test {{\n chain in {{\n type filter hook input priority 0\n {packets} drop\n }}\n}}\n"
    subprocess.run([program("nft", "nftables"), "-f", "-"], input=table, text=True, check=True)


def let_through() -> None:
    """Drop nothing any more."""
    subprocess.run([program("nft", "nftables"), "delete", "table", "inet", "test"], check=True)


def let_groups_ping(first: int, last: int) -> None:
    """Who may open ICMP sockets without CAP_NET_RAW; from 1 to 0: nobody."""
    Path("/proc/sys/net/ipv4/ping_group_range").write_text(f"{first} {last}")
