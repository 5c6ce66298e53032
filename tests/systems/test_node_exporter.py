"""What node_exporter told over its versions, replayed; the tests of the probes ask a real one."""

from __future__ import annotations

import pytest

from pacs_monitor.model import Node, Outcome, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.disk import DiskSettings
from pacs_monitor.probes.host import HostSettings
from pacs_monitor.systems.node_exporter import NodeExporter, NodeExporterSettings
from tests.peers.replayed import replayed
from tests.support.probing import ask
from tests.systems.asking import tell


def mounted(
    mount: str, kind: str = "ext4", suffix: str = "_bytes", size: int = 100, free: int = 50, **more: str
) -> str:
    labels = ",".join(f'{key}="{value}"' for key, value in {"fstype": kind, "mountpoint": mount, **more}.items())
    values = {f"size{suffix}": size, f"free{suffix}": free, f"avail{suffix}": free, "files": 10, "files_free": 5}
    return "".join(f"node_filesystem_{field}{{{labels}}} {value}\n" for field, value in values.items())


async def disk(text: str, *volumes: str, pseudo: bool = False) -> Outcome:
    async with replayed({"/metrics": text.encode()}) as peer:
        node = Node("server", systems={"node_exporter": NodeExporterSettings(url=peer.url, pseudo=pseudo)})
        return await ask(kinds()["disk"], node, DiskSettings(source="node_exporter", volumes=volumes))


def told(outcome: Outcome) -> set[str]:
    return {m.labels[0][1] for m in outcome.measurements if m.name == "disk_free_bytes"}


@pytest.mark.parametrize("suffix", ["", "_bytes"], ids=["0.15", "0.16"])
async def test_sizes_are_told_with_and_without_their_unit(suffix: str) -> None:
    outcome = await disk(mounted("/", suffix=suffix), "/")
    assert outcome.status is Status.OK
    assert {m.name: m.value for m in outcome.measurements} == {
        "disk_free_bytes": 50,
        "disk_used_bytes": 50,
        "disk_used_ratio": 0.5,
        "disk_inodes_free": 5,
    }


@pytest.mark.parametrize(
    "text",
    [
        """node_memory_MemTotal 100
node_memory_MemAvailable 40
node_load1 0.5
node_cpu{cpu="cpu0",mode="idle"} 1
node_cpu{cpu="cpu1",mode="idle"} 1
node_systemd_unit_state{name="orthanc.service",state="active"} 1
""",
        """node_memory_MemTotal_bytes 100
node_memory_MemAvailable_bytes 40
node_load1 0.5
node_cpu_seconds_total{cpu="0",mode="idle"} 1
node_cpu_seconds_total{cpu="1",mode="idle"} 1
node_systemd_unit_state{name="orthanc.service",state="active",type="simple"} 1
""",
    ],
    ids=["0.15", "1.0"],
)
async def test_the_host_is_told_by_old_and_new_names(text: str) -> None:
    async with replayed({"/metrics": text.encode()}) as peer:
        host = await tell(NodeExporter(NodeExporterSettings(url=peer.url)).host, ["orthanc"])
    assert (host.memory, host.memory_available, host.load, host.cpus) == (100, 40, 0.5, 2)
    assert host.services == {"orthanc": "active"}


async def test_a_unit_that_is_in_no_state_that_the_exporter_knows_is_not_missing() -> None:
    """systemd has `reloading`, `maintenance` and `refreshing`, too."""
    states = "".join(
        f'node_systemd_unit_state{{name="orthanc.service",state="{state}"}} 0\n'
        for state in ("active", "activating", "deactivating", "failed", "inactive")
    )
    async with replayed({"/metrics": states.encode()}) as peer:
        node = Node("server", systems={"node_exporter": NodeExporterSettings(url=peer.url)})
        outcome = await ask(kinds()["host"], node, HostSettings(source="node_exporter", services="orthanc"))
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)


def failed(mount: str, **more: str) -> str:
    labels = ",".join(f'{key}="{value}"' for key, value in {"fstype": "nfs4", "mountpoint": mount, **more}.items())
    return f"node_filesystem_device_error{{{labels}}} 1\nnode_filesystem_readonly{{{labels}}} 0\n"


@pytest.mark.parametrize(
    ("text", "status", "reason"),
    [
        (failed("/archive"), Status.FAIL, Reason.MISSING),
        (failed("/archive", device_error="mountpoint timeout"), Status.FAIL, Reason.MISSING),
        (failed("/archive", device_error="stale NFS file handle"), Status.FAIL, Reason.MISSING),
        (failed("/archive", device_error="permission denied"), Status.UNKNOWN, Reason.NOT_AUTHORISED),
    ],
)
async def test_a_mount_that_cannot_be_read_is_wrong_when_it_is_named(text: str, status: Status, reason: Reason) -> None:
    """The label `device_error` came with 1.8."""
    named, unnamed = [await disk(mounted("/") + text, *names) for names in (["/", "/archive"], [])]
    assert (named.status, named.reason) == (status, reason)
    assert unnamed.status is Status.OK
    assert told(named) == told(unnamed) == {"/"}


IMAGES = [
    ("/snap/core/1", "squashfs"),
    ("/snap/core/2", "fuse.snapfuse"),
    ("/tmp/.mount_viewerX1", "fuse.viewer-x86_64.AppImage"),
    ("/tmp/.mount_nvimAb", "fuse.nvim.appimage"),
    ("/media/cd", "iso9660"),
    ("/usr", "erofs"),
    ("/boot/rom", "cramfs"),
]
PSEUDO = [("/run", "tmpfs"), ("/var/lib/docker/overlay2/x", "overlay"), ("/sys/firmware/efi/efivars", "efivarfs")]
OF_CONTAINERS = [("/etc/hosts", "ext4"), ("/etc/resolv.conf", "ext4"), ("/etc/hostname", "xfs")]


@pytest.mark.parametrize(("mount", "kind"), IMAGES + PSEUDO + OF_CONTAINERS)
async def test_what_is_full_by_nature_is_hidden_until_it_is_named(mount: str, kind: str) -> None:
    text = mounted("/") + mounted(mount, kind, free=0)
    hidden, named, one_of_many = [await disk(text, *names) for names in ([], [mount], ["/", mount])]
    assert (hidden.status, told(hidden)) == (Status.OK, {"/"})
    assert (named.status, told(named)) == (Status.FAIL, {mount})
    assert (one_of_many.status, told(one_of_many)) == (Status.FAIL, {"/", mount})


async def test_a_glob_takes_what_is_hidden_only_where_it_finds_nothing_else() -> None:
    text = mounted("/srv/images") + mounted("/srv/snap", "squashfs", free=0) + mounted("/run/a", "tmpfs")
    everything, tmpfs = await disk(text, "*"), await disk(text, "/run/*")
    assert (everything.status, told(everything)) == (Status.OK, {"/srv/images"})
    assert (tmpfs.status, told(tmpfs)) == (Status.OK, {"/run/a"})


async def test_where_all_is_hidden_somebody_must_name_what_matters() -> None:
    outcome = await disk(mounted("/", "overlay") + mounted("/etc/hosts"))
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert (await disk(mounted("/", "overlay"), "/")).status is Status.OK


async def test_a_byte_that_is_no_utf_8_elsewhere_in_the_answer_hides_nothing() -> None:
    text = b'node_textfile{note="\xe4"} 1\n' + mounted("/").encode()
    async with replayed({"/metrics": text}) as peer:
        (root,) = await tell(NodeExporter(NodeExporterSettings(url=peer.url)).volumes)
    assert (root.used, root.free) == (50, 50)


async def test_pseudo_shows_what_stands_on_no_disk_and_no_image() -> None:
    text = mounted("/") + mounted("/run", "tmpfs") + mounted("/snap/core/1", "squashfs", free=0)
    assert told(await disk(text, pseudo=True)) == {"/", "/run"}


async def test_a_place_where_two_are_mounted_is_one_volume_with_figures_of_one() -> None:
    text = mounted("/archive", "autofs", size=0, free=0, device="auto") + mounted("/archive", "nfs4", device="nas:/a")
    text += mounted("/", "rootfs", device="rootfs") + mounted("/", device="/dev/sda1")
    outcome = await disk(text, "/", "/archive")
    assert (outcome.status, told(outcome)) == (Status.OK, {"/", "/archive"})
