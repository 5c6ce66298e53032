"""Where and as whom a check asks, in one word that changes when one of these does."""

from __future__ import annotations

import json
from hashlib import sha256

from pacs_monitor.model.checks import Check
from pacs_monitor.model.contracts import Located
from pacs_monitor.model.estate import Node


def fingerprint(check: Check) -> str:
    """Host, port and AE titles (for HTTP the URL) of whom a check asks and by which it asks, as a digest.

    Timeouts, limits, TLS, accounts and secrets are no part of it, nor are names that only the configuration has.
    """
    settings = check.settings
    peers = [settings.peer(check.node)] if isinstance(settings, Located) else []
    peers += [_dicom(other) for other in check.others]
    document = json.dumps([check.probe.kind, *peers], separators=(",", ":"))
    return sha256(document.encode()).hexdigest()[:32]


def _dicom(node: Node) -> tuple[str, ...]:
    """Another node that the check asks by DICOM."""
    to = node.dicom
    titles = (str(to.port), to.ae_title, to.calling_ae_title) if to else ()
    return (node.host.lower(), *titles)
