"""What the constancy log says, in the language that is spoken (pacs_monitor.language)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from pacs_monitor.format.human import byte_size, duration, exact_percentage, number, with_decimal_mark
from pacs_monitor.language import N_, _, _n, language
from pacs_monitor.messages.reasons import REASON_TEXTS
from pacs_monitor.reports import dates, opening, words
from pacs_monitor.reports.words import DASH as NOTHING

RESULTS = {
    "passed": N_("passed"),
    "partly": N_("passed in part"),
    "failed": N_("FAILED"),
    "not_tested": N_("NOT TESTED"),
    "pending": N_("not tested yet"),
}
VERIFIED = {
    "find": N_("query"),
    "get": N_("C-GET, pixels compared"),
    "move": N_("C-MOVE, pixels compared"),
    "commitment": N_("storage commitment"),
    "metadata": N_("metadata fetched again"),
    "frames": N_("fetched again, pixels compared"),
}
CAUSES = words.CAUSES | {
    "maintenance": N_("planned maintenance"),
    "not_measured": N_("no test is on record"),
    "not_watched": N_("the check was not in the configuration"),
}
VERDICTS = {
    "met": N_("at least 98 %: kept"),
    "missed": N_("below 98 %: NOT kept"),
    "not_assessable": N_("not assessable: less than 90 % of the time was measured"),
}
_WEEKDAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))


def day(text: str) -> str:
    """`Mon 2026-09-14`, in German `Mo 14.09.2026` (DIN 5008)."""
    there = date.fromisoformat(text)
    return f"{_(_WEEKDAYS[there.weekday()])} {_written(there)}"


def _written(there: date) -> str:
    return f"{there:%d.%m.%Y}" if language() == "de" else f"{there:%Y-%m-%d}"


def clock(text: str | None) -> str:
    """The time of a day, `03:15:02`."""
    return NOTHING if text is None else f"{datetime.fromisoformat(text):%H:%M:%S}"


def moment(text: str) -> str:
    """A day and its time, `2026-09-14 03:15`."""
    there = datetime.fromisoformat(text)
    return f"{_written(there)} {there:%H:%M}"


def size(value: float | None) -> str:
    """Bytes."""
    return NOTHING if value is None else with_decimal_mark(byte_size(value))


def speed(value: float | None) -> str:
    """Bytes a second."""
    return NOTHING if value is None else f"{with_decimal_mark(byte_size(value))}/s"


def seconds(value: float | None) -> str:
    return NOTHING if value is None else duration(value)


def share(ratio: float | None) -> str:
    """Rounded down, to a hundredth of a percent."""
    if ratio is None:
        return _("not measured")
    exact = Fraction(ratio).limit_denominator(10**15)
    return with_decimal_mark(exact_percentage(exact.numerator, exact.denominator))


def result(name: str) -> str:
    """Of a day."""
    return _(RESULTS[name])


def verified(method: str) -> str:
    """How an arrival was confirmed."""
    return _(VERIFIED[method]) if method in VERIFIED else method or NOTHING


def remarks(row: Mapping[str, Any]) -> list[str]:
    """What the monitor says of a day itself, then what people say."""
    said = []
    if row["tests"] > 1 or row["result"] == "partly":
        confirmed, tests = number(row["confirmed"]), number(row["tests"])
        said.append(_("{confirmed} of {tests} tests confirmed", confirmed=confirmed, tests=tests))
    if row["result"] == "not_tested":
        said.append(_(CAUSES[row["cause"] or "not_measured"]))
    if reasons := [_(REASON_TEXTS[name].meaning) for name in row["reasons"]][:3]:
        said.append("; ".join(reasons))
    if row["not_carried_out"]:
        count = row["not_carried_out"]
        said.append(_n("{count} test not carried out", "{count} tests not carried out", count))
    return said


def lines(page: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Working days and the others (without a `result`), in the order of the calendar."""
    return sorted([*page["days"], *page["days_off"]], key=lambda row: str(row["day"]))


def day_off(row: Mapping[str, Any]) -> str:
    """`no working day; 1 of 1 tests confirmed`: what was sent all the same is in the numbers of the month."""
    said = [_("no working day")]
    if row["tests"]:
        confirmed, tests = number(row["confirmed"]), number(row["tests"])
        said.append(_("{confirmed} of {tests} tests confirmed", confirmed=confirmed, tests=tests))
    return "; ".join(said)


def unsigned(page: Mapping[str, Any]) -> str:
    """Why a page is not to be signed; nothing where it is a month that is over."""
    if page["so_far"]:
        return _("The month is not over: not to be signed.")
    if not page["whole_month"]:
        return _("This is a part of the month: not to be signed. Make the log of the whole month for that.")
    return ""


def explanation(one: Mapping[str, Any]) -> str:
    """What somebody said, who and when."""
    return _("{why} (explained by {by}, {at})", why=one["why"], by=one["by"], at=moment(one["at"]))


def legs(page: Mapping[str, Any], monitor: str) -> list[str]:
    """Which part of the route was tested: it begins at the monitor."""
    said = []
    for leg in page["legs"]:
        about = {"monitor": monitor, "ae": page["calling_ae_title"], "to": leg["to"]}
        about["check"] = f"{leg['node']}/{leg['check']}"
        if leg["then"]:
            text = N_("From the monitor {monitor} ({ae}) to {to}, and from there to {then}: {check}.")
            said.append(_(text, **about, then=", ".join(leg["then"])))
        else:
            said.append(_("From the monitor {monitor} ({ae}) to {to}: {check}.", **about))
    said.append(_("What of the route lies before the monitor or behind this was not tested."))
    return said


def routes(page: Mapping[str, Any]) -> list[str]:
    """The route; where it changed, each with its first day."""
    if len(page["routes"]) == 1:
        return [page["routes"][0]["route"]]
    return [_("from {day}: {route}", day=day(one["from"]), route=one["route"]) for one in page["routes"]]


def completeness(of: Mapping[str, Any]) -> str:
    """Of the tests of a check, how many were confirmed."""
    if not of["tests"]:
        return _("not measured")
    told = {"confirmed": number(of["confirmed"]), "tests": number(of["tests"])}
    return _("{share} ({confirmed} of {tests})", share=share(of["completeness"]), **told)


def summary(page: Mapping[str, Any]) -> str:
    """The working days, counted."""
    counted = page["working_days"]
    names = ("days", "passed", "partly", "failed", "not_tested", "pending", "unexplained")
    return _(
        "Working days: {days}; passed: {passed}, in part: {partly}, failed: {failed}, not tested: {not_tested}, "
        "not tested yet: {pending}. Failed or not tested without an explanation: {unexplained}.",
        **{name: counted[name] for name in names},
    )


JUDGED = {
    False: N_("Availability {year}: {share} ({verdict}). Measured: {measured} of the time."),
    True: N_("Availability {year} until {until}: {share} ({verdict}). Measured: {measured} of the time."),
}
OPEN = {
    False: N_(
        "Availability {year}: not assessable, {measured} of the time were measured, 90 % are needed "
        "({target} required)."
    ),
    True: N_(
        "Availability {year} until {until}: not assessable, {measured} of the time were measured, 90 % are needed "
        "({target} required)."
    ),
}
"""Of a year that is over, or goes on."""


def working(calendar: Mapping[str, Any]) -> str:
    """`working (Mon-Fri 06:00-20:00, but not on 9 Sep 2026)`."""
    hours = opening.weekly(calendar["hours"])
    closed = ", ".join(dates.iso_day(day) for day in calendar["closed"])
    if closed:
        hours = _("{hours}, but not on {days}", hours=hours, days=closed)
    return f"{calendar['name']} ({hours})"


def year(page: Mapping[str, Any]) -> str:
    """The availability of the year."""
    of = page["year"]
    known = {"year": of["year"], "share": share(of["availability"]), "measured": share(of["measured"])}
    known["verdict"] = _(VERDICTS[of["verdict"]])
    known["target"] = f"{of['target'] * 100:.0f} %"
    until = _written((datetime.fromisoformat(of["until"]) - timedelta(microseconds=1)).date())
    text = OPEN if of["verdict"] == "not_assessable" else JUDGED
    return _(text[bool(of["so_far"])], **known, until=until)
