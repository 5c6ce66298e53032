"""The section `report`: parties, logo, language and paper, and what the record keeps of them."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

import pytest

from pacs_monitor.config import canonical, diff, report_settings_of
from pacs_monitor.config.report import LARGEST_LOGO
from tests.support.estates import loaded, messages

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'


def text(report: str, language: str = "en") -> str:
    return f"monitor: {{name: east, language: {language}}}\nreport: {report}\n"


@pytest.mark.parametrize(
    ("content", "kind"), [(PNG, "png"), (b"\xff\xd8\xff\xe0" + bytes(9), "jpeg"), (SVG, "svg+xml")]
)
def test_the_logo_becomes_part_of_the_configuration(tmp_path: Path, content: bytes, kind: str) -> None:
    (tmp_path / "logo").write_bytes(content)
    logo = loaded(tmp_path, text("{logo: logo}")).report.logo
    assert logo is not None
    begin, _, rest = logo.partition(",")
    assert (begin, b64decode(rest)) == (f"data:image/{kind};base64", content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "'logo' does not exist or is not a file"),
        (b"GIF89a", "'logo' is none of PNG, JPEG and SVG; save the logo as one of these"),
        (PNG + bytes(LARGEST_LOGO), "'logo' is larger than 128 KiB; write a smaller picture"),
    ],
)
def test_a_logo_that_cannot_be_used_is_an_error(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "logo").write_bytes(content)
    (found,) = messages(tmp_path, text("{logo: logo}"))
    assert said in found
    assert found.startswith("2: report.logo: ")


def test_every_mistake_is_told(tmp_path: Path) -> None:
    wrong = "{parties: [{role: vendor, name: Acme}, {role: customer}], language: fr, paper: A3}"
    found = messages(tmp_path, text(wrong))
    assert [line.split(": ")[1] for line in found] == [
        "report.language",
        "report.paper",
        "report.parties[0].role",
        "report.parties[1]",
    ]


def test_another_logo_is_another_revision(tmp_path: Path) -> None:
    (tmp_path / "logo").write_bytes(PNG)
    before = loaded(tmp_path, text("{logo: logo}"))
    (tmp_path / "logo").write_bytes(SVG)
    after = loaded(tmp_path, text("{logo: logo}"))
    assert before.revision != after.revision
    assert diff(before, after).lines() == ["report changed"]


def test_the_record_gives_back_what_was_configured(tmp_path: Path) -> None:
    (tmp_path / "logo").write_bytes(PNG)
    said = (
        "{parties: [{role: provider, name: Acme, signed_by: B. Jones}], operated_by: Acme, logo: logo, language: de, "
        "paper: Letter}"
    )
    estate = loaded(tmp_path, text(said))
    assert report_settings_of(json.loads(canonical(estate))) == estate.report


def test_without_the_section_reports_speak_as_the_monitor(tmp_path: Path) -> None:
    document = json.loads(canonical(loaded(tmp_path, text("{paper: Letter}", language="de"))))
    assert (report_settings_of(document).language, report_settings_of(document).paper) == ("de", "Letter")
    del document["report"], document["monitor"]["language"]
    for old in (document, None, {"report": {"paper": "papyrus"}}):
        assert report_settings_of(old).model_dump() == {
            "parties": (),
            "operated_by": None,
            "logo": None,
            "language": "en",
            "paper": "A4",
        }
