"""The answer of a Prometheus exporter, read with prometheus-client's parser."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from math import isfinite
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from pacs_monitor import http
from pacs_monitor.http import HttpError, HttpSettings, Response
from pacs_monitor.model import ProbeContext, Reason
from pacs_monitor.net import Trace

LIMIT = 16 << 20
"""Bytes; an exporter of a big machine writes some megabytes."""


class Sample(NamedTuple):
    name: str
    labels: dict[str, str]
    value: float


async def scrape(
    settings: HttpSettings, wanted: Collection[str], what: str, ctx: ProbeContext, trace: Trace
) -> list[Sample]:
    """The samples of these names at /metrics; raises NetFailure. `what` is asked, such as "node_exporter"."""
    answer = await http.request(
        "GET", f"{settings.url}/metrics", ctx, trace, access=settings.access(), size_limit=LIMIT
    )
    http.expect(answer, what, 200)
    return parse(answer, wanted, what)


def parse(answer: Response, wanted: Collection[str], what: str) -> list[Sample]:
    """The samples of these names in an answer, whatever else stands in it; raises HttpError."""
    try:
        return list(_samples(answer.body.decode(errors="replace"), wanted))
    except (ValueError, KeyError, IndexError):
        detail = f"the answer of {what} is not in the Prometheus text format"
        raise HttpError(Reason.BAD_CONTENT, detail, answer.trace) from None


def _samples(text: str, wanted: Collection[str]) -> Iterator[Sample]:
    """Only lines of wanted names reach the parser, which is slow."""
    lines = [line for line in text.splitlines() if line.partition("{")[0].partition(" ")[0] in wanted]
    for family in text_string_to_metric_families("\n".join(lines) + "\n"):
        for sample in family.samples:
            if isfinite(sample.value):
                yield Sample(sample.name, sample.labels, sample.value)
