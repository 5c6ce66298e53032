"""Every text for people is marked, extracted and translated; what a page says in another language is all in it."""

from __future__ import annotations

import ast
import gettext
import io
import re
import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel.messages import Catalog

from pacs_monitor import language
from pacs_monitor.calendars import Hours
from pacs_monitor.channels.shared.disclosure import disclosed
from pacs_monitor.channels.shared.lines import plain_text
from pacs_monitor.channels.shared.short import Form, short
from pacs_monitor.config.oncall import gaps_in_words
from pacs_monitor.delivery.digest import digest as undelivered
from pacs_monitor.delivery.digest import missed
from pacs_monitor.fields import Match
from pacs_monitor.handover import messages as handover
from pacs_monitor.handover.parts import (
    EndedIncident,
    Expiring,
    Handover,
    NotChecked,
    Noted,
    OnDuty,
    OpenIncident,
    Paused,
    Planned,
    Undelivered,
    Unproven,
)
from pacs_monitor.language import speaking
from pacs_monitor.messages import digest, fallback, maintenance, page, trial
from pacs_monitor.messages.changes import Changed, What
from pacs_monitor.messages.findings import FORMS, finding
from pacs_monitor.messages.reasons import REASON_TEXTS
from pacs_monitor.messages.scene import Scene
from pacs_monitor.messages.words import voice
from pacs_monitor.model import (
    CALENDAR,
    TEST_NOT_DELIVERED,
    Acknowledgement,
    Check,
    CheckId,
    Ending,
    Event,
    Incident,
    IncidentKind,
    Notification,
    Paging,
    PublicNote,
    Reason,
    Severity,
    Standing,
    State,
)
from pacs_monitor.probes import kinds
from pacs_monitor.rota import OnCall, Rota
from pacs_monitor.services import Service
from pacs_monitor.windows import Window
from tests.alerting.support import ARCHIVE, CHECKS, DISK, RIS, an_estate, at, moved, opened

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "update-translations"))
RUN = "run scripts/update-translations"
FILES: list[Path] = SCRIPT["files"]()
MARKS = ("_", "N_", "_n")
PLACEHOLDER = re.compile(r"\{(\w+)\}")


def forms(text: Any) -> list[str]:
    return list(text) if isinstance(text, tuple | list) else [text]


def marked_in(path: Path) -> Iterator[str]:
    """The texts that a file marks, by its syntax tree."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
            given = node.args[: 2 if node.func.id == "_n" else 1]
            yield from (one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str))


def test_all_that_is_marked_is_extracted() -> None:
    """Babel does not see a mark within the arguments of another: give it a name first."""
    found = {form for message in SCRIPT["marked"]() if message.id for form in forms(message.id)}
    for path in sorted((ROOT / "pacs_monitor").rglob("*.py")):
        assert {*marked_in(path)} <= found, path


def test_german_is_there() -> None:
    assert [file.parts[-3] for file in FILES] == ["de"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parts[-3])
def test_a_catalogue_is_current_and_complete(file: Path) -> None:
    catalog = SCRIPT["updated"](file)
    assert file.read_bytes() == SCRIPT["as_po"](catalog), RUN
    assert SCRIPT["untranslated"](catalog) == []
    assert [message.id for message in catalog if message.fuzzy and message.id] == []
    compiled = gettext.GNUTranslations(io.BytesIO(file.with_suffix(".mo").read_bytes()))
    meant = gettext.GNUTranslations(io.BytesIO(SCRIPT["as_mo"](catalog)))
    assert vars(compiled)["_catalog"] == vars(meant)["_catalog"], RUN


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parts[-3])
def test_a_translation_says_the_same_things(file: Path) -> None:
    """All placeholders, and the code that is to be typed or looked for; `{count}` may be a word where it is one."""
    for message in SCRIPT["read"](file):
        if not message.id:
            continue
        for source, said in zip(forms(message.id), forms(message.string), strict=True):
            assert {*PLACEHOLDER.findall(said)} | {"count"} == {*PLACEHOLDER.findall(source)} | {"count"}, source
            assert {*re.findall(r"`[^`]+`", said)} == {*re.findall(r"`[^`]+`", source)}, source
            assert said.endswith(("?", ".")) == source.endswith(("?", ".")), source


@contextmanager
def pseudo(folder: Path) -> Iterator[None]:
    """A language that says nothing but the placeholders: whatever else is said in it was not translated."""
    catalog = deepcopy(SCRIPT["marked"]())
    catalog.locale = "de"
    for message in catalog:
        if message.id:
            only = [
                " ".join(["·", *(f"{{{name}}}" for name in PLACEHOLDER.findall(form)), "·"])
                for form in forms(message.id)
            ]
            message.string = tuple(only) if isinstance(message.id, tuple | list) else only[0]
    with invented(catalog, folder):
        yield


@contextmanager
def invented(catalog: Catalog, folder: Path) -> Iterator[None]:
    """What is said within is said in a language that has this catalogue."""
    file = folder / "xx" / "LC_MESSAGES" / f"{language.DOMAIN}.mo"
    file.parent.mkdir(parents=True)
    file.write_bytes(SCRIPT["as_mo"](catalog))
    with pytest.MonkeyPatch.context() as patch, speaking("xx"):
        patch.setattr(language, "LOCALE", folder)
        yield


ESTATE = an_estate()
URL = "https://archive:104"
DOWN = opened(moved(State.DOWN, 20, since=0), CHECKS[ARCHIVE], "01JD")
WELL = Standing(State.UP, last=at(30))
STANDINGS = {"archive": {ARCHIVE: Standing(State.DOWN), DISK: WELL, CheckId("archive", "jobs"): Standing(State.DOWN)}}
CHANGES = [Changed(at(-n), what, ARCHIVE, name="Patching") for n, what in enumerate(What)]
NAMES = {
    "Main",
    "archive",
    "dicom_echo",
    "archive_disk",
    "jobs",
    "ris",
    "no",
    "priors",
    "east",
    "campus",
    "hook",
    "JD",
    "JE",
}
TIMES = {"CET", "Mon", "min", "s", "h"}
OURS = {"phone", "jdoe", "hw", "Patching", "west", "node", "oncall", "https", "monitor", "example", "org", "incidents"}
MORE = {
    "acme",
    "docs",
    "operations",
    "ARCHIVE",
    "INC",
    "x",
    "vendor",
    "TEST",
    "SITE",
    "test",
    "a",
    "MWL",
    "WORKLIST",
    "maintenance",
}


def of_kind(kind: str) -> Check:
    probe = kinds()[kind]
    said = {key: value for key, value in {"url": URL, "port": 104}.items() if key in probe.settings.model_fields}
    return replace(CHECKS[ARCHIVE], probe=probe, settings=probe.settings.model_construct(**said))


def scene(check: Check, unproven: bool = False) -> Scene:
    return Scene(
        "east-campus",
        ESTATE.monitor,
        {**CHECKS, ARCHIVE: check},
        STANDINGS,
        at(60),
        unproven=frozenset([ARCHIVE] if unproven else []),
        titles={"west": "west", "east": "east"},
        changes={"archive": CHANGES},
        services={"x": Service("x", 1, (str(ARCHIVE),), "x")},
    )


def of_a_node() -> Iterator[tuple[Event, Incident]]:
    """An incident in each state, and each that is said of it."""
    said = Acknowledgement("jdoe", "vendor", at(30), at(90), Severity.CRITICAL, "INC")
    many = replace(DOWN, members=(ARCHIVE, DISK, RIS, *(CheckId("ris", name) for name in ("a", "x"))))
    for event in (Event.OPENED, Event.REMINDED, Event.ESCALATED, Event.CHANGED, Event.ACKNOWLEDGED):
        for state in State:
            yield event, replace(DOWN, state=state, acknowledgement=said)
    ends = {Ending.RESOLVED: Event.RESOLVED, Ending.WITHDRAWN: Event.WITHDRAWN, Ending.CLOSED: Event.CLOSED}
    for one in (DOWN, many):
        for ending, event in ends.items():
            yield event, replace(one, ended=at(540), ending=ending)


def own(kind: IncidentKind, cause: str, *members: CheckId, state: State = State.DOWN, detail: str = "") -> Incident:
    severity = Severity.WARNING
    return Incident("01JE", kind, cause, severity, state, None, None, detail, None, at(0), at(9), members)


def others() -> Iterator[Incident]:
    yield own(IncidentKind.BLIND, "auth", ARCHIVE, RIS)
    yield own(IncidentKind.DELIVERY, "hook")
    yield own(IncidentKind.DELIVERY, "hook", detail=TEST_NOT_DELIVERED)
    yield own(IncidentKind.FAULT, "x")
    yield own(IncidentKind.FAULT, f"{CALENDAR}x")
    yield own(IncidentKind.GROUP, "west", ARCHIVE, RIS)
    yield own(IncidentKind.GROUP, "west", ARCHIVE, RIS, detail="x")
    yield own(IncidentKind.GROUP, "west", ARCHIVE, RIS, state=State.ABSENT)
    yield replace(own(IncidentKind.SUMMARY, "hook x", ARCHIVE, RIS), linked=("x", "a"))


def pages() -> Iterator[tuple[str, Notification]]:
    """Whatever a channel may be told."""
    for kind in kinds():
        for reason in (None, *Reason):
            one = replace(DOWN, reason=reason, detail="")
            yield f"{kind} {reason}", told(Event.OPENED, page.data(one, Event.OPENED, scene(of_kind(kind))))
    for event, incident in of_a_node():
        for kind in ("dicom_echo", "disk", "hl7_heartbeat"):
            yield f"{kind} {event}", told(event, page.data(incident, event, scene(of_kind(kind))))
    yield "unproven", told(Event.OPENED, page.data(DOWN, Event.OPENED, scene(CHECKS[ARCHIVE], unproven=True)))
    overran = ("Patching", at(30))
    yield "overran", told(Event.OPENED, page.data(DOWN, Event.OPENED, scene(CHECKS[ARCHIVE]), (), overran))
    flapping = replace(DOWN, problems=tuple(replace(problem, flapping=at(9)) for problem in DOWN.problems))
    yield "flapping", told(Event.CHANGED, page.data(flapping, Event.CHANGED, scene(CHECKS[ARCHIVE])))
    yield (
        "merged",
        told(
            Event.OPENED,
            {"summary": page.summary(replace(DOWN, ended=at(9), ending=Ending.MERGED), scene(CHECKS[ARCHIVE]))},
        ),
    )
    for incident in others():
        for event in (Event.OPENED, Event.CHANGED, Event.RESOLVED, Event.WITHDRAWN, Event.CLOSED):
            yield f"{incident.kind} {event}", told(event, page.data(incident, event, scene(CHECKS[ARCHIVE])))
    yield from notices()


def notices() -> Iterator[tuple[str, Notification]]:
    over = replace(DOWN, ended=at(540), ending=Ending.RESOLVED)
    yield "digest", told(Event.DIGEST, digest.data("x", "hook", (over,), (DOWN,), scene(CHECKS[ARCHIVE])))
    many = (over,) * 12
    yield "digest of many", told(Event.DIGEST, digest.data("x", "hook", many, many, scene(CHECKS[ARCHIVE])))
    first = told(Event.OPENED, page.data(DOWN, Event.OPENED, scene(CHECKS[ARCHIVE])))
    yield "undelivered", undelivered("x", at(0), [missed([first])] * 12, like=first)
    for event in (Event.OPENED, Event.RESOLVED, Event.WITHDRAWN):
        yield f"in plain words {event}", told(event, fallback.data(DOWN, event, "x", "https://x"))
    yield "digest in plain words", told(Event.DIGEST, fallback.digest("x", "hook", [DOWN], "x", "https://x"))
    for by in ("", "jdoe"):
        window = Window("x", "Patching", Match.model_validate({"node": "archive"}), at(0), at(90), by=by)
        for event in (Event.MAINTENANCE_BEGUN, Event.MAINTENANCE_ENDING, Event.MAINTENANCE_ENDED):
            for failing in ((), (ARCHIVE,), (ARCHIVE, RIS)):
                data = maintenance.data(
                    event, window, failing, identity="x", name="x", monitor=ESTATE.monitor, now=at(5)
                )
                yield f"{event} {failing}", told(event, data)


def told(event: Event, data: dict[str, Any]) -> Notification:
    return Notification("x", "hook", event, at(60), {**data, "language": "xx", "timezone": "Europe/Berlin"})


def words(text: str) -> set[str]:
    """Words that are no number, no name and no time."""
    text = re.sub("#[a-z_]+", "", text)
    return {*re.findall(r"[^\W\d]+", text)} - NAMES - TIMES - OURS - MORE


def test_a_page_has_no_words_that_were_not_translated(tmp_path: Path) -> None:
    with pseudo(tmp_path):
        for what, page_ in pages():
            reason = str(page_.data.get("reason"))
            for disclose in ("full", "minimal"):
                plain = {"T", "Z", *reason.split("_")} if "plain words" in what else set()
                data = disclosed(page_, disclose)
                for text in (plain_text(data), short(page_, {**data, "code": "77"}, Form())):
                    left = words(text.replace(reason, "")) - plain
                    assert left == set(), f"{what}, {disclose}: {text}"


def a_handover(**more: Any) -> Handover:
    """One in which every part has something."""
    late = PublicNote("x", at(0), at(30))
    said = Acknowledgement("jdoe", "vendor", at(30), at(90), Severity.CRITICAL, "INC")
    one = OpenIncident(
        "01JD", IncidentKind.NODE, Severity.CRITICAL, State.DOWN, "x", "x", at(0), None, late, "no priors"
    )
    handled = replace(one, severity=Severity.WARNING, acknowledged=said, notes=(Noted(at(9), "jdoe", "x"),))
    over = EndedIncident("01JE", Severity.INFO, "x", at(0), at(9), said)
    away = OnDuty("west", (), ("hook",), covered=True, until=at(90), following=(), gaps="x")
    names = tuple("a" for _ in range(60))
    known: dict[str, Any] = {
        "open": (one,) * 7,
        "acknowledged": (handled,),
        "undelivered": (Undelivered("hook", 1, at(0), at(0), "x", ("x",), ("x",)), Undelivered("hook", 2, at(0), None)),
        "expiring": tuple(
            Expiring(at(minute), what, "x", "jdoe") for what in ("acknowledgement", "approval") for minute in (30, 90)
        ),
        "maintenance": (Planned("Patching", at(0), at(90), "x", "jdoe"),),
        "pauses": (Paused("x", "jdoe", at(90), "vendor"),),
        "not_checked": (NotChecked("x", names, at(0), "01JE"),),
        "never_worked": ("archive/jobs",),
        "unproven": (Unproven("hook", None), Unproven("hook", at(0))),
        "on_call": (away, replace(away, covered=False), replace(away, people=("jdoe", "a"), following=("x", "a"))),
        "ended": (over,) * 52,
    }
    return Handover("east", at(60), at(0), Paging.SHADOW, **(known | more))


def test_a_handover_that_is_sent_has_no_words_that_were_not_translated(tmp_path: Path) -> None:
    monitor = an_estate(timezone="Europe/Berlin").monitor
    empty = Handover("east", at(60), at(0), Paging.OFF, ended=None)
    with pseudo(tmp_path):
        for one in (a_handover(), empty):
            sent = handover.message("x", "hook", one, monitor)
            text = re.sub(r"pacs-monitor note .*", "", sent.data["text"])
            assert words(text) == set(), text
            assert words(sent.data["summary"]) == set(), sent.data["summary"]
            assert words(str(disclosed(sent, "minimal")["summary"])) == set()


def test_a_handover_in_german_is_whole() -> None:
    known = a_handover()
    few = replace(known, open=known.open[:1], acknowledged=(), expiring=known.expiring[1:3], on_call=known.on_call[:1])
    with speaking("de"):
        sent = handover.message("x", "hook", replace(few, not_checked=(), ended=()), an_estate(language="de").monitor)
    assert sent.data["text"].splitlines() == [
        "Übergabe east, Mo 24.11.2025 17:01 Uhr",
        "Alarmierung im Testbetrieb (shadow): Alarme werden aufgezeichnet und nicht zugestellt",
        "",
        "ZUERST: 1 Störung, die niemand quittiert hat",
        "  kritisch: x",
        "    → x",
        "    Betroffen: no priors",
        "    Quittieren: pacs-monitor ack 01JD",
        "    Mitteilung an Anwender: x (nächste Mitteilung: 17:00 Uhr)",
        "",
        "MITTEILUNGEN AN ANWENDER ÜBERFÄLLIG: schreiben oder ankündigen, wann die nächste kommt",
        "  zugesagt für 17:00 Uhr, zuletzt mitgeteilt 17:00 Uhr: x",
        '    pacs-monitor note 01JD --public --next-update TIME "…"',
        "",
        "ALARME KOMMEN NICHT AN: die Antwort des Empfängers steht im Log der Überwachung",
        "  hook hat seit 17:00 Uhr nichts zugestellt (x); 1 Benachrichtigung wartet",
        "  hook lehnt ab, nimmt aber andere an: x",
        "  hook hat nicht gesendet und wird nicht mehr senden: x",
        "  hook: 2 Benachrichtigungen warten seit 17:00 Uhr",
        "",
        "ENDET BALD ODER IST ABGELAUFEN",
        "  die Quittierung von jdoe endet (17:01 Uhr), danach wieder Erinnerungen und Eskalation: x",
        "  die Freigabe von jdoe ist abgelaufen (17:00 Uhr), seitdem schreibt die Prüfung nichts mehr: x",
        "",
        "WARTUNG IN DEN NÄCHSTEN 24 STUNDEN",
        "  17:00 Uhr bis 17:01 Uhr Patching: x (von jdoe)",
        "",
        "ANGEHALTEN",
        "  x von jdoe bis 17:01 Uhr: vendor",
        "",
        "NOCH NIE FUNKTIONIERT: Host, Port und AE-Titel mit denen des Systems vergleichen",
        "  archive/jobs",
        "",
        "KANÄLE OHNE ZUSTELLUNG IN LETZTER ZEIT: jeden ausprobieren mit pacs-monitor notify-test KANAL",
        "  hook: hat noch nie etwas zugestellt",
        "  hook: letzte Zustellung 17:00 Uhr",
        "",
        "BEREITSCHAFT",
        "  west: NIEMAND, Alarme gehen an hook bis 17:01 Uhr, danach niemand aus dem Bereitschaftsplan",
        "    niemand x: im Bereitschaftsplan eine Schicht oder Vertretung eintragen",
    ]


def test_hours_without_anybody_on_call_are_said_in_german() -> None:
    nobody = OnCall("it", Rota(()), ("hook",), (), ZoneInfo("Europe/Berlin"), Hours.parse("Sun 08:00-17:00"))
    assert gaps_in_words(nobody, at(0)).startswith("from Sun 2025-11-30 08:00 to Sun 2025-11-30 17:00, from ")
    with speaking("de"):
        assert gaps_in_words(nobody, at(0)) == (
            "von So 30.11.2025 08:00 Uhr bis So 30.11.2025 17:00 Uhr, "
            "von So 07.12.2025 08:00 Uhr bis So 07.12.2025 17:00 Uhr"
        )


def test_a_test_of_a_channel_is_translated_too() -> None:
    monitor = an_estate(language="de").monitor
    for shape in (None, *trial.Shape):
        for one in trial.shaped(shape, "hook", monitor, at(0)):
            assert str(one.data["summary"]).startswith("TEST – keine Störung: ")  # noqa: RUF001 - as people write it
            assert one.language == "de"
    planned = trial.planned_trial("x", "hook", monitor, at(0), 1800)
    assert str(planned.data["summary"]).endswith("innerhalb von 30 min quittieren")


def language_of(name: str, text: str) -> str:
    with speaking(name):
        return language._(text)


def test_a_page_in_german_is_whole() -> None:
    monitor = an_estate(language="de").monitor
    with speaking(monitor.language):
        data = page.data(DOWN, Event.OPENED, replace(scene(CHECKS[ARCHIVE]), monitor=monitor, changes={}))
        text = plain_text({**data, **voice(monitor)})
    assert text.splitlines() == [
        "KRITISCH Main archive lehnt Verbindungen auf Port 11112 ab, seit 17:00 Uhr; archive_disk funktioniert noch",
        "Betroffen: no priors",
        "Betroffene Dienste: x ist ausgefallen: x",
        "Seit: Mo 24.11.2025 17:00 Uhr",
        "Grund: lehnt Verbindungen ab",
        "Deutet auf: Main archive selbst",
        f"Zuerst: {language_of('de', REASON_TEXTS[Reason.TCP_REFUSED].next_step)}",
        "Anrufen: acme, Telefon: 4711",
        "Funktioniert noch: archive/archive_disk",
        "Auch gestört: archive/jobs",
        "Betriebshandbuch: https://monitor.example.org/docs/operations#tcp_refused",
        "Störung: https://monitor.example.org/incidents/01JD",
    ]


def test_an_sms_in_german_says_what_where_since_when_and_whom_to_call() -> None:
    monitor = an_estate(language="de").monitor
    with speaking(monitor.language):
        data = page.data(DOWN, Event.OPENED, replace(scene(CHECKS[ARCHIVE]), monitor=monitor))
        opened_ = Notification("x", "hook", Event.OPENED, at(60), {**data, **voice(monitor), "code": "K7"})
        text = short(opened_, opened_.data, Form())
    assert text == (
        "KRITISCH Main archive AUSGEFALLEN seit 17:00: dicom_echo, lehnt Verbindungen ab. no priors. x ist "
        "ausgefallen: x. Anrufen: 4711. Prüfen, ob der Dienst läuft und diesen Port benutzt: der Rechner läuft, aber "
        "auf dem Port antwortet nichts. Zum Quittieren K7 antworten."
    )


def test_a_language_is_spoken_only_where_it_was_said() -> None:
    with speaking("de"):
        assert language._("down") == "ausgefallen"
        with speaking("en"):
            assert language._("down") == "down"
        assert language.language() == "de"
    assert language._("down") == "down"
    with speaking("tlh"):
        assert language._("down") == "down"


def test_a_translation_that_cannot_be_filled_costs_no_page(tmp_path: Path) -> None:
    catalog = deepcopy(SCRIPT["marked"]())
    catalog.add("{what} ({at})", "{whta}")
    with invented(catalog, tmp_path):
        assert language._("{what} ({at})", what="a", at="b") == "a (b)"


@pytest.fixture(scope="module")
def code() -> str:
    """That of probes, systems and the network; strings that go on in the next line are one."""
    rooms = ("probes", "systems", "net", "dicom")
    code = "".join(path.read_text() for room in rooms for path in sorted((ROOT / "pacs_monitor" / room).rglob("*.py")))
    return re.sub(r'"\s*f?"', "", code)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_a_finding_is_what_a_probe_says(form: str, code: str) -> None:
    """What stands between its placeholders stands in the code of probes, systems or the network."""
    parts = [
        part.strip(" ,:()") for part in re.split(r"\{\w+\}| items? | errors |, | (?:ahead of|behind|began|of) ", form)
    ]
    assert [part for part in parts if part and part not in code] == []


def test_a_finding_is_said_in_german_where_all_of_it_has_a_form() -> None:
    silent = "ORM^O01: no message since Mon 2025-11-24 16:30:00 CET; the longest acceptable gap is 15 min"
    with speaking("de"):
        assert finding("/images is 93.5 % used, the limit is 90 %") == "/images ist zu 93,5 % belegt, Grenzwert 90 %"
        assert (
            finding(silent) == "ORM^O01: keine Nachricht seit Mo 24.11.2025 16:30 Uhr; längste zulässige Pause 15 min"
        )
        assert finding("nobody knows this; and 2 more") is None
    assert finding(silent) == silent


def test_a_finding_without_a_form_is_quoted_in_a_german_sentence() -> None:
    monitor = an_estate(language="de").monitor
    where = replace(scene(of_kind("disk")), monitor=monitor)
    full = replace(DOWN, reason=Reason.OVER_LIMIT, detail="/images is 93 % used, the limit is 90 %")
    strange = replace(DOWN, reason=Reason.OVER_LIMIT, detail="something else")
    with speaking("de"):
        assert str(page.data(full, Event.OPENED, where)["summary"]).startswith(
            "Main archive, dicom_echo: /images ist zu 93 % belegt, Grenzwert 90 % (seit 17:00 Uhr)"
        )
        assert str(page.data(strange, Event.OPENED, where)["summary"]).startswith(
            "Main archive, dicom_echo: liegt über dem Grenzwert: „something else“ (seit 17:00 Uhr)"
        )
