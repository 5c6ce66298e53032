"""The columns of the tables of a report, for those that have no row: each still has its header."""

from __future__ import annotations

COLUMNS: dict[str, tuple[str, ...]] = {
    name: tuple(columns.split())
    for name, columns in {
        "objectives": """
            name contract per target allowed_seconds counts calendar degraded maintenance notice_seconds cap_seconds
            minimum_outage_seconds outage coverage_needed consequence subject of title period from to
            accounted_until so_far
            availability availability_attributable met verdict budget_seconds used_seconds left_seconds felt_seconds
            counted_time_seconds felt_time_seconds measured_seconds to_measure_seconds attributable_seconds
            attributable_time_seconds seconds_up seconds_degraded seconds_down seconds_unreachable seconds_forgiven
            seconds_excluded seconds_absent seconds_unknown seconds_outside_hours
            unknown_by_cause_monitor_not_running unknown_by_cause_refused_us unknown_by_cause_isolated
            unknown_by_cause_not_measured unknown_by_cause_paused unknown_by_cause_unproven unknown_by_cause_clock
            unknown_by_cause_not_watched reliability_outages reliability_planned_outages reliability_down_seconds
            reliability_at_least_seconds reliability_at_most_seconds reliability_mttr_seconds
            reliability_mtbf_seconds reliability_longest_seconds reliability_longest_since
            reliability_time_to_notice_seconds reliability_longest_time_to_notice_seconds
            maintenance_work_planned_seconds maintenance_work_used_seconds maintenance_work_overrun_seconds
            brief_failures changed sentences decided
        """,
        "services": """
            service rule seconds_up seconds_degraded seconds_down seconds_unreachable seconds_absent
            seconds_maintenance seconds_unknown seconds_outside_hours unknown_by_cause_monitor_not_running
            unknown_by_cause_refused_us unknown_by_cause_isolated unknown_by_cause_not_measured
            unknown_by_cause_paused unknown_by_cause_unproven unknown_by_cause_clock unknown_by_cause_not_watched
            availability availability_attributable coverage outages reliability_outages reliability_planned_outages
            reliability_down_seconds reliability_at_least_seconds reliability_at_most_seconds
            reliability_mttr_seconds reliability_mtbf_seconds reliability_longest_seconds reliability_longest_since
            reliability_time_to_notice_seconds reliability_longest_time_to_notice_seconds
            maintenance_planned_seconds maintenance_used_seconds maintenance_overrun_seconds brief_failures
        """,
        "incidents": """
            node check id at_least_seconds at_most_seconds down_seconds planned_seconds planned since noticed ended
            last_good last_failed reason unreachable_seconds
        """,
        "outages": """
            kind of at_least_seconds at_most_seconds down_seconds planned_seconds planned since noticed ended
        """,
        "evidence": """
            incident of severity from to seconds reported responded workaround restored ticket responsible standing
            counts standing_by standing_why counts_by counts_why response_seconds response_counted_seconds
            response_agreed_seconds response_in_time response_contract restoration_seconds
            restoration_counted_seconds restoration_agreed_seconds restoration_in_time restoration_contract
        """,
        "declared": """
            id subject of from to seconds by declared known_by reported responded workaround restored ticket
            responsible standing counts standing_by standing_why counts_by counts_why
        """,
        "declared_sums": "subject of seconds counted_seconds",
        "maintenance": """
            id name from to seconds used_seconds overrun_seconds planned_from planned_to planned_seconds added
            added_late_seconds by extended ended_early announced notice_days nodes checks counts counts_by counts_why
        """,
        "gaps": "from to seconds cause",
        "objective_months": """
            objective of period month availability availability_attributable used_seconds counted_time_seconds
            felt_seconds felt_time_seconds attributable_seconds attributable_time_seconds seconds_up
            seconds_degraded seconds_down seconds_unreachable seconds_forgiven seconds_excluded seconds_absent
            seconds_unknown seconds_outside_hours
        """,
        "objective_outages": """
            objective of period from to goes_on noticed counted_seconds at_least_seconds at_most_seconds
            excluded_seconds planned forgiven_seconds unreachable_seconds slow_seconds slow_from
        """,
        "service_months": """
            service month seconds_up seconds_degraded seconds_down seconds_unreachable seconds_absent
            seconds_maintenance seconds_unknown seconds_outside_hours availability availability_attributable
        """,
        "trend": """
            kind name of quarter so_far availability availability_attributable coverage availability_counted verdict
        """,
        "latency_objectives": """
            name contract per measure within_seconds target calendar maintenance counts coverage_needed consequence
            subject of title period from to accounted_until counted_since so_far runs in_time slow slow_permitted
            failed_sooner share_in_time measured_seconds to_measure_seconds met verdict changed sentences
        """,
        "latency_objective_months": """
            objective of period month runs in_time slow slow_permitted failed_sooner share_in_time
        """,
        "latency": """
            operation place role site checks measured_runs p50_seconds p90_seconds p95_seconds p99_seconds
            longest_seconds
        """,
        "revisions": "at who hash changes",
        "changes": "node check at what before after",
    }.items()
}
"""By the name of the table."""
