"""What probes found, in another language: they say and record it in English, as a sentence of known form.

A page has a finding in its own language where all of it has one of these forms, and quotes it otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache

from pacs_monitor.format.german import german_moment
from pacs_monitor.language import N_, SOURCE, _, language

FORMS = (
    N_("{name} is {used} used, the limit is {limit}"),
    N_("{name}: inodes are {used} used, the limit is {limit}"),
    N_("{name} has {free} free, less than {limit}"),
    N_("{name} will be full in {time} at its present rate"),
    N_("{name}: the system has marked it as full"),
    N_("{name} is read-only"),
    N_("{name}: {number} item waiting, the limit is {limit}"),
    N_("{name}: {number} items waiting, the limit is {limit}"),
    N_("{name}: the oldest item has waited {time}, the limit is {limit}"),
    N_("{name}: grew by {number} items in {time}, the limit is {limit}"),
    N_("{name}: {number} items failed within {time}, the limit is {limit}"),
    N_("{name}: {number} items waiting, and nothing in progress for {time}"),
    N_("{name}: no message since monitoring began"),
    N_("{name}: no message since {at}"),
    N_("no message since monitoring began"),
    N_("no message since {at}"),
    N_("the longest acceptable gap is {limit}"),
    N_("{name}: the channel is not started"),
    N_("no file matches {pattern}"),
    N_("{number} files match {pattern}, fewer than {limit}"),
    N_("the newest file is {age} old (written {at}), more than {limit}"),
    N_("the newest file has only {size}, less than {limit} (written {at})"),
    N_("the newest file is dated in the future: {at}"),
    N_("check whether it is mounted: the folder does not exist"),
    N_("the newest study began {age} ago, more than {limit}"),
    N_("the newest study of {name} began {age} ago, more than {limit}"),
    N_("its clock is {offset} ahead of ours, more than {limit}"),
    N_("its clock is {offset} behind ours, more than {limit}"),
    N_("it answers, but its clock is not synchronized"),
    N_("the last report arrived {at}"),
    N_("the next was due within {limit}"),
    N_("{used} of memory is in use, the limit is {limit}"),
    N_("the load per CPU is {load}, the limit is {limit}"),
    N_("the program {name} is not running"),
    N_("the service {name} is {state}"),
    N_("{name} has {rate} errors per second, more than {limit}"),
    N_("{name} is {load} loaded, the limit is {limit}"),
    N_("the answer took {time}, more than {limit}"),
    N_(
        "{address} did not answer within {time}: the host is off, a firewall drops packets, or its accept queue is full"
    ),
    N_("{address} refused the connection: the host is up, but nothing listens on the port"),
    N_("{address} reset the connection while it was being established"),
    N_("{address} cannot be reached from here ({error})"),
    N_("{peer} closed the connection mid-operation"),
    N_("{peer} reset the connection mid-operation"),
    N_("{service} answered {status} ({words})"),
    N_("{peer} rejected the association permanently (A-ASSOCIATE-RJ {words})"),
    N_("{peer} rejected the association temporarily (A-ASSOCIATE-RJ {words})"),
    N_("{peer} does not recognize that called AE title (A-ASSOCIATE-RJ {words})"),
    N_(
        "please register the calling AE title {calling} at source address {source}: {peer} rejected it (A-ASSOCIATE-RJ "
        "{words})"
    ),
    N_("and {more} more"),
)
"""Whole clauses; a finding may have several, with `; ` between them."""
_PLACEHOLDER = re.compile(r"\\\{(\w+)\\\}")
_AMOUNT = re.compile(r"[\d.,]+( [%A-Za-zµ]+)*")
_MOMENT = re.compile(r"[A-Z][a-z]{2} (\d{4}-\d\d-\d\d \d\d:\d\d):\d\d [A-Z]+")


def finding(detail: str) -> str | None:
    """A detail in the language that is spoken; None where some of it has no form."""
    if language() == SOURCE:
        return detail
    clauses = [sentence_of(clause, FORMS) for clause in detail.split("; ")]
    known = [clause for clause in clauses if clause is not None]
    return "; ".join(known) if len(known) == len(clauses) else None


def sentence_of(text: str, forms: tuple[str, ...]) -> str | None:
    """What has one of some forms, in the language that is spoken; None where it has none."""
    if language() == SOURCE:
        return text
    for form, pattern in _patterns(forms).items():
        if found := pattern.fullmatch(text):
            return _(form, **{name: _value(value) for name, value in found.groupdict().items()})
    return None


@cache
def _patterns(forms: tuple[str, ...]) -> Mapping[str, re.Pattern[str]]:
    return {form: re.compile(_PLACEHOLDER.sub(r"(?P<\1>.+?)", re.escape(form))) for form in forms}


def _value(value: str) -> str:
    """Amounts and times as the language writes them."""
    if language() != "de":
        return value
    if _AMOUNT.fullmatch(value):
        return value.translate(str.maketrans(".,", ",."))
    if found := _MOMENT.fullmatch(value):
        return german_moment(datetime.fromisoformat(found[1]))
    return value
