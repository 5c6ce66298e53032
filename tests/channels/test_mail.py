"""What a mail looks like to programs that sort, thread and scan it, and to people: plain and HTML say the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import compat32, default
from email.utils import getaddresses
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Calendar

from pacs_monitor.channels.shared.disclosure import disclosed
from pacs_monitor.channels.shared.mail import composed
from pacs_monitor.channels.shared.mail_lines import _ELSEWHERE
from pacs_monitor.model import ENDINGS, Event, Notification
from tests.channels import samples

SENDER, TO = "PACS monitor <monitor@hospital.example.org>", "it-duty@hospital.example.org"
EVERY = pytest.mark.parametrize("event", samples.every_event())


def made(notification: Notification, data: Mapping[str, Any] | None = None, **heads: str) -> EmailMessage:
    """As it is when it has been read from the wire."""
    mail = composed(notification, data or notification.data, heads.get("sender", SENDER), heads.get("to", TO))
    return message_from_bytes(mail.as_bytes(), policy=default)


def wire(notification: Notification, **heads: str) -> bytes:
    return composed(notification, notification.data, heads.get("sender", SENDER), heads.get("to", TO)).as_bytes()


def plain(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def html(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())


class Reader(HTMLParser):
    """What a person sees of HTML, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._hidden = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._hidden += tag in ("style", "title")
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words += data.split()


def words(text: str) -> set[str]:
    return {word.strip(".,:;()<>·") for word in text.split()} - {""}


@EVERY
def test_plain_and_html_say_the_same(event: str) -> None:
    mail = made(samples.every_event()[event])
    reader = Reader(html(mail))
    seen = words(" ".join([*reader.words, *reader.links]))
    assert words(plain(mail)) - seen == set()
    assert seen - words(plain(mail)) <= {f"tel:{link[4:]}" for link in reader.links if link.startswith("tel:")}


@EVERY
@pytest.mark.parametrize("disclose", ["full", "minimal"])
def test_every_key_of_a_page_is_shown_or_known_to_stand_elsewhere(event: str, disclose: Any) -> None:
    """A key that a page gets later shows up by itself."""
    notification = samples.every_event()[event]
    data = {**disclosed(notification, disclose), "brand_new": "brand-new words", "newer": {"a": ["b"]}}
    told = plain(made(notification, data))
    assert "Brand new: brand-new words" in told
    texts = {key: value for key, value in data.items() if isinstance(value, str) and value and key not in _ELSEWHERE}
    times = re.compile(r"\d{4}-\d\d-\d\dT")
    reworded = {"reason"} | (
        {"state", "impact", "downtime_procedure", "next_step"} if notification.event in ENDINGS else set()
    )
    missing = [key for key, value in texts.items() if value not in told and not times.match(value)]
    assert {*missing} <= reworded


def test_an_encoded_word_in_a_name_is_no_header() -> None:
    word = "=?utf-8?q?=0D=0ABcc:_mallory@example.org?="
    for notification in (
        samples.notification(title=word, node=word),
        samples.notification(incident=None, summary=word),
    ):
        mail = made(notification)
        assert mail["Bcc"] is None
        assert "= ?utf-8?q?=0D=0ABcc:_mallory@example.org?=" in str(mail["Subject"])


def threads(notifications: list[Notification]) -> list[list[EmailMessage]]:
    """As a mail program makes them of References (RFC 5256 REFERENCES)."""
    found: dict[str, list[EmailMessage]] = {}
    for mail in map(made, notifications):
        found.setdefault(mail["References"] or mail["Message-ID"], []).append(mail)
    return list(found.values())


def of_incident(identity: str, *events: Event) -> list[Notification]:
    return [
        Notification(f"{identity}{n}", "mail", event, samples.AT + n, samples.data(event, incident=identity), identity)
        for n, event in enumerate(events)
    ]


def test_a_thread_is_an_incident_from_opened_to_resolved_and_the_next_one_is_another() -> None:
    first = of_incident(
        "01JD1", Event.OPENED, Event.CHANGED, Event.REMINDED, Event.ESCALATED, Event.ACKNOWLEDGED, Event.RESOLVED
    )
    second = of_incident("01JD2", Event.OPENED, Event.RESOLVED)
    both = threads([*first[:4], second[0], *first[4:], second[1]])
    assert [len(thread) for thread in both] == [6, 2]
    for thread in both:
        root, *answers = thread
        assert root["In-Reply-To"] is None
        assert {mail["In-Reply-To"] for mail in answers} == {root["Message-ID"]}
        assert {mail["Subject"] for mail in answers} == {f"Re: {root['Subject']}"}
        assert len({mail["Message-ID"] for mail in thread}) == len(thread)
    assert both[0][0]["Subject"] != both[1][0]["Subject"]


def test_each_channel_has_threads_of_its_own_and_each_window_one() -> None:
    data = samples.data()
    ids = {made(Notification("01", name, Event.OPENED, samples.AT, data))["Message-ID"] for name in ("mail", "chief")}
    assert len(ids) == 2
    begun, ending, ended = (samples.maintenance(event) for event in Event if event.value.startswith("maintenance."))
    assert [len(thread) for thread in threads([begun, ending, ended])] == [3]


def test_a_subject_stays_the_same_although_severity_reason_and_worst_check_change() -> None:
    later = samples.notification(Event.CHANGED, severity="warning", reason="slow", check="dicom_find", state="degraded")
    assert made(later)["Subject"] == f"Re: {made(samples.notification())['Subject']}"


@given(st.text(max_size=300), st.text(max_size=60), st.text(max_size=60))
def test_no_text_of_a_page_makes_a_header_of_its_own(title: str, node: str, name: str) -> None:
    notification = samples.notification(title=title, node=node, site=title, monitor=name)
    raw = wire(notification)
    head = raw.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line[:1].isspace()]
    known = {mail_name.encode() for mail_name in made(samples.notification()).keys()}  # noqa: SIM118 - a multimap
    assert set(names) <= known
    assert len(names) == len(set(names))
    assert all(len(line) <= 78 for line in head.split(b"\r\n"))
    assert head.isascii()
    assert b"?==?" not in head
    assert all(len(word) <= 75 for word in re.findall(rb"=\?utf-8\?.\?[^?]*\?=", head))


@given(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=60))
@example("=?utf-8?q?forged?=")
def test_a_subject_arrives_as_it_was_meant(title: str) -> None:
    """What looks like an encoded word (RFC 2047) is kept from being read as one."""
    shown = title.replace("=?", "= ?")
    assert made(samples.notification(title=title))["Subject"].startswith(f"{shown}: dicom_store")


@pytest.mark.parametrize(
    "to",
    [
        '"Müller, Jan" <jan@hospital.example.org>, x@hospital.example.org',
        '"Ein sehr langer Name, mit Umläuten, Kommas und (Klammern), für mehr als eine Zeile" <x@hospital.example.org>',
    ],
)
def test_names_arrive_with_umlauts_and_commas(to: str) -> None:
    head = wire(samples.notification(), to=to).partition(b"\r\n\r\n")[0]
    mail = message_from_bytes(head, policy=compat32)
    read = getaddresses([mail["To"]])
    assert [(str(make_header(decode_header(name))), address) for name, address in read] == getaddresses([to])


def test_ids_are_never_encoded_or_cut_however_long_the_domain_is() -> None:
    domain = ".".join(["department"] * 12) + ".example.org"
    raw = wire(samples.notification(Event.RESOLVED), sender=f"monitor@{domain}")
    for name in (b"Message-ID", b"In-Reply-To", b"References"):
        assert re.search(rb"^" + name + rb":\s+<[\w.]+@" + domain.encode() + rb">\r\n", raw, re.MULTILINE)


@EVERY
def test_lines_end_with_crlf_and_are_short(event: str) -> None:
    raw = wire(samples.every_event()[event])
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", raw) is None
    assert max(map(len, raw.split(b"\r\n"))) <= 78


@EVERY
def test_nothing_answers_it_and_filters_can_go_by_it(event: str) -> None:
    notification = samples.every_event()[event]
    mail = made(notification)
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert mail["X-Pacs-Monitor-Event"] == notification.type
    assert mail["X-Pacs-Monitor"] == "east-campus"
    rings = notification.data.get("severity") == "critical" and notification.type.rpartition(".")[2] not in (
        *("resolved", "withdrawn", "closed"),
    )
    assert mail["Importance"] == ("high" if rings else None)


@EVERY
def test_its_links_open_pages_and_change_nothing(event: str) -> None:
    """Scanners of mail request every link: only the pages of the monitor, of which no GET changes anything."""
    reader = Reader(html(made(samples.every_event()[event])))
    web = [link for link in reader.links if not link.startswith("tel:")]
    paths = {urlsplit(link).path.split("/")[1] if urlsplit(link).path else "" for link in web}
    assert paths <= {"", "incidents", "docs", "maintenance"}
    assert {urlsplit(link).netloc for link in web} <= {"monitor.example.org"}
    assert {tag for tag, _ in reader.tags} & {"form", "img", "script", "iframe", "object", "input", "button"} == set()


def test_texts_of_peers_are_no_markup_and_no_links() -> None:
    evil = '<img src=x onerror=alert(1)> <a href="https://evil.example.org">log in</a> https://evil.example.org'
    told = samples.notification(detail=evil, summary=evil, also_failing=[evil], labels={"a": evil}, title=evil)
    reader = Reader(html(made(told)))
    assert "evil" not in "".join(reader.links)
    assert "img" not in [tag for tag, _ in reader.tags]


def test_the_support_can_be_called_from_the_phone_and_addresses_of_the_site_are_links() -> None:
    reader = Reader(html(made(samples.realistic()["night-opened"])))
    assert "tel:+49301234567" in reader.links
    assert "https://downtime.example.org/viewer" in reader.links


def test_outlook_gets_tables_and_inline_styles_alone() -> None:
    reader = Reader(html(made(samples.realistic()["night-opened"])))
    assert {tag for tag, _ in reader.tags} <= {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "table",
        "tr",
        "td",
        "br",
        "a",
    }
    assert [attributes for tag, attributes in reader.tags if tag == "td" and "style" not in attributes] == []
    assert [
        attributes for tag, attributes in reader.tags if tag == "table" and attributes.get("role") != "presentation"
    ] == []


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""

    def luminance(colour: str) -> float:
        parts = [int(colour[begin : begin + 2], 16) / 255 for begin in (1, 3, 5)]
        r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@EVERY
def test_the_first_line_is_readable_on_its_colour(event: str) -> None:
    (band,) = re.findall(r'bgcolor="(#\w{6})"', html(made(samples.every_event()[event])))
    assert contrast(band, "#ffffff") >= 4.5


def test_maintenance_has_an_appointment_that_a_later_mail_replaces() -> None:
    begun, ending = (samples.maintenance(event) for event in (Event.MAINTENANCE_BEGUN, Event.MAINTENANCE_ENDING))
    window = {**begun.data["window"], "start": "2025-11-24T02:00:00Z", "end": "2025-11-24T04:00:00Z"}
    longer = Notification("02", "people", ending.event, samples.AT + 3600_000_000, {**ending.data, "window": window})
    first, second = (appointment(made(one, {**one.data, "window": window})) for one in (begun, longer))
    assert first["UID"] == second["UID"]
    assert second["SEQUENCE"] > first["SEQUENCE"]
    assert (first.decoded("DTSTART").isoformat(), first.decoded("DTEND").isoformat()) == (
        "2025-11-24T02:00:00+00:00",
        "2025-11-24T04:00:00+00:00",
    )
    assert (first["SUMMARY"], first["TRANSP"]) == ("Maintenance: patching", "TRANSPARENT")


def appointment(mail: EmailMessage) -> Any:
    (part,) = mail.iter_attachments()
    assert (part.get_content_type(), part.get_filename()) == ("text/calendar", "maintenance.ics")
    assert part["Content-Type"].params["method"] == "PUBLISH"
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    calendar = Calendar.from_ical(content)
    assert calendar["METHOD"] == "PUBLISH"
    (event,) = calendar.walk("VEVENT")
    return event


def test_a_mail_stays_below_what_gmail_shows() -> None:
    long = "Röntgen 👨\u200d👩\u200d👧 " * 10_000
    huge: dict[str, Any] = dict.fromkeys(("summary", "impact", "detail", "next_step", "public_note"), long)
    many = [long] * 500
    mail = made(samples.notification(**huge, still_ok=many, also_failing=many))
    assert len(html(mail).encode()) < 102_000


def test_a_test_page_says_so_first_and_asks_for_nothing() -> None:
    told = plain(made(samples.notification(test=True)))
    assert told.startswith("TEST: CRITICAL")
    assert "pacs-monitor ack" not in told
    assert plain(made(samples.notification())).startswith("CRITICAL")


def test_its_first_link_says_that_one_can_acknowledge_there_while_that_is_needed() -> None:
    night = {name: plain(made(one)) for name, one in samples.realistic().items()}
    assert ["Open the incident (acknowledge there)" in told for told in night.values()] == [True, False, False]
    assert "Open the incident (acknowledge there)" not in plain(made(samples.notification(test=True)))


def test_whom_to_call_comes_directly_after_what_to_do_first() -> None:
    titles = [line.partition(":")[0] for line in plain(made(samples.realistic()["night-opened"])).splitlines()]
    assert titles.index("Call") == titles.index("Do first") + 1


def test_who_acknowledged_comes_first_and_nobody_is_asked_to_again() -> None:
    night = {name: plain(made(one)) for name, one in samples.realistic().items()}
    assert night["night-acknowledged"].splitlines()[3].startswith("Acknowledged: by m.weber until")
    assert ["pacs-monitor ack" in told for told in night.values()] == [True, False, False]


@pytest.mark.parametrize("event", sorted(ENDINGS))
def test_what_is_over_has_no_runbook_and_no_state_that_has_passed(event: Event) -> None:
    night = samples.realistic()["night-resolved"].data
    told = plain(made(Notification("01", "mail", event, samples.AT, night)))
    for gone in ("State:", "Impact:", "Support:", "Downtime procedure:", "+49 30 1234-567", "stroke CT"):
        assert gone not in told
    assert "Last good before it: Mon 2025-11-24 03:00:30 CET" in told
    assert "runbook" not in told
    assert "/incidents/" in told


def test_details_do_not_repeat_the_lines() -> None:
    night = {name: plain(made(one)) for name, one in samples.realistic().items()}
    titles = ("Title:", "Reason:", "Problems:", "Last changes:")
    assert [title for title in titles if title in night["night-opened"]] == []
    assert [name for name, told in night.items() if "what: " in told] == []
    same = plain(made(samples.notification(title="archive", summary="It fails")))
    assert ("Title: archive" in same, "Node:" in same) == (True, False)


def test_a_handover_keeps_its_lines_and_their_indentation() -> None:
    text = "Handover of east\n\nNot acknowledged\n  Main archive\n    next: free space"
    mail = made(
        Notification("01", "mail", Event.DIGEST, samples.AT, {"kind": "handover", "summary": "first", "text": text})
    )
    assert text in plain(mail).replace("\r\n", "\n")
    assert "<br>\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}Main archive<br>" in html(mail)
    assert mail["Subject"] == "first"
