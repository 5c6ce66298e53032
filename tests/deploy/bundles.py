"""Bundles as `make bundle` makes them, but of the files of this checkout and for any version: nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from contextlib import suppress
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from pacs_monitor.history.engines import MIGRATIONS

ROOT = Path(__file__).parents[2]
INSTALLER = ROOT / "deploy" / "bundle" / "bundle.py"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PLATFORM = f"manylinux_2_17_{platform.machine()}"
TOMORROW = '''"""What only a later version knows."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("monitors", sa.Column("tomorrow", sa.Text()))
'''


def sealed(bundle: Path) -> Path:
    """With a manifest of all that is in it, as `sha256sum` writes it."""
    manifest = bundle / "SHA256SUMS"
    names = sorted(file.relative_to(bundle).as_posix() for file in bundle.rglob("*") if file.is_file())
    lines = [f"{sha256(bundle / name)}  {name}\n" for name in names if name != manifest.name]
    manifest.write_text("".join(lines))
    return bundle


def small(folder: Path, **about: str) -> Path:
    """One that can be verified, and has nothing to install."""
    (folder / "wheels").mkdir(parents=True)
    shutil.copy(INSTALLER, folder)
    (folder / "wheels" / "archive-1.0-py3-none-any.whl").write_bytes(b"an archive")
    (folder / "requirements.txt").write_text("archive==1.0\n")
    described(folder, "0.1.0", **about)
    return sealed(folder)


def described(bundle: Path, version: str, **about: str) -> None:
    known = {"version": version, "python": PYTHON, "platform": PLATFORM, "extras": ""} | about
    (bundle / "bundle.json").write_text(json.dumps(known))


def of_this_environment(folder: Path, version: str, *, newer_schema: bool = False) -> Path:
    """Of this checkout; in place of the wheels of its dependencies one that leads to those of this environment."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    shutil.copy(INSTALLER, folder)
    own(wheels, version, newer_schema=newer_schema)
    wheel(wheels, "borrowed", "1", {"borrowed.pth": sysconfig.get_path("purelib").encode()})
    pip = distribution("pip")
    content = {str(file): Path(str(file.locate())).read_bytes() for file in pip.files or () if _packed(str(file))}
    wheel(wheels, "pip", pip.version, content)
    required = "".join(
        f"{name.replace('_', '-')}=={found} --hash=sha256:{sha256(file)}\n"
        for file in sorted(wheels.iterdir())
        for name, found, *_ in [file.name.split("-")]
        if name != "pip"
    )
    (folder / "requirements.txt").write_text(required)
    described(folder, version)
    return sealed(folder)


def of_a_later_version(bundle: Path, folder: Path, version: str) -> Path:
    """The same bundle, with this checkout as a later version of a newer schema."""
    shutil.copytree(bundle, folder)
    (before,) = (folder / "wheels").glob("pacs_monitor-*.whl")
    before.unlink()
    later = own(folder / "wheels", version, newer_schema=True)
    lines = (folder / "requirements.txt").read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("pacs-monitor==")]
    hashed = f"pacs-monitor=={version} --hash=sha256:{sha256(later)}\n"
    (folder / "requirements.txt").write_text("".join([*kept, hashed]))
    about = json.loads((bundle / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps(about | {"version": version}))
    return sealed(folder)


def own(wheels: Path, version: str, *, newer_schema: bool) -> Path:
    """The wheel of this checkout as any version."""
    package = ROOT / "pacs_monitor"
    content = {
        file.relative_to(ROOT).as_posix(): file.read_bytes()
        for file in package.rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }
    content["pacs_monitor/demo/monitor.yaml"] = (ROOT / "monitor.yaml").read_bytes()
    content["pacs_monitor/web/operations.md"] = (ROOT / "docs" / "operations.md").read_bytes()
    if newer_schema:
        head = sorted(file.stem[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))[-1]
        content["pacs_monitor/history/migrations/versions/9999_tomorrow.py"] = TOMORROW.format(head=head).encode()
    command = {"entry_points.txt": b"[console_scripts]\npacs-monitor = pacs_monitor.__main__:main\n"}
    return wheel(wheels, "pacs_monitor", version, content, command)


def wheel(
    folder: Path, name: str, version: str, content: dict[str, bytes], extra: dict[str, bytes] | None = None
) -> Path:
    """By the specification of binary distributions: content, metadata, and a record of both."""
    info = f"{name}-{version}.dist-info"
    metadata = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n".encode(),
        "WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **(extra or {}),
    }
    everything = content | {f"{info}/{file}": data for file, data in metadata.items()}
    file = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as packed:
        for path, data in everything.items():
            packed.writestr(path, data)
        record = "".join(f"{path},sha256={_coded(data)},{len(data)}\n" for path, data in everything.items())
        packed.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return file


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _packed(file: str) -> bool:
    return file.startswith("pip/") and not file.endswith(".pyc")


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def ran(bundle: Path, *words: object, user: int | None = None) -> subprocess.CompletedProcess[str]:
    """Its bundle.py, by the Python of this machine rather than that of this environment; as a user with no groups."""
    line = [interpreter(user), str(bundle / "bundle.py"), *map(str, words)]
    return subprocess.run(line, check=False, capture_output=True, text=True, timeout=1500, cwd="/", **as_user(user))


def interpreter(user: int | None) -> str:
    """The Python of this version that the user may run: that of the tests may be in the home of root."""
    own = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    for python in (str(own), f"/usr/bin/python{PYTHON}", f"/usr/local/bin/python{PYTHON}"):
        with suppress(OSError):
            if subprocess.run([python, "-c", ""], check=False, cwd="/", **as_user(user)).returncode == 0:
                return python
    raise AssertionError(f"install python{PYTHON} where everybody may run it: on Debian, apt install python3")


def as_user(user: int | None) -> dict[str, Any]:
    """For subprocess; None is whoever runs the tests."""
    return {} if user is None else {"user": user, "group": user, "extra_groups": ()}
