"""Which checks somebody means by a match, and what there is where it means none. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pacs_monitor.config.estate import check_facts
from pacs_monitor.fields import Match
from pacs_monitor.format.names import likely
from pacs_monitor.model import Check, CheckId


def covers(match: Match, check: Check) -> bool:
    """Whether somebody means this check."""
    return match.holds(check_facts(check), check.node.labels)


def nothing_matches(match: Match, checks: Mapping[CheckId, Check]) -> str:
    """Why a match covers no check, and what there is."""
    for key, patterns in match.model_dump(exclude={"labels"}).items():
        known = sorted({check_facts(check)[key] for check in checks.values()} - {""})
        if patterns and not any(covers(Match(**{key: patterns}), check) for check in checks.values()):
            guess = next((found for one in patterns if (found := likely(one, known))), None)
            hint = f"did you mean {guess!r}? " if guess else ""
            more = f", and {len(known) - 10} more" if len(known) > 10 else ""
            return f"no check has {key}={','.join(patterns)}; {hint}there are: {', '.join(known[:10]) or 'none'}{more}"
    return "no check matches all of that; leave one of the keys out, or see pacs-monitor status"
