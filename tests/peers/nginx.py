"""A real nginx (Debian's package nginx-light), over the recipes of deploy/proxy."""

from __future__ import annotations

from pathlib import Path

from tests.peers.ports import Program, program

TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Nginx(Program):
    """One server block or several, as a file of `conf.d` has them."""

    def __init__(self, folder: Path, port: int, servers: str) -> None:
        configuration = folder / "nginx.conf"
        temporary = "".join(f"  {name}_temp_path {folder}/{name};\n" for name in TEMPORARY)
        configuration.write_text(
            "daemon off;\nmaster_process off;\nworker_processes 1;\nevents {}\n"
            f"pid {folder}/nginx.pid;\nerror_log stderr;\nhttp {{\n  access_log off;\n{temporary}{servers}\n}}\n"
        )
        command = [program("nginx", "nginx-light"), "-p", str(folder), "-e", "stderr", "-c", str(configuration)]
        super().__init__(command, folder, port)
