"""One bad case costs itself alone: the others are told, and it is told when it can be, also after a restart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from pacs_monitor.config.estate import Estate
from pacs_monitor.model import Entry, State
from tests.alerting.running import at_once, got, hook, running, types
from tests.alerting.support import ARCHIVE, CHECKS, DISK, NODES, RIS, an_estate, moved
from tests.peers.receiver import Receiver
from tests.support.clock import SettableClock
from tests.support.timing import until

UP, DOWN = State.UP, State.DOWN


def with_a_bad_archive(receiver: Receiver, **archive: Any) -> Estate:
    """An estate in which no incident of the archive can be reckoned with: its `page_after` is endless."""
    checks = [replace(check, page_after=0.0) for check in CHECKS.values()]
    bad = {"page_after": math.inf} | archive
    return an_estate(
        [replace(check, **bad) if check.id == ARCHIVE else check for check in checks], channels={"hook": hook(receiver)}
    )


async def test_what_cannot_be_decided_keeps_nobody_from_being_told_of_the_rest(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    async with running(clock, database, with_a_bad_archive(receiver)) as house:
        house.move(DOWN)
        house.move(DOWN, RIS)
        (post,) = await got(receiver, 1)
        assert post.data["node"] == "ris"
        house.move(UP, RIS)
        await got(receiver, 2)
        ledger = house.history.reader.transitions()
        assert [transition.after for transition in ledger[ARCHIVE]] == [DOWN], "what happened is on record"
        await until(lambda: house.supervisor.failures["decision"] >= 2)
        await until(lambda: house.supervisor.trouble is not None)
        house.move(UP, DISK)  # anything that makes the desk look
        (fault,) = [p for p in await got(receiver, 3) if p.data["kind"] == "fault"]
        assert fault.data["summary"].startswith("The monitor's task decision has been failing repeatedly since ")

        house.desk.reloaded(at_once(receiver))
        await until(lambda: [post.data["node"] for post in receiver.accepted].count("archive") == 1)


async def test_what_could_not_be_decided_is_told_after_a_restart(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    async with running(clock, database, with_a_bad_archive(receiver)) as house:
        house.move(DOWN)
        await until(lambda: house.supervisor.failures["decision"] >= 1)
    assert receiver.posts == []
    async with running(clock, database, at_once(receiver)) as house:
        (opened,) = await got(receiver, 1)
        assert (opened.data["check"], opened.data["state"], opened.data["reason"]) == (
            "dicom_echo",
            "down",
            "tcp_refused",
        )
        assert [transition.after for transition in house.history.reader.transitions()[ARCHIVE]] == [DOWN]
        house.move(UP)
        assert types(await got(receiver, 2)) == ["opened", "resolved"]


async def test_a_recovery_that_could_not_be_decided_is_told_after_a_restart(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    async with running(clock, database, at_once(receiver)) as house:
        house.move(DOWN)
        await got(receiver, 1)
        await house.history.record(recovered(house.clock))
    async with running(clock, database, at_once(receiver)) as house:
        await got(receiver, 2)
        assert house.desk.open_incidents() == ()
    assert types(receiver.posts) == ["opened", "resolved"]


def recovered(clock: SettableClock) -> Entry:
    up = replace(moved(UP, 0, before=DOWN), since=clock.now(), noticed=clock.now())
    return Entry((up,))


class Poison(Mapping[str, str]):
    """Labels or support that cannot be read."""

    def __getitem__(self, key: str) -> str:
        raise MemoryError

    def __iter__(self) -> Iterator[str]:
        raise MemoryError

    def __len__(self) -> int:
        return 1


async def test_a_page_that_cannot_be_written_in_full_is_sent_in_plain_words(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    bad = replace(NODES["archive"], support=Poison())
    async with running(clock, database, with_a_bad_archive(receiver, page_after=0.0, node=bad)) as house:
        house.move(DOWN)
        house.move(DOWN, RIS)
        posts = {post.data["node"]: post for post in await got(receiver, 2)}
        house.move(UP)
        (resolved,) = [post for post in await got(receiver, 3) if post.type == "incident.resolved"]
        assert +house.supervisor.failures == {"page": 2}
    plain, full = posts["archive"].data, posts["ris"].data
    assert plain.keys() == full.keys()
    assert plain["summary"].startswith("archive/dicom_echo is down (incident since 20")
    assert (plain["severity"], plain["state"], plain["reason"]) == ("critical", "down", "tcp_refused")
    assert plain["dedup_key"] == resolved.data["dedup_key"] == f"east-campus/{plain['incident']}"
    assert resolved.data["summary"].startswith("archive/dicom_echo has recovered (incident since 20")


@pytest.mark.parametrize("state", [State.DEGRADED, State.DOWN])
async def test_a_check_in_trouble_whose_transition_was_lost_is_told(
    receiver: Receiver, clock: SettableClock, database: str, state: State
) -> None:
    async with running(clock, database, at_once(receiver)) as house:
        house.stand(state)
        house.move(UP, RIS)  # anything that makes the desk look
        (opened,) = await got(receiver, 1)
        assert opened.data["state"] == state
        house.stand(UP)
        house.move(UP, RIS)
        assert types(await got(receiver, 2)) == ["opened", "resolved"]
