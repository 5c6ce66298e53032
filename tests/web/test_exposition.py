"""The lines made by parts are those that prometheus_client makes, in both formats."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from pacs_monitor.web.exposition import EOF, MOST_KEPT, Family, Labels, SampleLines, head

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.sampled_from(["volume", "phase", "a", "z", "queue", "reason"])
labels = st.dictionaries(names, texts, max_size=3).map(lambda found: tuple(found.items()))
values = st.one_of(st.floats(), st.integers(-(2**60), 2**60), st.booleans())


class One(Collector):
    def __init__(self, metric: Metric) -> None:
        self.metric = metric

    def collect(self) -> Iterable[Metric]:
        yield self.metric


def by_prometheus_client(family: Family, shared: Labels, samples: list[tuple[Labels, float]], accept: str) -> bytes:
    kind = CounterMetricFamily if family.type == "counter" else GaugeMetricFamily
    metric = kind(family.name.removesuffix("_total"), family.help)
    for more, value in samples:
        metric.add_sample(family.name, dict((*shared, *more)), float(value))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(One(metric))
    return choose_encoder(accept)[0](registry).removesuffix(EOF)


@pytest.mark.parametrize("accept", ["", OPENMETRICS], ids=["text", "openmetrics"])
@given(
    family=st.sampled_from(
        [Family("pacs_x", 'Help with "quotes" and \\.'), Family("pacs_y_total", "Count.", "counter")]
    ),
    node=texts,
    samples=st.lists(st.tuples(labels, values), max_size=5),
)
def test_the_text_is_what_prometheus_client_writes(
    accept: str, family: Family, node: str, samples: list[tuple[Labels, float]]
) -> None:
    shared = (("node", node), ("check", "echo"))
    lines = SampleLines(shared)
    ours = (
        head(family, choose_encoder(accept)[0])
        + "".join(lines.line(family.name, value, more) for more, value in samples).encode()
    )
    assert ours == by_prometheus_client(family, shared, samples, accept)


def test_labels_that_change_all_the_time_are_not_kept_for_ever() -> None:
    lines = SampleLines((("node", "a"),))
    for n in range(10 * MOST_KEPT):
        assert lines.line("pacs_x", 1, (("volume", str(n)),)) == f'pacs_x{{node="a",volume="{n}"}} 1.0\n'
    assert len(lines._kept) <= MOST_KEPT


def test_text_that_is_no_unicode_is_no_error() -> None:
    assert (
        SampleLines((("node", "a\udcff"),)).line("pacs_x", 1).encode("utf-8", "replace") == b'pacs_x{node="a?"} 1.0\n'
    )
