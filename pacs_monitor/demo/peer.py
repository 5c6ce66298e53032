"""One DICOM peer of the demo in a process of its own: `python -m pacs_monitor.demo.peer AE_TITLE PORT`.

It answers C-ECHO and nothing else; called by another AE title it rejects (PS3.8 9.3.4: 1/1/7). It says when it
listens, and on which port (0 takes a free one), and ends when its standard input does, with whoever started it.
"""

from __future__ import annotations

import sys
from typing import cast

from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made at import time
from pynetdicom.transport import ThreadedAssociationServer


def serve(ae_title: str, port: int) -> None:
    """Answer until standard input ends."""
    ae = AE(ae_title=ae_title)
    ae.require_called_aet = True
    ae.add_supported_context(Verification)
    server = cast("ThreadedAssociationServer", ae.start_server(("127.0.0.1", port), block=False))
    print("ready", server.server_address[1], sep="\n", flush=True)
    sys.stdin.read()
    ae.shutdown()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
