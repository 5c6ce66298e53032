"""A real pgbouncer before a PostgreSQL server, pooling by transaction or by session."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from tests.peers.ports import free_port


@contextmanager
def pgbouncer(url: str, folder: Path, pool_mode: str) -> Iterator[str]:
    """The URL of the same database through the pooler."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert program, "pgbouncer is missing: run scripts/install-test-peers"
    behind, port = make_url(url), free_port()
    home = folder / "pgbouncer"
    home.mkdir(mode=0o755)
    (home / "users").write_text(f'"{behind.username}" ""\n')
    (home / "ini").write_text(
        f"[databases]\n{behind.database} = host=127.0.0.1 port={behind.port} user={behind.username}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"auth_file = {home}/users\npool_mode = {pool_mode}\n"
        "ignore_startup_parameters = options\n"
    )
    command = [program, str(home / "ini")]
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
        for parent in (home, *home.parents):
            if parent.owner() == "root" and parent != Path("/"):
                parent.chmod(parent.stat().st_mode | 0o055)
            if parent.parent == Path("/tmp"):
                break
        shutil.chown(home, "nobody")
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            _await(port)
            yield behind.set(host="127.0.0.1", port=port).render_as_string()
        finally:
            process.kill()


def _await(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
