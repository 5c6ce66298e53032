"""The recipes for reverse proxies that sign people in, over a real nginx and a daemon."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.peers.daemon import RunningDaemon
from tests.peers.nginx import Nginx
from tests.peers.ports import free_port
from tests.support.estates import write_estate

RECIPES = Path(__file__).parents[2] / "deploy" / "proxy"
NAME = "monitor.example.org"
OURS = f"https://{NAME}"
AUTH = (
    f"  external_url: {OURS}\n"
    "  auth:\n"
    "    tokens: [{name: script, role: operator, token: do-do-do}]\n"
    "    proxy: {from: 127.0.0.1, user_header: X-Remote-User,"
    " roles: {operator: [PACS-Operators], viewer: [Radiology]}}\n"
)
SIGNS_IN = """
  server {{
    listen 127.0.0.1:{port};
    location = /oauth2/auth {{
      if ($cookie_who = "") {{ return 401; }}
      add_header X-Auth-Request-Preferred-Username $cookie_who always;
      add_header X-Auth-Request-Groups $cookie_groups always;
      return 202;
    }}
  }}
"""
"""In the place of oauth2-proxy: whoever has its cookie is signed in."""
BASIC = 'auth_basic "hospital";\n        auth_basic_user_file {folder}/people;'
"""In the place of the module for Kerberos, which Debian 12 does not have: it sets $remote_user likewise."""
CLAIMS = {"X-Remote-User": "admin", "X-Remote-Groups": "PACS-Operators"}
TRICKS: list[dict[str, str]] = [
    CLAIMS,
    {"X_Remote_User": "admin", "X_Remote_Groups": "PACS-Operators"},
    {"Connection": "X-Remote-User, X-Remote-Groups, close"},
    {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1", "X-Forwarded-User": "admin"},
]


class Fronted:
    """The ports of both recipes before one daemon."""

    def __init__(self, daemon: RunningDaemon, oidc: int, kerberos: int) -> None:
        self.daemon, self.oidc, self.kerberos = daemon, oidc, kerberos

    def ask(self, port: int, path: str, method: str = "GET", **more: Any) -> requests.Response:
        headers = {"Host": NAME, "Accept": "text/html"} | more.pop("headers", {})
        return requests.request(
            method, f"http://127.0.0.1:{port}{path}", headers=headers, timeout=30, allow_redirects=False, **more
        )


@pytest.fixture(scope="module")
def fronted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    folder, listen, oidc, kerberos, signs_in = tmp_path_factory.mktemp("proxies"), *(free_port() for _ in range(4))
    (folder / "people").write_text("jane@HOSPITAL.EXAMPLE:{PLAIN}j\njohn@HOSPITAL.EXAMPLE:{PLAIN}j\nmax:{PLAIN}j\n")
    node = f"  archive: {{host: 127.0.0.1, checks: {{tcp: {{port: {free_port()}}}}}}}\n"
    file = write_estate(folder, listen, node)
    file.write_text(file.read_text().replace("  paging:", f"{AUTH}  paging:"))
    servers = SIGNS_IN.format(port=signs_in)
    for recipe, port in (("nginx-oidc.conf", oidc), ("nginx-kerberos.conf", kerberos)):
        text = (RECIPES / recipe).read_text()
        text = re.sub(r"ssl_certificate\S* .*;\n", "", text).replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
        text = text.replace("127.0.0.1:9741", f"127.0.0.1:{listen}").replace("127.0.0.1:4180", f"127.0.0.1:{signs_in}")
        servers += re.sub(r"auth_gss on;(\s+auth_gss_.*;)+", BASIC.format(folder=folder), text)
    with RunningDaemon(file, listen) as daemon, Nginx(folder, oidc, servers):
        yield Fronted(daemon, oidc, kerberos)


def by_oidc(who: str, groups: str) -> dict[str, Any]:
    return {"cookies": {"who": who, "groups": groups}}


@pytest.mark.parametrize("trick", [{}, *TRICKS], ids=["plain", "claims", "underscores", "hop by hop", "forwarded"])
def test_people_are_who_the_provider_says_whatever_a_browser_claims(fronted: Fronted, trick: dict[str, str]) -> None:
    reader = fronted.ask(fronted.oidc, "/", headers=trick, **by_oidc("john", "Staff,Radiology"))
    assert (reader.status_code, "john (viewer)" in reader.text) == (200, True)
    nobody = fronted.ask(fronted.oidc, "/", headers=trick, **by_oidc("max", "Staff"))
    assert (nobody.status_code, "signed in as max" in nobody.text) == (403, True)
    stranger = fronted.ask(fronted.oidc, "/monitor", headers=trick)
    assert (stranger.status_code, stranger.headers["location"].endswith("/oauth2/sign_in?rd=/monitor")) == (302, True)
    known = fronted.ask(fronted.kerberos, "/", headers=trick, auth=("john@HOSPITAL.EXAMPLE", "j"))
    assert (known.status_code, "john@HOSPITAL.EXAMPLE (viewer)" in known.text) == (200, True)
    unlisted = fronted.ask(fronted.kerberos, "/", headers=trick, auth=("max", "j"))
    assert (unlisted.status_code, "none of your groups has one" in unlisted.text) == (403, True)
    assert fronted.ask(fronted.kerberos, "/", headers=trick).status_code == 401


@pytest.mark.parametrize("trick", TRICKS, ids=["claims", "underscores", "hop by hop", "forwarded"])
@pytest.mark.parametrize("path", ["/api/v1/status", "/metrics", "/feed.atom"])
def test_programs_need_a_token_of_their_own(fronted: Fronted, trick: dict[str, str], path: str) -> None:
    for port in (fronted.oidc, fronted.kerberos):
        plain = {"Accept": "*/*"}
        assert fronted.ask(port, path, headers=plain | trick).status_code == 401
        token = {"Authorization": "Bearer do-do-do"}
        assert fronted.ask(port, path, headers=plain | trick | token).status_code == 200
        assert fronted.ask(port, "/healthz", headers=trick).text == "ok\n"


def test_an_operator_plans_maintenance_and_the_audit_names_the_person(fronted: Fronted) -> None:
    own = {"Origin": OURS, "X-Forwarded-For": "10.9.9.9"}
    for port, person in (
        (fronted.oidc, by_oidc("jane", "PACS-Operators")),
        (fronted.kerberos, {"auth": ("jane@HOSPITAL.EXAMPLE", "j")}),
    ):
        proof = re.search(r'name="proof" value="(\w+)"', fronted.ask(port, "/maintenance", **person).text)
        assert proof is not None
        form = {"proof": proof[1], "do": "plan", "node": "archive", "for": "1h", "name": "update"}
        done = fronted.ask(port, "/maintenance", "POST", data=form, headers=own, **person)
        assert (done.status_code, done.headers["location"]) == (303, "./maintenance?done=plan")
        foreign = {"Origin": "https://evil.example.org"}
        assert fronted.ask(port, "/maintenance", "POST", data=form, headers=foreign, **person).status_code == 403
    token = {"Authorization": "Bearer do-do-do"}
    answer = requests.get(f"{fronted.daemon.url}/api/v1/audit", headers=token, timeout=30)
    entries = [one for one in answer.json() if one["outcome"] == "done"]
    assert [(one["by"], one["role"], one["address"]) for one in entries] == [
        ("jane@HOSPITAL.EXAMPLE", "operator", "127.0.0.1"),
        ("jane", "operator", "127.0.0.1"),
    ]


def test_the_recipe_for_iis_has_the_headers_of_the_others() -> None:
    code, settings = (RECIPES / "iis" / "Program.cs").read_text(), (RECIPES / "iis" / "appsettings.json").read_text()
    for header in CLAIMS:
        assert code.index(f'Remove("{header}")') < code.index(f'TryAddWithoutValidation("{header}"')
    assert json.loads(settings)["ReverseProxy"]["Routes"]["monitor"]["ClusterId"] == "monitor"
