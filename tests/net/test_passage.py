from __future__ import annotations

from pacs_monitor.model import Flag, Phase, Reason, Status
from pacs_monitor.net import Passage


def passed(**seconds: float) -> Passage:
    passage = Passage()
    passage.phases.update({Phase(name): value for name, value in seconds.items()})
    return passage


def test_a_phase_that_comes_again_adds_up() -> None:
    passage = Passage()
    for _ in range(2):
        passage.begin(Phase.OPERATION)
    passage.end()
    once = passage.phases[Phase.OPERATION]
    passage.begin(Phase.OPERATION)
    passage.end()
    assert passage.phases[Phase.OPERATION] > once


def test_a_failure_ends_the_running_phase_and_keeps_flags() -> None:
    passage = Passage()
    passage.begin(Phase.CONNECT)
    passage.flags.append(Flag.RESOLVED_FROM_MEMORY)
    outcome = passage.failure(Reason.TCP_REFUSED, "refused").outcome()
    assert (outcome.phase, outcome.flags) == (Phase.CONNECT, (Flag.RESOLVED_FROM_MEMORY,))
    assert set(outcome.phases) == {Phase.CONNECT}


def test_a_failure_keeps_what_is_for_the_terminal_also_of_another_conversation() -> None:
    passage, other = Passage(), Passage()
    passage.terminal, other.terminal = (("maximum PDU length", "0"),), (("maximum PDU length", "16384"),)
    passage.take_over(other, "vna")
    assert passage.failure(Reason.CLOSED, "closed").outcome().terminal == (
        ("maximum PDU length", "0"),
        ("vna: maximum PDU length", "16384"),
    )


def test_slow_counts_until_the_answer_and_names_the_longest_phase() -> None:
    outcome = passed(connect=0.1, associate=2.0, operation=0.4, release=1.0).outcome(slow=2.0)
    assert (outcome.status, outcome.reason, outcome.phase) == (Status.WARN, Reason.SLOW, Phase.ASSOCIATE)
    assert outcome.detail == "the answer took 2.5 s, more than 2 s; 2 s of it was spent associating"


def test_a_slow_release_is_not_slow() -> None:
    assert passed(connect=0.1, associate=0.1, release=1.0).outcome(slow=1.0).status is Status.OK
