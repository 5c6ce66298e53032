"""`handover`: what the next shift has to know, asked of the running daemon."""

from __future__ import annotations

from rich.markup import escape

from pacs_monitor.cli import client
from pacs_monitor.cli.common import DEFAULT_CONFIG, AsJson, ConfigFile, TokenFile, Url, app, out, print_json
from pacs_monitor.cli.daemon_address import daemon_address


@app.command()
def handover(
    json: AsJson = False, url: Url = None, token_file: TokenFile = None, config: ConfigFile = DEFAULT_CONFIG
) -> None:
    """Show what the next shift has to know: first what nobody has acknowledged, then what is being handled.

    Then updates that users wait for, pages that do not arrive, and what ends soon.
    Then maintenance and pauses, what is not being checked, and channels that have not delivered lately.
    Last, what has ended since the last handover. Times are in the monitor's time zone.
    `handover` in the configuration sends the same at a time of the day.
    """
    said = client.ask(daemon_address(config, url, token_file), lambda monitor: monitor.handover())
    if json:
        print_json(said)
    else:
        out.print(escape(said["text"]))
