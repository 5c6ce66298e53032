"""Jira Service Management (and Opsgenie until its end): an alert per page, by the integration events API.

```yaml
oncall: {type: jsm, api_key_file: jsm.key}
```

The key is that of an API integration of a team. `url: https://api.opsgenie.com` is for Opsgenie, whose API ends on
2027-04-05.

| event | in Jira Service Management |
|---|---|
| opened, or changed for the worse | a new alert, alias `<dedup_key>/<page>`; then the pages before it are closed |
| changed, reminded, escalated | a note on the alert |
| acknowledged | the alert is acknowledged |
| resolved, withdrawn, closed | all pages of the incident are closed |
| a digest, maintenance | an alert P5 that is closed at once |
| a test | an alert P5; close it there, or use `notify-test --event opened`, which does |

`critical` is P1, `warning` P3, `info` P5. It escalates by itself, so the monitor does not escalate what it has
accepted. 202 is delivered (requests are processed later); 401, 403 and 422 are refusals; 429 and 5xx are retried.

An acknowledgement that somebody makes there is kept there, and the pages to other channels say so, unless the monitor
may ask for it: `acknowledgements: {poll: 60s}` brings it back, as "OWNER via Jira Service Management", for as long as
one that is made here. The key has to allow reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

from pydantic import Field

from pacs_monitor.channels.shared.acknowledging import SHORTEST_POLL, moment_of, name_of
from pacs_monitor.channels.shared.disclosure import Disclose, disclosed
from pacs_monitor.channels.shared.http import HttpSender, HttpSettings, time_left
from pacs_monitor.channels.shared.lines import plain_text
from pacs_monitor.channels.shared.paging import details, former_keys, key_of, page_key, pages_anew
from pacs_monitor.channels.shared.redaction import Redaction
from pacs_monitor.channels.shared.rendering import cut, json_bytes, said
from pacs_monitor.fields import Duration, SecretLine, Settings, WebAddress
from pacs_monitor.model import ENDINGS, AcknowledgedThere, DeliveryError, Event, Notification, Taken

MESSAGE_LIMIT, DESCRIPTION_LIMIT, NOTE_LIMIT = 130, 15_000, 25_000
"""Characters (Atlassian, Integration events)."""
ALIAS_LIMIT, ENTITY_LIMIT, TAG_LIMIT, SOURCE_LIMIT = 512, 512, 50, 100
PATH = "/v2/alerts"
_PRIORITIES = {"critical": "P1", "warning": "P3"}
_NOTED = (Event.CHANGED, Event.REMINDED, Event.ESCALATED)

Request = tuple[str, dict[str, Any]]
"""A path, and what is posted there."""


class Acknowledgements(Settings):
    """Acknowledgements that people make there are asked for."""

    poll: Annotated[Duration, Field(ge=SHORTEST_POLL)] = 60.0
    """How often, while something is open."""


class JsmSettings(HttpSettings):
    api_key: SecretLine
    """Key of the API integration (GenieKey); or api_key_file."""
    url: WebAddress = "https://api.atlassian.com/jsm/ops/integration"
    """Root of the API; https://api.opsgenie.com for Opsgenie."""
    disclose: Disclose = "minimal"
    acknowledgements: Acknowledgements | None = None
    """Brings acknowledgements on the phone back; without, they are kept there."""


class Jsm:
    """Sends alerts to one integration."""

    kind: ClassVar[str] = "jsm"
    settings: ClassVar[type[JsmSettings]] = JsmSettings
    owns_escalation: ClassVar[bool] = True
    takes_answers: ClassVar[bool] = False
    service: ClassVar[str] = "Jira Service Management"

    def __init__(self, name: str, settings: JsmSettings) -> None:
        self.name = name
        self._settings = settings
        key = settings.api_key.get_secret_value()
        self._headers = {"Authorization": f"GenieKey {key}"}
        self._sender = HttpSender(settings, Redaction(others=[key]))

    def deliver(self, notification: Notification, timeout: float) -> str:
        """Send one request, and those that close earlier pages; what was said to the first, or DeliveryError."""
        first, *others = self._requests(notification)
        until = monotonic() + timeout
        answer = self._post(first, timeout)
        for request in others:
            self._post(request, time_left(until))
        return answer

    @property
    def poll_every(self) -> float | None:
        kept = self._settings.acknowledgements
        return None if kept is None else kept.poll

    def acknowledged(self, taken: Taken, timeout: float) -> AcknowledgedThere | None:
        """Whose the alert is, if it is acknowledged: the owner is a person (Opsgenie Alert API, Get Alert)."""
        alias = quote(key_of(taken.dedup_key, taken.page, ALIAS_LIMIT), safe="")
        url = f"{self._settings.url}{PATH}/{alias}?identifierType=alias"
        return _acknowledged(self._sender.ask(url, timeout, headers=self._headers))

    def _post(self, request: Request, timeout: float) -> str:
        path, body = request
        return self._sender.send(self._settings.url + path, json_bytes(body), timeout, headers=self._headers)

    def _requests(self, notification: Notification) -> list[Request]:
        event, alias = notification.event, page_key(notification, ALIAS_LIMIT)
        data = disclosed(notification, self._settings.disclose)
        source = cut(said(data, "monitor") or "pacs-monitor", SOURCE_LIMIT)
        note = {"source": source, "note": cut(said(data, "summary"), NOTE_LIMIT)}
        former = [_about(alias, "close", {"source": source}) for alias in former_keys(notification, ALIAS_LIMIT)]
        if event in ENDINGS:
            return [_about(alias, "close", note), *former]
        if event is Event.ACKNOWLEDGED:
            return [_about(alias, "acknowledge", note)]
        if event in _NOTED and not pages_anew(notification):
            return [_about(alias, "notes", note)]
        created = PATH, {"alias": alias, "source": source, **_alert(data)}
        if event in (Event.OPENED, Event.CHANGED, Event.TEST):
            return [created, *former]
        return [created, _about(alias, "close", {"source": source})]


def _about(alias: str, action: str, body: dict[str, Any]) -> Request:
    """An alias has slashes, which are part of it."""
    return f"{PATH}/{quote(alias, safe='')}/{action}?identifierType=alias", body


def _alert(data: Mapping[str, Any]) -> dict[str, Any]:
    told, summary = details(data), said(data, "summary")
    tags = [said(data, key) for key in ("site", "role", "severity", "kind")]
    return {
        "message": cut(summary, MESSAGE_LIMIT) or "pacs-monitor",
        "description": cut(plain_text(data), DESCRIPTION_LIMIT),
        "priority": _PRIORITIES.get(said(data, "severity"), "P5"),
        "entity": cut(said(data, "node") or said(data, "title"), ENTITY_LIMIT),
        "tags": [cut(tag, TAG_LIMIT) for tag in tags if tag],
        "details": {**told, "url": said(data, "url")},
    }


def _acknowledged(answer: Any) -> AcknowledgedThere | None:
    """What the integration itself has acknowledged has no owner: it was ours."""
    try:
        alert = answer["data"]
        owner = alert.get("owner") if alert["acknowledged"] is True and alert.get("status") != "closed" else ""
    except (KeyError, TypeError, AttributeError) as error:
        raise DeliveryError("bad_content", f"the answer is no alert: {type(error).__name__}") from None
    return (
        AcknowledgedThere(name_of(str(owner).partition("@")[0]), moment_of(alert.get("updatedAt"))) if owner else None
    )
