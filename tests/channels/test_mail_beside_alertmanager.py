"""Our mail, field by field, beside the one that a real Alertmanager sends to the same server for the same incident."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from html import unescape
from pathlib import Path

import requests
import yaml

from pacs_monitor.channels.email import Email, EmailSettings
from pacs_monitor.model import Event, Notification
from tests.channels import samples
from tests.peers.mail import Mailbox, mail_server
from tests.peers.prometheus import Alertmanager
from tests.support.timing import SOON, wait_until

SENDER, TO = "monitor@hospital.example.org", "it-duty@hospital.example.org"
LABELS = ("node", "site", "role", "severity", "check")
ANNOTATIONS = ("summary", "impact", "next_step", "detail", "runbook")
CALLS = ("impact", "next_step", "runbook")
"""What calls for action: ours no longer says it once it is over."""


class Emitter(Alertmanager):
    """Sends every alert as a mail to one server, with what is its default text."""

    def __init__(self, folder: Path, box: Mailbox) -> None:
        super().__init__(folder, "http://127.0.0.1:9/")
        mail = {"to": TO, "from": SENDER, "smarthost": f"{box.host}:{box.port}", "require_tls": False}
        config = {
            "route": {"receiver": "mail", "group_by": ["node"], "group_wait": "0s", "group_interval": "1s"},
            "receivers": [{"name": "mail", "email_configs": [{**mail, "send_resolved": True}]}],
        }
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))


def theirs(folder: Path, notification: Notification) -> list[EmailMessage]:
    """What Alertmanager sends when the incident begins, and when it ends."""
    data = notification.data
    alert = {
        "labels": {"alertname": "PacsIncident", **{key: data[key] for key in LABELS}},
        "annotations": {key: data[key] for key in ANNOTATIONS},
        "startsAt": data["since"],
    }
    with mail_server() as box, Emitter(folder, box) as am:
        for count, times in enumerate(({}, {"endsAt": datetime.now(UTC).isoformat()}), 1):
            requests.post(f"{am.url}/api/v2/alerts", json=[{**alert, **times}], timeout=10).raise_for_status()
            wait_until(lambda count=count: len(box.envelopes) >= count, f"{count} mails")  # type: ignore[misc]
    return box.mails


def ours(notification: Notification) -> list[EmailMessage]:
    settings = {"host": "127.0.0.1", "tls": "if_offered", "login": "none", "sender": SENDER, "to": TO}
    with mail_server() as box:
        mail = Email("mail", EmailSettings.model_validate({**settings, "port": box.port}))
        mail.deliver(notification, SOON)
        mail.deliver(samples.notification(Event.RESOLVED, **notification.data), SOON)
    return box.mails


def text(mail: EmailMessage, subtype: str) -> str:
    body = mail.get_body((subtype,))
    return "" if body is None else " ".join(unescape(str(body.get_content())).split())


def test_our_mail_says_all_that_alertmanagers_says_and_is_told_apart_by_the_same_fields(tmp_path: Path) -> None:
    notification = samples.realistic()["night-opened"]
    (their_first, their_last), (first, last) = theirs(tmp_path, notification), ours(notification)

    for their, own in ((their_first, first), (their_last, last)):
        assert {name.lower() for name in their.keys()} - {name.lower() for name in own.keys()} == set()  # noqa: SIM118
        assert (str(their["From"]), str(their["To"])) == (str(own["From"]), str(own["To"]))
        assert their["Date"].datetime.tzinfo
        assert own["Date"].datetime.tzinfo

    for key in (*LABELS, *ANNOTATIONS):
        value = str(notification.data[key])
        assert value in text(their_first, "html"), key
        assert value in text(their_last, "html"), key
        assert value in text(first, "plain"), key
        assert (value in text(last, "plain")) is (key not in CALLS), key

    # what theirs lacks: a text without HTML, one thread from the first to the last, a sign that no person wrote it
    assert text(their_first, "plain") == ""
    assert their_last["References"] is None
    assert last["References"] == first["Message-ID"]
    assert (their_first["Auto-Submitted"], first["Auto-Submitted"]) == (None, "auto-generated")
