"""The columns of the tables of a report, in their order: a table has them all, whatever its rows have."""

from __future__ import annotations

_SETS = {
    "TIMES": """
        seconds_up seconds_degraded seconds_down seconds_unreachable seconds_absent seconds_maintenance
        seconds_unknown seconds_outside_hours
    """,
    "SHARES": """
        seconds_up seconds_degraded seconds_down seconds_unreachable seconds_forgiven seconds_excluded
        seconds_absent seconds_unknown seconds_outside_hours
    """,
    "CAUSES": """
        unknown_by_cause_monitor_not_running unknown_by_cause_refused_us unknown_by_cause_isolated
        unknown_by_cause_not_measured unknown_by_cause_paused unknown_by_cause_unproven
        unknown_by_cause_clock unknown_by_cause_not_watched
    """,
    "RELIABILITY": """
        reliability_outages reliability_planned_outages reliability_down_seconds
        reliability_at_least_seconds reliability_at_most_seconds reliability_mttr_seconds
        reliability_mtbf_seconds reliability_longest_seconds reliability_longest_since
        reliability_time_to_notice_seconds reliability_longest_time_to_notice_seconds
    """,
}
"""What the rows of several tables have."""
COLUMNS: dict[str, tuple[str, ...]] = {
    name: tuple(columns.format_map(_SETS).split())
    for name, columns in {
        "objectives": """
            name contract per target allowed_seconds counts calendar degraded maintenance notice_seconds cap_seconds
            minimum_outage_seconds outage coverage_needed consequence subject of title period from to accounted_until
            so_far availability availability_attributable met verdict budget_seconds used_seconds left_seconds
            felt_seconds counted_time_seconds felt_time_seconds measured_seconds to_measure_seconds
            attributable_seconds attributable_time_seconds availability_experienced experienced_seconds
            experienced_time_seconds {SHARES} {CAUSES} maintenance_included_verdict maintenance_included_met
            maintenance_included_used_seconds maintenance_included_counted_time_seconds
            maintenance_included_budget_seconds maintenance_included_left_seconds tolerated_seconds unmeasured_spans
            unmeasured_longest_from unmeasured_longest_to unmeasured_longest_seconds slow_spans slow_longest_from
            slow_longest_to slow_longest_seconds covers hours_weekly hours_outside hours_timezone closed_days
            {RELIABILITY} maintenance_work_planned_seconds maintenance_work_used_seconds
            maintenance_work_overrun_seconds brief_failures changed sentences decided_used_seconds
            decided_felt_seconds decided_counted_time_seconds decided_felt_time_seconds decided_budget_seconds
            decided_left_seconds decided_availability decided_availability_attributable decided_met decided_verdict
        """,
        "latency_objectives": """
            name contract per measure within_seconds target calendar maintenance counts coverage_needed consequence
            subject of title period from to accounted_until counted_since so_far runs in_time slow slow_permitted
            failed_sooner share_in_time measured_seconds to_measure_seconds met verdict changed sentences
        """,
        "services": """
            service rule members {TIMES} {CAUSES} availability availability_attributable coverage outages
            {RELIABILITY} maintenance_planned_seconds maintenance_used_seconds maintenance_overrun_seconds
            brief_failures
        """,
        "worst": """
            node title role site availability availability_attributable down_seconds unreachable_seconds outages
        """,
        "places": """
            place role site nodes outages down_seconds unreachable_seconds unknown_seconds lowest_availability lowest
        """,
        "nodes": """
            node title site role {TIMES} {CAUSES} availability availability_attributable coverage outages
            {RELIABILITY} maintenance_planned_seconds maintenance_used_seconds maintenance_overrun_seconds
            brief_failures
        """,
        "checks": """
            node check {TIMES} {CAUSES} availability availability_attributable coverage {RELIABILITY} runs
            brief_failures interval_seconds timeout_seconds failures_to_down latency_measured_runs latency_p50_seconds
            latency_p90_seconds latency_p95_seconds latency_p99_seconds latency_longest_seconds
        """,
        "incidents": """
            node check id at_least_seconds at_most_seconds down_seconds planned_seconds planned since noticed ended
            last_good last_failed reason unreachable_seconds
        """,
        "outages": """
            kind of at_least_seconds at_most_seconds down_seconds planned_seconds planned since noticed ended
        """,
        "latency": """
            operation place role site checks measured_runs p50_seconds p90_seconds p95_seconds p99_seconds
            longest_seconds
        """,
        "evidence": """
            incident of severity from to seconds reported responded workaround restored ticket responsible standing
            counts standing_by standing_why counts_by counts_why response_seconds response_counted_seconds
            response_agreed_seconds response_in_time response_contract restoration_seconds restoration_counted_seconds
            restoration_agreed_seconds restoration_in_time restoration_contract
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
        "revisions": "at who hash changes",
        "changes": "node check at what before after",
        "objective_months": """
            objective of period month availability availability_attributable used_seconds counted_time_seconds
            felt_seconds felt_time_seconds attributable_seconds attributable_time_seconds availability_experienced
            experienced_seconds experienced_time_seconds {SHARES}
        """,
        "objective_outages": """
            objective of period from to goes_on noticed counted_seconds at_least_seconds at_most_seconds
            excluded_seconds planned forgiven_seconds unreachable_seconds slow_seconds slow_from because
        """,
        "objective_windows": "objective of period window name in_time left_out_seconds",
        "latency_objective_months": """
            objective of period month runs in_time slow slow_permitted failed_sooner share_in_time
        """,
        "service_months": "service month {TIMES} availability availability_attributable",
        "node_months": "node month {TIMES} availability availability_attributable",
        "trend": """
            kind name of quarter so_far availability availability_attributable coverage availability_counted verdict
            per periods periods_met
        """,
        "node_days": """
            node day count worst seconds_up seconds_degraded seconds_down seconds_unreachable seconds_absent
            seconds_maintenance seconds_unknown
        """,
    }.items()
}
"""By the name of the table."""
