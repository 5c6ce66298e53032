"""What every probe kind promises, whichever it is; each kind's own test module brings the peers (`PEERS`)."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from pacs_monitor.fields import nodes_named
from pacs_monitor.model import Blame, Flag, Layer, Outcome, Probe, Reason, Status, Timing
from pacs_monitor.probes import kinds
from tests.legibility import illegible, printed
from tests.probes.support import Arrange, Peers
from tests.support.probing import ask
from tests.support.timing import HANGS, SOON, Stopwatch

GRACE = 0.9
"""Seconds over its deadline at most, on a busy machine; the runner's backstop comes at 1.0."""


def peers_of(kind: str) -> Peers:
    peers: Peers = import_module(f"tests.probes.test_{kind}").PEERS
    return peers


@pytest.fixture(params=sorted(kinds()))
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def probe(kind: str) -> Probe:
    return kinds()[kind]


async def run(arrange: Arrange, folder: Path, probe: Probe, timeout: float = SOON) -> Outcome:
    """One run, and what holds of any outcome."""
    async with arrange(folder) as (node, settings, *context):
        others = {name: node for names in nodes_named(settings).values() for name in names}
        more = {"nodes": others} | dict(*context)
        with Stopwatch() as watch:
            outcome = await ask(probe, node, settings, timeout, **more)
        assert watch.seconds < timeout + GRACE
    declared = {(measure.name, measure.labels) for measure in probe.measures}
    assert {(m.name, tuple(label for label, _ in m.labels)) for m in outcome.measurements} <= declared
    assert set(outcome.flags) <= set(Flag)
    assert all(seconds >= 0 for seconds in outcome.phases.values())
    assert illegible(printed(probe.kind, outcome)) == []
    return outcome


async def test_a_working_peer_is_ok(kind: str, probe: Probe, tmp_path: Path) -> None:
    outcome = await run(peers_of(kind).working, tmp_path, probe)
    assert (outcome.status, outcome.reason, outcome.detail) == (Status.OK, None, "")


async def test_a_peer_that_is_not_well_is_a_warning(kind: str, probe: Probe, tmp_path: Path) -> None:
    outcome = await run(peers_of(kind).warning, tmp_path, probe)
    assert outcome.status is Status.WARN, outcome
    assert outcome.reason is not None
    assert outcome.reason.blame is not Blame.MONITOR
    assert outcome.detail


async def test_what_the_monitor_cannot_see_is_unknown_and_its_own_fault(
    kind: str, probe: Probe, tmp_path: Path
) -> None:
    outcome = await run(peers_of(kind).blind, tmp_path, probe)
    assert outcome.status is Status.UNKNOWN, outcome
    assert outcome.reason is not None
    assert outcome.reason is not Reason.PROBE_ERROR
    assert outcome.reason.blame is Blame.MONITOR
    assert outcome.detail


@pytest.mark.parametrize(
    ("how", "timeout", "statuses"),
    [("refusing", HANGS, {Status.FAIL}), ("hanging", 1.0, {Status.FAIL, Status.UNKNOWN})],
)
async def test_a_peer_that_does_not_work_gives_a_reason(
    how: str, timeout: float, statuses: set[Status], kind: str, probe: Probe, tmp_path: Path
) -> None:
    outcome = await run(getattr(peers_of(kind), how), tmp_path, probe, timeout)
    assert outcome.status in statuses
    assert outcome.reason in set(Reason) - {Reason.PROBE_ERROR}
    assert outcome.phase is not None
    assert outcome.detail


def test_a_kind_is_named_like_its_module(kind: str, probe: Probe) -> None:
    assert probe.kind == kind
    assert type(probe).__module__ == f"pacs_monitor.probes.{kind}"


def test_a_kind_keeps_the_protocol(probe: Probe) -> None:
    assert isinstance(probe, Probe)
    assert isinstance(probe.layer, Layer)
    assert isinstance(probe.timing, Timing)
    assert probe.timing.retry_interval <= probe.timing.interval


def test_a_kind_is_documented(kind: str, probe: Probe) -> None:
    assert import_module(type(probe).__module__).__doc__
    assert all(measure.help for measure in probe.measures)


def test_every_setting_has_a_description(probe: Probe) -> None:
    undescribed = [name for name, field in probe.settings.model_fields.items() if not field.description]
    assert undescribed == []
