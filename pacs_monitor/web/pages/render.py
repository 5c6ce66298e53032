"""From what a page shows to HTML. Every text is escaped by the template engine; nothing is marked safe by hand."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Hashable, Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context, Macro
from markupsafe import Markup, escape

from pacs_monitor import __version__
from pacs_monitor.format.human import duration
from pacs_monitor.language import language
from pacs_monitor.messages.told import told
from pacs_monitor.model import parse_iso
from pacs_monitor.web.pages import assets, languages, names
from pacs_monitor.web.pages.freshness import Freshness
from pacs_monitor.web.pages.plots.spark import spark
from pacs_monitor.web.pages.signs import SIGNS
from pacs_monitor.web.pages.times import Times

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Content Security Policy Level 3: no inline script or style, nothing from elsewhere, in nobody's frame."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Accept, Accept-Language",
}
"""Of every page. With the referrer policy `no-referrer` browsers would hide the Origin of our own forms (Fetch,
"append a request Origin header")."""
PROOF = f"proof-{secrets.token_hex(16)}"
"""Stands in a form for what proves that it is ours, until it is sent to one viewer."""
MOST_KEPT = 50_000
"""Rows of pages that are kept, a few hundred bytes each; of more, all are made anew."""
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Characters that turn the direction of all text after them (Unicode UAX #9 2.1 to 2.5): letters say their own."""
_TICKING = re.compile(r'(<time [^>]*data-tick="\w+">)[^<]*')


class Viewer(NamedTuple):
    """Who looks, as far as pages differ by it."""

    name: str = ""
    """Of the token; "" without `auth`."""
    role: str = "operator"
    session: bool = False
    """Signed in by the form."""

    @property
    def writes(self) -> bool:
        return self.role == "operator"


class Fragment(NamedTuple):
    """The part of a page that changes."""

    html: str
    etag: str
    """The same while nothing but the time has changed."""
    title: str
    now: int
    """Microseconds since the epoch, when it was made."""
    zone: str
    monitor: str
    status: int = 200


def _segment(text: object) -> str:
    """A part of a path (RFC 3986 3.3)."""
    return quote(str(text), safe="")


def _spoken(words: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that depends on the language. Jinja works others out once where a template gives the value."""

    @pass_context
    def said(_: Context, *values: object, **named: object) -> Any:
        return words(*values, **named)

    return said


class Kept:
    """What macros have made of rows, of their name, values and language alone, so that the same is made once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: dict[tuple[Hashable, ...], Markup] = {}

    def __call__(self, macro: Macro, root: str, rows: Iterable[tuple[Hashable, ...]]) -> Markup:
        """What `macro(root, *row)` makes of each row, one after the other."""
        about = (macro.name, language(), root)
        return Markup("").join([self._of(macro, about, row) for row in rows])

    def _of(self, macro: Macro, about: tuple[str, str, str], row: tuple[Hashable, ...]) -> Markup:
        key = about + row
        made = self._made.get(key)
        if made is None:
            if len(self._made) >= self._most:
                self._made.clear()
            made = self._made[key] = escape(macro(about[2], *row))
        return made


def environment() -> Environment:
    """Of all pages."""
    made = Environment(
        loader=PackageLoader("pacs_monitor.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=languages.bounded,
    )
    made.filters |= {"segment": _segment, "duration": _spoken(duration), "amount": _spoken(languages.amount)}
    made.filters |= {"share": _spoken(languages.share), "lengths": _spoken(languages.lengths)}
    made.filters |= {"day": _spoken(languages.day), "found": _spoken(languages.found), "told": _spoken(told)}
    made.globals |= {"_": languages.said, "_n": languages.said_of_many, "language": language}
    made.globals |= {"names": names, "signs": SIGNS, "version": __version__, "asset": assets.address, "proof": PROOF}
    made.globals |= {"spark": spark, "kept": Kept(MOST_KEPT)}
    return made


_ENVIRONMENT = environment()


class Page(NamedTuple):
    """Of one moment, for one viewer, at one depth."""

    monitor: str
    viewer: Viewer
    root: str
    """Leads from its address to `/`, wherever a proxy has put that."""
    times: Times


def fragment(template: str, title: str, about: Page, /, *, status: int = 200, **shown: Any) -> Fragment:
    """The changing part of a page, in the language that is spoken."""
    times = about.times
    html = _ENVIRONMENT.get_template(template).render(
        times=times, root=about.root, viewer=about.viewer, parse=parse_iso, **shown
    )
    html, title = (_TURNS.sub("\ufffd", text) for text in (html, title))
    same = _TICKING.sub(r"\1", f"{language()} {html}")
    etag = sha256(same.encode("utf-8", "replace")).hexdigest()[:32]
    return Fragment(html, f'"{etag}"', title, times.now, times.zone, about.monitor, status)


def whole(part: Fragment, fresh: Freshness, root: str, viewer: Viewer, layout: str, **shown: Any) -> str:
    """A page with its head around the part that changes."""
    return _ENVIRONMENT.get_template(layout).render(
        part=part, fresh=fresh, root=root, viewer=viewer, times=Times(part.now, part.zone), **shown
    )


def headers(part: Fragment, fresh: Freshness, now: float) -> Mapping[str, str]:
    """What the script needs with each answer, also where nothing has changed; seconds."""
    age = "" if fresh.at is None else f"{fresh.age:.1f}"
    return {
        **HEADERS,
        "Content-Language": language(),
        "ETag": part.etag,
        "X-Now": f"{now:.3f}",
        "X-Data-Age": age,
        "X-Data-Limit": f"{fresh.limit:.1f}",
    }
