"""Nodes at one address: their checks share its seats, which is a surprise where the file does not look so."""

from __future__ import annotations

from collections import defaultdict

from pacs_monitor.config.draft import Draft
from pacs_monitor.config.tree import at
from pacs_monitor.config.validate import Validator
from pacs_monitor.model import Address, Node
from pacs_monitor.net import canonical


def warn_of_sharing(validator: Validator, draft: Draft, nodes: dict[str, Node]) -> None:
    """Of hosts that are one by their spelling alone; where names lead is for name servers, which are not asked."""
    shared: defaultdict[Address, list[Node]] = defaultdict(list)
    for node in nodes.values():
        if node.dicom is not None and node.host:
            shared[Address(_host(node.host), node.dicom.port)].append(node)
    for address, sharing in shared.items():
        first = sharing[0]
        least = min(node.max_associations for node in sharing)
        for node in sharing:
            message = None
            if node.max_associations != least:
                message = f"another node at {address} allows {least}: {_together(sharing, least)}"
            elif node.host != first.host:
                message = f"{node.host} is the address of {first.name} ({first.host}): {_together(sharing, least)}"
            if message is not None:
                tree = draft.nodes[node.name].tree
                validator.warn(at(tree, ("host",)).mark, ("nodes", node.name), message)


def _together(sharing: list[Node], least: int) -> str:
    names = ", ".join(node.name for node in sharing)
    return f"{names} together may use at most {least} association{'s' if least > 1 else ''} there at once"


def _host(host: str) -> str:
    name = canonical(host)
    return "127.0.0.1" if name == "localhost" else name  # RFC 6761 6.3
