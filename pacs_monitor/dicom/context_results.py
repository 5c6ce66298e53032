"""How a peer answered the presentation contexts that we proposed (PS3.8 9.3.3.2), in words."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from pacs_monitor.dicom import reasons
from pacs_monitor.dicom.names import name_of
from pacs_monitor.dicom.negotiation import Accepted
from pacs_monitor.dicom.requests import Context

_ACCEPTED = 0


@lru_cache(1024)
def facts(accepted: Accepted, contexts: tuple[Context, ...]) -> tuple[tuple[str, str], ...]:
    """For the terminal of `pacs-monitor probe` alone."""
    return (
        *_by_answer(accepted, contexts),
        ("maximum PDU length", str(accepted.maximum_length)),
        ("implementation class UID", accepted.implementation_class_uid),
        ("implementation version name", accepted.implementation_version_name),
    )


def _by_answer(accepted: Accepted, contexts: tuple[Context, ...]) -> Iterator[tuple[str, str]]:
    """A context and its answer; where several have the same one, that answer and all of them."""
    answers: dict[str, dict[str, None]] = {}
    for context in contexts:
        answers.setdefault(_in_full(accepted, context), {})[name_of(context.abstract_syntax)] = None
    for answer, names in answers.items():
        reported = ", ".join(names)
        yield (answer, reported) if len(names) > 1 else (reported, answer)


def answer_to(accepted: Accepted, context: Context) -> str:
    """How the peer answered one proposed context."""
    result, syntax = accepted.contexts.get(context.id, (None, ""))
    if result != _ACCEPTED:
        return f"refused ({reasons.context_result(result)})"
    return (
        f"accepted with {name_of(syntax) if syntax in context.transfer_syntaxes else 'a transfer syntax not proposed'}"
    )


def _in_full(accepted: Accepted, context: Context) -> str:
    """A refusal with what was proposed."""
    answer = answer_to(accepted, context)
    if accepted.contexts.get(context.id, (None, ""))[0] == _ACCEPTED:
        return answer
    return f"{answer}, proposed with {', '.join(map(name_of, context.transfer_syntaxes))}"
