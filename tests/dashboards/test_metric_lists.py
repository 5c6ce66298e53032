"""Three lists of metrics that are one: what is exported, what is documented, what rules and dashboards use.

That what is scraped is what docs/metrics.md has is seen in test_against_prometheus.
"""

from __future__ import annotations

from tests.dashboards.queries import (
    documented_metrics,
    measured_and_documented,
    measured_metrics,
    used_metrics,
)


def test_rules_and_dashboards_use_what_is_exported_and_all_that_the_monitor_says_of_itself_and_every_check() -> None:
    assert used_metrics() - measured_metrics() == documented_metrics()


def test_every_measurement_of_a_probe_is_on_its_page() -> None:
    assert measured_and_documented() == measured_metrics()
