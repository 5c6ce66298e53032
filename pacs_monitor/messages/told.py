"""What the monitor itself says in English for all who ask (the API, the log), in another language for a page.

Like what probes find (findings): a sentence of a known form is said by its parts, any other one stays in English.
"""

from __future__ import annotations

from pacs_monitor.language import N_
from pacs_monitor.messages.findings import sentence_of

FORMS = (
    N_("paused by {by} until {until}: {why}"),
    N_("paused by {by} until {until}"),
    N_("is not asked until {until}: maintenance '{name}' (by {by})"),
    N_("is not asked until {until}: maintenance '{name}'"),
    N_("is not written to until {until}: maintenance '{name}' (by {by})"),
    N_("is not written to until {until}: maintenance '{name}'"),
    N_("off, as expected outside of {hours}"),
    N_("should be on {hours}; last seen {at}"),
    N_("should be on {hours}; gone since {at}"),
    N_("has never worked as it is configured"),
    N_("fenced: another daemon of this name is the leader"),
    N_("the daemon is starting or stopping"),
    N_("the history has not answered for {time}"),
    N_("the history cannot be written; the log says why"),
    N_("{tasks} failed repeatedly; the log says where"),
    N_("most checks had no result when one was due"),
    N_("no check has measured anything lately"),
    N_("say it to the leader: another daemon of this name leads now ({leader})"),
    N_("try again: the daemon is starting or stopping"),
    N_("{key}: write at most {count} characters"),
    N_("{key}: type it anew, on one line: it contains the invisible character {character}"),
    N_("{key}: leave the patient out: this contains a name as DICOM and HL7 write it (FAMILY^GIVEN)"),
    N_("{key}: {value} is not a duration; write it as text: 30m, 8h or 7d"),
    N_("{key}: {value} ends at once; write 30m, 8h or 7d"),
    N_("{key}: is missing"),
    N_("write either 'for' or 'until', not both"),
    N_("nothing to do: incident {incident} has ended ({ending} {at})"),
    N_("say how long: 'for', such as 1h more, or 'until', such as 05:00"),
    N_("no window {id}; GET /api/v1/maintenance lists those that are not over"),
    N_("no incident {id}; list them with: pacs-monitor incidents --all"),
)
"""Whole sentences; the one with more parts comes first."""
LONGEST = 1000
"""Characters of a sentence that is compared."""


def told(text: str) -> str:
    """In the language that is spoken, where it has one of these forms."""
    return sentence_of(text, FORMS) or text if len(text) <= LONGEST else text
