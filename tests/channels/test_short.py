"""SMS are counted as phones count them, and whatever a page says fits: the corpus, and texts that hypothesis invents.

The counterpart is gsm0338, a codec of its own for the same alphabet.
"""

from __future__ import annotations

from typing import Any

import gsm0338
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.channels.shared.gsm7 import GSM7, UCS2, alphabet_of, is_gsm7, plain, room, segments, septets, units
from pacs_monitor.channels.shared.short import Form, short
from pacs_monitor.language import speaking
from pacs_monitor.model import ENDINGS, Event, State
from tests.channels import samples

CODEC = gsm0338.Codec()
ESCAPE = "\x1b"
"""It leads to the extension table and is no character itself (3GPP TS 23.038 6.2.1); the other program lets it pass."""
ONE, TWO = Form(1), Form(2)
EVERYWHERE = st.text(st.characters(codec=None), max_size=400)
GSM_TEXT = st.text(st.sampled_from("abc äöüßÅ€^{}[]~\\|\n@Δ"), max_size=400)
Texts = dict[str, Any]
LONG = "radiology-east-building-7-floor-3-room-0012-siemens-somatom-x-ceed-ct-scanner-with-injector-b"
CORPUS: dict[str, Texts] = {
    "umlauts": {"title": "Röntgen-Archiv Süd", "impact": "Notaufnahme sieht keine Voraufnahmen: Übergabe mündlich"},
    "emoji": {
        "title": "🚑 ER archive 👨\u200d👩\u200d👧",
        "impact": "🔥🔥🔥 everything",
        "next_step": "call 📞 now ❗️",
    },
    "typography": {
        "title": "„Archiv“ \u2013 Süd…",
        "impact": "don\u2019t wait \u2014 “now” • 5 ≤ 6 → go",
    },
    "Polish": {"title": "Archiwum główne w Łodzi", "impact": "żadnych zdjęć"},
    "161 characters": {"impact": "x" * 161},
    "306 characters": {"impact": "y" * 306, "next_step": "z " * 500},
    "long node name": {"node": LONG, "title": ""},
    "long node name and title": {"node": LONG, "title": f"CT of the emergency department, {LONG * 3}"},
    "extension characters": {"title": "{[~|^€]}" * 30, "impact": "^" * 400},
    "a picture for a name": {"node": "🚑", "title": "🚑🚑"},
    "Cyrillic": {"node": "архив-москва", "title": "Главный архив", "impact": "нет снимков" * 30},
    "Chinese": {"node": "影像归档", "title": "", "impact": "看不到以前的图像" * 20},
    "a Latin name and Greek words": {"title": "Αρχείο", "impact": "χωρίς εικόνες, downtime viewer λειτουργεί"},
    "long check and reason": {"check": "c" * 200, "reason": "r_" * 200},
    "nothing else": {"impact": "", "next_step": "", "support": {}, "detail": "", "title": ""},
    "line breaks": {"impact": "one\ntwo\r\nthree\tfour", "title": "Main\narchive"},
}


@given(GSM_TEXT | EVERYWHERE)
def test_a_text_is_counted_as_another_program_counts_it(text: str) -> None:
    try:
        encoded = None if ESCAPE in text else CODEC.encode(text)[0]
    except UnicodeError:
        encoded = None
    assert is_gsm7(text) == (encoded is not None)
    if encoded is not None:
        assert septets(text) == len(encoded)
        assert (segments(text) == 1) == (len(encoded) <= 160)
    else:
        assert units(text) == len(text.encode("utf-16-be", "surrogatepass")) // 2
        assert (segments(text) == 1) == (units(text) <= 70)


@given(GSM_TEXT | EVERYWHERE)
def test_no_part_ends_within_a_character_and_none_is_longer_than_it_may_be(text: str) -> None:
    alphabet = alphabet_of(text)
    parts = _parts(text)
    assert "".join(parts) == text
    assert segments(text) == max(1, len(parts))
    if len(parts) > 1:
        assert all(alphabet.size(part) <= alphabet.part for part in parts)


def _parts(text: str) -> list[str]:
    """As a box divides it: octets of the codec, or UTF-16, cut before an escape or a high surrogate."""
    if not is_gsm7(text):
        data = text.encode("utf-16-be", "surrogatepass")
        codes = [data[n : n + 2] for n in range(0, len(data), 2)]
        return [
            b"".join(part).decode("utf-16-be", "surrogatepass") for part in _cut(codes, 70, 67, b"\xd8", b"\xdb\xff")
        ]
    codes = [bytes([octet]) for octet in CODEC.encode(text)[0]]
    return [CODEC.decode(b"".join(part))[0] for part in _cut(codes, 160, 153, b"\x1b", b"\x1b")]


def _cut(codes: list[bytes], single: int, longest: int, first: bytes, last: bytes) -> list[list[bytes]]:
    """None of the parts ends with a code from `first` to `last`, to which the next one belongs."""
    if len(codes) <= single:
        return [codes]
    parts, begin = [], 0
    while begin < len(codes):
        end = min(begin + longest, len(codes))
        if end < len(codes) and first <= codes[end - 1] <= last:
            end -= 1
        parts.append(codes[begin:end])
        begin = end
    return parts


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("x" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("x" * 152 + "€" + "x" * 152, 3),
        ("ä" * 160, 1),
        ("ç" * 70, 1),
        ("ç" * 71, 2),
        ("🚑" * 35, 1),
        ("🚑" * 36, 2),
        ("ж" * 66 + "🚑" + "ж" * 67, 3),
        ("ж" * 134, 2),
    ],
)
def test_the_borders_of_the_standard(text: str, count: int) -> None:
    assert segments(text) == count


@pytest.mark.parametrize(
    ("text", "gsm", "ascii_only"),
    [
        ("Röntgen \u2013 „Süd“…", 'Röntgen - "Süd"...', 'Roentgen - "Sued"...'),
        ("šéf čeká", "séf ceka", "sef ceka"),
        ("Łódź", "Lodz", "Lodz"),
        ("e\u0301", "é", "e"),
        ("🚑 ambulance 👨\u200d👩\u200d👧", "ambulance", "ambulance"),
        ("5 € ½", "5 € 1/2", "5 EUR 1/2"),
        ("a\u200bb\u202ec", "abc", "abc"),
        ("half \ud83d", "half", "half"),
        ("Привет", "Привет", "??????"),
        ("two\r\n lines", "two lines", "two lines"),
    ],
)
def test_what_the_alphabet_lacks_is_spelled_plainly(text: str, gsm: str, ascii_only: str) -> None:
    assert (plain(text), plain(text, ascii_only=True)) == (gsm, ascii_only)


@pytest.mark.parametrize("name", CORPUS)
@pytest.mark.parametrize("event", [e for e in Event if e.value.startswith("incident.")])
@pytest.mark.parametrize("form", [ONE, TWO])
def test_the_corpus_fits_and_says_which_node(name: str, event: Event, form: Form) -> None:
    page = samples.notification(event, code="48213", timezone="Europe/Berlin", **CORPUS[name])
    text = short(page, page.data, form)
    assert segments(text) <= form.segments
    assert "48213" in text
    node, title = plain(str(page.data["node"])) or str(page.data["node"]), plain(str(page.data["title"]))
    assert node in text or title in text or (node[:10] in text and node[-10:] in text)
    assert "17:00" in text or event is Event.ACKNOWLEDGED or event in ENDINGS
    if event is Event.OPENED:
        assert "failing" in text


@pytest.mark.parametrize(
    "name", [name for name in CORPUS if name not in ("a picture for a name", "Cyrillic", "Chinese")]
)
def test_what_is_only_said_beside_makes_no_sms_ucs_2(name: str) -> None:
    page = samples.notification(**CORPUS[name])
    assert is_gsm7(short(page, page.data, TWO))


@given(
    event=st.sampled_from([e for e in Event if e.value.startswith("incident.")]),
    texts=st.fixed_dictionaries(
        dict.fromkeys(("title", "impact", "next_step", "detail", "check", "reason", "since", "resolved"), EVERYWHERE)
    ),
    node=st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=200),
    state=st.sampled_from([*map(str, State), "", "odd"]),
    form=st.sampled_from([ONE, TWO, Form(1, True), Form(2, True)]),
    code=st.sampled_from(["48213", ""]),
)
def test_whatever_a_page_says_fits_and_keeps_its_code(
    event: Event, texts: dict[str, str], node: str, state: str, form: Form, code: str
) -> None:
    page = samples.notification(event, **texts, node=node, state=state, code=code)
    text = short(page, page.data, form)
    assert segments(text) <= form.segments
    assert code in text
    assert alphabet_of(text) is GSM7 or not form.ascii_only
    assert "\n" not in text


@given(st.text(max_size=500), st.sampled_from([ONE, TWO]))
def test_what_is_about_no_node_is_its_summary(summary: str, form: Form) -> None:
    page = samples.notification(summary=summary, kind="group", node=None)
    assert segments(short(page, page.data, form)) <= form.segments


@pytest.mark.parametrize("event", [Event.OPENED, Event.CHANGED, Event.RESOLVED])
def test_a_test_says_that_it_is_one(event: Event) -> None:
    page = samples.notification(event, test=True, node="TEST", summary="TEST \u2013 no fault: this is a test page")
    assert short(page, page.data, TWO).startswith("TEST - no fault: this is a test page.")


@pytest.mark.parametrize(
    ("reason", "probe", "spoken", "words"),
    [
        ("tcp_timeout", "dicom_echo", "en", "DOWN since"),
        ("tcp_refused", "dicom_echo", "de", "AUSGEFALLEN seit"),
        ("acse_timeout", "dicom_echo", "en", "DOWN since"),
        ("over_limit", "disk", "en", "failing since"),
        ("over_limit", "disk", "de", "gestört seit"),
        ("out_of_resources", "dicom_store", "en", "failing since"),
        ("newer_than_this_version", "disk", "en", "failing since"),
        (None, None, "en", "failing since"),
    ],
)
def test_only_what_cannot_be_reached_or_does_not_answer_is_down(
    reason: str | None, probe: str | None, spoken: str, words: str
) -> None:
    page = samples.notification(reason=reason, probe=probe, timezone="Europe/Berlin")
    with speaking(spoken):
        assert f"(archive) {words} 17:00" in short(page, page.data, TWO)


def test_room_is_what_surely_fits() -> None:
    assert (room(GSM7, 1), room(GSM7, 2), room(UCS2, 1), room(UCS2, 2)) == (160, 305, 70, 133)


def test_a_time_of_another_day_has_its_day() -> None:
    page = samples.notification(since="2025-11-22T03:00:00Z", timezone="Europe/Berlin")
    assert "since 22 Nov 04:00" in short(page, page.data, TWO)
    with speaking("de"):
        assert "seit 22.11. 04:00" in short(page, page.data, TWO)


@pytest.mark.parametrize("spoken", ["en", "de"])
@pytest.mark.parametrize("form", [ONE, TWO, Form(1, True)])
@given(length=st.integers(0, 300), contract=st.sampled_from(["", "K-4711", "k" * 200]))
def test_a_phone_number_is_whole_or_absent_and_comes_before_what_to_do(
    spoken: str, form: Form, length: int, contract: str
) -> None:
    phone, step = "+49 30 1234-567", "Free space. " * 30
    texts: Texts = {"impact": ("nobody sees priors " * 20)[:length], "next_step": step, "downtime_procedure": step}
    page = samples.notification(support={"phone": phone, "contract": contract}, why="w " * (length // 2), **texts)
    with speaking(spoken):
        text = short(page, {**page.data, "code": "48213"}, form)
    assert segments(text) <= form.segments
    assert "+49" not in text.replace(phone, "")
    assert phone in text or length > 20
    if "Free space" in text:
        assert text.index(phone) < text.index("Free space")


def test_the_services_come_after_whom_it_is_for_and_before_what_to_do() -> None:
    page = samples.notification(impact="", services=[{"service": "reading", "summary": "reading is down"}])
    assert "reading is down. Call +49 30 1234" in short(page, page.data, TWO)


def test_the_longest_impact_leaves_room_for_whom_to_call() -> None:
    page = samples.notification(impact="x " * 400, next_step="y " * 400)
    text = short(page, page.data, TWO)
    assert text.endswith("x x... Call +49 30 1234 (contract K-4711).")
