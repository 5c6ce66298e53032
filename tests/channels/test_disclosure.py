"""What of a page leaves the house."""

from __future__ import annotations

import json

import pytest

from pacs_monitor.channels.shared.disclosure import disclosed
from pacs_monitor.model import Event
from tests.channels import samples


@pytest.mark.parametrize("event", samples.every_event())
def test_minimal_says_nothing_that_a_probe_or_a_person_said(event: str) -> None:
    told = json.dumps(disclosed(samples.every_event()[event], "minimal"), ensure_ascii=False)
    assert [word for word in samples.PRIVATE if word in told] == []
    assert disclosed(samples.every_event()[event], "minimal")["summary"]


@pytest.mark.parametrize("event", samples.every_event())
def test_full_is_the_page_as_it_is(event: str) -> None:
    notification = samples.every_event()[event]
    assert disclosed(notification, "full") is notification.data


@pytest.mark.parametrize(
    ("event", "summary"),
    [
        (Event.OPENED, "Röntgen-Archiv, dicom_store: down (out of resources), since Mon 2025-11-24 16:00:00 UTC"),
        (Event.CHANGED, "Röntgen-Archiv, dicom_store: now down (out of resources), since Mon 2025-11-24 16:00:00 UTC"),
        (Event.RESOLVED, "Röntgen-Archiv, dicom_store: has recovered, open since Mon 2025-11-24 16:00:00 UTC"),
    ],
)
def test_minimal_says_what_is_broken_and_since_when(event: Event, summary: str) -> None:
    assert disclosed(samples.notification(event), "minimal")["summary"] == summary


def test_minimal_keeps_whom_it_concerns_what_to_do_and_whom_to_call() -> None:
    told = disclosed(samples.notification(), "minimal")
    assert told["impact"] == "ED and stroke CT cannot see priors"
    assert told["next_step"] == "Free space on the archive."
    assert told["support"] == {"phone": "+49 30 1234"}
