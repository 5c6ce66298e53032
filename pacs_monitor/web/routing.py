"""One router per noun: what each route answers and refuses stands in the OpenAPI document.

An answer is sent as it is made. It is not passed through its model, which would cost time on the probes' loop, and
turn an odd text in an old record into no answer at all; tests hold answers and models together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

from fastapi import APIRouter
from fastapi.datastructures import DefaultPlaceholder
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

Responses = dict[int | str, dict[str, Any]]
WHY = {
    400: "The body is not JSON.",
    401: "No token was sent, or one that is not known.",
    403: "The token's role may not do this, or the request comes from a page of another site.",
    404: "It is not there; the sentence says what is.",
    408: "The body was not there in time.",
    409: "It cannot be so now; the sentence says why.",
    413: "The body is too large.",
    415: "The body was not sent as application/json.",
    422: "What was asked for cannot be meant so: a sentence for each thing that is wrong.",
    429: "Too often: try again after the seconds of Retry-After.",
    503: "The daemon cannot do it now, as while its database cannot be used or another one leads: try again.",
}
"""Every refusal, and when it is given."""
_LATER = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}}
_REFUSAL = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
"""Also where an answer is no JSON; web.document has the schema."""
_EVERYWHERE = (401, 403, 503)
_OF_BODIES = (400, 408, 413, 415)


class Json(JSONResponse):
    """Any text at all: half a character out of a file's name, which UTF-8 cannot hold, becomes a question mark."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode(
            "utf-8", "replace"
        )


def refuses(*statuses: int) -> Responses:
    """How these refusals are described; every one has the same body."""
    return {
        status: {"description": WHY[status], "content": _REFUSAL} | ({"headers": _LATER} if status == 429 else {})
        for status in statuses
    }


TEXT: Mapping[str, Any] = {"type": "string"}
FILE: Mapping[str, Any] = {"type": "string", "format": "binary"}
OBJECT: Mapping[str, Any] = {"type": "object"}


def content(types: Mapping[str, Mapping[str, Any]]) -> Responses:
    """An answer that is no JSON, or not always: schemas by media type."""
    return {200: {"content": {media_type: {"schema": schema} for media_type, schema in types.items()}}}


class Described(APIRoute):
    """A route whose `response_model` only describes the answer."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        response_model: Any = None,
        responses: Responses | None = None,
        status_code: int | None = None,
        methods: Any = None,
        **more: Any,
    ) -> None:
        about, done = dict(responses or {}), status_code or 200
        if not isinstance(response_model, DefaultPlaceholder):
            about[done] = {"model": response_model, **about.get(done, {})}
            response_model = Any
        statuses = (*_EVERYWHERE, *_refused_by(path, endpoint), *(() if set(methods) == {"GET"} else _OF_BODIES))
        super().__init__(
            path,
            endpoint,
            response_model=response_model,
            responses=refuses(*sorted(statuses)) | about,
            status_code=status_code,
            methods=methods,
            **more,
        )


def _refused_by(path: str, endpoint: Callable[..., Any]) -> list[int]:
    """By a name that is not there, and by parameters that are wrong."""
    named = [404] if "{" in path else []
    return [*named, 422] if set(signature(endpoint).parameters) - {"request"} else named


def router(noun: str) -> APIRouter:
    """A router for what belongs to a noun."""
    return APIRouter(tags=[noun], route_class=Described, default_response_class=Json)
