"""HL7 and feeds: what must arrive."""

from __future__ import annotations

from dashboards import frame
from dashboards.frame import OURS
from dashboards.panels import STATES, Json, per_interval, rows, series, stat, timeline

FEEDS = 'probe=~"hl7.*|fhir|study_flow|push|file_age|reconcile", ' + OURS


def dashboard() -> Json:
    states = timeline(
        "Feeds and interfaces", "Each over time.", {"{{node}}/{{check}}": f"pacs_check_state{{{FEEDS}}}"}, STATES
    )
    silence = series(
        "Silence of HL7 feeds",
        "Since the last message was seen to arrive.",
        {"{{node}}/{{check}}": f"time() - pacs_hl7_feed_last_message_timestamp_seconds{{{OURS}}}"},
        unit="s",
    )
    messages = series(
        "HL7 messages",
        "Messages per minute, as the source counts them.",
        {"{{node}}/{{check}}": f"60 * rate(pacs_hl7_feed_messages{{{OURS}}}[$__rate_interval])"},
    )
    loop = series(
        "HL7 acknowledgement and loop",
        "Until a heartbeat message was acknowledged, and until it came back to our listener.",
        {
            "{{node}} acknowledged": f'pacs_probe_duration_seconds{{probe="hl7_heartbeat", {OURS}}}',
            "{{node}} loop": f"pacs_hl7_loop_seconds{{{OURS}}}",
        },
        unit="s",
    )
    reasons = series(
        "Failures by reason",
        "Runs that failed or were unknown, per interval.",
        {"{{check}} {{reason}}": per_interval(f"pacs_probe_failures_total{{{FEEDS}}}", "check, reason")},
        stacked=True,
    )
    studies = series(
        "Age of the newest study",
        "Per feed: modality, station or sender.",
        {"{{node}}/{{check}}": f"time() - max by (node, check) (pacs_study_newest_timestamp_seconds{{{OURS}}})"},
        unit="s",
    )
    today = stat(
        "Studies today",
        "Counted since midnight.",
        {"{{node}}/{{check}}": f"sum by (node, check) (pacs_studies_today{{{OURS}}})"},
        decimals=0,
    )
    jobs = series(
        "Jobs and files",
        "Since a job last reported, and since the newest file was written.",
        {
            "{{node}}/{{check}} report": f"time() - pacs_push_last_report_timestamp_seconds{{{OURS}}}",
            "{{node}}/{{check}} file": f"time() - pacs_file_newest_timestamp_seconds{{{OURS}}}",
        },
        unit="s",
    )
    return frame.dashboard(
        "pacs-hl7",
        "PACS HL7 and feeds",
        "Interfaces and what must arrive: messages, studies, reports of jobs, files.",
        rows((8, (states,)), (8, (silence, messages)), (8, (loop, reasons)), (8, (studies, today, jobs))),
        since="now-24h",
    )
