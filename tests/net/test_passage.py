from __future__ import annotations

from pacs_monitor.model import Flag, Phase, Reason, Status
from pacs_monitor.net import Trace


def passed(**seconds: float) -> Trace:
    trace = Trace()
    trace.phases.update({Phase(name): value for name, value in seconds.items()})
    return trace


def test_a_phase_that_comes_again_adds_up() -> None:
    trace = Trace()
    for _ in range(2):
        trace.begin(Phase.OPERATION)
    trace.end()
    once = trace.phases[Phase.OPERATION]
    trace.begin(Phase.OPERATION)
    trace.end()
    assert trace.phases[Phase.OPERATION] > once


def test_a_failure_ends_the_running_phase_and_keeps_flags() -> None:
    trace = Trace()
    trace.begin(Phase.CONNECT)
    trace.flags.append(Flag.RESOLVED_FROM_MEMORY)
    outcome = trace.failure(Reason.TCP_REFUSED, "refused").outcome()
    assert (outcome.phase, outcome.flags) == (Phase.CONNECT, (Flag.RESOLVED_FROM_MEMORY,))
    assert set(outcome.phases) == {Phase.CONNECT}


def test_a_failure_keeps_what_is_for_the_terminal_also_of_another_conversation() -> None:
    trace, other = Trace(), Trace()
    trace.terminal, other.terminal = (("maximum PDU length", "0"),), (("maximum PDU length", "16384"),)
    trace.take_over(other, "vna")
    assert trace.failure(Reason.CLOSED, "closed").outcome().terminal == (
        ("maximum PDU length", "0"),
        ("vna: maximum PDU length", "16384"),
    )


def test_slow_counts_until_the_answer_and_names_the_longest_phase() -> None:
    outcome = passed(connect=0.1, associate=2.0, operation=0.4, release=1.0).outcome(slow=2.0)
    assert (outcome.status, outcome.reason, outcome.phase) == (Status.WARN, Reason.SLOW, Phase.ASSOCIATE)
    assert outcome.detail == "the answer took 2.5 s, more than 2 s; 2 s of it was spent associating"


def test_a_slow_release_is_not_slow() -> None:
    assert passed(connect=0.1, associate=0.1, release=1.0).outcome(slow=1.0).status is Status.OK
