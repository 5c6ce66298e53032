"""A program of the site: a modem, a loudspeaker, a gateway of the alarm server (DECT by ESPA-X).

```yaml
dect: {type: exec, command: [/usr/local/bin/page-dect, --group, "4711"], environment: {TOKEN_file: dect.token}}
```

The command is a list of arguments and is not passed to a shell. It gets the event in JSON on its standard input, as a
`webhook` would (`{"type", "id", "timestamp", "data"}`), and a plain PATH with the variables of `environment`, none of
the monitor's own. Data is never an argument, because others can see a process's arguments.

| exit status | meaning |
|---|---|
| 0 | delivered: the program vouches that the page is where people are reached, not only that it has begun |
| 65 (`EX_DATAERR` of sysexits.h) | refused: people must act first; retried, at last every 5 min |
| 126, 127 | the program may not be run, or is not there: refused too |
| any other, or a signal | not now: retried after 1 s, doubling to 60 s |

At `timeout` it is killed with its whole process group and whatever it has left behind, and the page is retried. The
`id` is the same on every retry, so that the program can drop duplicates. The first line of its output is shown and
recorded, without the secrets of `environment`: it must not print patient data.

`monitor.allow` must name the channel, as `channels/dect`, because the program has the monitor's rights; without, the
configuration is refused, so that no page goes nowhere unnoticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pacs_monitor.channels.shared.disclosure import Disclose, disclosed
from pacs_monitor.channels.shared.programs import PLAIN, run
from pacs_monitor.channels.shared.redaction import Redaction
from pacs_monitor.channels.shared.rendering import json_bytes
from pacs_monitor.fields import Command, Duration, Secret, Settings
from pacs_monitor.format.human import duration
from pacs_monitor.model import DeliveryError, Failure, Notification, iso

LONG_ARGUMENT = 8
"""Characters: an argument may be a secret, although `environment` is the place for one; shorter ones are words."""
REFUSED = {65: "exit_65", 126: "not_configured", 127: "not_configured"}


class ExecSettings(Settings):
    command: Command
    """The program and its arguments, one list item each."""
    environment: Mapping[str, Secret] = {}
    """Environment variables for the program, besides a plain PATH."""
    timeout: Duration = 10.0
    """Time limit, after which the program is killed."""
    disclose: Disclose = "full"


class Exec:
    """Runs one program per notification."""

    kind: ClassVar[str] = "exec"
    settings: ClassVar[type[ExecSettings]] = ExecSettings
    owns_escalation: ClassVar[bool] = False
    takes_answers: ClassVar[bool] = False
    needs_allowing: ClassVar[bool] = True
    """Runs a program of the configuration: only where `monitor.allow` names the channel."""

    def __init__(self, name: str, settings: ExecSettings) -> None:
        self.name = name
        self._settings = settings
        secrets = {name: value.get_secret_value() for name, value in settings.environment.items()}
        self._environment = PLAIN | secrets
        arguments = [argument for argument in settings.command[1:] if len(argument) >= LONG_ARGUMENT]
        self._redaction = Redaction(others=[*secrets.values(), *arguments])

    def deliver(self, notification: Notification, timeout: float) -> str:
        """Run the program once; the first line of what it said, or DeliveryError."""
        body = json_bytes(
            {
                "type": notification.type,
                "id": notification.id,
                "timestamp": iso(notification.created),
                "data": disclosed(notification, self._settings.disclose),
            }
        )
        limit = min(timeout, self._settings.timeout)
        try:
            status, output = run(self._settings.command, self._environment, body, limit)
        except OSError as error:
            detail = f"the program cannot be run as the monitor's user: {error.strerror}"
            raise DeliveryError("not_configured", detail, failure=Failure.REFUSAL, may_have_arrived=False) from None
        said = self._redaction.words(output.lstrip().partition("\n")[0])
        if status is None:
            raise DeliveryError("timeout", f"the program did not end within {duration(limit)} and was killed")
        if status == 0:
            return said or "exit status 0"
        words = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        told = f"{words}: {said}" if said else words
        if status in REFUSED:
            raise DeliveryError(REFUSED[status], told, failure=Failure.REFUSAL, may_have_arrived=False)
        raise DeliveryError("killed" if status < 0 else "exit_status", told)
