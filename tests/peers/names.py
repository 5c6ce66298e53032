"""A real name server (dnsmasq) for a process of its own mount namespace: it answers for one zone, never for another."""

from __future__ import annotations

import random
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.peers.ports import deaf_port, program
from tests.support.timing import wait_until

ANSWERED, SILENT = "answered.test", "silent.test"
"""Every name in the one zone is 127.0.0.1; no query for the other is ever answered."""
_dice = random.SystemRandom()


class NameService(NamedTuple):
    """The words before a command that make it use this name server alone; needs root, as CI has it."""

    prefix: tuple[str, ...]


@contextmanager
def name_service(folder: Path, *records: str) -> Iterator[NameService]:
    """`records`: more options of dnsmasq, such as `--host-record=both.test,127.0.0.1,::1`."""
    address = f"127.{_dice.randrange(1, 255)}.{_dice.randrange(255)}.{_dice.randrange(1, 255)}"
    configuration = folder / "resolv.conf"
    configuration.write_text(f"nameserver {address}\n")
    with deaf_port() as deaf:
        options = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file="]
        listen = [f"--listen-address={address}", "--bind-interfaces", "--user=root", "--dns-forward-max=10000"]
        zones = [f"--address=/{ANSWERED}/127.0.0.1", f"--server=/{SILENT}/127.0.0.1#{deaf}", "--local=/test/"]
        process = subprocess.Popen([program("dnsmasq", "dnsmasq-base"), *options, *listen, *zones, *records])
        try:
            wait_until(lambda: _listens(address), "dnsmasq")
            assert process.poll() is None
            bind = f"mount --bind {configuration} /etc/resolv.conf"
            yield NameService(("unshare", "--mount", "sh", "-c", f'{bind} && exec "$@"', "sh"))
        finally:
            process.kill()
            process.wait()


def _listens(address: str) -> bool:
    try:
        with socket.create_connection((address, 53), timeout=1):
            return True
    except OSError:
        return False
