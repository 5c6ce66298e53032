"""docs/openapi.json is what a daemon serves, and what it answers is as the document says."""

from __future__ import annotations

import asyncio
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.timing import SOON
from tests.web.conftest import Served
from tests.web.test_api import until_up

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
REQUIRED = {"window": {"match": {"node": ["archive"]}, "for": "2h", "name": "update", "by": "it-duty"}}


def closed() -> dict[str, Any]:
    """The document, in which no answer may have a key that is not described."""
    document: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return document


def check(document: dict[str, Any], method: str, path: str, status: int, answer: Any) -> None:
    """The answer is as described, and has nothing else."""
    described = document["paths"][path][method]["responses"][str(status)]
    if "$ref" in described:
        described = document["components"]["responses"][described["$ref"].rpartition("/")[2]]
    schema = deepcopy(described["content"]["application/json"]["schema"])
    schema["components"] = document["components"]
    jsonschema.validate(answer, schema, cls=jsonschema.Draft202012Validator)


async def test_the_committed_document_is_what_a_daemon_serves(served: Served) -> None:
    document = (await served.client.get("/api/openapi.json")).json()

    assert document == json.loads(DOCUMENT.read_text(encoding="utf-8")), "run scripts/write-openapi"


async def test_every_operation_says_what_it_answers_and_that_it_may_refuse(served: Served) -> None:
    document = (await served.client.get("/api/openapi.json")).json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            done = next(answer for status, answer in operation["responses"].items() if status < "300")
            assert all("schema" in content for content in done["content"].values()), (method, path)
            assert operation["summary"].endswith("."), (method, path)
            assert operation["tags"] == ["health"] or {"401", "403"} <= operation["responses"].keys(), (method, path)


@pytest.fixture
async def troubled(served: Served) -> Served:
    """Something of everything: an incident that was acknowledged, a note, a window, a pause, a declared outage."""
    await until_up(served)
    served.peer.down()
    async with asyncio.timeout(SOON):
        while not (found := (await served.client.get("/api/v1/incidents?open=true")).json()):
            await asyncio.sleep(0.05)
    document = closed()
    incident = f"/api/v1/incidents/{found[0]['id']}"
    one, window = "/api/v1/incidents/{incident}", "/api/v1/maintenance/{window}"
    planned = await said(served, document, "/api/v1/maintenance", REQUIRED["window"])
    of_window = f"/api/v1/maintenance/{planned['id']}"
    await said(served, document, f"{incident}/ack", {"by": "it-duty", "for": "2h"}, f"{one}/ack")
    note = {"text": "Use the viewer.", "public": True, "next_update": "tomorrow 07:00"}
    await said(served, document, f"{incident}/note", note, f"{one}/note")
    await said(served, document, f"{incident}/evidence", {"what": "reported"}, f"{one}/evidence")
    await said(served, document, f"{of_window}/extend", {"for": "1h"}, f"{window}/extend")
    await said(served, document, f"{of_window}/counts", {"counts": "no", "why": "agreed"}, f"{window}/counts")
    outage = {
        "node": "archive",
        "from": "2026-01-02T03:00:00Z",
        "to": "2026-01-02T04:00:00Z",
        "evidence": "log of CT 2",
    }
    await said(served, document, "/api/v1/incidents", outage)
    await said(served, document, "/api/v1/pause", {"match": {"check": ["port"]}})
    return served


async def said(served: Served, document: dict[str, Any], path: str, words: Any, described: str = "") -> Any:
    answer = await served.client.post(path, json=words)
    assert answer.status_code in (200, 201), answer.text
    check(document, "post", described or path, answer.status_code, answer.json())
    return answer.json()


async def test_every_answer_is_as_the_document_says_and_has_nothing_else(troubled: Served) -> None:
    document, client = closed(), troubled.client
    incidents = [
        row["id"] for noun in ("incidents", "declared") for row in (await client.get(f"/api/v1/{noun}")).json()
    ]
    names = {"node": ["archive"], "check": ["port", "dicom_echo"], "incident": incidents, "site": ["east"]}
    for path, operations in document["paths"].items():
        if "get" not in operations or "application/json" not in operations["get"]["responses"]["200"]["content"]:
            continue
        keys = [key for key in names if f"{{{key}}}" in path]
        addresses = (
            [path]
            if not keys
            else [path.replace("{node}", "archive").replace(f"{{{keys[-1]}}}", name) for name in names[keys[-1]]]
        )
        for address in addresses:
            answer = await client.get(address)
            check(document, "get", path, answer.status_code, answer.json())
            assert answer.status_code == 200 or path.startswith(("/api/v1/report", "/api/v1/constancy")), answer.text


async def test_refusals_are_as_the_document_says(served: Served) -> None:
    document, client = closed(), served.client
    window = "/api/v1/maintenance"
    for status, method, path, described, more in (
        (404, "get", "/api/v1/nodes/nobody", "/api/v1/nodes/{node}", {}),
        (422, "get", "/api/v1/incidents?limit=0", "/api/v1/incidents", {}),
        (422, "post", window, window, {"json": {"match": {"node": ["archive"]}}}),
        (400, "post", window, window, {"content": b"{", "headers": {"content-type": "application/json"}}),
        (415, "post", window, window, {"content": b"a=b", "headers": {"content-type": "text/plain"}}),
        (413, "post", window, window, {"content": b" " * 70_000, "headers": {"content-type": "application/json"}}),
        (409, "post", "/api/v1/push/archive/port", "/api/v1/push/{node}/{check}", {}),
        (403, "post", "/api/v1/reload", "/api/v1/reload", {"headers": {"origin": "http://elsewhere.example"}}),
    ):
        answer = await client.request(method, path, **more)
        assert answer.status_code == status, (path, answer.text)
        check(document, method, described, status, answer.json())
