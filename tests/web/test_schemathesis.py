"""Whatever the document allows, and what it does not, is answered as it says, and never by a fault of the daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.switchable import Switchable
from tests.support.estates import write_estate
from tests.support.timing import wait_until
from tests.web.test_document import DOCUMENT, closed

EXAMPLES, LONG = 6, 200
"""Of each operation: as it is described, and half as many otherwise."""
PRINTS = {"POST /api/v1/reports"}
"""Without a period it freezes, and prints, the last quarter, which takes long and has tests of its own."""
WITHIN = 120.0
pytestmark = pytest.mark.timeout(900)  # the first of them reads all modules, for the constants that hypothesis tries
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPERATIONS = [
    (path, method)
    for path, operations in json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"].items()
    for method in operations
]


class Described:
    """A daemon that has something of everything, and the document with the names that it knows."""

    def __init__(self, url: str) -> None:
        self.url = url
        open_one = self._get("/api/v1/incidents?open=true")[0]["id"]
        window = self._post("/api/v1/maintenance", {"match": {"node": "alias"}, "for": "2h"})["id"]
        outage = {"node": "alias", "from": "2026-01-02T03:00:00Z", "to": "2026-01-02T04:00:00Z", "evidence": "a log"}
        declared = self._post("/api/v1/incidents", outage)["id"]
        self.names = {
            "node": ["archive", "jobs", "nobody"],
            "check": ["port", "nightly", "nothing"],
            "incident": [open_one, declared, "01NONE"],
            "window": [window, "01NONE"],
            "channel": ["pager", "nobody"],
            "site": ["east", "nowhere"],
            "before": [open_one],
            "format": ["json", "html", "csv"],  # to print takes long, and has tests of its own
        }

    def _get(self, path: str) -> Any:
        return requests.get(self.url + path, timeout=WITHIN).json()

    def _post(self, path: str, words: Any) -> Any:
        return requests.post(self.url + path, json=words, timeout=WITHIN).json()

    def document(self) -> dict[str, Any]:
        """With the names that there are, so that what is behind them is asked for, too."""
        document = closed()
        for operations in document["paths"].values():
            for operation in operations.values():
                for parameter in operation.get("parameters", ()):
                    if parameter["name"] in self.names:
                        parameter["schema"] = {"type": "string", "enum": self.names[parameter["name"]]}
        freeze = document["components"]["schemas"]["Freeze"]
        freeze["required"], freeze["properties"]["period"]["enum"] = ["period"], ["1999-Q1", "2040", "never"]
        return document


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Described]:
    listen = free_port()
    with Switchable() as peer:
        peer.down()
        nodes = (
            f"  archive: {{host: 127.0.0.1, site: east, checks: {{port: {{probe: tcp, port: {peer.port}}}}}}}\n"
            f"  alias: {{host: 127.0.0.1, checks: {{port: {{probe: tcp, port: {peer.port}}}}}}}\n"
            "  jobs: {host: 127.0.0.1, checks: {nightly: {probe: push, within: 1d}}}\n"
        )
        config = write_estate(
            tmp_path_factory.mktemp("described"),
            listen,
            nodes,
            pager=f"http://127.0.0.1:{peer.port}/",
            secret="whsec_YSBrZXkgb2YgdGhlIHJlY2VpdmVycyBvd24gY2hvaWNl",
            defaults="interval: 1m, retry_interval: 1s, timeout: 10s, failures: 1, recoveries: 1, page_after: 0s",
        )
        with RunningDaemon(config, listen) as daemon:
            url = daemon.url
            wait_until(lambda: bool(requests.get(f"{url}/api/v1/incidents", timeout=WITHIN).json()), "an incident")
            yield Described(url)


def try_out(described: Described, path: str, method: str, run: int, examples: int) -> None:
    operation = schemathesis.openapi.from_dict(described.document())[path][method.upper()]
    load_all_checks()
    for mode, count in ((GenerationMode.POSITIVE, examples), (GenerationMode.NEGATIVE, examples // 2)):
        takes = operation.body or any((operation.path_parameters, operation.query))
        if mode is GenerationMode.NEGATIVE and (not takes or operation.label in PRINTS):
            continue

        @seed(run)
        @settings(
            max_examples=count if takes else 1,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def one(case: schemathesis.Case[Any]) -> None:
            answer = case.call(base_url=described.url, timeout=WITHIN)
            case.validate_response(answer, checks=CHECKS)

        one()


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS])
def test_an_operation_answers_as_described(
    described: Described, path: str, method: str, request: pytest.FixtureRequest
) -> None:
    try_out(described, path, method, request.config.getoption("randomly_seed"), EXAMPLES)


@pytest.mark.proof
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS])
def test_an_operation_answers_as_described_for_long(
    described: Described, path: str, method: str, request: pytest.FixtureRequest
) -> None:
    try_out(described, path, method, request.config.getoption("randomly_seed"), LONG)
