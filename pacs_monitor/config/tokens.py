"""Tokens that people should know more about before it is too late, and proxies that too many could pretend to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from ipaddress import ip_network
from zoneinfo import ZoneInfo

from pacs_monitor.config.access import Auth
from pacs_monitor.config.draft import Draft
from pacs_monitor.config.oncall import RotaDraft
from pacs_monitor.config.problems import Path
from pacs_monitor.config.tree import at
from pacs_monitor.config.validate import Validator
from pacs_monitor.format.human import pluralized

WARN_BEFORE = 30
"""Days."""
MOST_PROXIES = 256
"""Addresses that a proxy may have without a warning."""


def warn_of_tokens(validator: Validator, draft: Draft, rotas: Mapping[str, RotaDraft]) -> None:
    """Of those that end soon, of one that several people would share, and of a proxy that is a whole network."""
    if draft.monitor is None or draft.monitor.settings.auth is None:
        return
    auth, zone = draft.monitor.settings.auth, ZoneInfo(draft.monitor.settings.timezone)
    today = datetime.now(zone).date()
    people = {name for rota in rotas.values() for name in rota.file.settings.people}
    for path, message in (*_ending(auth, today), *_shared(auth, len(people)), *_wide(auth)):
        here: Path = ("auth", *path)
        validator.warn(at(draft.monitor.tree, here).mark, (*draft.monitor.path, *here), message)


def _ending(auth: Auth, today: date) -> Iterator[tuple[Path, str]]:
    for n, token in enumerate(auth.tokens):
        if token.expires is None:
            continue
        left = (token.expires - today).days
        if left < 0:
            yield ("tokens", n, "expires"), f"make {token.name} a new token: this one expired on {token.expires}"
        elif left <= WARN_BEFORE:
            when = f"in {pluralized(left, 'day')}, on {token.expires}" if left else "today"
            message = f"make {token.name} a new token beside this one, which expires {when}"
            yield ("tokens", n, "expires"), message


def _shared(auth: Auth, people: int) -> Iterator[tuple[Path, str]]:
    """As far as the configuration knows: one text under two names, or one token for all people of its rotas."""
    holders: dict[str, str] = {}
    for n, token in enumerate(auth.tokens):
        holder = holders.setdefault(token.token.get_secret_value(), token.name)
        if holder != token.name:
            yield ("tokens", n), f"give {token.name} a token of its own: it has that of {holder}"
    operators = [n for n, token in enumerate(auth.tokens) if token.role == "operator"]
    if len(operators) == 1 and auth.proxy is None and people > 1:
        message = (
            f"give each of the {people} people of the rotas a token of their own, with the role operator: the audit "
            "log cannot tell who of them used this one"
        )
        yield ("tokens", operators[0]), message


def _wide(auth: Auth) -> Iterator[tuple[Path, str]]:
    for one in auth.proxy.sources if auth.proxy else ():
        addresses = ip_network(one, strict=False).num_addresses
        if addresses > MOST_PROXIES:
            message = f"name the proxy's own address: whoever has one of the {addresses:,} of {one} can claim any name"
            yield ("proxy", "from"), message
