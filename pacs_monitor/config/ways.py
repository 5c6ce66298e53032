"""Critical incidents that reach people in one way only: then one failure silences the pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from pacs_monitor.config.draft import Draft, Piece
from pacs_monitor.config.estate import check_facts
from pacs_monitor.config.sections import DefaultRoute, RouteSettings
from pacs_monitor.config.tree import at
from pacs_monitor.config.validate import Validator
from pacs_monitor.model import Check, CheckId, Paging, Severity

_PLACES = ("host", "url", "urls")
"""Settings of a kind of channel that say where it leads."""
Route = Piece[DefaultRoute] | Piece[RouteSettings]


def warn_of_single_ways(validator: Validator, draft: Draft, checks: Mapping[CheckId, Check]) -> None:
    """Routes of critical checks with one channel and no fallback, or whose channels all share one host."""
    critical = [c for c in checks.values() if c.severity is Severity.CRITICAL and c.paging is not Paging.OFF]
    for routes in dict.fromkeys(tuple(_routes(draft, check)) for check in critical):
        channels = list(dict.fromkeys(_channels(draft, routes)))
        if not channels:
            continue
        if len(channels) == 1:
            message = (
                f"add a second channel, or fallback: {{channel: …, after: 2m}} to channel {channels[0]}: "
                "critical incidents of this route have one way only"
            )
        elif len({host for name in channels for host in _hosts(draft, name)}) == 1:
            message = (
                f"add a channel that leads to another host: {', '.join(channels)} share one, and when it is down no "
                "critical incident pages anybody"
            )
        else:
            continue
        route = draft.routes[routes[-1]] if routes[-1] is not None else draft.default_route
        if route is not None:
            validator.warn(at(route.tree, ("channels",)).mark, (*route.path, "channels"), message)


def _routes(draft: Draft, check: Check) -> Iterator[int | None]:
    """The places of the routes that a check goes by; None is the default route."""
    facts, found = check_facts(check), False
    for place, route in enumerate(draft.routes):
        if route.settings.match.holds(facts, check.node.labels):
            found = True
            yield place
            if not route.settings.continue_:
                return
    if not found:
        yield None


def _channels(draft: Draft, routes: Sequence[int | None]) -> Iterator[str]:
    """All that may hear of it: those that it is escalated to, and fallbacks, too."""
    for place in routes:
        route = draft.default_route if place is None else draft.routes[place]
        if route is not None:
            named = [*route.settings.channels, *(name for step in route.settings.escalate for name in step.channels)]
            for name in named:
                yield from _with_fallbacks(draft, name)


def _with_fallbacks(draft: Draft, name: str) -> Iterator[str]:
    yield name
    while (fallback := draft.channels[name].common.settings.fallback) is not None:
        name = fallback.channel
        yield name


def _hosts(draft: Draft, name: str) -> Iterator[str]:
    """Where a channel leads; a program leads wherever it does."""
    own = draft.channels[name].own
    found = [value for key in _PLACES if key in type(own).model_fields for value in _values(own, key)]
    yield from (urlsplit(value).hostname or value for value in found) if found else (f"channel {name}",)


def _values(settings: BaseModel, key: str) -> list[str]:
    value = getattr(settings, key)
    every = value if isinstance(value, tuple | list) else (value,)
    return [one.get_secret_value() if isinstance(one, SecretStr) else str(one) for one in every]
