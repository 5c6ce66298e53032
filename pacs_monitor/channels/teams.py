"""Microsoft Teams: an Adaptive Card, posted by a workflow to a channel or chat.

```yaml
team: {type: teams, url_file: teams.url}
```

In Teams, choose Workflows, "Post to a channel when a webhook request is received", and keep its URL, which is a secret.
A workflow belongs to a person: give it a second owner, or it ends when that person leaves.

The first line says what is wrong, where and since when, so that it is enough on a lock screen; then come for whom,
why, what to do first, what still works, what fails too, what changed last, whom to call and the downtime procedure.
Cards cannot be changed later: an end is a card of its own. Texts are shown as they are, without Markdown, and cut so
that a card stays below the 28 KB of Teams.

2xx is delivered, although the workflow may still fail behind it (see its run history); 4xx are refusals, 429 and 5xx
are retried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pacs_monitor.channels.shared.disclosure import Disclose, disclosed
from pacs_monitor.channels.shared.http import HttpSender, HttpSettings, Receiver
from pacs_monitor.channels.shared.lines import lines
from pacs_monitor.channels.shared.redaction import Redaction
from pacs_monitor.channels.shared.rendering import cut, escaped, json_bytes, said
from pacs_monitor.language import N_, _
from pacs_monitor.model import ENDINGS, Notification

SUMMARY_LIMIT, LINE_LIMIT = 2000, 1200
"""Bytes, escaped as in JSON: all lines together stay far below 28 KB, of which the envelope of Teams takes a part."""
_COLOURS = {"critical": "Attention", "warning": "Warning"}
_LINKS = {"url": N_("Incident"), "runbook": N_("Runbook")}


class TeamsSettings(HttpSettings):
    url: Receiver
    """URL of the workflow; a secret, or url_file."""
    disclose: Disclose = "minimal"


class Teams:
    """Posts cards to one workflow."""

    kind: ClassVar[str] = "teams"
    settings: ClassVar[type[TeamsSettings]] = TeamsSettings
    owns_escalation: ClassVar[bool] = False
    takes_answers: ClassVar[bool] = False

    def __init__(self, name: str, settings: TeamsSettings) -> None:
        self.name = name
        self._settings = settings
        self._url = settings.url.get_secret_value()
        self._sender = HttpSender(settings, Redaction([self._url]))

    def deliver(self, notification: Notification, timeout: float) -> str:
        """POST one card; what the workflow said, or DeliveryError."""
        card = _card(notification, disclosed(notification, self._settings.disclose))
        attachment = {
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": None,
            "content": card,
        }
        return self._sender.send(self._url, json_bytes({"type": "message", "attachments": [attachment]}), timeout)


def _card(notification: Notification, data: Mapping[str, Any]) -> dict[str, Any]:
    """Of schema 1.2, which all of Teams' clients show; RichTextBlock does not read its text as Markdown."""
    colour = "Good" if notification.event in ENDINGS else _COLOURS.get(said(data, "severity"), "Default")
    summary = cut(said(data, "summary"), SUMMARY_LIMIT, escaped)
    first = _block(_run(summary, weight="Bolder", size="Medium", color=colour))
    links = {_(title): said(data, key) for key, title in _LINKS.items()}
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "fallbackText": summary,
        "body": [first, *_lines(data)],
        "actions": [{"type": "Action.OpenUrl", "title": title, "url": url} for title, url in links.items() if url],
        "msteams": {"width": "full"},
    }


def _lines(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All but the links, which are buttons."""
    for line in lines(data):
        if not (line.key in _LINKS and said(data, line.key)):
            yield _block(_run(f"{line.title}: ", weight="Bolder"), _run(cut(line.text, LINE_LIMIT, escaped)))


def _block(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [*runs]}


def _run(text: str, **style: str) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **style}
