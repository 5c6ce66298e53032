"""Apprise: the hundred services for which there is no kind of their own (Signal, Matrix, ntfy, Telegram, …).

```yaml
matrix: {type: apprise, url_file: matrix.url}
```

It needs the extra `apprise`: `pip install 'pacs-monitor[apprise]'`. The file has one Apprise URL, such as
`matrixs://USER:TOKEN@matrix.example.org/#pacs` ([list of services](https://appriseit.com/services/)); all of it is
treated as a secret. A channel has one URL: for two receivers, write two channels.

The title is the page's one sentence; the body says since when, for whom, why, what to do first, whom to call, and where
to look. It is plain text, which Apprise turns into the HTML or Markdown of the service, and is cut to what the service
takes. `disclose` is `minimal` by default, because most of these services are outside of the house.

Apprise says only whether the service took it, so every failure is retried: after 1 s, doubling to 60 s. It runs in a
process of its own that is killed at `timeout`, and follows no redirects. What it opens stays as it is: an end is a
message of its own. `REQUESTS_CA_BUNDLE` and the proxies of the environment count (HTTPS_PROXY, NO_PROXY).
"""

from __future__ import annotations

import json
import os
import re
import sys
from importlib.util import find_spec
from typing import Annotated, ClassVar

from pydantic import AfterValidator

from pacs_monitor.channels.shared.disclosure import Disclose, disclosed
from pacs_monitor.channels.shared.lines import lines
from pacs_monitor.channels.shared.programs import PLAIN, run
from pacs_monitor.channels.shared.redaction import Redaction
from pacs_monitor.channels.shared.rendering import json_bytes, said
from pacs_monitor.fields import Duration, SecretLine, Settings
from pacs_monitor.format.human import duration
from pacs_monitor.model import ENDINGS, DeliveryError, Failure, Notification

EXTRA = "pacs-monitor[apprise]"
MODULE = "pacs_monitor.channels.shared.apprise_process"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S")
_BETWEEN = re.compile(r"[:/@?&=;,#\s]+")
_INHERITED = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "REQUESTS_CA_BUNDLE")


def _apprise_url(url: SecretLine) -> SecretLine:
    if not _URL.match(url.get_secret_value()):
        raise ValueError("write SERVICE://…, as of appriseit.com/services: this is not a URL of Apprise")
    return url


class AppriseSettings(Settings):
    url: Annotated[SecretLine, AfterValidator(_apprise_url)]
    """URL of Apprise; a secret, or url_file."""
    timeout: Duration = 20.0
    """Time limit for a message, after which Apprise is stopped."""
    disclose: Disclose = "minimal"


class Apprise:
    """Sends messages to one service."""

    kind: ClassVar[str] = "apprise"
    settings: ClassVar[type[AppriseSettings]] = AppriseSettings
    owns_escalation: ClassVar[bool] = False
    takes_answers: ClassVar[bool] = False

    def __init__(self, name: str, settings: AppriseSettings) -> None:
        self.name = name
        self._settings = settings
        self._url = settings.url.get_secret_value()
        pieces = _BETWEEN.split(self._url.partition("://")[2])
        self._redaction = Redaction(others=[self._url, *pieces, *(piece.lower() for piece in pieces)])

    @staticmethod
    def missing_package() -> str | None:
        """What is to be installed, if it is not."""
        return None if find_spec("apprise") else EXTRA

    def deliver(self, notification: Notification, timeout: float) -> str:
        """Send one message; what Apprise said, or DeliveryError."""
        if (package := self.missing_package()) is not None:
            raise _refused(f"run pip install '{package}': Apprise is not installed")
        body = json_bytes({"url": self._url, "good": notification.event in ENDINGS, **self._message(notification)})
        limit = min(timeout, self._settings.timeout)
        environment = PLAIN | {name: os.environ[name] for name in _INHERITED if name in os.environ}
        try:
            status, output = run((sys.executable, "-m", MODULE), environment, body, limit)
        except OSError as error:
            raise _refused(f"the process of Apprise cannot be started: {error.strerror}") from None
        if status is None:
            raise DeliveryError("timeout", f"Apprise did not end within {duration(limit)} and was stopped")
        return self._answer(output)

    def _message(self, notification: Notification) -> dict[str, str]:
        data = disclosed(notification, self._settings.disclose)
        told = "\n".join(map(str, lines(data))) or "pacs-monitor"
        return {"title": said(data, "summary") or "pacs-monitor", "body": said(data, "text") or told}

    def _answer(self, output: str) -> str:
        try:
            answer = json.loads(output)
            known, delivered, words = answer["known"], answer["delivered"], self._redaction.words(str(answer["said"]))
        except (ValueError, TypeError, LookupError):
            raise DeliveryError("channel_error", "Apprise ended without an answer") from None
        if not known:
            raise _refused("correct url: Apprise knows no such service, or it lacks a part")
        if not delivered:
            raise DeliveryError("not_delivered", words or "Apprise does not say why")
        return words or "accepted"


def _refused(detail: str) -> DeliveryError:
    return DeliveryError("not_configured", detail, failure=Failure.REFUSAL, may_have_arrived=False)
