"""Sample lines of Prometheus's text formats, where name and labels are made once and only values at each scrape.

`prometheus_client` makes every line anew, labels sorted and escaped; at 10,000 checks that is seconds of processor time
per scrape. A sample line is the same in its text format 0.0.4 and in OpenMetrics 1.0; what differs, the heads of
families, comes from `prometheus_client` itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from prometheus_client.core import Metric
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.utils import floatToGoString

Labels = tuple[tuple[str, str], ...]
Encoder = Callable[[CollectorRegistry], bytes]

MOST_KEPT = 64
"""Label sets kept per check; more come of labels that change all the time, and those are not worth keeping."""
EOF = b"# EOF\n"


class Family(NamedTuple):
    """A family of samples. `name` is that of its samples: a counter's ends in `_total`."""

    name: str
    help: str
    type: str = "gauge"


class SampleLines:
    """Lines that share labels, such as those of one check."""

    __slots__ = ("_kept", "_shared")

    def __init__(self, shared: Labels) -> None:
        self._shared = shared
        self._kept: dict[Labels, str] = {}

    def line(self, name: str, value: float, more: Labels = ()) -> str:
        """One sample with the shared labels and `more`."""
        labels = self._kept.get(more)
        if labels is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            labels = self._kept[more] = label_set((*self._shared, *more))
        return f"{name}{labels} {go_float(value)}\n"


def go_float(value: float) -> str:
    """A value as Go writes it, with exponents from 1e+06 on."""
    if 0 <= value < 1_000_000:
        return repr(float(value))
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]  # it ships no types
    return text


def label_set(labels: Iterable[tuple[str, str]]) -> str:
    """`{a="…",b="…"}`, sorted as `prometheus_client` sorts them."""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(dict(labels).items())) + "}"


@lru_cache(1024)
def head(family: Family, encode: Encoder) -> bytes:
    """The `# HELP` and `# TYPE` lines in the format of an encoder."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Empty(family))
    return encode(registry).removesuffix(EOF)


class _Empty(Collector):
    """A family without samples."""

    def __init__(self, family: Family) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        yield Metric(self._family.name.removesuffix("_total"), self._family.help, self._family.type)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
