"""DICOM services: echo, store, find, retrieve and worklist."""

from __future__ import annotations

from dashboards import frame
from dashboards.frame import OURS
from dashboards.panels import STATES, Json, per_interval, rows, series, timeline

DICOM = 'probe=~"dicom.*", ' + OURS


def dashboard() -> Json:
    states = timeline(
        "DICOM services", "Each service over time.", {"{{node}}/{{check}}": f"pacs_check_state{{{DICOM}}}"}, STATES
    )
    quantiles = {
        f"{{{{probe}}}} {name}": f'probe:pacs_probe_run_duration_seconds:{name}_5m{{probe=~"dicom.*"}}'
        for name in ("p50", "p95")
    }
    latency = series(
        "Durations by kind", "Quantiles of the runs of five minutes, all nodes.", quantiles, unit="s", beside=True
    )
    reasons = series(
        "Failures by reason",
        "Rejected associations, refused contexts, statuses, timeouts: runs per interval.",
        {"{{probe}} {{reason}}": per_interval(f"pacs_probe_failures_total{{{DICOM}}}", "probe, reason")},
        stacked=True,
        beside=True,
    )
    echo = series(
        "Echo",
        "C-ECHO, from the first packet to the release.",
        {"{{node}}": f'pacs_probe_duration_seconds{{probe="dicom_echo", {OURS}}}'},
        unit="s",
    )
    store = series(
        "Store: answered and available",
        "C-STORE or STOW-RS until the answer, then until the object is found or retrieved.",
        {
            "{{node}} answered": f"pacs_store_seconds{{{OURS}}}",
            "{{node}} available": f"pacs_store_available_seconds{{{OURS}}}",
        },
        unit="s",
    )
    find = series(
        "Find",
        "C-FIND until the first and the last answer; QIDO-RS until the end.",
        {
            "{{node}} first": f"pacs_find_first_seconds{{{OURS}}}",
            "{{node}} last": f"pacs_find_last_seconds{{{OURS}}}",
            "{{node}} QIDO-RS": f"pacs_dicomweb_search_seconds{{{OURS}}}",
        },
        unit="s",
    )
    retrieve = series(
        "Retrieve", "C-GET or C-MOVE until the last object.", {"{{node}}": f"pacs_retrieve_seconds{{{OURS}}}"}, unit="s"
    )
    rate = series(
        "Retrieve: throughput",
        "Bytes of the test study per second.",
        {"{{node}}": f"pacs_retrieve_bytes{{{OURS}}} / pacs_retrieve_seconds"},
        unit="Bps",
    )
    matches = series(
        "Matches",
        "Worklist items and studies that the queries find. A worklist that is empty by day is a broken feed.",
        {
            "{{node}}/{{check}} worklist": f"pacs_worklist_matches{{{OURS}}}",
            "{{node}}/{{check}} find": f"pacs_find_matches{{{OURS}}}",
        },
    )
    leftovers = series(
        "Test objects not cleaned up",
        "Synthetic objects that are still in the archive.",
        {"{{node}}": f"pacs_store_leftovers{{{OURS}}}"},
        steps=(("green", None), ("red", 1)),
    )
    return frame.dashboard(
        "pacs-dicom",
        "PACS DICOM services",
        "Echo, store, find, retrieve, worklist: latency, failures by reason, time to availability, matches.",
        rows(
            (8, (states,)),
            (8, (latency, reasons)),
            (8, (echo, store)),
            (8, (find, retrieve)),
            (8, (rate, matches, leftovers)),
        ),
    )
