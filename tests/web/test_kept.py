"""What pages are made of again and again is made once: of the same name, values and language."""

from __future__ import annotations

from itertools import count

from jinja2 import Template

from pacs_monitor.language import Language, speaking
from pacs_monitor.web.pages.render import Kept, environment

MACRO = "{% macro one(root, title) %}{{ _('up') }} {{ title }} {{ turn() }}{% endmacro %}"


def template(text: str = "{{ kept(one, './', [(title,)]) }}", most: int = 9) -> Template:
    """Each time that its macro is really called, `turn` goes on."""
    made = environment()
    turns = count(1)
    made.globals |= {"turn": lambda: next(turns), "kept": Kept(most)}
    return made.from_string(MACRO + text)


def said(of: Template, title: str, language: Language = "en") -> str:
    with speaking(language):
        return of.render(title=title)


def test_the_same_is_made_once() -> None:
    of = template()
    assert [said(of, "CT 1"), said(of, "MR 1"), said(of, "CT 1")] == ["up CT 1 1", "up MR 1 2", "up CT 1 1"]


def test_each_language_has_its_own() -> None:
    of = template()
    english, german = said(of, "CT 1"), said(of, "CT 1", "de")
    assert english.split()[0] != german.split()[0]
    assert said(of, "CT 1") == english


def test_macros_of_different_names_are_not_taken_for_each_other() -> None:
    other = "{% macro other(root, title) %}other {{ title }}{% endmacro %}"
    of = template(other + "{{ kept(one, './', [(title,)]) }} {{ kept(other, './', [(title,)]) }}")
    assert said(of, "CT 1") == "up CT 1 1 other CT 1"


def test_each_row_is_made_where_it_stands_and_as_deep_as_the_page_is() -> None:
    of = template("{% for root in ('./', '../') %}{{ kept(one, root, [('a',), (title,), ('a',)]) }};{% endfor %}")
    assert said(of, "b") == "up a 1up b 2up a 1;up a 3up b 4up a 3;"


def test_what_is_kept_is_escaped_once() -> None:
    of = template()
    assert [said(of, "<b>&"), said(of, "<b>&")] == ["up &lt;b&gt;&amp; 1"] * 2


def test_no_more_is_kept_than_there_is_room_for() -> None:
    of = template(most=2)
    first = [said(of, title) for title in ("a", "b", "c")]
    assert first == ["up a 1", "up b 2", "up c 3"]
    assert said(of, "a") == "up a 4", "it had to go"
