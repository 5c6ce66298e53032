"""A real net-snmp agent (Debian's package snmpd) on a free loopback port, with a community and a user of version 3."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Self

from tests.peers.ports import free_port, program
from tests.support.timing import wait_until

COMMUNITY, USER, PASSWORDS = "watching", "watcher", ("authsecret1", "privsecret1")
CONFIGURATION = """agentAddress udp:127.0.0.1:{port}
rocommunity {community} 127.0.0.1
createUser {user} SHA-256 {auth} AES {priv}
rouser {user} authpriv
"""


class Snmpd:
    def __init__(self, folder: Path, *lines: str) -> None:
        """With these lines in its configuration, such as `override OID TYPE VALUE` for a value that it should tell."""
        self.port = free_port()
        configuration, self._log = folder / "snmpd.conf", folder / "snmpd.log"
        auth, priv = PASSWORDS
        text = CONFIGURATION.format(port=self.port, community=COMMUNITY, user=USER, auth=auth, priv=priv)
        configuration.write_text(text + "".join(f"{line}\n" for line in lines))
        command = [program("snmpd", "snmpd"), "-f", "-Lo", "-C", "-c", str(configuration)]
        environment = os.environ | {"SNMP_PERSISTENT_DIR": str(folder / "state")}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)
        wait_until(lambda: "NET-SNMP version" in self._log.read_text(errors="replace"), "snmpd is up")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.terminate()
        self._process.wait()
