"""The services now, from the Board: what users call "the PACS"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pacs_monitor import services
from pacs_monitor.model import CheckId, State
from pacs_monitor.web.view import DaemonView

NUMBERS = {State.UNKNOWN: 0, State.UP: 1, State.DEGRADED: 2, State.DOWN: 3, State.ABSENT: 4}
"""States as metrics have them."""


def states(daemon: DaemonView) -> dict[str, State]:
    """The state of each service."""
    rules, checks = daemon.estate.service_rules, _checks(daemon)
    return {name: services.state(name, rules, checks) for name in rules}


def rest_on(daemon: DaemonView) -> Iterator[tuple[str, CheckId]]:
    """Each service with each check that it rests on."""
    rules = daemon.estate.service_rules
    for name in rules:
        for check in services.checks_of(name, rules):
            yield name, CheckId.parse(check)


def listed(daemon: DaemonView) -> list[dict[str, Any]]:
    """Each service with its rule and its members, in the order of the configuration."""
    rules, checks = daemon.estate.service_rules, _checks(daemon)
    plans = daemon.desk.plans
    planned = {str(check) for check in daemon.estate.checks_of_services if plans.maintenance_of(check)}
    return [
        {
            "service": name,
            "state": services.state(name, rules, checks),
            "rule": rule.rule,
            "needs": rule.need,
            "impact": rule.impact,
            "maintenance": services.in_maintenance(name, rules, planned),
            "members": [
                {
                    "member": member,
                    "state": checks.get(member, State.UNKNOWN)
                    if services.is_check(member)
                    else services.state(member, rules, checks),
                }
                for member in rule.members
            ],
        }
        for name, rule in rules.items()
    ]


def _checks(daemon: DaemonView) -> dict[str, State]:
    """The states of what services rest on."""
    board = daemon.engine.board.entries
    return {str(check): board[check].standing.state for check in daemon.estate.checks_of_services if check in board}
