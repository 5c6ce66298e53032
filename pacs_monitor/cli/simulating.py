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
from pacs_monitor.format.human import moment
from pacs_monitor.history import HistoryError, HistoryReader
from pacs_monitor.model import iso
from pacs_monitor.simulation import replay, scenario


@app.command()
def simulate(
    file: Annotated[Path | None, typer.Option("--scenario", metavar="FILE", help="A written timeline (YAML).")] = None,
    period: Annotated[
        str | None, typer.Option("--replay", metavar="PERIOD", help="A period of the record, such as 2026-Q3.")
    ] = None,
    new: Annotated[
        Path | None, typer.Option("--new", metavar="FILE", help="Replay by this configuration instead.")
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Show who would be notified of what, when: by a written timeline, or by the recorded one; nothing is sent.

    What would be suppressed is shown too, and why. With --scenario, by a written timeline: exit 1 if it is not what the
    scenario expects. With --replay, by the events on record: which pages the configuration would have sent, and how
    that differs from what was sent.
    """
    if (file is None) == (period is None):
        fail("say either --scenario FILE or --replay PERIOD", 2)
    if file is not None:
        _scenario(file, estate_of(config), json=json)
    elif period is not None:
        _replay(period, estate_of(config), estate_of(new) if new else None, json=json)


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
            decisions = replay.replay(reader.events(period.interval.end), new or estate)
            after = replay.pages_of(decisions, period.interval)
            known = {incident.id: incident for incident in reader.incidents()}
            before = replay.pages_sent(reader.notifications(), known.get, period.interval)
        finally:
            reader.close()
    except HistoryError as error:
        fail(str(error))
    found = replay.difference(before, after)
    if json:
        print_json({"same": found.same, "added": found.added, "gone": found.gone, "not_replayed": replay.NOT_REPLAYED})
        return
    zone = ZoneInfo(monitor.timezone)
    out.print(f"{period.name}: {found.same} notifications would be sent as they were", markup=False)
    for sign, pages in (("would be sent", found.added), ("would not be sent", found.gone)):
        for page in sorted(pages):
            when, event = moment(page.at, zone), page.sent.event.removeprefix("incident.")
            out.print(f"{sign}: {when} {event} to {page.sent.channel}: {page.cause} ({page.severity})", markup=False)
    for what in replay.NOT_REPLAYED:
        out.print(f"cannot be replayed: {what}", markup=False)
