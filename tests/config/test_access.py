"""Who may ask, as the configuration says it: tokens that end, and a proxy that signs people in."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from pacs_monitor.cli.daemon_address import daemon_address
from tests.support.estates import ARCHIVE, loaded, messages

TODAY = date.today()  # noqa: DTZ011 - a day more or less does not matter here
ROTA = """people: {anna: {channels: [hook]}, ben: {channels: [hook]}}
shifts: [{order: [anna, ben], start: 2026-01-05, handover: "Mon 08:00"}]
"""
OPERATOR = "{name: it, role: operator, token: one-for-all}"


def text(auth: str, more: str = "") -> str:
    return (
        f"monitor:\n  name: east\n  external_url: https://monitor.example.org\n  auth: {auth}\n"
        f"default_route: {{channels: []}}\n{more}{ARCHIVE}"
    )


def proxy(**more: str) -> str:
    keys = {"from": "10.0.0.5", "user_header": "X-Remote-User", "roles": "{viewer: '*'}"} | more
    return text(f"{{proxy: {{{', '.join(f'{key}: {value}' for key, value in keys.items())}}}}}")


def warned(folder: Path, written: str) -> list[str]:
    return [f"{one.path}: {one.message}" for one in loaded(folder, written).warnings if "auth" in one.path]


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (-1, "make it a new token: this one expired on {day}"),
        (0, "make it a new token beside this one, which expires today"),
        (1, "make it a new token beside this one, which expires in 1 day, on {day}"),
        (28, "make it a new token beside this one, which expires in 28 days, on {day}"),
        (40, None),
    ],
)
def test_a_token_that_ends_soon_is_warned_of(tmp_path: Path, days: int, said: str | None) -> None:
    day = TODAY + timedelta(days=days)
    found = warned(tmp_path, text(f"{{tokens: [{OPERATOR[:-1]}, expires: {day}}}]}}"))
    path = "monitor.auth.tokens[0].expires"
    assert found == ([f"{path}: {said.format(day=day)}"] if said else [])


def test_the_command_line_takes_a_token_that_has_not_expired(tmp_path: Path) -> None:
    old = f"{{name: it, role: operator, token: old, expires: {TODAY - timedelta(days=2)}}}"
    loaded(tmp_path, text(f"{{tokens: [{old}, {OPERATOR}]}}"))
    assert daemon_address(tmp_path / "monitor.yaml", None, None).token == "one-for-all"


def test_one_operator_token_for_all_people_of_the_rotas_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "rota.yaml").write_text(ROTA)
    more = (
        "channels: {hook: {type: webhook, url: 'https://hooks.example.org/pacs', secret: whsec_MfKQ9r8GKYqrTwjU}}\n"
        "oncall: {it: {rota: rota.yaml, otherwise: [hook]}}\n"
    )
    (said,) = warned(tmp_path, text(f"{{tokens: [{OPERATOR}]}}", more))
    assert said.startswith("monitor.auth.tokens[0]: give each of the 2 people of the rotas a token of their own")
    each = "{name: anna, role: operator, token: a}, {name: ben, role: operator, token: b}"
    assert warned(tmp_path, text(f"{{tokens: [{each}]}}", more)) == []


def test_one_token_under_two_names_is_warned_of(tmp_path: Path) -> None:
    (said,) = warned(tmp_path, text("{tokens: [{name: a, role: viewer, token: x}, {name: b, role: viewer, token: x}]}"))
    assert said == "monitor.auth.tokens[1]: give b a token of its own: it has that of a"


def test_auth_without_anybody_is_refused(tmp_path: Path) -> None:
    (found,) = messages(tmp_path, text("{}"))
    assert "monitor.auth: needs tokens, proxy, or both" in found


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"from": "0.0.0.0/0"}, "from: whoever it names can claim to be anybody; write the proxy's own address"),
        ({"from": "[10.0.0.5, '::/0']"}, "from: whoever it names can claim to be anybody"),
        ({"from": "proxy.example.org"}, "'proxy.example.org' is not an address; write 10.0.0.31 or 10.0.0.0/24"),
        ({"user_header": "X_Remote_User"}, "'X_Remote_User' is not the name of a header; write one such as"),
        ({"user_header": "Authorization"}, "'Authorization' comes from browsers themselves"),
        ({"groups_header": "x-remote-user"}, "groups_header: write another header than that of user_header"),
        ({"roles": "{}"}, "name the groups of a role: operator: [PACS-Operators], or viewer: ['*']"),
        ({"roles": "{opertor: [a]}"}, "unknown key 'opertor'; did you mean 'operator'?"),
    ],
)
def test_a_proxy_that_would_let_in_anybody_is_refused(tmp_path: Path, more: dict[str, str], said: str) -> None:
    found = messages(tmp_path, proxy(**more))
    assert any(said in message for message in found), found


def test_a_proxy_is_read_and_a_network_of_many_is_warned_of(tmp_path: Path) -> None:
    auth = loaded(tmp_path, proxy(roles="{operator: [PACS-Operators], viewer: '*'}")).monitor.auth
    assert auth is not None
    assert auth.proxy is not None
    assert (auth.proxy.groups_header, auth.proxy.role_of(["a", "PACS-Operators"])) == ("X-Remote-Groups", "operator")
    (said,) = warned(tmp_path, proxy(**{"from": "10.0.0.0/16"}))
    assert said.startswith("monitor.auth.proxy.from: name the proxy's own address: whoever has one of the 65,536")
