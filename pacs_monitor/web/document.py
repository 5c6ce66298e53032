"""The OpenAPI document of the app: what every route answers and refuses, and how one signs in."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from pacs_monitor.api import Refusal
from pacs_monitor.web.routing import WHY

ABOUT = """\
What a running pacs-monitor knows, and the words of its operators. docs/api.md tells how to use it, with a typed client
for Python.

Times are RFC 3339 in UTC, durations are in seconds. Every refusal has the body `{"detail": …}` with what to do. Keys
may be added to answers, and none is renamed. No GET changes anything; every write is recorded (`/api/v1/audit`).
"""
SCHEME = "token"


class DocumentedApp(FastAPI):
    """FastAPI with a document that leaves out what says nothing."""

    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            made = get_openapi(title=self.title, version=self.version, description=ABOUT, routes=self.routes)
            share_refusals(made)
            made["components"]["schemas"]["Refusal"] = TypeAdapter(Refusal).json_schema()
            without_titles(made)
            made["components"]["securitySchemes"] = {SCHEME: {"type": "http", "scheme": "bearer"}}
            made["security"] = [{SCHEME: []}, {}]  # without `auth` nobody has a token
            self.openapi_schema = made
        return self.openapi_schema


def share_refusals(made: dict[str, Any]) -> None:
    """Each is described once."""
    shared: dict[str, Any] = {}
    for operations in made["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if answer.get("description") == WHY.get(int(status)):
                    shared[f"Refused{status}"] = answer
                    operation["responses"][status] = {"$ref": f"#/components/responses/Refused{status}"}
            operation["responses"] = dict(sorted(operation["responses"].items()))
    made["components"]["responses"] = dict(sorted(shared.items()))


def without_titles(part: Any) -> None:
    """Titles of keys and answers repeat their names."""
    if isinstance(part, dict):
        if isinstance(part.get("title"), str) and {"type", "$ref", "anyOf", "properties", "items"} & part.keys():
            del part["title"]
        for inner in part.values():
            without_titles(inner)
    elif isinstance(part, list):
        for inner in part:
            without_titles(inner)
