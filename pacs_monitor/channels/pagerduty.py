"""PagerDuty: an alert per page, triggered, acknowledged and resolved by the Events API v2.

```yaml
oncall: {type: pagerduty, routing_key_file: pagerduty.key}
```

The key is that of an Events API v2 integration of a service. In Europe, `url: https://events.eu.pagerduty.com`.

| event | in PagerDuty |
|---|---|
| opened, or changed for the worse | a new alert `<dedup_key>/<page>` rings; then the pages before it are resolved |
| changed, reminded, escalated | appended to the alert; it rings only if somebody has resolved it there meanwhile |
| acknowledged | the alert is acknowledged |
| resolved, withdrawn, closed | all pages of the incident are resolved |
| a digest, maintenance | a change event of the service, which rings nobody |
| a test | an alert of severity info; resolve it there, or use `notify-test --event opened`, which does |

PagerDuty escalates by itself, so the monitor does not escalate what it has accepted. 202 is delivered; 400 is a refusal
(wrong key, or an event that PagerDuty does not take); 429 and 5xx are retried.

An acknowledgement that somebody makes in PagerDuty is kept there, and the pages to other channels say so, unless the
monitor may ask for it: with `acknowledgements` it is brought back, as "NAME via PagerDuty", for as long as one that is
made here. It is asked (`GET /incidents?incident_key=…`, outbound) only while something is open that PagerDuty has and
nobody has acknowledged. The token is that of a read-only REST API key; in Europe, `url: https://api.eu.pagerduty.com`.

```yaml
oncall: {type: pagerduty, routing_key_file: pagerduty.key, acknowledgements: {token_file: pagerduty.token, poll: 60s}}
```
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Annotated, Any, ClassVar
from urllib.parse import urlencode

from pydantic import Field

from pacs_monitor.channels.shared.acknowledging import SHORTEST_POLL, moment_of, name_of
from pacs_monitor.channels.shared.disclosure import Disclose, disclosed
from pacs_monitor.channels.shared.http import HttpSender, HttpSettings, time_left
from pacs_monitor.channels.shared.paging import details, former_keys, key_of, page_key, pages_anew
from pacs_monitor.channels.shared.redaction import Redaction
from pacs_monitor.channels.shared.rendering import GOES_ON, cut, json_bytes, said
from pacs_monitor.fields import Duration, SecretLine, Settings, WebAddress
from pacs_monitor.model import ENDINGS, AcknowledgedThere, DeliveryError, Event, Notification, Taken, iso

SUMMARY_LIMIT = 1024
"""Characters; a longer summary is refused (PagerDuty, Send an alert event)."""
EVENT_LIMIT = 512_000
"""Bytes of an event."""
KEY_LIMIT = 255
FIELD_LIMIT = 255
EVENTS, CHANGES, INCIDENTS = "/v2/enqueue", "/v2/change/enqueue", "/incidents"


class Acknowledgements(Settings):
    """Where acknowledgements that people make in PagerDuty are asked for."""

    token: SecretLine
    """REST API key, read-only; or token_file."""
    poll: Annotated[Duration, Field(ge=SHORTEST_POLL)] = 60.0
    """How often, while something is open."""
    url: WebAddress = "https://api.pagerduty.com"
    """Root of the REST API; https://api.eu.pagerduty.com in Europe."""


class PagerDutySettings(HttpSettings):
    routing_key: SecretLine
    """Integration key of the service (Events API v2); or routing_key_file."""
    url: WebAddress = "https://events.pagerduty.com"
    """Root of the Events API; https://events.eu.pagerduty.com in Europe."""
    disclose: Disclose = "minimal"
    acknowledgements: Acknowledgements | None = None
    """Brings acknowledgements on the phone back; without, they are kept in PagerDuty."""


class PagerDuty:
    """Sends events to one service."""

    kind: ClassVar[str] = "pagerduty"
    settings: ClassVar[type[PagerDutySettings]] = PagerDutySettings
    owns_escalation: ClassVar[bool] = True
    takes_answers: ClassVar[bool] = False
    service: ClassVar[str] = "PagerDuty"

    def __init__(self, name: str, settings: PagerDutySettings) -> None:
        self.name = name
        self._settings = settings
        self._routing_key = settings.routing_key.get_secret_value()
        kept = settings.acknowledgements
        self._token = kept.token.get_secret_value() if kept else ""
        self._sender = HttpSender(settings, Redaction(others=filter(None, [self._routing_key, self._token])))

    def deliver(self, notification: Notification, timeout: float) -> str:
        """Enqueue one event, and those that end earlier pages; what was said to the first, or DeliveryError."""
        first, *others = self._events(notification)
        until = monotonic() + timeout
        answer = self._enqueue(first, timeout)
        for event in others:
            self._enqueue(event, time_left(until))
        return answer

    @property
    def poll_every(self) -> float | None:
        kept = self._settings.acknowledgements
        return None if kept is None else kept.poll

    def acknowledged(self, taken: Taken, timeout: float) -> AcknowledgedThere | None:
        """By its key, as it stands there: who has acknowledged it last (List incidents, REST API v2)."""
        if (kept := self._settings.acknowledgements) is None:
            return None
        key = key_of(taken.dedup_key, taken.page, KEY_LIMIT)
        query = urlencode({"incident_key": key, "statuses[]": "acknowledged", "limit": 1})
        headers = {"Authorization": f"Token token={self._token}", "Accept": "application/vnd.pagerduty+json;version=2"}
        answer = self._sender.ask(f"{kept.url}{INCIDENTS}?{query}", timeout, headers=headers)
        return _acknowledged(answer)

    def _enqueue(self, event: Mapping[str, Any], timeout: float) -> str:
        path = EVENTS if "event_action" in event else CHANGES
        return self._sender.send(self._settings.url + path, json_bytes(event), timeout)

    def _events(self, notification: Notification) -> list[dict[str, Any]]:
        event, key = notification.event, page_key(notification, KEY_LIMIT)
        former = [self._event("resolve", key) for key in former_keys(notification, KEY_LIMIT)]
        if event in ENDINGS:
            return [self._event("resolve", key), *former]
        if event is Event.ACKNOWLEDGED:
            return [self._event("acknowledge", key)]
        data = disclosed(notification, self._settings.disclose)
        if event in GOES_ON or event is Event.TEST:
            trigger = {**self._event("trigger", key), **_alert(notification, data)}
            return [trigger, *(former if pages_anew(notification) else ())]
        return [{"routing_key": self._routing_key, **_change(notification, data)}]

    def _event(self, action: str, key: str) -> dict[str, Any]:
        return {"routing_key": self._routing_key, "event_action": action, "dedup_key": key}


def _alert(notification: Notification, data: Mapping[str, Any]) -> dict[str, Any]:
    given = {
        "component": said(data, "check"),
        "group": said(data, "site"),
        "class": said(data, "reason"),
        "timestamp": said(data, "since") or iso(notification.created),
    }
    payload = {
        **_common(data),
        "severity": said(data, "severity") or "info",
        **{key: cut(value, FIELD_LIMIT) for key, value in given.items() if value},
    }
    alert = {"payload": payload, "client": "pacs-monitor", "links": _links(data)}
    return {**alert, "client_url": said(data, "url")} if said(data, "url") else alert


def _change(notification: Notification, data: Mapping[str, Any]) -> dict[str, Any]:
    return {"payload": {**_common(data), "timestamp": iso(notification.created)}, "links": _links(data)}


def _common(data: Mapping[str, Any]) -> dict[str, Any]:
    source = said(data, "node") or said(data, "title") or said(data, "monitor") or "pacs-monitor"
    return {
        "summary": cut(said(data, "summary"), SUMMARY_LIMIT) or "pacs-monitor",
        "source": cut(source, FIELD_LIMIT),
        "custom_details": details(data),
    }


def _links(data: Mapping[str, Any]) -> list[dict[str, str]]:
    named = {"url": "Incident in the monitor", "runbook": "Runbook"}
    return [{"href": said(data, key), "text": text} for key, text in named.items() if said(data, key)]


def _acknowledged(answer: Any) -> AcknowledgedThere | None:
    """The last acknowledgement by a person; what an integration has acknowledged was ours."""
    try:
        found = [
            AcknowledgedThere(name_of(one["acknowledger"].get("summary")), moment_of(one.get("at")))
            for incident in answer["incidents"]
            for one in incident.get("acknowledgements") or ()
            if str(one["acknowledger"]["type"]).startswith("user")
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise DeliveryError("bad_content", f"the answer is no list of incidents: {type(error).__name__}") from None
    return max(found, key=lambda one: one.at or 0, default=None)
