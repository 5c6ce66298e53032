"""A real systemd (Debian's package systemd) in namespaces of its own, which knows the units of a test and no others.

It cannot harm the machine: the root file system and the kernel's settings are read-only to it, its cgroup is its own.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.peers.ports import program
from tests.support.timing import wait_until

APART = """
name=$1 folder=$2
mount --make-rprivate /
mount --bind "$folder" "$folder"
mount -o remount,bind,ro /
mount -t tmpfs tmpfs /run
mkdir /run/cgroups
mount -t cgroup2 cgroup2 /run/cgroups
trap 'find /run/cgroups/$name -depth -type d -exec rmdir {} +' EXIT
mkdir "/run/cgroups/$name"
sh -ec '
    echo $$ >"/run/cgroups/$1/cgroup.procs"
    echo $$ >"$2/pid"
    exec unshare --pid --cgroup --net --fork --kill-child --mount-proc sh -ec "
        mount --bind /proc/sys /proc/sys
        mount -o remount,bind,ro /proc/sys
        mount -t tmpfs tmpfs /sys/fs/cgroup
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
        exec /lib/systemd/systemd --system --log-target=null
    "
' sh "$name" "$folder"
"""
"""It is process 1 of its namespace, and its cgroup is removed after it."""
ALONE = "[Unit]\nDefaultDependencies=no\n"
"""Without it every unit would pull in those of a whole machine."""
AS_CHILD = ("sh", "-c", '"$@"; exit $?', "sh")
"""A process namespace is entered by children alone; nsenter would make one, but stops for good when that one does."""


class Systemd:
    def __init__(self, folder: Path, services: Mapping[str, str]) -> None:
        """`services`: what their `[Service]` sections say, by name; all are started."""
        self.folder = folder / "systemd"
        self.folder.mkdir()
        for name, lines in services.items():
            (self.folder / name).write_text(f"{ALONE}[Service]\n{lines}\n")
        (self.folder / "default.target").write_text(f"{ALONE}Requires=basic.target\nWants={' '.join(services)}\n")
        (self.folder / "basic.target").write_text(ALONE)
        apart = [program("unshare", "util-linux"), "--mount", "sh", "-ec", APART, "sh"]
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "SYSTEMD_UNIT_PATH": str(self.folder),
            "SYSTEMD_GENERATOR_PATH": str(self.folder / "none"),
            "container": "test",
        }
        names = [f"test-{secrets.token_hex(4)}", str(self.folder)]
        self._log = self.folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen([*apart, *names], env=environment, stdout=log, stderr=log)
        try:
            wait_until(self._is_up, "systemd has started its units")
        except BaseException as error:
            self.stop()
            error.add_note(self._log.read_text())
            raise

    def _is_up(self) -> bool:
        assert self._process.poll() is None, "systemd needs namespaces and a cgroup of its own: run this test as root"
        return self._pid() != "" and self.inside("systemctl", "is-system-running").strip() in ("running", "degraded")

    def _pid(self) -> str:
        """That of the only child of unshare(1); empty before it is born."""
        unshare = self.folder / "pid"
        if not unshare.exists():
            return ""
        parent = unshare.read_text().strip()
        return Path(f"/proc/{parent}/task/{parent}/children").read_text().strip() if parent else ""

    def inside(self, *command: str) -> str:
        """What a command prints that runs where this systemd is the machine's."""
        enter = [program("nsenter", "util-linux"), f"--target={self._pid()}", "--mount", "--pid", "--net", "--no-fork"]
        environment = os.environ | {"TMPDIR": str(self.folder)}
        with self._log.open("ab") as log:
            done = subprocess.run(
                [*enter, *AS_CHILD, *command], stdout=subprocess.PIPE, stderr=log, env=environment, check=False
            )
        return done.stdout.decode()

    def stop(self) -> None:
        if self._process.poll() is None and (pid := self._pid()):
            os.kill(int(pid), signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()
