"""The agenda answers like a list that is sorted anew for every question."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.delivery.due_queue import DueQueue

KEYS = st.sampled_from("abcde")
PUT = st.tuples(st.just("put"), KEYS, st.integers(0, 20), st.integers(0, 3))
ASK = st.tuples(st.sampled_from(["best", "remove"]), KEYS, st.integers(0, 20), st.just(0))


@given(st.lists(PUT | ASK, max_size=40))
def test_it_answers_like_a_list(story: list[tuple[str, str, int, int]]) -> None:
    agenda, known, now, count = DueQueue(), dict[str, tuple[int, int, int]](), 0, 0
    for what, key, number, rank in story:
        if what == "put":
            count += 1
            agenda.put(key, number, (rank,))
            known[key] = (number, rank, count)
        elif what == "remove":
            agenda.remove(key)
            known.pop(key, None)
        else:
            now = max(now, number)
            due = [(r, n, k) for k, (at, r, n) in known.items() if at <= now]
            assert agenda.has_due(now) == bool(due)
            best = min(due)[2] if due else None
            assert agenda.best(now) == best
            known.pop(best or "", None)
            assert agenda.next_due() == min((at for at, *_ in known.values() if at > now), default=None)
