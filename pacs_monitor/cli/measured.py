"""The measurements of one run as people read them: sizes, durations, shares and times instead of base units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pacs_monitor.format.human import byte_size, duration, moment, number, percentage
from pacs_monitor.model import SECOND, Micros

UNIT = "unit"
"""The label that has the unit where the name does not (performance data of plugins)."""
_BY_UNIT: Mapping[str, Callable[[float], str]] = {"B": byte_size, "s": duration}
_BY_ENDING: Mapping[str, tuple[Callable[[float], str], str]] = {
    "_bytes_per_second": (lambda value: f"{byte_size(value)}/s", "rate"),
    "_per_second": (lambda value: f"{number(value)}/s", "rate"),
    "_bytes": (byte_size, "size"),
    "_ratio": (percentage, "share"),
    "_seconds": (duration, "time"),
}
"""How a value of a name with this ending is written, and what it is when the name says nothing else."""
_TIME = "_timestamp_seconds"


class TimeFormat(NamedTuple):
    """Times as the monitor's people read their clocks."""

    zone: str
    now: Micros

    def time(self, seconds: float) -> str:
        """With how long ago, or from now, that is."""
        at = round(seconds * SECOND)
        away = duration(abs(at - self.now) / SECOND)
        return f"{moment(at, ZoneInfo(self.zone), self.now)} ({f'in {away}' if at > self.now else f'{away} ago'})"


def lines(measurements: Sequence[Mapping[str, Any]], times: TimeFormat) -> list[str]:
    """A line for each set of labels: `volume /: free 83.1 GB, used 25.8 GB`. A word that all begin with is left out."""
    first = _shared(measurement["name"] for measurement in measurements)
    groups: dict[str, list[str]] = {}
    for measurement in measurements:
        labels = ", ".join(f"{key} {value}" for key, value in measurement["labels"].items() if key != UNIT)
        groups.setdefault(labels, []).append(_read(measurement, first, times))
    return [f"{labels.removesuffix(':')}: {', '.join(text)}".removeprefix(": ") for labels, text in groups.items()]


def _read(measurement: Mapping[str, Any], first: str, times: TimeFormat) -> str:
    """Its words, and its value in the unit that the name ends with."""
    name, value, unit = measurement["name"], measurement["value"], measurement["labels"].get(UNIT)
    if unit is not None:
        text = _BY_UNIT[unit](value) if unit in _BY_UNIT else f"{number(value)} {unit}".rstrip()
        return f"{_words(name, first)} {text}"
    if name.endswith(_TIME):
        name = name.removesuffix(_TIME)
        return f"{_words(name, first) or name} {times.time(value)}"
    for ending, (write, what) in _BY_ENDING.items():
        if name.endswith(ending):
            return f"{_words(name.removesuffix(ending), first) or what} {write(value)}"
    return f"{_words(name, first) or name} {number(value)}"


def _words(name: str, first: str) -> str:
    return f"{name}_".removeprefix(first).replace("_", " ").rstrip()


def _shared(names: Iterable[str]) -> str:
    """The first word with what ends it, if all begin with it."""
    firsts = {f"{name.partition('_')[0]}_" for name in names}
    return firsts.pop() if len(firsts) == 1 else ""
