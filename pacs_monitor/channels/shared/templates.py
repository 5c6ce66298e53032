"""Texts of the site: Jinja2 templates over the data of a page, sandboxed, tried when the configuration is read.

A template sees every key of a page (one that a page does not have is empty), and `text` (all of the page, line by
line), `key` (the same from opened to resolved), `id` (the same on every retry), `type`, `event` and `timestamp`. It
sees nothing of the monitor.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import AfterValidator

from pacs_monitor.channels.shared.lines import plain_text
from pacs_monitor.channels.shared.rendering import cut, said, unsendable
from pacs_monitor.fields import Secret, Settings
from pacs_monitor.model import ENDINGS, Event, Notification, iso

LONGEST = 1 << 20
"""Characters of what a template makes."""
HEADER_LIMIT = 1000
"""Characters of a header: servers take 4 to 8 KB for all together."""
_TAGS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_TEXTS = (
    *("monitor", "kind", "incident", "group", "node", "title", "site", "role", "check", "probe", "severity", "state"),
    *("reason", "blame", "phase", "summary", "why", "detail", "points_to", "next_step", "impact", "last_good", "since"),
    *("noticed", "resolved", "public_note", "downtime_procedure", "runbook", "url", "channel", "language", "timezone"),
    *("text", "ended"),
)
_LISTS = (
    "members",
    "problems",
    "nodes",
    "incidents",
    "linked",
    "also_failing",
    "still_ok",
    "services",
    "missed",
    "failing",
    "last_changes",
)
_MAPPINGS = ("support", "labels", "acknowledged", "window")
_EMPTY: Mapping[str, Any] = {
    **dict.fromkeys(_TEXTS, ""),
    **{key: [] for key in _LISTS},
    **{key: {} for key in _MAPPINGS},
    "schema": 1,
    "page": 1,
    "worse": False,
    "unrecorded": False,
    "unproven": False,
    "test": False,
}
_SAMPLE = {**_EMPTY, **dict.fromkeys(("key", "id", "type", "event", "timestamp"), "x")}

QUOTED = 'x"\\'
"""What a peer may say, and what only `tojson` writes as a text of JSON."""
_QUOTED_SAMPLE = _SAMPLE | dict.fromkeys(("summary", "why", "detail", "title", "next_step", "impact", "text"), QUOTED)

_environment = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, keep_trailing_newline=False, autoescape=False, finalize=lambda v: "" if v is None else v
)
_environment.globals.clear()
_environment.filters = {
    name: _environment.filters[name]
    for name in ("default", "first", "join", "length", "lower", "replace", "tojson", "trim", "upper", "urlencode")
} | {"cut": cut}


def _template(text: str) -> str:
    """It must compile, and be able to render a page."""
    _rendered(text, _SAMPLE)
    return text


def check_headers(headers: Mapping[str, Secret]) -> Mapping[str, Secret]:
    """Those that are templates must be able to render a page."""
    for name, value in headers.items():
        text = value.get_secret_value()
        if is_template(text):
            try:
                _template(text)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
    return headers


def check_json(template: str, sample: Mapping[str, Any] = _SAMPLE, quoted: Mapping[str, Any] = _QUOTED_SAMPLE) -> None:
    """Raises ValueError where a quotation mark in a text would break the JSON, or let the text add to it."""
    try:
        json.loads(_rendered(template, sample))
    except ValueError:
        return  # it is no JSON for a page without texts, which a condition may prevent
    try:
        json.loads(_rendered(template, quoted))
    except ValueError:
        raise ValueError(
            "write texts with tojson and without quotes around them, such as {{ text | tojson }}: else a quotation "
            "mark in a text would break the JSON"
        ) from None


Template = Annotated[str, AfterValidator(_template)]
"""A Jinja2 template."""


def template_over(sample: Mapping[str, Any]) -> Callable[[str], str]:
    """Checks a template that sees these variables and no page; ValueError."""

    def check(text: str) -> str:
        filled(text, sample)
        return text

    return check


def filled(template: str, known: Mapping[str, Any]) -> str:
    """What such a template makes; ValueError."""
    return _rendered(template, known)


class Bodies(Settings):
    """What is sent for which event; for an event without a template, nothing is."""

    opened: Template
    """For opened."""
    changed: Template = ""
    """For changed, reminded, escalated and acknowledged."""
    resolved: Template = ""
    """For resolved, withdrawn and closed."""
    notice: Template = ""
    """For digests and maintenance."""

    def of(self, event: Event) -> tuple[str, ...]:
        """The templates for an event: a test opens and resolves."""
        if event is Event.TEST:
            return tuple(filter(None, (self.opened, self.resolved)))
        if event is Event.OPENED:
            return (self.opened,)
        if event in ENDINGS:
            return tuple(filter(None, (self.resolved,)))
        changed = event.value.startswith("incident.")
        return tuple(filter(None, (self.changed if changed else self.notice,)))


def rendered(template: str, notification: Notification, data: Mapping[str, Any], *, as_json: bool) -> bytes:
    """What a template makes of a page; DeliveryError (unsendable) where it makes nothing that can be sent."""
    try:
        text = _rendered(template, _known(notification, data))
        if as_json:
            json.loads(text)
        return text.encode()
    except ValueError as error:
        raise unsendable(f"body: {error}") from None


def is_template(text: str) -> bool:
    """Whether the value of a header is one."""
    return "{{" in text or "{%" in text


def literals(template: str) -> list[str]:
    """What of a template is sent as it is written: it may be a secret."""
    return [part for part in _TAGS.split(template) if part.strip()]


def header(template: str, notification: Notification, data: Mapping[str, Any]) -> str:
    """What a template of a header makes of a page: one line of printable ASCII (RFC 9110 5.5), `?` for all else."""
    try:
        text = _rendered(template, _known(notification, data))
    except ValueError as error:
        raise unsendable(f"headers: {error}") from None
    line = " ".join(text.split())
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in line)[:HEADER_LIMIT].rstrip()


def _known(notification: Notification, data: Mapping[str, Any]) -> dict[str, Any]:
    """All that a template sees."""
    told = {key: value for key, value in data.items() if value is not None}
    event = notification.event.value.rpartition(".")[2]
    ours = {"type": notification.type, "event": event, "id": notification.id, "timestamp": iso(notification.created)}
    known = {**_EMPTY, "text": plain_text(data), **told, **ours, "key": said(data, "dedup_key") or notification.id}
    for key in _TEXTS:
        said(known, key)
    return known


def _rendered(template: str, known: Mapping[str, Any]) -> str:
    """Raises ValueError."""
    try:
        text = _environment.from_string(template).render(known)
    except TemplateError as error:
        raise ValueError(f"correct the template: {error.message}") from None
    except (TypeError, AttributeError, ArithmeticError, LookupError, RecursionError) as error:
        raise ValueError(f"correct the template: {type(error).__name__} while it is rendered") from None
    if len(text) > LONGEST:
        raise ValueError(f"shorten the template: it makes more than {LONGEST} characters")
    return text
