"""A bundle is installed, upgraded and rolled back without a network; one that was changed is refused by name."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacs_monitor.history import History
from pacs_monitor.history.engines import Schema
from pacs_monitor.history.restoring import look
from tests.deploy import bundles
from tests.deploy.bundles import ROOT, as_user, ran
from tests.peers.network import apart
from tests.peers.user import NOBODY, open_folder
from tests.support.clock import SettableClock
from tests.support.estates import write_estate

NODES = "  archive: {host: 127.0.0.1, checks: {tcp: {port: 9}}}\n"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return bundles.small(tmp_path / "bundle")


def test_a_whole_bundle_says_what_it_is_and_sha256sum_agrees(bundle: Path) -> None:
    manifest = bundles.sha256(bundle / "SHA256SUMS")
    said = ran(bundle, "verify", "--manifest", manifest.upper())
    assert (said.returncode, said.stderr) == (0, "")
    assert f"pacs-monitor 0.1.0 for Python {bundles.PYTHON} on {bundles.PLATFORM}" in said.stdout
    assert manifest in said.stdout
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=bundle, check=True)


def _swapped(bundle: Path) -> None:
    target = bundle / "elsewhere"
    shutil.move(bundle / "requirements.txt", target)
    (bundle / "requirements.txt").symlink_to(target)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda b: (b / "requirements.txt").unlink(), "requirements.txt: is missing"),
        (lambda b: (b / "wheels" / "archive-1.0-1-any.whl").write_text("newer"), "archive-1.0-1-any.whl: is not in"),
        (lambda b: (b / "bundle.py").write_bytes((b / "bundle.py").read_bytes() + b"\n"), "bundle.py: differs"),
        (lambda b: (b / "SHA256SUMS").write_text("nonsense\n"), "line 1 of SHA256SUMS"),
        (lambda b: (b / "SHA256SUMS").write_text(f"{'0' * 64}  ../../etc/passwd\n"), "line 1 of SHA256SUMS"),
        (lambda b: (b / "SHA256SUMS").unlink(), "there is no SHA256SUMS"),
        (_swapped, "requirements.txt: differs"),
    ],
    ids=["removed", "added", "changed", "no manifest's line", "outside", "no manifest", "a link"],
)  # fmt: skip
def test_a_bundle_that_was_changed_is_refused_and_the_file_is_named(bundle: Path, change: object, said: str) -> None:
    assert callable(change)
    change(bundle)
    for command in ("verify", "install"):
        refused = ran(bundle, command, *(["--into", bundle.parent / "opt"] if command == "install" else []))
        assert refused.returncode == 1
        assert said in refused.stderr
    assert not (bundle.parent / "opt").exists()


@given(st.data())
@settings(max_examples=10)
def test_no_byte_of_any_file_can_be_changed_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    bundle = bundles.small(tmp_path_factory.mktemp("some") / "bundle")
    names = sorted(path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file())
    name = data.draw(st.sampled_from([name for name in names if name not in ("SHA256SUMS", "bundle.py")]))
    content = bytearray((bundle / name).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (bundle / name).write_bytes(content)
    refused = ran(bundle, "verify")
    assert (refused.returncode, f"{name}: differs" in refused.stderr) == (1, True)


def test_another_manifest_than_the_builders_is_refused(bundle: Path) -> None:
    refused = ran(bundle, "verify", "--manifest", "0" * 64)
    assert (refused.returncode, "get the bundle anew" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"python": "3.99"}, "run this with python3.99"),
        ({"platform": "manylinux_2_17_s390x"}, "get the bundle for this machine"),
        ({"platform": "win_amd64"}, "get the bundle for this machine"),
        ({"platform": bundles.PLATFORM.replace("2_17", "2_999")}, "get a bundle for an older system"),
    ],
)
def test_a_bundle_for_something_else_is_refused_before_anything_is_made(
    tmp_path: Path, about: dict[str, str], said: str
) -> None:
    bundle = bundles.small(tmp_path / "bundle", **about)
    assert ran(bundle, "verify").returncode == 0, "it is whole all the same"
    refused = ran(bundle, "install", "--into", tmp_path / "opt")
    assert (refused.returncode, said in refused.stderr) == (1, True)
    assert not (tmp_path / "opt").exists()


@pytest.mark.timeout(900)
def test_without_a_network_it_installs_upgrades_and_rolls_back(tmp_path: Path, clock: SettableClock) -> None:
    old = bundles.of_this_environment(tmp_path / "old", "0.1.0")
    new = bundles.of_this_environment(tmp_path / "new", "0.2.0", newer_schema=True)
    apart(lambda: there_and_back(tmp_path, old, new, clock, None))


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_what_make_bundle_makes_runs_the_demo_as_an_ordinary_user(clock: SettableClock) -> None:
    subprocess.run([ROOT / "scripts" / "make-bundle"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=3000)
    (built,) = (path for path in (ROOT / "dist").glob("pacs-monitor-*-manylinux*") if path.is_dir())
    with open_folder() as folder:
        old = folder / "old"
        shutil.copytree(built, old)
        new = bundles.of_a_later_version(old, folder / "new", "0.2.0")
        home = folder / "home"
        home.mkdir()
        os.chown(home, NOBODY, NOBODY)
        subprocess.run(["chmod", "-R", "a+rX", old, new], check=True)
        apart(lambda: there_and_back(home, old, new, clock, NOBODY))
        apart(lambda: demonstrated(home))


def there_and_back(home: Path, old: Path, new: Path, clock: SettableClock, user: int | None) -> None:
    """Install, upgrade, roll back; upgrade, bring the schema up to date, roll back."""
    opt, link = home / "opt", home / "opt" / "pacs-monitor"
    estate = write_estate(home, 9741, NODES)
    database = f"sqlite:///{home}/proof.db"
    with_record = ["--into", opt, "--config", estate]

    def done(bundle: Path, *words: object) -> str:
        said = ran(bundle, *words, user=user)
        assert said.returncode == 0, said.stderr
        return said.stdout

    assert "pacs-monitor 0.1.0 is installed" in done(old, "install", "--into", opt)
    History.open(database, "proof", clock).close()
    for file in home.iterdir():
        if user:
            os.chown(file, user, user)

    assert "The record was backed up to" in done(new, "upgrade", *with_record)
    assert link.readlink().name == "pacs-monitor-0.2.0"
    assert "The record is kept as it is" in done(link, "rollback", *with_record)
    assert link.readlink().name == "pacs-monitor-0.1.0"

    done(new, "upgrade", *with_record)
    migrated = ["import sys; from pacs_monitor.history.engines import migrate, parse; migrate(parse(sys.argv[1]))"]
    subprocess.run([link / "bin" / "python", "-c", *migrated, database], check=True, cwd=home, **as_user(user))
    refused = subprocess.run(
        [opt / "pacs-monitor-0.1.0" / "bin" / "pacs-monitor", "run", "--config", estate],
        check=False, capture_output=True, text=True, cwd=home, **as_user(user),
    )  # fmt: skip
    assert refused.returncode == 1
    assert "install the newer version again, or put back the backup" in refused.stderr
    stopped = ran(old, "upgrade", *with_record, user=user)
    assert (stopped.returncode, "nothing has changed" in stopped.stderr) == (1, True)
    assert "what was there is kept as" in done(link, "rollback", *with_record)
    assert look(database) is Schema.OURS
    (aside,) = home.glob("proof.db.replaced-*Z")
    with closing(sqlite3.connect(aside)) as newer:
        assert newer.execute("SELECT name, tomorrow FROM monitors").fetchall() == [("proof", None)]
    again = ran(link, "rollback", *with_record, user=user)
    assert (again.returncode, "none is known from before pacs-monitor-0.1.0" in again.stderr) == (1, True)


def demonstrated(home: Path) -> None:
    """Exit code 0 is a page opened and resolved."""
    demo = subprocess.run(
        [home / "opt" / "pacs-monitor" / "bin" / "pacs-monitor", "demo", "--for", "120s"],
        check=False, capture_output=True, text=True, timeout=600, cwd=home, **as_user(NOBODY),
    )  # fmt: skip
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "PAGE incident.resolved" in demo.stdout
