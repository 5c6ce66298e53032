"""The section `report` of monitor.yaml as settings: who signs uptime reports, and how they look."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo

from pacs_monitor.fields import Settings
from pacs_monitor.language import Language
from pacs_monitor.paths import existing_file

LARGEST_LOGO = 128 * 1024
"""Bytes: it is kept in the record with each configuration, and in each report."""
_DATA = "data:image/"
_BEGINS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}


def _logo(value: str, info: ValidationInfo) -> str:
    """The picture itself as a data URI (RFC 2397), which the record has, too."""
    if value.startswith(_DATA) or not info.context:
        return value
    path = Path(existing_file(value, info))
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_LOGO + 1)
    except OSError as error:
        raise ValueError(f"{value!r} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_LOGO:
        raise ValueError(f"{value!r} is larger than {LARGEST_LOGO // 1024} KiB; write a smaller picture")
    kind = next((kind for begin, kind in _BEGINS.items() if content.startswith(begin)), None)
    if kind is None and b"<svg" in content[:4096]:
        kind = "svg+xml"
    if kind is None:
        raise ValueError(f"{value!r} is none of PNG, JPEG and SVG; save the logo as one of these")
    return f"{_DATA}{kind};base64,{b64encode(content).decode()}"


class Party(Settings):
    """One of those between whom availability was agreed."""

    name: str = Field(min_length=1)
    """As in the contract."""
    role: Literal["customer", "provider"]
    """On which side it is."""
    address: str = ""
    """Printed under its name."""
    signed_by: str = ""
    """Who signs for it, printed under the line; a blank to fill in by hand otherwise."""


class ReportSettings(Settings):
    """Who signs uptime reports, and how they look."""

    parties: tuple[Party, ...] = ()
    """Those who sign, each with a box for the signature; one box for each side by default."""
    operated_by: str | None = Field(None, min_length=1)
    """Who runs the monitor and could change what it measures: the hospital, the vendor, or somebody else; a report says
    it on its first page, or that it is not stated."""
    logo: Annotated[str, AfterValidator(_logo)] | None = None
    """A PNG, JPEG or SVG file of at most 128 KiB for the first page."""
    language: Language | None = None
    """Of reports as HTML and PDF, `en` or `de`; that of the monitor by default."""
    paper: Literal["A4", "Letter"] = "A4"
    """The size of the pages when printed."""


def report_settings_of(document: Mapping[str, Any] | None) -> ReportSettings:
    """Those of a recorded configuration, with the language of its monitor; the defaults where it says nothing."""
    said, monitor = (document or {}).get("report") or {}, (document or {}).get("monitor") or {}
    try:
        settings = ReportSettings.model_validate(said)
        return (
            settings
            if settings.language
            else ReportSettings.model_validate({**said, "language": monitor.get("language", "en")})
        )
    except ValidationError:
        return ReportSettings(language="en")
