"""The process in which Apprise runs: a message on standard input, what became of it on standard output, as JSON.

The URL comes on standard input, so that no list of processes has it. What the libraries log or print goes nowhere but
for Apprise's own sentences, of which the last is part of the answer; whoever reads it takes the secrets out.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

from pacs_monitor.channels.shared.rendering import cut


class Sentences(logging.Handler):
    """Keeps what Apprise says: the last warning, else the last information."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.said, self._level = "", 0

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= self._level:
            self.said, self._level = record.getMessage(), record.levelno


def main() -> None:
    message, answer = json.load(sys.stdin), os.dup(1)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    told = json.dumps(_sent(message))
    with os.fdopen(answer, "w", encoding="utf-8") as out:
        out.write(told)


def _sent(message: Mapping[str, Any]) -> dict[str, Any]:
    import apprise  # noqa: PLC0415 - an extra, which the monitor's own process never imports

    logger, sentences = logging.getLogger("apprise"), Sentences()
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(sentences)
    asset = apprise.AppriseAsset(app_id="pacs-monitor", http_redirects=False, allow_templates=False)
    service = apprise.Apprise(asset=asset)
    if not service.add(message["url"]):
        return {"known": False, "delivered": False, "said": ""}
    title, body = _fitting(service[0], message["title"], message["body"])
    kind = apprise.NotifyType.SUCCESS if message["good"] else apprise.NotifyType.FAILURE
    delivered = service.notify(title=title, body=body, notify_type=kind, body_format=apprise.NotifyFormat.TEXT)
    return {"known": True, "delivered": bool(delivered), "said": sentences.said}


def _fitting(service: Any, title: str, body: str) -> tuple[str, str]:
    """What does not fit as a title goes before the body; both are cut to what the service takes."""
    longest_title, longest_body = service.title_maxlen, service.body_maxlen
    if not 0 < len(title) <= longest_title:
        head = cut(title, longest_title) if longest_title > 0 else ""
        return head, cut(f"{title}\n{body}", longest_body - len(head) - 2)
    return title, cut(body, longest_body - len(title) - 2)


if __name__ == "__main__":
    main()
