"""Any plugin of Nagios, Icinga or monitoring-plugins: exit status, first line and performance data.

```yaml
uptime: {probe: exec, command: [/usr/lib/nagios/plugins/check_snmp, -H, 10.0.0.2, -o, .1.3.6.1.2.1.1.3.0]}
```

Exit status 0 is ok, 1 a warning, 2 a failure and 3 unknown, as in the plugins' development guidelines; 126 and 127,
with which a shell reports that a command cannot be run, are unknown, too. The command is a list of arguments and is not
passed to a shell. It gets no terminal, no input and none of the monitor's environment. At the deadline it is killed
with its whole process group, and any processes that it leaves behind are killed as well; on Linux this includes
processes that daemonised themselves, unless they cleared their environment (`PACS_MONITOR_RUN`). On Windows the monitor
runs no commands: let a scheduled job there report by `push`.

It runs only when `monitor.allow` names the check, because it runs whatever the configuration says with the monitor's
rights. The first non-empty line of its output or, if there is none, the last line of its standard error is shown and
sent: do not use plugins that print patient data.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from math import isfinite
from re import compile as pattern
from typing import Any

from pacs_monitor.fields import Command, Secret, Settings
from pacs_monitor.format.human import label
from pacs_monitor.language import N_
from pacs_monitor.model import (
    Layer,
    Measure,
    Measurement,
    Node,
    Outcome,
    PacsMonitorError,
    Phase,
    Probe,
    ProbeContext,
    Reason,
    Status,
    Timing,
)
from pacs_monitor.reaper import MARK, reaper

OUTPUT_LIMIT = 16384
"""Bytes of output that are looked at."""
ENDLESS = 1 << 20
"""Bytes of output after which the command is killed."""
DETAIL_LIMIT = 300
VALUES_LIMIT = 64
"""Of performance data; each makes a time series."""
_STRAGGLERS = 1.0
"""Seconds for the pipes to be closed by what was killed, on a machine that stalls now and then too."""
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
_DATUM = pattern(r"(?:'((?:[^']|'')+)'|([^\s='|]+))=([-+]?[\d.,]+(?:[eE][-+]?\d+)?)([^\s;,\d]*)")
_UNITS: Mapping[str, tuple[str, float]] = {
    "ns": ("s", 1e-9),
    "us": ("s", 1e-6),
    "\u00b5s": ("s", 1e-6),
    "\u03bcs": ("s", 1e-6),
    "ms": ("s", 1e-3),
    **{f"{prefix}{i}B": ("B", 1024.0**power) for power, prefix in enumerate("KMGTPE", 1) for i in ("", "i")},
    "kB": ("B", 1024.0),
    "kiB": ("B", 1024.0),
}
"""In base units (also with either sign for micro); the plugins have always meant powers of 1024 by kB, MB and GB."""
_STATUSES = {1: Status.WARN, 2: Status.FAIL}
_NO_COMMAND = (126, 127)
"""How a shell says that a command may not be run, or is not there (POSIX, Shell Command Language 2.8.2)."""


class _EndlessError(PacsMonitorError):
    """The command prints more than anybody reads."""


class ExecSettings(Settings):
    command: Command
    """The program and its arguments, one list item each."""
    environment: Mapping[str, Secret] = {}
    """Environment variables for the command, besides a plain PATH; secrets are safer here than in the arguments."""


class Exec(Probe):
    kind = "exec"
    settings = ExecSettings
    measures = (
        Measure("exec_value", "A value of the plugin's performance data, in base units.", ("label", "unit")),
        Measure("exec_exit_status", "The exit status of the command."),
    )
    layer = Layer.SERVICE
    timing = Timing(interval=60.0, retry_interval=20.0, timeout=30.0)
    next_steps = {
        Reason.EXIT_STATUS: N_(
            "The detail is the plugin's first line; run the command by hand as the monitor's user to see the rest."
        ),
        Reason.NOT_CONFIGURED: N_(
            "Run the command by hand as the monitor's user: a program, or permission to run it, is missing on this "
            "machine."
        ),
        Reason.NOT_MEASURED: N_(
            "Run the command by hand as the monitor's user: UNKNOWN often means a wrong argument or account."
        ),
    }

    def needs_allowing(self, _settings: ExecSettings) -> bool:
        return True

    async def run(self, _node: Node, settings: ExecSettings, ctx: ProbeContext) -> Outcome:
        if sys.platform == "win32":  # its event loop reads no pipes that others have made
            return _failed(Reason.NOT_CONFIGURED, "the monitor runs no commands on Windows: let a job report by `push`")
        began = ctx.clock.monotonic()
        environment = _ENVIRONMENT | {name: value.get_secret_value() for name, value in settings.environment.items()}
        try:
            async with asyncio.timeout_at(ctx.deadline):
                status, output, errors = await _run(settings.command, environment)
        except TimeoutError:
            return _failed(Reason.TIMEOUT, "the command did not finish in time and was killed")
        except _EndlessError:
            return _failed(Reason.BAD_CONTENT, f"the command printed more than {ENDLESS} bytes and was killed")
        except OSError as error:
            detail = f"the command cannot be run as the monitor's user: {error.strerror}"
            return _failed(Reason.NOT_CONFIGURED, detail)
        return _outcome(status, output, {Phase.OPERATION: ctx.clock.monotonic() - began}, errors)


async def _run(command: tuple[str, ...], environment: Mapping[str, str]) -> tuple[int, str, str]:
    """Exit status (negative: the signal that ended it), the output's beginning, the end of what it said of errors.

    Nothing of it runs on.

    Raises OSError when it cannot be run, _EndlessError when it prints more than anybody reads.
    """
    with reaper.command() as name, ExitStack() as ours:
        with ExitStack() as theirs:
            stream, write_end = await _pipe(ours, theirs)
            errors, errors_end = await _pipe(ours, theirs)
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write_end,
                stderr=errors_end,
                env={**environment, MARK: name},
                cwd="/",
                start_new_session=True,
            )
        return await _until_it_ends(process, stream, errors, name)


async def _pipe(ours: ExitStack, theirs: ExitStack) -> tuple[asyncio.StreamReader, int]:
    """A pipe of ours: with asyncio's own, a process whose children hold the pipe has not ended for `wait`.

    `ours` closes the end that we read, `theirs` our copy of the other.
    """
    read_end, write_end = os.pipe()
    theirs.callback(os.close, write_end)
    stream = asyncio.StreamReader()
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(read_end, "rb", 0)
    )
    ours.callback(pipe.close)
    return stream, write_end


async def _until_it_ends(
    process: asyncio.subprocess.Process, stream: asyncio.StreamReader, errors: asyncio.StreamReader, name: str
) -> tuple[int, str, str]:
    output, said = bytearray(), bytearray()
    both = [asyncio.create_task(_read(stream, output)), asyncio.create_task(_read(errors, said))]
    ended: asyncio.Future[Any] = asyncio.create_task(process.wait())
    reading: asyncio.Future[Any] = asyncio.gather(*both)
    try:
        await asyncio.wait([ended, reading], return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            await reading
        status = await asyncio.shield(ended)
    finally:
        reaper.end(name, process.pid)
        await asyncio.wait([reading], timeout=_STRAGGLERS)
        for task in both:
            task.cancel()
        await asyncio.gather(*both, reading, ended, return_exceptions=True)
    return status, output[:OUTPUT_LIMIT].decode(errors="replace"), said[-OUTPUT_LIMIT:].decode(errors="replace")


async def _read(stream: asyncio.StreamReader, output: bytearray) -> None:
    while chunk := await stream.read(OUTPUT_LIMIT):
        output += chunk
        if len(output) > ENDLESS:
            raise _EndlessError


def _outcome(status: int, output: str, phases: Mapping[Phase, float], errors: str = "") -> Outcome:
    said, data = _read_output(output)
    said = said or _last_line(errors)
    exit_status = (Measurement("exec_exit_status", status),) if status >= 0 else ()
    seen: dict[str, Any] = {"phases": phases, "measurements": (*exit_status, *_values(data))}
    if status == 0:
        return Outcome(Status.OK, detail=said, **seen)
    if status in _STATUSES:
        detail = said or f"the command ended with exit status {status} and printed nothing"
        return Outcome(_STATUSES[status], Reason.EXIT_STATUS, Phase.OPERATION, detail, **seen)
    if status == 3:
        detail = f"the plugin reported UNKNOWN (exit status 3): {said or 'it printed nothing'}"
        return _failed(Reason.NOT_MEASURED, detail, **seen)
    if status in _NO_COMMAND:
        why = "a program that it needs is not installed" if status == 127 else "a program that it needs may not be run"
        return _failed(Reason.NOT_CONFIGURED, f"{why} (exit status {status}): {said or 'it printed nothing'}", **seen)
    if status < 0:
        detail = f"the command was killed by signal {-status}"
        return _failed(Reason.NOT_MEASURED, f"{detail}: {said}" if said else detail, **seen)
    detail = f"the command ended with exit status {status}, which plugins do not use: {said or 'it printed nothing'}"
    return _failed(Reason.EXIT_STATUS, detail, **seen)


def _failed(reason: Reason, detail: str, **seen: Any) -> Outcome:
    return Outcome.of(reason, phase=Phase.OPERATION, detail=detail, **seen)


def _read_output(output: str) -> tuple[str, str]:
    """The first text that is not empty, and all performance data: after `|` in its line, and in the long text's end."""
    first, _, more = output.lstrip().partition("\n")
    said, _, data = first.partition("|")
    if not said.strip():
        said = next((line for line in more.partition("|")[0].splitlines() if line.strip()), "")
    _, _, long_data = more.partition("|")
    return _shown(said), f"{data} {long_data}"


def _last_line(errors: str) -> str:
    """What a program says at the end: the error itself, after usage or traceback."""
    return _shown(next((line for line in reversed(errors.splitlines()) if line.strip()), ""))


def _shown(line: str) -> str:
    return "".join(c if c.isprintable() else " " for c in line).strip()[:DETAIL_LIMIT]


def _values(data: str) -> Iterator[Measurement]:
    """`'label'=value[UOM];[warn];[crit];[min];[max]` by the development guidelines; what is no number is left out."""
    known: dict[tuple[str, str], float] = {}
    for quoted, plain, number, uom in _DATUM.findall(data):
        unit, factor = _UNITS.get(uom, (uom, 1.0))
        with suppress(ValueError):
            value = float(number.rstrip(",").replace(",", ".")) * factor
            if isfinite(value) and len(known) < VALUES_LIMIT:
                known[label(quoted.replace("''", "'") or plain), unit[:16]] = value
    for (name, unit), value in known.items():
        yield Measurement("exec_value", value, (("label", name), ("unit", unit)))
