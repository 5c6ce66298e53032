"""FAKES of ticket systems and chats, written from the products' documentation, not the products themselves.

Each refuses what the documentation says that the product refuses, and keeps what it has opened by the product's own
rule of what belongs together.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]


@dataclass
class Item:
    """A ticket, an alert, or the posts of a chat."""

    title: str
    open: bool = True
    entries: list[str] = field(default_factory=list)


class Product:
    """What one of them keeps; `answer` is what it does with a request."""

    name: ClassVar[str]

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        raise NotImplementedError

    def _entered(self, key: str, title: str, *, over: bool) -> Item:
        """Opened, continued or ended by its key; an end of what is not there changes nothing."""
        found = self.items.get(key)
        if found is None:
            if over:
                return Item(title, open=False)
            found = self.items[key] = Item(title)
        found.open = not over
        found.entries.append(title)
        return found


class ServiceNow(Product):
    """Event Management, inbound JSON (`/api/global/em/jsonv2`): alerts by message_key."""

    name = "servicenow"

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if not headers.get("authorization", "").startswith("Basic "):
            return 401, {"error": {"message": "User Not Authenticated"}}
        if (method, path) != ("POST", "/api/global/em/jsonv2"):
            return 404, {}
        for record in json.loads(body)["records"]:
            if record["severity"] not in "012345" or not record["source"] or len(record["description"]) > 4000:
                return 400, {"error": "a mandatory field is missing"}
            over = record["severity"] == "0" and record["resolution_state"] == "Closing"
            self._entered(record["message_key"], record["description"], over=over)
        return 200, {"result": {"Default Bulk Endpoint": "1 events were inserted"}}


class Jira(Product):
    """A rule of Jira automation with an incoming webhook, as the recipe tells it to be: issues by label."""

    name = "jira"

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if "x-automation-webhook-token" not in headers:
            return 401, {"message": "missing token"}
        data = json.loads(body)
        label, over = data["key"], data["event"] == "resolved"
        if " " in label or "/" in label or len(data["summary"]) > 255:
            return 400, {"errors": {"labels": "a label has neither spaces nor slashes here"}}
        if data["event"] not in ("opened", "changed", "resolved"):
            return 400, {}
        self._entered(label, data["summary"], over=over)
        return 200, ""


class Zammad(Product):
    """Its integration for Checkmk with "Auto close": tickets by host and service."""

    name = "zammad"

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if not path.startswith("/api/v1/integration/check_mk/"):
            return 404, {"error": "No such route"}
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        for required in ("event_id", "state", "host"):
            if not form.get(required):
                return 422, {"error": f"Required parameter '{required}' is missing or empty."}
        over = form["state"] in ("OK", "UP")
        known = f"{form['host']} {form.get('service', '')}" in self.items
        self._entered(f"{form['host']} {form.get('service', '')}", form.get("text", ""), over=over)
        return 200, {
            "result": "ticket closed" if over and known else "ticket already open" if known else "ticket created"
        }


class Mattermost(Product):
    """An incoming webhook: posts, of at most 16,383 characters."""

    name = "mattermost"

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        data = json.loads(body)
        if not data.get("text") and not data.get("attachments"):
            return 400, {"message": "No text specified"}
        if len(data["text"]) > 16_383:
            return 400, {"message": "Message is too long"}
        self._entered("channel", data["text"], over=False)
        return 200, "ok"


class RocketChat(Product):
    """An incoming integration: messages, of at most 5,000 characters."""

    name = "rocketchat"

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        data = json.loads(body)
        if len(data.get("text", "")) > 5000 or not (data.get("text") or data.get("attachments")):
            return 400, {"success": False, "error": "unknown-error"}
        self._entered("channel", data["text"], over=False)
        return 200, {"success": True}


class Glpi(Product):
    """apirest.php (GLPI 9.5 to 11): a session first, searches by field number, solutions end tickets."""

    name = "glpi"

    def __init__(self) -> None:
        super().__init__()
        self.sessions: set[str] = set()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        url = urlsplit(path)
        what = url.path.removeprefix("/apirest.php/")
        if headers.get("app-token") != "app-t0ken":
            return 400, ["ERROR_WRONG_APP_TOKEN_PARAMETER", ""]
        if what == "initSession":
            if headers.get("authorization") != "user_token user-t0ken":
                return 401, ["ERROR_GLPI_LOGIN_USER_TOKEN", ""]
            self.sessions.add("s3ssion")
            return 200, {"session_token": "s3ssion"}
        if headers.get("session-token") not in self.sessions:
            return 401, ["ERROR_SESSION_TOKEN_INVALID", ""]
        if what == "killSession":
            self.sessions.clear()
            return 200, True
        if what == "search/Ticket":
            return 200, self._searched({key: values[0] for key, values in parse_qs(url.query).items()})
        return self._added(what, json.loads(body)["input"])

    def _searched(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Field 1 is the title, 2 the ID, 12 the status (`notold`: neither solved nor closed)."""
        assert (query["criteria[0][field]"], query["criteria[0][searchtype]"]) == ("1", "contains")
        assert (query["criteria[1][field]"], query["criteria[1][value]"]) == ("12", "notold")
        wanted = query["criteria[0][value]"]
        found = [{"1": one.title, "2": int(key)} for key, one in self.items.items() if wanted in one.title and one.open]
        return {"totalcount": len(found), **({"data": found} if found else {})}

    def _added(self, what: str, given: Mapping[str, Any]) -> Answer:
        if what == "Ticket":
            if len(given["name"]) > 255:
                return 400, ["ERROR_GLPI_ADD", ""]
            key = str(len(self.items) + 1)
            self.items[key] = Item(given["name"], entries=[given["content"]])
            return 201, {"id": int(key), "message": ""}
        if what in ("ITILFollowup", "ITILSolution") and given["itemtype"] == "Ticket":
            ticket = self.items[str(given["items_id"])]
            ticket.entries.append(given["content"])
            ticket.open = what == "ITILFollowup"
            return 201, {"id": 1, "message": ""}
        return 400, ["ERROR_RESOURCE_NOT_FOUND_NOR_COMMONDBTM", ""]


PRODUCTS: tuple[type[Product], ...] = (ServiceNow, Jira, Zammad, Glpi, Mattermost, RocketChat)


@contextmanager
def serving(product: Product) -> Iterator[str]:
    """Its root URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, said = product.answer(self.command, self.path, headers, self.rfile.read(length))
            body = said.encode() if isinstance(said, str) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
