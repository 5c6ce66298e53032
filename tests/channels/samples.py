"""One notification of each event, with all that a page may say; and words that must never get out."""

from __future__ import annotations

from typing import Any

from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.delivery.digest import digest, missed
from pacs_monitor.messages import fallback, group, trial
from pacs_monitor.model import (
    CheckId,
    Event,
    Incident,
    IncidentKind,
    Notification,
    Phase,
    Problem,
    Reason,
    Severity,
    State,
)

AT = 1_764_000_000_000_000
MINUTE = 60_000_000
URL = "https://monitor.example.org"
PRIVATE = ("10.1.2.3", "SECRETAET", "K-4711", "vendor rebooted it", "Nurse Joy", "acme-east")
"""What `disclose: minimal` keeps in the house: host, AE title, contract, note, name, label."""
SUMMARY = "Röntgen-Archiv “main”: 10.1.2.3:104 <refuses> new images & *says* so 🚑 since 16:00:00"


def incident(kind: IncidentKind = IncidentKind.NODE) -> Incident:
    check = CheckId("archive", "dicom_store")
    reason, phase = Reason.OUT_OF_RESOURCES, Phase.OPERATION
    problem = Problem(
        check, State.DOWN, Severity.CRITICAL, reason, phase, "C-STORE answered 0xA700", AT - 3 * MINUTE, AT, AT, AT
    )
    return Incident(
        "01JD0000000000000000000000",
        kind,
        "west" if kind is IncidentKind.GROUP else "full:archive",
        Severity.CRITICAL,
        State.DOWN,
        reason,
        phase,
        "C-STORE answered 0xA700",
        AT - 3 * MINUTE,
        AT,
        AT,
        (check,),
        problems=(problem,),
    )


def data(event: Event = Event.OPENED, **changed: Any) -> dict[str, Any]:
    """What a page of a node says."""
    return {
        **fallback.data(incident(), event, "east-campus", URL),
        "title": "Röntgen-Archiv",
        "site": "east",
        "role": "archive",
        "probe": "dicom_store",
        "summary": SUMMARY,
        "impact": "ED and stroke CT cannot see priors",
        "support": {"phone": "+49 30 1234", "contract": "K-4711"},
        "detail": "C-STORE to SECRETAET at 10.1.2.3:104 answered 0xA700",
        "next_step": "Free space on the archive.",
        "acknowledged": {"by": "Nurse Joy", "why": "vendor rebooted it", "at": "t", "until": "t", "ticket": "INC1"},
        "public_note": "vendor rebooted it",
        "still_ok": ["archive/dicom_echo"],
        "labels": {"vendor": "acme-east"},
        **changed,
    }


def notification(event: Event = Event.OPENED, **changed: Any) -> Notification:
    return Notification(f"01JD-{event.value}", "people", event, AT, data(event, **changed), "01JD")


def worse(number: int = 2) -> Notification:
    """A change that pages anew."""
    return notification(Event.CHANGED, page=number, worse=True)


def maintenance(event: Event) -> Notification:
    window = {"id": "w", "name": "patching", "by": "Nurse Joy", "why": "vendor rebooted it", "match": "node=archive"}
    told = {
        "schema": 1,
        "monitor": "east-campus",
        "kind": "maintenance",
        "dedup_key": "east-campus/01JM",
        "title": "patching",
        "severity": "info",
        "summary": "Maintenance 'patching' (by Nurse Joy)",
        "window": {**window, "start": "t", "end": "t"},
        "failing": ["archive/dicom_store"],
        "url": f"{URL}/maintenance",
    }
    return Notification(f"01JM-{event.value}", "people", event, AT, told)


def every_event() -> dict[str, Notification]:
    """By what it is called in a test."""
    monitor = MonitorSettings(name="east-campus", database="sqlite:///x.db", external_url=URL)
    told = {event.value: notification(event) for event in Event if event.value.startswith("incident.")}
    lost = incident(IncidentKind.GROUP)
    for event in (Event.OPENED, Event.CHANGED, Event.ACKNOWLEDGED, Event.RESOLVED, Event.WITHDRAWN):
        said = {**group.data(lost, event, "east-campus", monitor, AT, titles={}), "page": 1, "worse": False}
        name = event.value.replace("incident.", "group.")
        told[name] = Notification(f"01JG-{event.value}", "people", event, AT, said, lost.id)
    told["changed, worse"] = worse()
    told |= {event.value: maintenance(event) for event in Event if event.value.startswith("maintenance.")}
    told["digest"] = digest("01JX", AT, [missed([notification(), notification(Event.RESOLVED)])], like=notification())
    told["test"] = trial.trial("people", monitor, AT)
    return told


def realistic() -> dict[str, Notification]:
    """Pages as a night has them, for what people look at."""
    told: dict[str, Any] = {
        "summary": "Main archive refuses new images (C-STORE: out of resources, 0xA700) since 03:01:30; C-ECHO answers",
        "title": "Main archive",
        "impact": "ED and stroke CT cannot see priors. Downtime viewer: https://downtime.example.org/viewer",
        "detail": "C-STORE of 39 kB to ARCHIVE at 10.20.1.15:11112 answered 0xA700 (refused: out of resources)",
        "next_step": "Free space on the archive's image volume, or extend it; do not restart the modalities.",
        "support": {"phone": "+49 30 1234-567", "contract": "4711", "hours": "24x7"},
        "why": "out of resources",
        "points_to": "the archive itself: the network to it works, and another service of it answers",
        "downtime_procedure": "Burn CDs at the modality, read on the downtime viewer; form 12 in the red folder.",
        "last_changes": [
            {"what": "version", "at": "2025-11-22T21:10:00Z", "text": "software version 5.8.1 to 5.9.0 (Sat)"}
        ],
        "timezone": "Europe/Berlin",
        "still_ok": ["archive/dicom_echo", "archive/dicom_find", "archive/web"],
        "also_failing": ["archive/archive_disk"],
        "problems": [
            {
                "check": "archive/dicom_store",
                "state": "down",
                "severity": "critical",
                "reason": "out_of_resources",
                "since": "2025-11-24T02:01:30Z",
                "flapping": False,
            }
        ],
        "acknowledged": None,
        "public_note": "",
        "labels": {"vendor": "acme"},
        "since": "2025-11-24T02:01:30Z",
        "noticed": "2025-11-24T02:01:52Z",
        "last_good": "2025-11-24T02:00:30Z",
    }
    over = {**told, "summary": "Main archive: dicom_store works again at 03:42:10, after 40 min 40 s", "next_step": ""}
    over |= {"resolved": "2025-11-24T02:42:10Z", "problems": [], "also_failing": [], "still_ok": []}
    said = {"by": "m.weber", "why": "vendor is on it", "until": "2025-11-24T10:00:00Z", "ticket": "INC-2211"}
    return {
        "night-opened": notification(**told),
        "night-acknowledged": notification(Event.ACKNOWLEDGED, **{**told, "acknowledged": said}),
        "night-resolved": notification(Event.RESOLVED, **over),
    }
