"""What people forbid, for every check that it concerns: pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from pacs_monitor.model import Check, CheckId, Restriction, RestrictionMode


def in_force(given: Mapping[CheckId, Restriction], checks: Collection[Check]) -> dict[CheckId, Restriction]:
    """The restriction of each check that has one.

    A node is left alone when all of its checks are restricted: then so are the checks of other nodes that ask it as
    well (copies of a test object, a move destination), as far as it allows.
    """
    alone = _left_alone(given, checks)
    found = {check.id: given[check.id] for check in checks if check.id in given}
    for check in checks:
        known = found.get(check.id)
        for other in check.others:
            beyond = alone.get(other.name)
            if beyond is not None and (known is None or _is_stricter(beyond, known)):
                known = found[check.id] = replace(beyond, text=f"it also asks {other.name}: {beyond.text}")
    return found


def _left_alone(given: Mapping[CheckId, Restriction], checks: Collection[Check]) -> dict[str, Restriction]:
    """By node, the mildest restriction of its checks; nodes of which any check is free are left out."""
    of_node: dict[str, Restriction | None] = {}
    for check in checks:
        node, mine = check.id.node, given.get(check.id)
        known = of_node.get(node, mine)
        of_node[node] = None if mine is None or known is None else known if _is_stricter(mine, known) else mine
    return {node: restriction for node, restriction in of_node.items() if restriction is not None}


def _is_stricter(one: Restriction, other: Restriction) -> bool:
    return one.mode is RestrictionMode.STOP and other.mode is not RestrictionMode.STOP
