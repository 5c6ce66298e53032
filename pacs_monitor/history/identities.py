"""The record of where and as whom each check asked, and of when it was first good so.

A check has one row that has not ended. Another address or AE title ends it and begins another one; a return to one with
which the check was good before is proven at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, or_, select, update

from pacs_monitor.history.rows import insert_once
from pacs_monitor.history.tables import checks, identities, transitions, watches
from pacs_monitor.model import CheckId, Micros
from pacs_monitor.proof import GOOD

OF = identities.c


class Known(NamedTuple):
    """One check, as which it is known by its fingerprint (model.fingerprint)."""

    check: CheckId
    fingerprint: str


def adopt(
    connection: Connection, monitor: int, ids: Mapping[CheckId, int], wanted: Mapping[CheckId, str], now: Micros
) -> None:
    """These checks ask as these from now on."""
    _learn_from_the_ledger(connection, monitor)
    ours = select(identities).join(checks).where(checks.c.monitor_id == monitor)
    there = {row.check_id: row for row in connection.execute(ours.where(OF.ended.is_(None)))}
    prints = {ids[check]: fingerprint for check, fingerprint in wanted.items()}
    new = {check for check in prints if check not in there}
    changed = {check for check in prints if check in there and there[check].fingerprint != prints[check]}
    if not (new or changed):
        return
    _end(connection, [there[check].id for check in changed], now)
    proven = {(row.check_id, row.fingerprint) for row in connection.execute(ours.where(OF.proven.is_not(None)))}
    first, good = _watched(connection, monitor) if new else {}, _good(connection, monitor) if new else {}
    rows = [
        {
            "check_id": check,
            "fingerprint": prints[check],
            "started": first.get(check, now) if check in new else now,
            "ended": None,
            "proven": good.get(check) if check in new else now if (check, prints[check]) in proven else None,
        }
        for check in sorted(new | changed)
    ]
    insert_once(connection, identities, rows)


def prove(connection: Connection, ids: Mapping[CheckId, int], good: Mapping[Known, Micros]) -> None:
    """Checks were good as these; the earliest time stays."""
    if good:
        statement = update(identities).where(
            OF.check_id == bindparam("of"),
            OF.fingerprint == bindparam("as_whom"),
            or_(OF.proven.is_(None), OF.proven > bindparam("at")),
        )
        rows = [{"of": ids[known.check], "as_whom": known.fingerprint, "at": at} for known, at in good.items()]
        connection.execute(statement.values(proven=bindparam("at")), rows)


def _learn_from_the_ledger(connection: Connection, monitor: int) -> None:
    """A daemon that was killed has written a check's first good state, and perhaps no heartbeat after it."""
    of = transitions.c
    first = (
        select(func.min(of.since))
        .where(of.check_id == OF.check_id, of.after.in_(GOOD), of.since >= OF.started)
        .scalar_subquery()
    )
    ours = OF.check_id.in_(select(checks.c.id).where(checks.c.monitor_id == monitor))
    connection.execute(update(identities).where(ours, OF.ended.is_(None), OF.proven.is_(None)).values(proven=first))


def _end(connection: Connection, rows: list[int], now: Micros) -> None:
    if rows:
        statement = update(identities).where(OF.id == bindparam("row")).values(ended=now)
        connection.execute(statement, [{"row": row} for row in rows])


def _watched(connection: Connection, monitor: int) -> dict[int, Micros]:
    """Since when each check was watched for the first time."""
    first = select(watches.c.check_id, func.min(watches.c.started)).join(checks).where(checks.c.monitor_id == monitor)
    return {row[0]: row[1] for row in connection.execute(first.group_by(watches.c.check_id))}


def _good(connection: Connection, monitor: int) -> dict[int, Micros]:
    """When each check was good for the first time, by its ledger."""
    of = transitions.c
    first = select(of.check_id, func.min(of.since)).join(checks).where(checks.c.monitor_id == monitor)
    return {row[0]: row[1] for row in connection.execute(first.where(of.after.in_(GOOD)).group_by(of.check_id))}
