"""Alertmanager: alerts that fire for as long as an incident is open, posted to all peers of a cluster (API v2).

```yaml
am: {type: alertmanager, urls: ["http://am-1:9093", "http://am-2:9093"], labels: {team: pacs}}
```

Each open incident is one alert. Its labels are identity: `alertname` (PacsIncident), `monitor`, `kind`, `incident`,
`severity`, `node`, `site`, `role`, and the configured `labels`; everything else is an annotation: `summary`,
`description`, `impact`, `next_step`, `runbook_url`, `state`, `reason`, `check`, `acknowledged` … When labels change
(the severity rises), the old alert ends and the new one begins in one request.

Alertmanager forgets what it does not hear of again: alerts are repeated every `refresh`, also after a restart of the
monitor, with an `endsAt` four times as far ahead, and ended ones for 15 min, as Prometheus does. Write the addresses of
all peers, not of a load balancer. A notification is delivered when at least one peer has accepted it; the others learn
of it by gossip, or by the next refresh. If the monitor cannot reach any peer for four times `refresh`, Alertmanager
takes the alerts for resolved until it can again.

Digests, maintenance windows and tests are alerts that end by themselves (`PacsNotice`, `PacsTest`). Silences and
inhibitions of Alertmanager hold there alone: the monitor does not know of them. A silence on `node` outlives an
incident; one on `incident` does not.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import AfterValidator, Field

from pacs_monitor.channels.shared.disclosure import Disclose, disclosed
from pacs_monitor.channels.shared.http import HttpSender, HttpSettings, Receiver, time_left
from pacs_monitor.channels.shared.redaction import Redaction
from pacs_monitor.channels.shared.rendering import GOES_ON, json_bytes, said
from pacs_monitor.fields import Duration, Headers
from pacs_monitor.model import ENDINGS, DeliveryError, Event, Failure, Notification, iso
from pacs_monitor.threads import started

PATH = "/api/v2/alerts"
AHEAD = 4
"""Refreshes that may be missed before an alert ends by itself (prometheus/compliance, alert generator)."""
RESENT_FOR = 900.0
"""Seconds for which ended alerts are sent again."""
NOTICE_LASTS = 300.0
"""Seconds until an announcement ends."""
GRACE = 1.0
"""Seconds after its timeout until a request is no longer waited for."""
BATCH = 64
"""Alerts per request."""
_LABELS = ("monitor", "kind", "incident", "severity", "node", "site", "role")
_ANNOTATIONS = {
    **{key: key for key in ("summary", "impact", "next_step", "title", "state", "reason", "check", "probe")},
    "description": "detail",
    "runbook_url": "runbook",
}
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

Labels = Mapping[str, str]
Alert = Mapping[str, Any]


def _label_names(labels: Labels) -> Labels:
    for name in labels:
        if not _NAME.fullmatch(name) or name in ("alertname", *_LABELS):
            raise ValueError(f"{name!r} cannot be a label here; write another name of letters, digits and _")
    return labels


class AlertmanagerSettings(HttpSettings):
    urls: Annotated[tuple[Receiver, ...], Field(min_length=1)]
    """Root URLs of all peers of the cluster, such as http://am-1:9093."""
    headers: Headers = Field(default_factory=dict)
    """Headers to send with every request, such as Authorization."""
    refresh: Annotated[Duration, Field(ge=1, le=3600)] = 60.0
    """How often alerts are repeated."""
    labels: Annotated[Mapping[str, str], AfterValidator(_label_names)] = {}
    """Labels to add to every alert, for Alertmanager's routes."""
    disclose: Disclose = "full"


class _Ended(NamedTuple):
    alerts: tuple[Alert, ...]
    until: float
    """On the monotonic clock."""


class Alertmanager:
    """Posts alerts to every peer of one cluster."""

    kind: ClassVar[str] = "alertmanager"
    settings: ClassVar[type[AlertmanagerSettings]] = AlertmanagerSettings
    owns_escalation: ClassVar[bool] = False
    takes_answers: ClassVar[bool] = False

    def __init__(self, name: str, settings: AlertmanagerSettings) -> None:
        self.name = name
        self._settings = settings
        self._urls = [url.get_secret_value() for url in settings.urls]
        self._headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        self._sender = HttpSender(settings, Redaction(self._urls, self._headers.values()))
        self._lock, self._refreshing = threading.Lock(), threading.Lock()
        self._firing: dict[str, Labels] = {}
        """The labels that an open incident was last sent with, by its dedup_key."""
        self._ended: dict[str, _Ended] = {}

    @property
    def refresh_every(self) -> float:
        return self._settings.refresh

    def deliver(self, notification: Notification, timeout: float) -> str:
        """POST to all peers; what the first said that accepted it, or DeliveryError."""
        if notification.event in ENDINGS:
            with self._refreshing:  # a refresh that knows of no end must not arrive after it
                return self._deliver(notification, timeout)
        return self._deliver(notification, timeout)

    def _deliver(self, notification: Notification, timeout: float) -> str:
        alerts = self._alerts(notification)
        answer = self._post(alerts, timeout)
        self._remember(notification, alerts)
        return answer

    def refresh(self, standing: Sequence[Notification], timeout: float) -> None:
        """Send again what fires, and what ended a while ago."""
        with self._refreshing:
            with self._lock:
                now = time.monotonic()
                self._ended = {key: ended for key, ended in self._ended.items() if ended.until > now}
                over, again = set(self._ended), [alert for ended in self._ended.values() for alert in ended.alerts]
            firing = [one for one in standing if _key(one) not in over]
            for notification in firing:
                alerts = self._alerts(notification)
                again += alerts
                self._remember(notification, alerts)
            deadline = time.monotonic() + timeout
            for begin in range(0, len(again), BATCH):
                self._post(again[begin : begin + BATCH], time_left(deadline), everywhere=True)

    def _alerts(self, notification: Notification) -> list[Alert]:
        """One alert, after those of the same incident that its new labels replace."""
        data, event, now = disclosed(notification, self._settings.disclose), notification.event, datetime.now(UTC)
        labels = self._labels(notification, data)
        if event not in GOES_ON | ENDINGS:
            return [_alert(notification, data, labels, now + timedelta(seconds=NOTICE_LASTS))]
        with self._lock:
            before = self._firing.get(_key(notification), labels)
        if event in ENDINGS:
            return [_alert(notification, data, before, now)]
        old = [] if before == labels else [_alert(notification, data, before, now)]
        return [*old, _alert(notification, data, labels, now + timedelta(seconds=AHEAD * self._settings.refresh))]

    def _labels(self, notification: Notification, data: Mapping[str, Any]) -> Labels:
        name = "PacsIncident" if notification.event in GOES_ON | ENDINGS else "PacsNotice"
        named = {"alertname": "PacsTest" if notification.event is Event.TEST else name}
        if notification.event is Event.TEST:
            named["severity"] = "info"
        given = {key: value for key in _LABELS if (value := said(data, key))}
        return {**named, **given, **self._settings.labels}

    def _remember(self, notification: Notification, alerts: Sequence[Alert]) -> None:
        key = _key(notification)
        with self._lock:
            ended = self._ended.get(key, _Ended((), 0)).alerts
            if notification.event in ENDINGS:
                self._firing.pop(key, None)
                self._ended[key] = _Ended((*ended, *alerts), time.monotonic() + RESENT_FOR)
            elif notification.event in GOES_ON:
                self._firing[key] = alerts[-1]["labels"]

    def _post(self, alerts: Sequence[Alert], timeout: float, *, everywhere: bool = False) -> str:
        """To all peers at once; returns when the first accepts it, or when all (`everywhere`) have answered."""
        body = json_bytes(alerts)
        limit = min(timeout, self._settings.timeout)

        def send(url: str) -> Future[str]:
            to = url.rstrip("/") + PATH
            return started(lambda: self._sender.send(to, body, limit, headers=self._headers), "alertmanager")

        waiting, errors, answer = {send(url) for url in self._urls}, [], ""
        until = time.monotonic() + limit + GRACE
        while waiting and (everywhere or not answer):
            done, waiting = wait(waiting, time_left(until), return_when=FIRST_COMPLETED)
            if not done:  # a name that is looked up for ever
                errors.append(DeliveryError("timeout", "a peer could not be asked in time"))
                break
            for future in done:
                try:
                    answer = future.result()
                except DeliveryError as error:
                    errors.append(error)
        if answer:
            return answer
        raise _together(errors)


def _key(notification: Notification) -> str:
    return said(notification.data, "dedup_key")


def _alert(notification: Notification, data: Mapping[str, Any], labels: Labels, ends: datetime) -> Alert:
    """By api/v2/openapi.yaml; `endsAt` never lies before `startsAt`."""
    starts = min(_time(data.get("since")) or _time(iso(notification.created)) or ends, ends)
    annotations = {name: value for name, key in _ANNOTATIONS.items() if (value := said(data, key))}
    if acknowledged := data.get("acknowledged"):
        words = (acknowledged.get("by"), f"until {acknowledged.get('until')}")
        annotations["acknowledged"] = " ".join(filter(None, words))
    alert = {"labels": labels, "annotations": annotations, "startsAt": starts.isoformat(), "endsAt": ends.isoformat()}
    url = said(data, "url")
    return {**alert, "generatorURL": url} if url else alert


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def _together(errors: Iterable[DeliveryError]) -> DeliveryError:
    """What all peers' failures mean: temporary if one is."""
    every = [*errors]
    told = next((error for error in every if error.failure is Failure.TEMPORARY), every[0])
    waits = [error.retry_after for error in every if error.retry_after is not None]
    return DeliveryError(
        told.reason,
        "; ".join(dict.fromkeys(map(str, every))),
        failure=told.failure,
        may_have_arrived=any(error.may_have_arrived for error in every),
        retry_after=min(waits, default=None),
    )
