"""The body of a write: JSON (RFC 8259), or a form of a page (WHATWG URL 5); small, and there in time.

Else the request is refused before it is read on.

The Content-Type that is required is one that no page of another site can send without asking first (Fetch, "CORS-
safelisted request-header"). Forms, which one can, are read of replies, for the boxes that forward
them, and of pages, whose forms carry a proof that no other site knows.
"""

from __future__ import annotations

import asyncio
import json
from email.message import Message as Header
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pacs_monitor.language import N_
from pacs_monitor.web.auth import API, PUSH, READING, REPLIES
from pacs_monitor.web.session import is_proven

LARGEST = 64 * 1024
"""Bytes of a body."""
READ_AWAY = 1024 * 1024
"""Bytes of a larger one that are read and dropped, so that the peer reads the answer before the connection ends."""
BODY_WITHIN = 10.0
"""Seconds."""
BODY = "pacs_monitor.body"
"""In the scope: what the body says, as JSON (or a form) that nobody has judged yet; not there without one."""
FORM, MOST_FIELDS = "application/x-www-form-urlencoded", 100
"""Pages have forms, and boxes that forward replies send them, as they know nothing else."""
PROOF_FIELD = "proof"
"""Of every form of a page (web.session)."""


class JsonBody:
    """ASGI middleware: 408, 413, 415 or 400 with a reason, or the request with its whole body.

    A job that reports may send its output along: nobody reads it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in READING or scope["path"].startswith(PUSH):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            async with asyncio.timeout(BODY_WITHIN):
                body = await _read(receive, headers)
        except TimeoutError:
            await _refusal(408, N_("send the whole body: it was not there in time"))(scope, receive, send)
            return
        except ConnectionError:
            return
        if body is None:
            await _refusal(413, f"send less: the body is larger than {LARGEST // 1024} KiB")(scope, receive, send)
            return
        refuse = _refuse if scope["path"].startswith(API) else _refuse_page
        refusal = refuse(scope, body, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, _once(body, receive), send)


async def _read(receive: Receive, headers: Headers) -> bytes | None:
    """The body; None when it is too large. ConnectionError when the peer has gone."""
    declared, read, kept = _declared(headers), 0, bytearray()
    while declared <= READ_AWAY and read <= READ_AWAY:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        chunk = message.get("body", b"")
        read += len(chunk)
        if read <= LARGEST:
            kept += chunk
        if not message.get("more_body", False):
            break
    return bytes(kept) if max(declared, read) <= LARGEST else None


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() else 0


def _refuse(scope: Scope, body: bytes, headers: Headers) -> JSONResponse | None:
    if not body:
        return None
    kind = _kind(headers.get("content-type", ""))
    if kind == FORM and scope["path"] == REPLIES:
        return _refuse_form(scope, body)
    if kind != "application/json":
        return _refusal(415, "send the body as JSON, with the header Content-Type: application/json")
    return _refuse_json(scope, body)


def _refuse_json(scope: Scope, body: bytes) -> JSONResponse | None:
    try:
        scope[BODY] = json.loads(body)
    except json.JSONDecodeError as error:
        return _refusal(400, f"correct the body: it is not JSON ({error.msg} at line {error.lineno})")
    except (ValueError, RecursionError):
        return _refusal(400, "correct the body: it is not JSON in UTF-8, nested too deeply, or has too long a number")
    return None


def _refuse_form(scope: Scope, body: bytes) -> JSONResponse | None:
    try:
        scope[BODY] = dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS))
    except ValueError:
        return _refusal(400, f"send at most {MOST_FIELDS} fields")
    return None


def _refuse_page(scope: Scope, body: bytes, headers: Headers) -> JSONResponse | None:
    """What is written to a page is a form of that page, and carries the proof of it."""
    if _kind(headers.get("content-type", "")) != FORM:
        return _refusal(415, N_("send the form of the page; programs use the API, with a JSON body"))
    refusal = _refuse_form(scope, body)
    if refusal is None and not is_proven(scope, scope[BODY].pop(PROOF_FIELD, None)):
        del scope[BODY]
        return _refusal(
            403, N_("go back, reload the page and send the form again: it is from before a restart or sign-in")
        )
    return refusal


def _kind(content_type: str) -> str:
    header = Header()
    header["content-type"] = content_type
    return header.get_content_type()


def _refusal(status: int, why: str) -> JSONResponse:
    return JSONResponse({"detail": why}, status, {"Connection": "close"} if status in (408, 413) else None)


def _once(body: bytes, receive: Receive) -> Receive:
    """The body as one message, then whatever else comes: that the peer has gone."""
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return whole.pop() if whole else await receive()

    return next_message
