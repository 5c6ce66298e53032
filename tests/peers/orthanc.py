"""A real Orthanc (Debian's package orthanc), on free loopback ports, with a folder of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.peers.ports import Program, free_port, listens, program

DICOMWEB = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
"""A plugin (package orthanc-dicomweb), for `Plugins=[DICOMWEB]`; its service begins at /dicom-web."""


class Orthanc(Program):
    """`dicom_port` and `http_port` are its own; `settings` go into its configuration as they are.

    `verbose`: its log has every request.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ae_title: str = "ORTHANC",
        dicom_port: int | None = None,
        http_port: int | None = None,
        verbose: bool = False,
        **settings: Any,
    ) -> None:
        self.ae_title = ae_title
        self.dicom_port, self.http_port = dicom_port or free_port(), http_port or free_port()
        configuration = folder / "orthanc.json"
        configuration.write_text(
            json.dumps(
                {
                    "Name": "test",
                    "StorageDirectory": str(folder / "db"),
                    "IndexDirectory": str(folder / "db"),
                    "DicomAet": ae_title,
                    "DicomPort": self.dicom_port,
                    "HttpPort": self.http_port,
                    "RemoteAccessAllowed": False,
                    "AuthenticationEnabled": False,
                    "DicomCheckCalledAet": True,
                    "DicomAlwaysAllowEcho": True,
                    "Plugins": [],
                }
                | settings
            )
        )
        command = [program("Orthanc", "orthanc"), *(["--verbose"] if verbose else []), str(configuration)]
        super().__init__(command, folder, self.dicom_port)

    def stop(self) -> None:
        """By SIGKILL: a clean end takes Orthanc more than three seconds, and its folder is of no more use."""
        self.kill()

    def _is_up(self) -> bool:
        """It opens its HTTP port last or first, as it happens."""
        return super()._is_up() and listens(self.http_port)

    @property
    def url(self) -> str:
        """Where its REST API answers."""
        return f"http://127.0.0.1:{self.http_port}"
