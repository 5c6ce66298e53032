"""The language of texts for people: English as it stands in the code, or its translation from `locale/`.

Theory of operation. A text is marked where it stands (`_`, `_n`, or `N_` where it is only named and said later), and
Babel extracts it (scripts/update-translations). Whoever writes a page says in which language (`speaking`); all that is
said meanwhile, in this thread or task alone, is in that language. English is said everywhere else.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Literal

Language = Literal["en", "de"]
SOURCE: Language = "en"
"""What stands in the code."""
LOCALE = Path(__file__).parent / "locale"
DOMAIN = "messages"

_language: ContextVar[str] = ContextVar("language", default=SOURCE)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """What is said within is said in this language; in English, if it has no translations."""
    before = _language.set(language)
    try:
        yield
    finally:
        _language.reset(before)


def language() -> str:
    """The one that is spoken now."""
    return _language.get()


def _(text: str, /, **values: object) -> str:
    """A text in the language that is spoken, with its placeholders filled."""
    return _filled(_catalogue(_language.get()).gettext(text) if text else "", text, values)


def _n(one: str, many: str, count: int, /, **values: object) -> str:
    """The form for this number, which fills `{count}`."""
    told = {"count": count, **values}
    return _filled(_catalogue(_language.get()).ngettext(one, many, count), one if count == 1 else many, told)


def N_(text: str) -> str:  # noqa: N802 - as gettext calls it
    """Marks a text that is said later, by `_`."""
    return text


def _filled(said: str, source: str, values: dict[str, object]) -> str:
    """A translation that cannot be filled must not cost a page: it is then said in English."""
    if not values:
        return said
    try:
        return said.format(**values)
    except (LookupError, ValueError, AttributeError):
        return source.format(**values)


def _catalogue(language: str) -> gettext.NullTranslations:
    return _read(LOCALE, language)


@lru_cache
def _read(folder: Path, language: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, folder, [language], fallback=True)
