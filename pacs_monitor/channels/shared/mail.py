"""From a page to a mail (RFC 5322): plain and HTML with the same content, threads, an .ics for maintenance.

The first mail of an incident has an id that follows from the incident and the channel, and all others refer to it: so
nothing needs to be remembered. Subjects stay the same over an incident, because Gmail and Outlook begin a new thread
where one changes. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, NamedTuple

from icalendar import Calendar
from icalendar import Event as Appointment
from jinja2 import Environment, StrictUndefined, Template
from jinja2.utils import urlize
from markupsafe import Markup, escape

from pacs_monitor import __version__
from pacs_monitor.channels.shared.mail_lines import details, lines
from pacs_monitor.channels.shared.rendering import cut, said, utf8
from pacs_monitor.language import N_, _
from pacs_monitor.model import ENDINGS, SECOND, Event, Notification

SUBJECT_LIMIT, SUMMARY_LIMIT, HEADER_LIMIT, TEXT_LIMIT = 120, 2000, 60, 60_000
"""Characters of headers, bytes of texts. Gmail shows 102 kB of a mail, and no more."""
LINE_LIMIT = 76
"""Bytes of a line (RFC 2045 6.7; RFC 2047 2)."""
SHORT_ID = 6
"""Characters of an incident's id that stand in subjects: enough for `pacs-monitor ack`."""
LINKED = frozenset({"impact", "next_step", "public_note", "downtime_procedure"})
"""Lines that people of the site have written: an address in them becomes a link. Texts of probes do not."""
_WHAT = {
    "group": N_("several nodes lost together"),
    "blind": N_("checks cannot be run"),
    "delivery": N_("pages are not delivered"),
    "fault": N_("the monitor has a fault"),
    "summary": N_("many incidents at once"),
}
"""What stands in the subject, by kind of incident."""
_BADGES = {
    Event.RESOLVED: N_("RESOLVED"),
    Event.WITHDRAWN: N_("WITHDRAWN: no longer monitored"),
    Event.CLOSED: N_("CLOSED by hand"),
    Event.MAINTENANCE_BEGUN: N_("MAINTENANCE has begun"),
    Event.MAINTENANCE_ENDING: N_("MAINTENANCE ends soon, and something still fails"),
    Event.MAINTENANCE_ENDED: N_("MAINTENANCE has ended"),
    Event.DIGEST: N_("SUMMARY"),
    Event.TEST: N_("TEST"),
}
_HOW = {
    Event.CHANGED: N_("{severity}: changed"),
    Event.REMINDED: N_("{severity}: still open"),
    Event.ESCALATED: N_("{severity}: nobody has acknowledged it"),
    Event.ACKNOWLEDGED: N_("{severity}: acknowledged"),
}
_SEVERITIES = {"critical": N_("CRITICAL"), "warning": N_("WARNING"), "info": N_("INFO")}
_COLOURS = {"critical": "#b3261e", "warning": "#9a5b00"}
_GOOD, _NEUTRAL = "#1b6e33", "#44505c"
_TOKEN = re.compile(r"[A-Za-z0-9]{1,32}")


class _Policy(EmailPolicy):
    """The standard library's, but for headers that it folds wrongly (CPython 100991, 121284, 144156).

    Ids become encoded words there, and encoded words stand without a blank between them: threads break, and Yahoo
    refuses the mail.
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower().startswith(("content-", "mime-")):
            return super().fold_binary(name, value)
        if addresses := getattr(value, "addresses", ()):
            text = ",\r\n ".join(_mailbox(address) for address in addresses)
        else:
            text = _words(str(value), name)
        return f"{name}: {text}\r\n".encode("ascii")


_POLICY = _Policy(linesep="\r\n", max_line_length=LINE_LIMIT)


def _mailbox(address: Address) -> str:
    if address.display_name.isascii():
        return str(address)
    return f"{_words(address.display_name)}\r\n <{address.addr_spec}>"


def _words(text: str, name: str = "") -> str:
    """In lines, as encoded words where it is not ASCII (RFC 2047)."""
    header = Header(text, "us-ascii" if text.isascii() else "utf-8", LINE_LIMIT, name)
    return header.encode(linesep="\r\n")


class Attachment(NamedTuple):
    """A file that goes with a mail."""

    name: str
    kind: str
    """Its media type (RFC 2046)."""
    content: bytes


def composed(
    notification: Notification, data: Mapping[str, Any], sender: str, to: str, attached: Sequence[Attachment] = ()
) -> EmailMessage:
    """The mail; `sender` and `to` are header values, `data` is what of the page may be sent."""
    mail = EmailMessage(policy=_POLICY)
    domain = _domain(sender)
    first, own = _thread(notification, domain), f"<{_token(notification.id)}@{domain}>"
    begins = first is None or _begins(notification)
    mail["From"], mail["To"] = sender, to
    subject = _subject(data)
    mail["Subject"] = subject if begins else f"Re: {subject}"
    mail["Date"] = datetime.fromtimestamp(notification.created // SECOND, UTC)
    mail["Message-ID"] = first if first and begins else own
    if first and not begins:
        mail["In-Reply-To"], mail["References"] = first, first
    for name, value in _for_filters(notification, data).items():
        mail[name] = value
    content = _content(notification, data)
    mail.set_content(_plain(content), charset="utf-8", cte="quoted-printable")
    html = _template().render(content, subject=subject, language=notification.language)
    mail.add_alternative(html, subtype="html", charset="utf-8", cte="quoted-printable")
    if calendar := _calendar(notification, data, domain):
        mail.add_attachment(
            calendar, maintype="text", subtype="calendar", filename="maintenance.ics", params={"method": "PUBLISH"}
        )
    for one in attached:
        main, _slash, sub = one.kind.partition("/")
        mail.add_attachment(one.content, maintype=main, subtype=sub, filename=one.name)
    return mail


def _for_filters(notification: Notification, data: Mapping[str, Any]) -> dict[str, str]:
    """So that no machine answers (RFC 3834; the second is Exchange's), and filters have something to go by."""
    headers = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    if said(data, "severity") == "critical" and notification.event not in ENDINGS:
        headers |= {"Importance": "high", "X-Priority": "1"}
    ours = {"": "monitor", "-Severity": "severity", "-Node": "node", "-Site": "site", "-Role": "role"}
    told = {f"X-Pacs-Monitor{name}": cut(_flat(said(data, key)), HEADER_LIMIT) for name, key in ours.items()}
    return {**headers, "X-Pacs-Monitor-Event": notification.type, **{name: text for name, text in told.items() if text}}


def _subject(data: Mapping[str, Any]) -> str:
    """What is broken, in words that stay the same until it is over."""
    title = _flat(said(data, "title") or said(data, "monitor")) or "pacs-monitor"
    if "window" in data:
        return cut(_("Maintenance: {title}", title=title), SUBJECT_LIMIT)
    incident = said(data, "incident")
    if not incident or said(data, "kind") == "handover":
        return cut(_flat(said(data, "summary")), SUBJECT_LIMIT) or title
    members = data.get("members") or ()
    check = str(members[0]).rpartition("/")[2] if members else ""
    what = _WHAT.get(said(data, "kind"))
    what = _(what) if what else _flat(_("{check} in trouble", check=check))
    return f"{cut(f'{title}: {what}', SUBJECT_LIMIT)} [{incident[-SHORT_ID:]}]"


def _badge(notification: Notification, data: Mapping[str, Any]) -> str:
    badge = _what_it_is(notification, data)
    return _("TEST: {badge}", badge=badge) if data.get("test") is True else badge


def _what_it_is(notification: Notification, data: Mapping[str, Any]) -> str:
    event, severity = notification.event, _(_SEVERITIES.get(said(data, "severity"), "INFO"))
    if event in _BADGES:
        return _(_BADGES[event])
    if data.get("worse") is True:
        return _("{severity}: worse than before", severity=severity)
    return _(_HOW[event], severity=severity) if event in _HOW else severity


def _colour(notification: Notification, data: Mapping[str, Any]) -> str:
    """White on each of them is readable (WCAG 2.2, 1.4.3)."""
    if notification.event in ENDINGS:
        return _GOOD
    return _COLOURS.get(said(data, "severity"), _NEUTRAL)


def _content(notification: Notification, data: Mapping[str, Any]) -> dict[str, Any]:
    """What both forms of a mail say."""
    incident, over = said(data, "incident")[-SHORT_ID:], notification.event in ENDINGS
    waits = bool(incident) and not over and not data.get("acknowledged") and data.get("test") is not True
    links = {_opens(incident, waits=waits): said(data, "url")}
    if incident and not over:
        links[_("What to do (runbook)")] = said(data, "runbook")
    footer = _(
        "Sent by {monitor} through channel {channel}.", monitor=said(data, "monitor"), channel=notification.channel
    )
    if waits:
        how = _(
            "Acknowledge on the incident's page, or by: pacs-monitor ack {incident}. Opening it does not acknowledge.",
            incident=incident,
        )
        footer = f"{footer} {how}"
    first = "acknowledged" if notification.event is Event.ACKNOWLEDGED else ""
    return {
        "badge": _badge(notification, data),
        "colour": _colour(notification, data),
        "summary": cut(said(data, "summary"), SUMMARY_LIMIT, utf8),
        "lines": sorted(lines(data, over=over), key=lambda line: line.key != first),
        "text": cut(said(data, "text"), TEXT_LIMIT, utf8).splitlines(),
        "links": {title: url for title, url in links.items() if url},
        "details": details(data, over=over),
        "linked": LINKED,
        "phone": str((data.get("support") or {}).get("phone") or ""),
        "footer": footer,
    }


def _opens(incident: str, *, waits: bool) -> str:
    """What the first link leads to, and what one can do there."""
    if not incident:
        return _("Open the monitor")
    return _("Open the incident (acknowledge there)") if waits else _("Open the incident")


def _plain(content: Mapping[str, Any]) -> str:
    """The same in plain text."""
    parts = [f"{content['badge']}\n{content['summary']}"]
    parts.append("\n".join(_in_plain(line.title, line.texts) for line in content["lines"]))
    parts.append("\n".join(content["text"]))
    parts.append("\n".join(f"{title}:\n{url}" for title, url in content["links"].items()))
    parts.append("\n".join(f"{line.title}: {', '.join(line.texts)}" for line in content["details"]))
    parts.append(content["footer"])
    return "\n\n".join(filter(None, parts)) + "\n"


def _in_plain(title: str, texts: tuple[str, ...]) -> str:
    if len(texts) == 1:
        return f"{title}: {texts[0]}"
    return f"{title}:\n" + "\n".join(f"  {text}" for text in texts)


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"dialled": _dialled, "linked": _linked, "indented": _indented}
    text = files("pacs_monitor.channels.shared").joinpath("mail.html").read_text(encoding="utf-8")
    return environment.from_string(text)


def _linked(text: str) -> Markup:
    """Escaped, with the addresses in it as links."""
    return Markup(urlize(text, rel="noreferrer").replace("<a ", '<a class="link" style="color:#0b57d0;" '))  # noqa: S704


def _indented(row: str) -> str:
    """HTML drops the blanks at the beginning of a line."""
    text = row.lstrip(" ")
    return "\N{NO-BREAK SPACE}" * (len(row) - len(text)) + text


def _dialled(text: str, phone: str) -> Markup:
    """Escaped, with the phone number as a link that a phone dials (RFC 3966)."""
    if not (number := re.sub(r"[^+0-9]", "", phone)):
        return escape(text)
    link = Markup('<a class="link" style="color:#0b57d0;" href="tel:{}">{}</a>').format(number, phone)
    return Markup(escape(text).replace(escape(phone), link))  # noqa: S704


def _thread(notification: Notification, domain: str) -> str | None:
    """The id of the first mail of what this is about; None for what has one mail alone."""
    data = notification.data
    if window := data.get("window"):
        about = f"{window.get('id')} {window.get('start')}"
    elif not (about := said(data, "incident")):
        return None
    name = sha256(f"{about} {notification.channel}".encode()).hexdigest()[:24]
    return f"<{name}.thread@{domain}>"


def _begins(notification: Notification) -> bool:
    return notification.opens or notification.event is Event.MAINTENANCE_BEGUN


def _token(identity: str) -> str:
    return identity if _TOKEN.fullmatch(identity) else sha256(identity.encode()).hexdigest()[:32]


def _domain(sender: str) -> str:
    """Of our ids: the sender's."""
    return sender.rpartition("@")[2].rstrip("> ")


def _flat(text: str) -> str:
    """On one line, printable, and no encoded word (RFC 2047 2): nothing of it can begin another header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).replace("=?", "= ?").split())


def _calendar(notification: Notification, data: Mapping[str, Any], domain: str) -> bytes | None:
    """The window as an event that is published (RFC 5546 3.2.1); a later mail of it replaces it in calendars."""
    window = data.get("window") or {}
    try:
        start, end = (datetime.fromisoformat(str(window.get(key))) for key in ("start", "end"))
    except ValueError:
        return None
    event = Appointment()
    name = sha256(f"{window.get('id')} {window.get('start')}".encode()).hexdigest()[:24]
    event.add("uid", f"{name}@{domain}")
    event.add("sequence", notification.created // (60 * SECOND))
    event.add("dtstamp", datetime.fromtimestamp(notification.created // SECOND, UTC))
    event.add("dtstart", start.astimezone(UTC))
    event.add("dtend", max(end, start + timedelta(minutes=1)).astimezone(UTC))
    event.add("summary", _("Maintenance: {title}", title=_flat(said(data, "title"))))
    event.add("description", said(data, "summary"))
    event.add("url", said(data, "url"))
    event.add("transp", "TRANSPARENT")
    calendar = Calendar()
    calendar.add("prodid", f"-//pacs-monitor//{__version__}//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())
