"""A test of a channel: whatever it has opened is ended, and who asked learns what became of each step."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pacs_monitor.channels import kinds
from pacs_monitor.clock import SystemClock
from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.delivery.trying import END_AGAIN, END_TRIES, OPEN_FOR, Tried, keeps_open, try_out
from pacs_monitor.messages.trial import Shape, shaped
from pacs_monitor.model import Channel, DeliveryError, Notification
from tests.channels.contract import made, subject

MONITOR = MonitorSettings(name="east", database="sqlite:///x.db", external_url="https://monitor.example.org")
SURELY_NOT = DeliveryError("tcp_refused", "refused", may_have_arrived=False)
PERHAPS = DeliveryError("http_503", "later", may_have_arrived=True)


class Trying:
    """A receiver that answers as it is told, and a clock on the wall that somebody else turns."""

    def __init__(self, answers: Sequence[DeliveryError | None]) -> None:
        self._answers = list(answers)
        self.sent: list[str] = []
        self.waited: list[float] = []

    async def send(self, notification: Notification) -> str:
        self.sent.append(notification.type.partition(".")[2] or notification.type)
        answer = self._answers.pop(0) if self._answers else None
        if answer is not None:
            raise answer
        return "HTTP 200 thanks"

    async def wait(self, seconds: float) -> None:
        self.waited.append(seconds)

    async def of(self, shape: Shape | None, kind: str = "teams", open_for: float | None = None) -> Tried:
        channel = made(kind, "http://127.0.0.1:9")
        told = shaped(shape, "people", MONITOR, SystemClock().now())
        return await try_out(channel, told, self.send, SystemClock(), open_for=open_for, wait=self.wait)


@pytest.mark.parametrize(
    ("shape", "sent"),
    [
        (None, ["test"]),
        (Shape.OPENED, ["opened", "resolved"]),
        (Shape.CHANGED, ["opened", "changed", "resolved"]),
        (Shape.RESOLVED, ["opened", "resolved"]),
        (Shape.GROUP, ["opened", "resolved"]),
        (Shape.DIGEST, ["digest"]),
    ],
)
async def test_what_is_opened_is_ended(shape: Shape | None, sent: list[str]) -> None:
    trying = Trying([])
    tried = (await trying.of(shape)).as_json()
    assert (trying.sent, trying.waited) == (sent, [])
    assert (tried["delivered"], tried["left_open"], tried["said"]) == (True, False, "HTTP 200 thanks")


@pytest.mark.parametrize("kind", ["pagerduty", "jsm", "alertmanager"])
async def test_where_the_receiver_keeps_it_open_it_has_time_to_ring(kind: str) -> None:
    trying = Trying([])
    await trying.of(Shape.OPENED, kind)
    await trying.of(Shape.OPENED, kind, open_for=7.0)
    await trying.of(Shape.OPENED, kind, open_for=0.0)
    assert trying.waited == [OPEN_FOR, 7.0]


async def test_a_plain_test_says_where_it_stays_open() -> None:
    left = {kind: (await Trying([]).of(None, kind)).left_open for kind in ("pagerduty", "jsm", "alertmanager", "teams")}
    assert left == {"pagerduty": True, "jsm": True, "alertmanager": False, "teams": False}


async def test_what_surely_did_not_arrive_ends_the_test() -> None:
    trying = Trying([SURELY_NOT])
    tried = (await trying.of(Shape.CHANGED, "pagerduty")).as_json()
    assert (trying.sent, trying.waited) == (["opened"], [])
    assert (tried["delivered"], tried["reason"], tried["left_open"]) == (False, "tcp_refused", False)


async def test_what_may_have_arrived_is_ended_at_once() -> None:
    trying = Trying([PERHAPS])
    tried = (await trying.of(Shape.CHANGED, "pagerduty")).as_json()
    assert (trying.sent, trying.waited) == (["opened", "resolved"], [])
    assert (tried["delivered"], tried["reason"], tried["left_open"]) == (False, "http_503", False)


async def test_an_end_is_tried_again_and_one_that_fails_for_good_is_told() -> None:
    again, never = Trying([None, PERHAPS]), Trying([None, *[SURELY_NOT] * END_TRIES])
    ended, left = await again.of(Shape.OPENED), await never.of(Shape.OPENED)
    assert (again.sent, again.waited, ended.left_open) == (["opened", "resolved", "resolved"], [END_AGAIN], False)
    assert (never.sent, left.left_open) == (["opened", *["resolved"] * END_TRIES], True)
    assert left.as_json()["delivered"] is False


def test_kinds_that_keep_incidents_open_are_known() -> None:
    over_http: list[Channel] = [made(kind, "http://127.0.0.1:9") for kind in kinds() if subject(kind)]
    assert {channel.kind for channel in over_http if keeps_open(channel)} == {"pagerduty", "jsm", "alertmanager"}
