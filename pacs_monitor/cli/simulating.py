"""`simulate`: who would have been notified when, by a written timeline or by the recorded one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from pacs_monitor import reports
from pacs_monitor.cli.common import DEFAULT_CONFIG, AsJson, ConfigFile, app, err, fail, out, print_json
from pacs_monitor.cli.estates import estate_of, wrong
from pacs_monitor.clock import SystemClock
from pacs_monitor.config import ConfigError, Estate
from pacs_monitor.format.human import moment, pluralized
from pacs_monitor.history import HistoryError, HistoryReader
from pacs_monitor.model import iso
from pacs_monitor.simulation import scenario
from pacs_monitor.simulation.against import Answer, against_record
from pacs_monitor.simulation.replay import Page


@app.command()
def simulate(
    context: typer.Context,
    *,
    file: Annotated[Path | None, typer.Option("--scenario", metavar="FILE", help="A written timeline (YAML).")] = None,
    period: Annotated[
        str | None, typer.Option("--replay", metavar="PERIOD", help="A period of the record, such as 2026-Q3.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --replay: the configuration whose record is read, if another."),
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Show who would be notified of what, when: by a written timeline, or by the recorded one; nothing is sent.

    What would be suppressed is shown too, and why. With --scenario, by a written timeline: exit 1 if it is not what the
    scenario expects. With --replay, by the events on record: which notifications --config would have sent, and how that
    differs from what was sent. Without --config, each configuration on record decides in its own time.
    """
    if (file is None) == (period is None):
        fail("say either --scenario FILE or --replay PERIOD", 2)
    if file is not None:
        _scenario(file, estate_of(config), json=json)
    elif period is not None:
        source = context.get_parameter_source("config")
        new = estate_of(config) if source is not None and source.name == "COMMANDLINE" else None
        _replay(period, estate_of(against) if against else new or estate_of(config), new, json=json)


def _scenario(file: Path, estate: Estate, *, json: bool) -> None:
    try:
        played = scenario.play(scenario.read(file, estate))
    except ConfigError as error:
        wrong(file, error, json=json)
    if json:
        print_json(
            {
                "lines": [
                    asdict(line) | {"at": iso(line.at), "until": line.until and iso(line.until)}
                    for line in played.lines
                ],
                "unexpected": played.unexpected,
                "missing": played.missing,
            }
        )
    else:
        for text in played.texts or ("nobody is notified of anything",):
            out.print(text, markup=False)
        for text in played.unexpected:
            err.print(f"not expected: {text}", markup=False, style="red")
        for text in played.missing:
            err.print(f"expected, and missing: {text}", markup=False, style="red")
    if played.unexpected or played.missing:
        raise typer.Exit(1)


def _replay(text: str, estate: Estate, new: Estate | None, *, json: bool) -> None:
    monitor = estate.monitor
    try:
        period = reports.parse(text, monitor.timezone, SystemClock().now())
    except reports.PeriodError as error:
        fail(str(error), 2)
    try:
        reader = HistoryReader.open(monitor.database, monitor.name)
        try:
            answer = against_record(reader, period.interval, estate, new)
        finally:
            reader.close()
    except HistoryError as error:
        fail(str(error))
    if json:
        print_json(_as_json(answer))
        return
    zone, found = ZoneInfo(monitor.timezone), answer.difference
    count = pluralized(found.same, "notification")
    out.print(f"{period.name}: {count} would be sent as they were", markup=False)
    for words, pages in (("would be sent", found.added), ("would not be sent", found.gone)):
        for page in sorted(pages):
            out.print(f"{words}: {_said(page, answer, zone)}", markup=False)
    for two in sorted(found.moved):
        when = moment(two.after.at, zone)
        out.print(f"would be sent at {when} instead: {_said(two.before, answer, zone)}", markup=False)
    for what in answer.not_replayed:
        out.print(f"cannot be replayed: {what}", markup=False)


def _said(page: Page, answer: Answer, zone: ZoneInfo) -> str:
    event, cause = page.sent.event.removeprefix("incident."), answer.causes.get(page.sent.incident, "")
    return f"{moment(page.at, zone)} {event} to {page.sent.channel}: {cause} ({page.severity})"


def _as_json(answer: Answer) -> dict[str, object]:
    def said(page: Page) -> dict[str, object]:
        more = {"at": iso(page.at), "severity": page.severity, "cause": answer.causes.get(page.sent.incident, "")}
        return page.sent._asdict() | more

    found = answer.difference
    return {
        "same": found.same,
        "added": [said(page) for page in found.added],
        "gone": [said(page) for page in found.gone],
        "moved": [said(two.before) | {"to": iso(two.after.at)} for two in found.moved],
        "not_replayed": answer.not_replayed,
    }
