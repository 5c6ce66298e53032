"""The report as a document: both languages, validity, accessibility, black and white, pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from pypdfium2 import PdfDocument, PdfPage

from pacs_monitor.reports import Part, Printer, PrintingError, browser, html, printed, printer, strip
from pacs_monitor.reports.dates import NO_BREAK
from pacs_monitor.reports.pdf import LARGE
from tests.peers.chromium import chromium
from tests.support.pages import barriers, invalid

LANGUAGES = ("en", "de")
RIGHT_MARGIN = 13.5 / 25.4 * 72
"""Points; the page leaves 14 mm."""


def said(report: dict[str, Any], language: str = "en", part: Part = Part.ALL) -> str:
    report["document"]["language"] = language
    return html(report, part)


def plain(text: str) -> str:
    return text.replace(NO_BREAK, " ")


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    with chromium() as browser_:
        yield browser_


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_html_is_valid(report: dict[str, Any], language: str, tmp_path: Path) -> None:
    assert invalid(said(report, language), tmp_path) == []


def test_the_checker_sees_what_is_invalid(tmp_path: Path) -> None:
    (wrong,) = invalid("<!DOCTYPE html><html lang=en><title>x</title><p><span></p>", tmp_path)[:1]
    assert wrong.startswith("line 1: ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_keeps_people_from_reading_it(
    report: dict[str, Any], language: str, opened: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_text(said(report, language), encoding="utf-8")
    page = opened.new_page()
    page.goto(file.as_uri())
    assert barriers(page) == []
    page.evaluate("document.documentElement.removeAttribute('lang')")
    assert [one.split()[0] for one in barriers(page)] == ["html-has-lang"]
    page.close()


def test_in_german_all_of_it_is_german(report: dict[str, Any]) -> None:
    text = plain(said(report, "de"))
    for expected in (
        '<html lang="de">',
        "<h1>Verfügbarkeitsbericht</h1>",
        "3. Quartal 2026",
        "1. Juli 2026 bis 30. September 2026 (Europe/Berlin)",
        "Gewertet nach SLA 4.2: 99,95 % \N{EN DASH} erfüllt, soweit gemessen.",
        "gewertet 56 min (mindestens 55 min 40 s, höchstens 57 min), verbleibend 1 h 16 min 1 s.",
        "Gewertet nach SLA 4.3: in 2 von 3 Monaten erfüllt.",
        "Juli 2026: 99,83 % \N{EN DASH} NICHT erfüllt.",
        "10.07.2026 03:00:00",
        "lehnt Verbindungen ab (tcp_refused)",
        "ausgefallen: 22.09. bis 23.09. 2 d; wegen Netzstörung unerreichbar: 25.08. 2 h",
    ):
        assert expected in text, expected
    seen = re.sub(r"<style.*?</style>|<[^>]*>", " ", text, flags=re.S)
    english = {"the", "and", "not", "under", "from", "month", "down", "counted", "days"}
    assert english & {word.lower() for word in re.findall(r"[A-Za-z]+", seen)} == set()
    assert report["objectives"][0]["sentences"][0].startswith("Counted under"), "the data stay in English"


def test_the_first_page_names_the_parties_and_has_a_box_for_each(final: dict[str, Any]) -> None:
    text = said(final)
    assert re.findall(r'class="who">(.*?)<', text) == [
        "For the customer: East Campus Hospital",
        "For the provider: Acme Imaging Ltd",
    ]
    assert "Name: Dr. A. Weber" in text
    final["document"]["parties"] = final["document"]["parties"][:1]
    assert re.findall(r'class="who">(.*?)<', said(final))[1:] == ["For the provider"]


def test_the_first_page_says_who_runs_the_monitor_or_that_nobody_stated_it(final: dict[str, Any]) -> None:
    first = said(final).split('<section aria-labelledby="terms">')[0]
    assert "The monitor is run by IT department, East Campus Hospital, as stated in its configuration." in first
    final["document"]["operated_by"] = None
    assert "<td>Who runs the monitor is not stated.</td>" in said(final)
    assert "Wer den Monitor betreibt, ist nicht angegeben." in said(final, "de")


def test_a_draft_is_not_to_be_signed(report: dict[str, Any]) -> None:
    text = said(report)
    assert 'class="who"' not in text
    assert "DRAFT \N{EN DASH} not to be signed. Make it final with: <code>pacs-monitor report 2026-Q3 --final" in text
    report["period"]["so_far"] = True
    assert "The period is not over." in said(report)


def test_what_is_in_no_contract_is_not_signed(final: dict[str, Any]) -> None:
    text = plain(said(final))
    signed, after = text.split("Rights that follow from them are not waived.")
    assert "Modalities" not in signed.split("<header>")[1]
    assert "Modalities. Target: 99 % per quarter, each node for itself, in all hours. Met by 1 of 2 nodes." in after
    for row in final["objectives"]:
        row["contract"] = ""
    assert '<section class="agreement missed" aria-labelledby="a1">' in said(final)


def test_the_first_sentence_says_what_was_not_kept(report: dict[str, Any]) -> None:
    text = plain(said(report))
    assert (
        "1 of 2 agreements was not met: Reading in support hours (July 2026: 31 min counted, 26 min allowed)." in text
    )
    quoted = text.split('<section class="agreement missed"')[1].split("</section>")[0]
    says = "SLA 4.3 says: “3 % of a monthly fee for each 10 min begun beyond 26 min”."
    assert quoted.count(f"For this, {says} This report calculates nothing from that.") == 1
    assert "September 2026: 100.00 % \N{EN DASH} met. Slow, counted as up: 12 h (2 Sep 2026 08:00 to 20:00)." in quoted
    assert "What follows from this in money" not in text
    assert "21 Jul 2026 09:00 to 09:31; ris/dicom_worklist: refuses connections (tcp_refused)." in text
    assert text.index("NOT met") < text.index("met by what was measured"), "breaches come first"
    agreements = text.split('<h2 id="agreements">')[1]
    assert agreements.count(f"If it is not met, {says}") == 1, "a term, whatever the result"
    for row in report["objectives"]:
        row["consequence"] = None
    assert "What follows from this in money is in the contract, not in this report." in said(report)
    for row in report["objectives"]:
        row |= {"verdict": "met", "tolerated_seconds": row["budget_seconds"]}
    assert "All agreements were met." in said(report)


def test_the_logo_is_in_the_file(report: dict[str, Any]) -> None:
    report["document"]["logo"] = "data:image/png;base64,iVBORw0KGgo="
    assert '<img class="logo" src="data:image/png;base64,iVBORw0KGgo=" alt="Logo of East Campus Hospital">' in said(
        report
    )


def test_the_part_for_signers_has_no_annex(report: dict[str, Any], tmp_path: Path) -> None:
    text = said(report, part=Part.SIGNERS)
    assert re.findall(r'<h2 id="(\w+)">[0-9]', text) == ["agreements"]
    assert len(text) < len(said(report))
    assert invalid(text, tmp_path) == []


def test_in_black_and_white_no_two_states_look_alike(report: dict[str, Any], opened: Browser, tmp_path: Path) -> None:
    """The keys of the legend, without colour: each has another picture."""
    file = tmp_path / "report.html"
    file.write_text(said(report), encoding="utf-8")
    page = opened.new_page(device_scale_factor=4)
    page.goto(file.as_uri())
    page.add_style_tag(content="svg { filter: grayscale(1); }")
    keys = [key.screenshot() for key in page.locator(".legend svg").all()]
    page.close()
    assert len(keys) == len(set(keys)) == 7


def outside(leaf: PdfPage) -> list[str]:
    """What stands in the right margin of a page, or beyond it."""
    width, _height = leaf.get_size()
    text = leaf.get_textpage()
    boxes = [text.get_rect(n) for n in range(text.count_rects())]
    return [text.get_text_bounded(*box) for box in boxes if box[2] > width - RIGHT_MARGIN]


@pytest.mark.parametrize("by", [printer(), browser()], ids=["weasyprint", "browser"])
def test_it_is_printed_by_what_is_there(final: dict[str, Any], by: Printer) -> None:
    steps: list[str] = []
    page = said(final)
    content = printed(page, by, told=steps.append)
    with PdfDocument(content) as document:
        text = [plain(leaf.get_textpage().get_text_range()) for leaf in document]
        marks = [mark.get_title() for mark in document.get_toc()]
        size = document[0].get_size()
        beyond = [(number, text) for number, leaf in enumerate(document, 1) for text in outside(leaf)]
    assert "Counted under SLA 4.2: 99.95 % \N{EN DASH} met by what was measured." in text[0]
    assert "Signature" in text[0], "what is signed is on one page"
    for number, leaf in enumerate(text, 1):
        assert f"{number} / {len(text)}" in leaf
        assert f"Availability report 2026-Q3/1, east-campus, data {final['frozen']['data_sha256'][:12]}" in leaf
    assert [mark for mark in marks if re.match(r"[0-9]\. ", mark)][:2] == ["1. Agreements in detail", "2. Services"]
    assert [round(side) for side in size] == [595, 842]
    assert beyond == [], "nothing is cut off at the right"
    if by.name == "WeasyPrint":
        assert steps[:2] == ["page 1", "page 2"]
        assert re.search(r"Outages\s*\.{9,}\s*[0-9]", text[1]), "contents with numbers of pages"
        assert printed(page, by) == content, "the same page makes the same bytes"


def fillers(css: str) -> str:
    """Sections that begin at every height of a page, near its foot."""
    table = (
        '<div class="wide"><table><caption>caption{n}.</caption><thead><tr><th scope="col">What</th></tr></thead>'
        '<tbody><tr class="group"><th scope="rowgroup" class="group">group{n}.</th></tr>'
        '<tr><th scope="row">row{n}.</th></tr><tr><th scope="row">more</th></tr></tbody></table></div>'
    )
    said = "".join(
        f'<div style="break-before: page; height: {200 + 4 * n}mm"></div><section><h2>heading{n}.</h2>'
        f"{table.replace('{n}', str(n))}</section>"
        for n in range(16)
    )
    return f'<!DOCTYPE html><html lang="en"><title>x</title><style>{css}</style><body><main>{said}</main></body></html>'


@pytest.mark.parametrize("by", [printer(), browser()], ids=["weasyprint", "browser"])
def test_no_heading_stands_alone_at_the_foot_of_a_page(report: dict[str, Any], by: Printer) -> None:
    css = said(report).split("<style>")[1].split("</style>")[0]
    with PdfDocument(printed(fillers(css), by)) as document:
        text = [leaf.get_textpage().get_text_range() for leaf in document]
    pages = {
        mark: [next(n for n, page in enumerate(text) if f"{mark}{count}." in page) for count in range(16)]
        for mark in ("heading", "caption", "group", "row")
    }
    assert pages["heading"] == pages["caption"] == pages["group"] == pages["row"]
    moved = sum(1 for page in text if not re.search(r"row|heading|more", page))
    assert 0 < moved < 16, "some were too near the foot, others not"


@pytest.mark.parametrize("by", [printer(), browser()], ids=["weasyprint", "browser"])
def test_letter_is_as_good(final: dict[str, Any], by: Printer) -> None:
    final["document"]["paper"] = "Letter"
    with PdfDocument(printed(said(final, "de"), by)) as document:
        first = document[0]
        assert [round(side) for side in first.get_size()] == [612, 792]
        assert [text for leaf in document for text in outside(leaf)] == [], "nothing is cut off at the right"
        assert "Unterschrift" in first.get_textpage().get_text_range()


def test_months_and_windows_are_drawn_beside_their_figures(report: dict[str, Any]) -> None:
    text = plain(said(report))
    months = re.findall(r'<td class="n">([^<]*)<svg class="bar" aria-hidden="true"[^>]*>(.*?)</svg></td>', text)
    pacs = [bar for time, bar in months if time in ("44 min", "12 min")]
    assert len(pacs) == 2
    widths = [[float(wide) for wide in re.findall(r'<rect [^>]*width="([0-9.]+)"', bar)] for bar in pacs]
    assert widths[0] == pytest.approx([44 / 60 * strip.BAR], abs=0.1), "in August 60 min were left out"
    assert widths[1] == pytest.approx([12 / 60 * strip.BAR, 30 / 60 * strip.BAR], abs=0.1), "in September 30 min"
    windows = re.findall(r'<th scope="row">(?:archive patching|storage firmware)<svg class="bar".*?</svg></th>', text)
    assert len(windows) == 2
    assert windows[1].count("<rect") == 3, "used, not used, and down after its end"


def test_a_large_page_is_printed_by_a_browser() -> None:
    """WeasyPrint would tell its steps."""
    steps: list[str] = []
    page = f"<!DOCTYPE html><title>x</title><!-- {'x' * LARGE} --><p>said"
    with PdfDocument(printed(page, printer(), told=steps.append)) as document:
        assert "said" in document[0].get_textpage().get_text_range()
    assert steps == []


def test_a_picture_elsewhere_is_not_fetched(report: dict[str, Any], tmp_path: Path) -> None:
    """Whatever stands in a page: no file of this machine gets into a PDF."""
    secret = tmp_path / "secret.svg"
    secret.write_text('<svg xmlns="http://www.w3.org/2000/svg"><text y="20">not for you</text></svg>')
    page = said(report).replace("<main>", f'<main><img src="{secret.as_uri()}" alt="">')
    with PdfDocument(printed(page, printer())) as document:
        assert "not for you" not in document[0].get_textpage().get_text_range()


def test_without_a_printer_it_is_said_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PrintingError, match=r"install pacs-monitor\[pdf\], or Chromium, Chrome or Edge"):
        browser({"PATH": str(tmp_path)})
    with pytest.raises(PrintingError, match="write --format html and print it: it made no PDF"):
        printed("<p>", Printer("it", lambda *_: ["/bin/true"]))
    with pytest.raises(PrintingError, match="it took longer than 1 s"):
        printed("<p>", Printer("it", lambda *_: ["/bin/sleep", "60"]), within=1)
