"""Problems and the incidents of kind node that they belong to: joining, leaving, absorbing, linking."""

from __future__ import annotations

from dataclasses import replace

from pacs_monitor.alerting import flapping
from pacs_monitor.alerting.causes import cause_of, class_of, problem_of, severity, summarised
from pacs_monitor.alerting.endings import end
from pacs_monitor.alerting.situation import Cause, Subject
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import TROUBLE, Check, CheckId, Ending, Incident, Micros, Problem, State, Transition


def apply_transition(turn: Turn, transition: Transition) -> None:
    """A watched check changed its state."""
    check = turn.rules.checks[transition.check]
    identity = turn.now.by_check.get(check.id)
    subject = None if identity is None else turn.subject(identity)
    was_up = subject is None or _member(subject, check.id).state is State.UP
    flapping.changed(turn, check.id, fails=was_up and transition.after in TROUBLE)
    if subject is None:
        if transition.after in TROUBLE:
            problem = replace(problem_of(transition, check), flapping=flapping.since(turn, check.id))
            _join(turn, problem, check)
    elif transition.after is State.UP and flapping.since(turn, check.id) is None:
        leave(turn, subject, check.id, transition.since, Ending.RESOLVED)
    else:
        _move(turn, subject, transition, check)


def withdraw_unwatched(turn: Turn) -> None:
    """Checks that left the estate take their problems with them."""
    for check, identity in list(turn.now.by_check.items()):
        if check not in turn.rules.checks and (subject := turn.subject(identity)) is not None:
            leave(turn, subject, check, turn.at, Ending.WITHDRAWN)


def calm(turn: Turn, check: CheckId) -> None:
    """A check that has flapped and is up leaves its incident; one that fails goes on as any other."""
    if not flapping.is_over(turn, check) or (identity := turn.now.by_check.get(check)) is None:
        return
    subject = turn.now.subjects[identity]
    problem = replace(_member(subject, check), calm=turn.at)
    subject = _with_problem(subject, problem)
    if problem.state is State.UP:
        leave(turn, subject, check, turn.at, Ending.RESOLVED)
    else:
        turn.keep(replace(subject, incident=subject.incident.changed()))


def leave(turn: Turn, subject: Subject, check: CheckId, at: Micros, ending: Ending) -> None:
    """A member is good again, or gone; the last one takes the incident with it."""
    problems = tuple(replace(p, left=at) if p.check == check and p.is_active else p for p in subject.incident.problems)
    turn.drop(by_check=check)
    incident = replace(subject.incident, problems=problems)
    if incident.active:
        turn.keep(_with_its_cause(turn, replace(subject, incident=summarised(incident))))
        return
    state = State.UP if ending is Ending.RESOLVED else incident.state
    end(turn, replace(subject, incident=incident.changed(state=state)), ending, at)


def _join(turn: Turn, problem: Problem, check: Check) -> None:
    cause = cause_of(check, problem.reason)
    subject = turn.owner(cause)
    if subject is None:
        turn.keep(_opened(turn, cause, problem))
    else:
        turn.keep(_with_member(turn, subject, problem))


def _opened(turn: Turn, cause: Cause, problem: Problem) -> Subject:
    incident = Incident(
        turn.identity(),
        *cause,
        problem.severity,
        problem.state,
        problem.reason,
        problem.phase,
        problem.detail,
        problem.last_good,
        problem.since,
        problem.noticed,
    )
    turn.own(cause, incident.id)
    node = problem.check.node
    turn.put(by_node=(node, turn.now.by_node.get(node, frozenset[str]()) | {incident.id}))
    return _with_member(turn, Subject(incident, problem.due), problem)


def _with_member(turn: Turn, subject: Subject, problem: Problem) -> Subject:
    incident = subject.incident
    others = tuple(known for known in incident.problems if known.check != problem.check)
    members = tuple(dict.fromkeys((*incident.members, problem.check)))
    incident = summarised(
        replace(incident, problems=(*others, problem), members=members), since=min(incident.since, problem.since)
    )
    turn.put(by_check=(problem.check, incident.id))
    return replace(subject, incident=incident)


def _move(turn: Turn, subject: Subject, transition: Transition, check: Check) -> None:
    """A member that stays: in another state, or for another reason."""
    problem, since = _member(subject, check.id), flapping.since(turn, check.id)
    moved = replace(
        problem,
        state=transition.after,
        severity=severity(check, transition.after) if transition.after in TROUBLE else problem.severity,
        reason=transition.reason,
        phase=transition.phase,
        detail=transition.detail,
        flapping=since or problem.flapping,
        calm=problem.calm if since is None else None,
    )
    incident = summarised(_with_problem(subject, moved).incident)
    turn.keep(_with_its_cause(turn, replace(subject, incident=incident)))


def _member(subject: Subject, check: CheckId) -> Problem:
    """What is wrong with a check that belongs to the incident."""
    return next(problem for problem in subject.incident.active if problem.check == check)


def _with_problem(subject: Subject, problem: Problem) -> Subject:
    """With a member as it is now."""
    problems = tuple(problem if p.check == problem.check and p.is_active else p for p in subject.incident.problems)
    return replace(subject, incident=replace(subject.incident, problems=problems))


def _with_its_cause(turn: Turn, subject: Subject) -> Subject:
    """The cause is another one once no member in trouble has the old one.

    An incident of that cause that is open already absorbs this one, or is absorbed, if nobody was notified of the one
    of them; else the two are linked, and more of the cause joins the older one.
    """
    incident = subject.incident
    causes = {
        cause_of(turn.rules.checks[problem.check], problem.reason)
        for problem in incident.in_trouble
        if problem.check in turn.rules.checks
    }
    if not causes or subject.key in causes:
        return subject
    cause = max(causes, key=lambda one: (class_of(one[1]).rank, one))
    turn.disown(subject)
    subject = replace(subject, incident=incident.changed(cause=cause[1]))
    other = turn.owner(cause)
    if other is None:
        turn.own(cause, incident.id)
        return subject
    if not subject.notified:
        return _absorbed(turn, subject, into=other)
    if not other.notified:
        turn.own(cause, incident.id)
        return _absorbed(turn, other, into=subject)
    turn.own(cause, min(subject, other, key=Subject.age).incident.id)
    turn.keep(_linked(other, subject))
    return _linked(subject, other)


def _absorbed(turn: Turn, subject: Subject, into: Subject) -> Subject:
    """The other incident, with the members of one of which nobody was notified, and who has acknowledged it."""
    left = tuple(replace(p, left=turn.at) if p.is_active else p for p in subject.incident.problems)
    end(turn, replace(subject, incident=replace(subject.incident, problems=left)), Ending.MERGED, turn.at)
    said = into.incident.acknowledgement or subject.incident.acknowledgement
    into = replace(into, incident=replace(into.incident, acknowledgement=said))
    for problem in subject.incident.active:
        into = _with_member(turn, into, problem)
    return into


def _linked(subject: Subject, other: Subject) -> Subject:
    linked = tuple(dict.fromkeys((*subject.incident.linked, other.incident.id)))
    return replace(subject, incident=subject.incident.changed(linked=linked))
