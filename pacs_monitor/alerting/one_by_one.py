"""Deciding case by case when not all can be decided together, so that one bad case costs itself alone.

Policy is pure, and its cases do not touch each other: so whatever raises is found by asking it again, for one cause at
a time. A cause that raises again keeps its case as it is, and its transitions are answered, to be asked of again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from pacs_monitor.alerting import policy
from pacs_monitor.alerting.cases import Case, Key
from pacs_monitor.alerting.policy import Decision, News
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.model import IncidentKind, Micros, Transition


class Decided(NamedTuple):
    """What could be decided, and the transitions of what could not."""

    decision: Decision
    undecided: tuple[Transition, ...] = ()
    failures: tuple[Exception, ...] = ()


def decide(cases: Mapping[Key, Case], news: News, rules: Rules, now: Micros, identity: Callable[[], str]) -> Decided:
    """Who is owed what by `now`; never raises for the fault of a case."""
    try:
        return Decided(policy.decide(cases, news, rules, now, identity))
    except Exception as error:  # noqa: BLE001 - whose fault it was comes out below
        first = error
    decisions, undecided, failures = list[Decision](), list[Transition](), list[Exception]()
    kept: dict[Key, Case] = {}
    for key, part in _parts(cases, news):
        own = {key: cases[key]} if key in cases else {}
        try:
            decisions.append(policy.decide(own, part, rules, now, identity))
        except Exception as error:  # noqa: BLE001 - it costs itself alone
            failures.append(error)
            undecided.extend(part.transitions)
            kept |= own
    return Decided(_together(cases, kept, decisions), tuple(undecided), tuple(failures) or (first,))


def _parts(cases: Mapping[Key, Case], news: News) -> Iterator[tuple[Key, News]]:
    """The news, by the cause that it is about."""
    nodes = dict.fromkeys((IncidentKind.NODE, str(transition.check)) for transition in news.transitions)
    blind = dict.fromkeys((IncidentKind.BLIND, spell.reason.value) for spell in news.dark.values())
    channels = dict.fromkeys((IncidentKind.DELIVERY, channel) for channel in news.failing)
    tasks = dict.fromkeys((IncidentKind.FAULT, task) for task in news.faults)
    for key in dict.fromkeys((*cases, *nodes, *blind, *channels, *tasks)):
        kind, cause = key
        part = News()
        if kind is IncidentKind.NODE:
            part = replace(part, transitions=tuple(t for t in news.transitions if str(t.check) == cause))
        elif kind is IncidentKind.BLIND:
            dark = {check: spell for check, spell in news.dark.items() if spell.reason == cause}
            part = replace(part, dark=dark, untried=news.untried)
        elif kind is IncidentKind.DELIVERY:
            part = replace(part, failing={cause: news.failing[cause]} if cause in news.failing else {})
        else:
            part = replace(part, faults=news.faults & {cause})
        yield key, part


def _together(cases: Mapping[Key, Case], kept: Mapping[Key, Case], decisions: list[Decision]) -> Decision:
    open_now = {**kept}
    for decision in decisions:
        open_now |= decision.cases
    in_order = [*(key for key in cases if key in open_now), *(key for key in open_now if key not in cases)]
    return Decision(
        {key: open_now[key] for key in in_order},
        tuple(incident for decision in decisions for incident in decision.incidents),
        tuple(due for decision in decisions for due in decision.dues),
        tuple(withheld for decision in decisions for withheld in decision.withheld),
        min((d.wake_at for d in decisions if d.wake_at is not None), default=None),
    )
