"""A real rsyslog (Debian's packages rsyslog and rsyslog-gnutls): what it understood of each message, as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.peers.authority import Authority
from tests.peers.ports import Program, free_port, program

_TEMPLATE = """
template(name="parsed" type="list" option.jsonf="on") {
    property(outname="priority" name="pri" format="jsonf")
    property(outname="facility" name="syslogfacility-text" format="jsonf")
    property(outname="severity" name="syslogseverity-text" format="jsonf")
    property(outname="version" name="protocol-version" format="jsonf")
    property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
    property(outname="host" name="hostname" format="jsonf")
    property(outname="app" name="app-name" format="jsonf")
    property(outname="process" name="procid" format="jsonf")
    property(outname="kind" name="msgid" format="jsonf")
    property(outname="data" name="structured-data" format="jsonf")
    property(outname="text" name="msg" format="jsonf")
}
"""


class Rsyslog(Program):
    """Takes messages at `port` over TLS, when it has an authority, or else over TCP and UDP; made anew, it goes on."""

    def __init__(self, folder: Path, authority: Authority | None = None, port: int | None = None) -> None:
        port = port or free_port()
        self._file = folder / "received.jsonl"
        lines = [_over_tls(authority)] if authority else ['module(load="imtcp")', 'module(load="imudp")']
        lines += [f'input(type="imtcp" port="{port}" address="127.0.0.1")']
        lines += [] if authority else [f'input(type="imudp" port="{port}" address="127.0.0.1")']
        lines += [_TEMPLATE, f'action(type="omfile" file="{self._file}" template="parsed")']
        configuration = folder / "rsyslog.conf"
        configuration.write_text(f'global(workDirectory="{folder}")\n' + "\n".join(lines) + "\n")
        command = [program("rsyslogd", "rsyslog"), "-n", "-f", str(configuration), "-i", str(folder / "rsyslog.pid")]
        super().__init__(command, folder, port)

    def received(self) -> list[dict[str, Any]]:
        if not self._file.exists():
            return []
        return [json.loads(line) for line in self._file.read_text(encoding="utf-8").splitlines()]


def _over_tls(authority: Authority) -> str:
    shows = authority.certificate()
    return (
        f'global(defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{authority.ca}" '
        f'defaultNetstreamDriverCertFile="{shows.cert}" defaultNetstreamDriverKeyFile="{shows.key}")\n'
        'module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")'
    )
