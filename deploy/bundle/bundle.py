#!/usr/bin/env python3
"""Checks and installs the bundle of pacs_monitor that it lies in. It needs Python alone, and no network.

python3 bundle.py verify                          before it crosses into the hospital's network, and there
python3 bundle.py install [--into /opt]           a folder of its own for this version
python3 bundle.py upgrade --config monitor.yaml   back up the record, and switch to this version
python3 bundle.py rollback --config monitor.yaml  back to the version before; the record is kept

On Windows install.ps1 runs it, after it has compared the files with the manifest by what Windows has.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
MANIFEST = "SHA256SUMS"
ABOUT = "bundle.json"
DONE = "installed.json"
"""In the folder of an installed version, once it is complete: by which bundle, and what upgraded to it."""
NAME = "pacs-monitor"
ON_WINDOWS: bool = sys.platform == "win32"
PROGRAM = Path("Scripts", f"{NAME}.exe") if ON_WINDOWS else Path("bin", NAME)
PYTHON = Path("Scripts", "python.exe") if ON_WINDOWS else Path("bin", "python")
INTO = Path(os.environ.get("PROGRAMFILES", "C:\\Program Files") if ON_WINDOWS else "/opt")
CHUNK = 1 << 20
SYSTEM, ADMINISTRATORS = "*S-1-5-18", "*S-1-5-32-544"
"""As icacls takes them in every language of Windows."""
FOR_ALL = 0o022
"""The umask: the service's user has to read what root installs."""


class BundleError(Exception):
    """What is to be done, and why."""


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 done, 1 refused, 2 misuse."""
    options = parser().parse_args(arguments)
    os.umask(FOR_ALL)
    try:
        print(options.run(options))
    except BundleError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"check {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="bundle.py", description=(__doc__ or "").partition("\n")[0])
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(run: object, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(run.__name__, help=text, description=text)  # type: ignore[attr-defined]
        made.set_defaults(run=run)
        return made

    verifying = command(verify, "Compare every file with the manifest; refuse what differs, lacks or was added.")
    installing = command(install, "Verify, and install into a folder of this version; nothing that runs is touched.")
    upgrading = command(upgrade, "Back up the record, and switch to this version. Stop the daemon first.")
    rolling = command(rollback, "Switch to the version before. Stop the daemon first.")
    for each in (verifying, installing, upgrading):
        each.add_argument("--manifest", metavar="SHA256", help=f"of {MANIFEST}, as whoever built the bundle says")
    for each in (installing, upgrading, rolling):
        each.add_argument("--into", metavar="FOLDER", type=Path, default=INTO, help=f"default: {INTO}")
    for each in (upgrading, rolling):
        each.add_argument("--config", metavar="FILE", type=Path, required=True, help="the monitor's configuration")
        each.add_argument(
            "--link-only", action="store_true", help="the record is backed up, or put back, by pg_dump and pg_restore"
        )
    installing.add_argument("--config", metavar="FILE", type=Path, help="a configuration that this version must accept")
    return top


# What the bundle is.


def verify(options: argparse.Namespace) -> str:
    """Compare every file with the manifest, in both directions."""
    manifest = HERE / MANIFEST
    if not manifest.is_file():
        raise BundleError(f"run the bundle.py of a bundle: there is no {MANIFEST} beside this one")
    own = digest(manifest)
    if options.manifest and options.manifest.lower() != own:
        raise BundleError(f"get the bundle anew: {MANIFEST} is {own}, not {options.manifest}")
    expected = listed(manifest)
    there = {path.relative_to(HERE).as_posix() for path in files()}
    wrong = [f"{name}: is missing" for name in sorted(expected.keys() - there)]
    wrong += [f"{name}: is not in {MANIFEST}" for name in sorted(there - expected.keys())]
    wrong += [f"{name}: differs" for name in sorted(expected.keys() & there) if digest(HERE / name) != expected[name]]
    if wrong:
        raise BundleError("get the bundle anew, and install nothing of this one:\n" + "\n".join(wrong))
    about = described()
    return (
        f"{len(expected)} files are as {MANIFEST} says: {NAME} {about['version']} for Python {about['python']} on "
        f"{about['platform']}\n{MANIFEST} itself is {own}; compare this with what whoever built the bundle says"
    )


def files() -> list[Path]:
    """Of the bundle, but for the manifest."""
    return [path for path in HERE.rglob("*") if (path.is_symlink() or not path.is_dir()) and path != HERE / MANIFEST]


def listed(manifest: Path) -> dict[str, str]:
    """Names to hashes, as `sha256sum` writes and reads them."""
    expected = {}
    for number, line in enumerate(manifest.read_text(encoding="utf-8").splitlines(), 1):
        sha, separator, name = line.partition("  ")
        is_inside = name and not name.startswith("/") and ".." not in Path(name).parts
        if not separator or len(sha) != hashlib.sha256().digest_size * 2 or not is_inside:
            raise BundleError(f"get the bundle anew: line {number} of {MANIFEST} is none of a manifest")
        expected[name] = sha
    return expected


def digest(path: Path) -> str:
    """SHA-256 of what the file has itself: a link in its place would be read as whatever it leads to."""
    if path.is_symlink():
        return "a link"
    found = hashlib.sha256()
    with path.open("rb") as read:
        while chunk := read.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def described() -> dict[str, str]:
    """`version`, `python` (3.11), `platform` (a tag of wheels), `extras`, as `make bundle` wrote it."""
    about: dict[str, str] = json.loads((HERE / ABOUT).read_text(encoding="utf-8"))
    return about


def require_suitable(about: dict[str, str]) -> None:
    """BundleError where its wheels cannot run here."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if running != about["python"] or platform.python_implementation() != "CPython":
        named = f"py -{about['python']}" if ON_WINDOWS else f"python{about['python']}"
        raise BundleError(f"run this with {named}: the wheels are for it, and this is Python {running}")
    tag, machine = about["platform"], platform.machine()
    if ON_WINDOWS and (tag, machine.upper()) == ("win_amd64", "AMD64"):
        return
    if sys.platform != "linux" or not tag.startswith("manylinux_") or not tag.endswith(f"_{machine}"):
        raise BundleError(f"get the bundle for this machine ({sys.platform}, {machine}): this one is for {tag}")
    needed = tuple(int(part) for part in tag.split("_")[1:3])
    library, has = platform.libc_ver()
    if library != "glibc" or tuple(int(part) for part in has.split(".")[:2]) < needed:
        raise BundleError(f"get a bundle for an older system: {tag} needs glibc {needed[0]}.{needed[1]}, not {has}")


# Installing: one folder per version, one link to that which is used.


def install(options: argparse.Namespace) -> str:
    """A virtual environment of the bundle's wheels alone, and the link if there is none yet."""
    about = described_and_verified(options)
    folder = options.into / f"{NAME}-{about['version']}"
    link = options.into / NAME
    sha = digest(HERE / MANIFEST)
    known = installed(folder)
    if known and known["manifest"] != sha:
        raise BundleError(f"remove {folder} first, if nothing uses it: another bundle of {about['version']} is there")
    if not known:
        make(folder, about)
        note(folder, {"manifest": sha, "version": about["version"]})
    if options.config:
        call([folder / PROGRAM, "check-config", options.config], f"{folder} is complete; mend the configuration")
    if not link.is_symlink() and not link.exists():
        point(link, folder)
    if link.resolve() == folder.resolve():
        return f"{NAME} {about['version']} is installed: {link / PROGRAM}"
    return (
        f"{NAME} {about['version']} is in {folder}, and {link} still is {link.resolve().name}. Next: stop the daemon, "
        "`bundle.py upgrade --config FILE`, start it"
    )


def described_and_verified(options: argparse.Namespace) -> dict[str, str]:
    verify(options)
    about = described()
    require_suitable(about)
    return about


def make(folder: Path, about: dict[str, str]) -> None:
    """Also over what was left there by one that was interrupted."""
    if folder.exists():
        if not (folder / "pyvenv.cfg").exists() and any(folder.iterdir()):
            raise BundleError(f"move {folder} away: it is not an installation of {NAME}")
        shutil.rmtree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    call([sys.executable, "-m", "venv", "--without-pip", folder], "the virtual environment cannot be made")
    (pip,) = (HERE / "wheels").glob("pip-*.whl")
    run = f"import sys, runpy; sys.path.insert(0, {str(pip)!r}); runpy.run_module('pip', run_name='__main__')"
    nothing_else = [
        "--isolated",
        "--no-index",
        "--no-deps",
        "--no-cache-dir",
        "--only-binary",
        ":all:",
        "--require-hashes",
    ]
    from_here: list[str | Path] = ["--find-links", HERE / "wheels", "--requirement", HERE / "requirements.txt"]
    call(
        [folder / PYTHON, "-I", "-c", run, "install", "--quiet", *nothing_else, *from_here],
        "the wheels cannot be installed",
    )
    for own in (HERE / "bundle.py", HERE / "install.ps1"):
        if own.exists():
            shutil.copy(own, folder)
    said = call([folder / PROGRAM, "--version"], "the program does not start")
    if about["version"] not in said:
        raise BundleError(f"get the bundle anew: its program says that it is {said.strip()}")


def call(command: list[str | Path], failed: str) -> str:
    """What a program says; nothing of this machine's configuration of pip or Python is heeded."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "PYTHON"))}
    done = subprocess.run(  # noqa: S603 - our own programs
        [str(word) for word in command],
        check=False, capture_output=True, text=True, env={**kept, "PIP_CONFIG_FILE": os.devnull},
    )  # fmt: skip
    if done.returncode:
        raise BundleError(f"{failed}:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout


def point(link: Path, folder: Path) -> None:
    """At once: there is no moment without the link, or with half of it.

    On Windows it is a junction, which needs no privilege and cannot be replaced: it is removed first.
    """
    new = link.with_name(f"{link.name}.new")
    new.unlink(missing_ok=True)
    if ON_WINDOWS:
        shell = os.environ.get("COMSPEC", "cmd.exe")
        call([shell, "/d", "/c", "mklink", "/J", new, folder], f"{link} cannot be made a junction")
        link.unlink(missing_ok=True)
        new.rename(link)
    else:
        new.symlink_to(folder.name)
        new.replace(link)


def installed(folder: Path) -> dict[str, str] | None:
    """What is noted of a complete installation."""
    try:
        noted: dict[str, str] = json.loads((folder / DONE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return noted


def note(folder: Path, noted: dict[str, str]) -> None:
    new = folder / f"{DONE}.new"
    new.write_text(json.dumps(noted, indent=2) + "\n", encoding="utf-8")
    new.replace(folder / DONE)


# From one version to another, and back.


def upgrade(options: argparse.Namespace) -> str:
    """Install it, back up the record, and set the link; BundleError before that leaves everything as it was."""
    options.config, config = None, options.config  # it was accepted while the daemon had its credentials
    install(options)
    options.config = config
    folder, link = options.into / f"{NAME}-{described()['version']}", options.into / NAME
    before = link.resolve()
    if before == folder.resolve():
        return f"{link} is {folder.name} already"
    noted = {**(installed(folder) or {}), "before": before.name, "backup": ""}
    if not options.link_only:
        record = ["--config", options.config]
        call([folder / PROGRAM, "history", "check", *record], "nothing has changed")
        backup = backups(options.into) / f"{before.name}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.db"
        call(
            [before / PROGRAM, "history", "backup", backup, *record], "nothing has changed; for PostgreSQL, --link-only"
        )
        noted["backup"] = str(backup)
    note(folder, noted)
    point(link, folder)
    kept = f"The record was backed up to {noted['backup']}. " if noted["backup"] else ""
    return f"{link} is {folder.name} now, and was {before.name}. {kept}Start the daemon"


def rollback(options: argparse.Namespace) -> str:
    """The link to the version before; the backup only where that version cannot use the record as it is now."""
    link = options.into / NAME
    folder = link.resolve()
    noted = installed(folder) or {}
    before = options.into / noted.get("before", "")
    if "before" not in noted or not (before / PROGRAM).exists():
        raise BundleError(f"install the bundle of the version that you want: none is known from before {folder.name}")
    said = "" if options.link_only else usable(before, noted["backup"], options.config)
    point(link, before)
    return f"{link} is {before.name} now, and was {folder.name}. {said}Start the daemon"


def usable(before: Path, backup: str, config: Path) -> str:
    """The record stays as it is where the version before can use it; else its backup is put back."""
    record: list[str | Path] = ["--config", config]
    try:
        call([before / PROGRAM, "history", "check", *record], "nothing has changed")
    except BundleError:
        if not backup:
            raise
        said = call([before / PROGRAM, "history", "restore", backup, *record], "nothing has changed")
        return said.strip().removesuffix("Start the daemon")
    return "The record is kept as it is. "


def backups(into: Path) -> Path:
    """For nobody else: a record has names of people and of systems."""
    folder = into / f"{NAME}-backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    if ON_WINDOWS:
        only = ["/inheritance:r", "/grant:r", f"{SYSTEM}:(OI)(CI)F", f"{ADMINISTRATORS}:(OI)(CI)F"]
        call([Path(os.environ["SYSTEMROOT"], "System32", "icacls.exe"), folder, *only], f"{folder} cannot be protected")
    return folder


if __name__ == "__main__":
    sys.exit(main())
