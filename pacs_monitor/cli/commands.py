"""The commands: for each the module of this package that has it, and the line that `pacs-monitor --help` shows.

The list is kept here so that only the module of the command that runs is imported, with all that it needs.
"""

from __future__ import annotations

from collections.abc import Mapping

COMMANDS: Mapping[str, tuple[str, str]] = {
    "probes": ("catalogue", "List the probe kinds; with KIND, its settings and measurements."),
    "channels": ("catalogue", "List the channel kinds; with KIND, its settings."),
    "systems": ("catalogue", "List the systems that report disk space and queues; with KIND, its settings."),
    "check-config": ("configuration", "Report every error at once: file:line: path: what is wrong and how to fix it."),
    "show": ("configuration", "Show a node's effective settings and where each comes from."),
    "schema": ("configuration", "Print the JSON Schema of the configuration, for completion in editors."),
    "init": (
        "configuration",
        "Write a starter configuration in shadow mode, which records pages instead of sending them.",
    ),
    "reload": ("asking", "Make the running daemon reload its configuration; a file with errors changes nothing."),
    "status": (
        "asking",
        "Show where every check of the running daemon stands, and who was paged. Exit 1 while anything is down.",
    ),
    "incidents": (
        "incidents",
        "List open incidents; with INCIDENT, show one with everything that was sent or suppressed, and why.",
    ),
    "ack": ("said", "Acknowledge an incident: reminders and escalation stop, its end is still notified."),
    "note": (
        "said",
        "Note something about an incident, for colleagues; with --public also for the users of the imaging estate.",
    ),
    "close": (
        "said",
        "Close an incident by hand, when nothing of it is measured to fail; while something fails, acknowledge it.",
    ),
    "evidence": (
        "evidence",
        "State when the vendor was called, responded and restored, for the report that both sides sign.",
    ),
    "audit": (
        "asking",
        "Show who asked the running daemon for what, from where, and what became of it, the latest last.",
    ),
    "handover": (
        "handover",
        "Show what the next shift has to know: first what nobody has acknowledged, then what is being handled.",
    ),
    "oncall": ("oncall", "Show who is on call now by every rota, until when, and who is next."),
    "maintenance": ("maintenance", "Plan maintenance: nobody is paged for its checks."),
    "pause": (
        "pausing",
        "Stop checks at once, for 8 hours unless --for or --until say otherwise; without a NODE, list what is paused.",
    ),
    "resume": ("pausing", "Run paused checks again, at once; a pause of more than these goes on for the others."),
    "notify-test": (
        "notify_test",
        "Send a test to a channel and show the receiver's answer; with --event, a page of that shape and its end.",
    ),
    "probe": (
        "probing",
        "Run the checks of a node now and show status, reason, whose fault, phase times and what to check next.",
    ),
    "report": (
        "reports",
        "Account for a period (`report 2026-Q3`), every second and each outage; freeze, verify and approve reports.",
    ),
    "constancy": (
        "constancy",
        "The constancy log of a period, such as 2026-09: a month to a page, to be signed.",
    ),
    "history": (
        "keeping",
        "Export, import, back up, restore, check or move the history: the database with all that is on record.",
    ),
    "simulate": (
        "simulating",
        "Show who would be notified of what, when: by a written timeline, or by the recorded one; nothing is sent.",
    ),
    "run": (
        "running",
        "Run the daemon in the foreground. SIGHUP reloads the configuration, SIGTERM stops it within 10 s.",
    ),
    "service": (
        "windows_service",
        "Install, start, stop or remove the service of Windows. On Linux, systemd has a unit.",
    ),
    "demo": (
        "running",
        "Run a simulated hospital on loopback, monitored by the daemon; a node fails and recovers by itself.",
    ),
}
