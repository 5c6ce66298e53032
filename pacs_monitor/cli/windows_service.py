"""`service`: the daemon as a service of Windows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pacs_monitor.cli.common import DEFAULT_CONFIG, ConfigFile, app, fail, out
from pacs_monitor.cli.estates import estate_of
from pacs_monitor.model import PacsMonitorError
from pacs_monitor.windows_service import host, scm
from pacs_monitor.windows_service.life import State
from pacs_monitor.windows_service.registration import LOG, registration

service = typer.Typer(
    no_args_is_help=True, help="Install, start, stop or remove the service of Windows. On Linux, systemd has a unit."
)
app.add_typer(service, name="service")
ELSEWHERE = (
    "use the unit of systemd instead, deploy/systemd/pacs-monitor.service (systemctl enable --now pacs-monitor): "
    "services are installed by this command on Windows only"
)


@contextmanager
def _on_windows() -> Iterator[None]:
    """Ends the command elsewhere, and says what Windows refuses."""
    if sys.platform != "win32":
        fail(ELSEWHERE, 2)
    try:
        yield
    except ImportError as error:
        fail(f"install the extra windows: pip install pacs-monitor[windows] ({error})")
    except PacsMonitorError as error:
        fail(str(error))


@service.command(epilog=r"Example: pacs-monitor service install --config C:\ProgramData\pacs-monitor\monitor.yaml")
def install(
    account: Annotated[
        str | None,
        typer.Option(
            "--account", metavar=r"DOMAIN\name$", help=r"A group-managed account, not NT SERVICE\pacs-monitor."
        ),
    ] = None,
    log: Annotated[
        Path | None, typer.Option("--log", help="The log file. Default: pacs-monitor.log beside the configuration.")
    ] = None,
    environment: Annotated[
        Path | None,
        typer.Option("--environment", help="The folder by which the service finds this program, such as a link to it."),
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Install the service, or change the one that is installed: started with Windows, restarted on failure."""
    with _on_windows():
        file = estate_of(config).file.absolute()
        python = str(getattr(sys, "_base_executable", sys.executable))
        lines = (log or file.with_name(LOG)).absolute()
        program = _host(environment)
        if not program.is_file():
            fail(f"name the folder of a virtual environment with this program: {program} is missing", 2)
        ours = registration(python, str(program), str(file), str(lines), account)
        is_new = scm.install(ours)
        out.print(f"the service is {'installed' if is_new else 'changed'}; it runs as {ours.account}", markup=False)
        out.print(f"command: {ours.command}", markup=False)
        out.print(
            "next: let the account write the folders of the database and of the log, then: pacs-monitor service start"
        )


@service.command()
def remove() -> None:
    """Remove the service; its configuration, its record and its log stay."""
    with _on_windows():
        scm.remove()
        out.print("the service is removed")


@service.command()
def start() -> None:
    """Start the service, and wait until it monitors. Exit 1 if it does not."""
    with _on_windows():
        scm.start()
        out.print("the service runs")


@service.command()
def stop() -> None:
    """Stop the service, and wait until it has ended."""
    with _on_windows():
        scm.stop()
        out.print("the service has stopped")


@service.command()
def status() -> None:
    """Show whether the service runs. Exit 1 if it does not."""
    with _on_windows():
        state, code = scm.status()
        words = state.name.lower().replace("_", " ")
        out.print(f"the service: {words}" + (f" (code {code})" if state is State.STOPPED and code else ""))
        if state is not State.RUNNING:
            raise typer.Exit(1)


def _host(environment: Path | None) -> Path:
    """The file that Windows runs, by the link that leads to the version in use."""
    file = Path(host.__file__)
    return environment.absolute() / "Lib" / "site-packages" / file.relative_to(file.parents[2]) if environment else file
