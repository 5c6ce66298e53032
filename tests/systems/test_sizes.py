"""What cannot be known of a volume is not ok, and does not hide what is known of the others."""

from __future__ import annotations

from typing import Any

import pytest

from pacs_monitor.model import Node, Outcome, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.disk import DiskSettings
from pacs_monitor.systems import kinds as systems
from pacs_monitor.systems.snmp import volume_of
from tests.peers.replayed import replayed
from tests.support.probing import ask

Judged = tuple[Status, Reason | None]
OK: Judged = (Status.OK, None)
UNKNOWN: Judged = (Status.UNKNOWN, Reason.NOT_MEASURED)
FULL: Judged = (Status.FAIL, Reason.OVER_LIMIT)
GB = 10**9


async def disk(kind: str, answers: dict[str, Any], *volumes: str, block: dict[str, Any] | None = None) -> Outcome:
    """What a disk check says of such answers of a system."""
    async with replayed(answers) as peer:
        settings = systems()[kind].settings(url=peer.url, **(block or {}))
        node = Node("node", systems={kind: settings})
        return await ask(kinds()["disk"], node, DiskSettings(source=kind, volumes=volumes))


def judged(outcome: Outcome) -> Judged:
    return outcome.status, outcome.reason


def measured(outcome: Outcome) -> set[str]:
    return {m.labels[0][1] for m in outcome.measurements if m.name == "disk_free_bytes"}


def exported(**volumes: dict[str, Any]) -> dict[str, bytes]:
    """node_exporter's answer: mount point (`root` is /) → its fields."""
    lines = []
    for name, fields in volumes.items():
        mount = "/" if name == "root" else f"/{name}"
        labels = f'{{device="d",fstype="ext4",mountpoint="{mount}"}}'
        lines += [f"node_filesystem_{field}{labels} {value}" for field, value in fields.items()]
    return {"/metrics": "\n".join(lines).encode() + b"\n"}


def sized(size: float, free: float, avail: float | None = None, **more: Any) -> dict[str, Any]:
    return {"size_bytes": size, "free_bytes": free, "avail_bytes": free if avail is None else avail, **more}


WRAPPED = (1 << 64) - 4096
"""statvfs's f_bavail when the reserve is used up: node_exporter issue 1672."""


@pytest.mark.parametrize(
    ("odd", "named", "expected"),
    [
        (sized(100, 200), False, UNKNOWN),
        (sized(100, 200), True, UNKNOWN),
        (sized(879510155264, 10 * GB, WRAPPED), False, UNKNOWN),
        (sized(100, 20, 50), False, UNKNOWN),
        (sized(100, -20), False, UNKNOWN),
        (sized(100, 3, -2), False, FULL),
        (sized(0, 0), True, UNKNOWN),
        (sized(0, 0), False, OK),
        ({"size_bytes": 100}, True, UNKNOWN),
        ({"size_bytes": 100}, False, OK),
    ],
)
async def test_node_exporters_figures_that_cannot_be_are_unknown(
    odd: dict[str, Any], named: bool, expected: Judged
) -> None:
    outcome = await disk(
        "node_exporter", exported(root=sized(100, 50), odd=dict(odd)), *(["/", "/odd"] if named else [])
    )
    assert judged(outcome) == expected
    assert "/" in measured(outcome)


async def test_a_volume_that_is_full_is_told_before_one_of_which_nothing_is_known() -> None:
    outcome = await disk("node_exporter", exported(root=sized(100, 5), odd=sized(100, 200)))
    assert judged(outcome) == FULL
    assert outcome.detail.startswith("/ is 95 % used")
    assert (
        "; /odd: check it on the machine, or add it to ignore: its reported sizes are impossible (200 B free and -100 B"
        in outcome.detail
    )


async def test_a_warning_is_told_before_what_is_not_known() -> None:
    outcome = await disk("node_exporter", exported(root=sized(100, 15), odd=sized(100, 200)))
    assert judged(outcome) == (Status.WARN, Reason.OVER_LIMIT)


async def test_where_no_volume_has_a_size_nothing_is_known() -> None:
    outcome = await disk("node_exporter", exported(root=sized(0, 0)))
    assert judged(outcome) == UNKNOWN


async def test_more_free_inodes_than_there_are_say_nothing_of_inodes() -> None:
    outcome = await disk("node_exporter", exported(root=sized(100, 50, files=10, files_free=20)))
    assert judged(outcome) == OK
    assert not [m for m in outcome.measurements if m.name == "disk_inodes_free"]


def windows(free: str, size: str, volume: str = "D:") -> dict[str, bytes]:
    text = f"""windows_logical_disk_free_bytes{{volume="C:"}} 5e+10
windows_logical_disk_size_bytes{{volume="C:"}} 1e+11
windows_logical_disk_free_bytes{{volume="{volume}"}} {free}
windows_logical_disk_size_bytes{{volume="{volume}"}} {size}
"""
    return {"/metrics": text.encode()}


@pytest.mark.parametrize(
    ("free", "size", "named", "expected"),
    [
        ("2e+11", "1e+11", False, UNKNOWN),
        ("5.50232915968e+11", "5.50232915968e+11", False, UNKNOWN),  # 0.30.0-beta.2 told the size as free: issue 1746
        ("0", "0", False, OK),  # a drive without a medium
        ("0", "0", True, UNKNOWN),
        ("0", "1e+11", False, FULL),
    ],
)
async def test_windows_exporters_figures_that_cannot_be_are_unknown(
    free: str, size: str, named: bool, expected: Judged
) -> None:
    outcome = await disk("windows_exporter", windows(free, size), *(["C:", "D:"] if named else []))
    assert judged(outcome) == expected
    assert "C:" in measured(outcome)


FS1 = {"dcmStorageID": "fs1", "dcmURI": "file:/storage/fs1", "usableSpace": 600, "totalSpace": 1000}
S3 = {"dcmStorageID": "s3", "dcmURI": "jclouds:s3:http://s3", "usableSpace": -1, "totalSpace": -1, "usedSpace": -1}
OLD_S3 = {"dcmStorageID": "s3", "dcmURI": "jclouds:s3:http://s3"}
OLD_FULL = {"dcmStorageID": "fs2", "dcmURI": "file:/storage/fs2"}
"""5.10 to 5.13 leave out both sizes unless something is usable (dcm4chee-arc-light, StorageRS)."""
AE = {"ae_title": "A"}
MARKED = {"dcmStorageThresholdExceeded": "20261124"}


@pytest.mark.parametrize(
    ("storage", "named", "expected"),
    [
        (S3, True, UNKNOWN),
        (S3, False, OK),
        (S3 | MARKED, False, FULL),
        (OLD_S3, True, UNKNOWN),
        (OLD_S3, False, OK),
        (OLD_S3 | MARKED, False, FULL),
        (OLD_FULL, True, UNKNOWN),
        (OLD_FULL, False, UNKNOWN),
        (FS1 | {"dcmStorageID": "fs2", "usableSpace": 0}, False, FULL),
        (FS1 | {"dcmStorageID": "fs2", "usableSpace": 2000}, False, UNKNOWN),
        (FS1 | {"dcmStorageID": "fs2", "usableSpace": "600", "totalSpace": "1000"}, True, OK),
        (FS1 | {"dcmStorageID": "fs2", "totalSpace": "much"}, True, UNKNOWN),
    ],
)
async def test_a_storage_of_dcm4chee_without_sizes_is_unknown_and_blinds_no_other(
    storage: dict[str, Any], named: bool, expected: Judged
) -> None:
    names = ["fs1", str(storage["dcmStorageID"])] if named else []
    outcome = await disk("dcm4chee", {"/storage": [FS1, storage]}, *names, block=AE)
    assert judged(outcome) == expected
    assert "fs1" in measured(outcome)
    assert all(m.value >= 0 for m in outcome.measurements)


async def test_a_dcm4chee_that_keeps_all_in_the_cloud_is_unknown() -> None:
    assert judged(await disk("dcm4chee", {"/storage": [S3]}, block=AE)) == UNKNOWN


@pytest.mark.parametrize(
    ("free", "total", "expected"), [(300, 1000, OK), (-1, -1, UNKNOWN), (0, 0, UNKNOWN), (2000, 1000, UNKNOWN)]
)
async def test_the_disk_of_a_mirth_that_does_not_know_it_is_unknown(free: int, total: int, expected: Judged) -> None:
    stats = {"com.mirth.connect.model.SystemStats": {"diskFreeBytes": free, "diskTotalBytes": total}}
    assert judged(await disk("mirth", {"/api/system/stats": stats})) == expected


@pytest.mark.parametrize(
    ("used", "free", "expected"),
    [(700, 300, OK), (0, 0, UNKNOWN), (-1, -1, UNKNOWN), (700, -1, UNKNOWN), (None, 300, UNKNOWN), ("700", "300", OK)],
)
async def test_numbers_of_json_that_are_not_told_are_unknown(used: Any, free: Any, expected: Judged) -> None:
    paths = {"a": {"used": "$.a.used", "free": "$.a.free"}, "b": {"used": "$.b.used", "free": "$.b.free"}}
    answer = {"a": {"used": 1, "free": 9}, "b": {"used": used, "free": free}}
    outcome = await disk("http_json", {"/": answer}, block={"volumes": paths})
    assert judged(outcome) == expected
    assert "a" in measured(outcome)


async def test_an_orthanc_that_holds_more_than_it_may_is_full_and_less_than_nothing_unknown() -> None:
    for used, expected in (("3145728", FULL), ("-1", UNKNOWN)):
        answers = {"/system": {"MaximumStorageSize": 2}, "/statistics": {"TotalDiskSize": used}}
        assert judged(await disk("orthanc", answers)) == expected


@pytest.mark.parametrize(
    ("unit", "size", "used"),
    [
        (0, 1000, 400),
        (4096, 0, 0),
        (None, 1000, 400),
        (4096, None, 400),
        (4096, 1000, None),
        (-4096, 1000, 400),
        (4096, 1000, 1010),
        (4096, 1000, 1001),
        (4096, 3_000_000_000, 3_000_000_100),
        (4096, -1000, -500),
    ],
)
def test_rows_of_snmp_of_which_nothing_is_known_have_no_figures(
    unit: int | None, size: int | None, used: int | None
) -> None:
    told = volume_of("/archive", unit, size, used)
    assert (told.used, told.free) == (None, None)
    assert told.gap is not None
    assert told.gap.reason is Reason.NOT_MEASURED
