"""Windows in the situation, remembered over a restart."""

from __future__ import annotations

from pydantic import TypeAdapter

from pacs_monitor.alerting.situation import Held
from pacs_monitor.alerting.turn import Turn

_HELD: TypeAdapter[Held] = TypeAdapter(Held)


def hold(turn: Turn, held: Held) -> Held:
    """Remember it, also over a restart."""
    turn.put(windows=(held.window.id, held))
    turn.note("window", held.window.id, _HELD.dump_python(held, mode="json"))
    return held


def forget(turn: Turn, window: str) -> None:
    """Nothing needs to know of it any more."""
    turn.drop(windows=window)
    turn.note("window", window, None)


def restored(data: object) -> Held:
    """As a note has kept it."""
    return _HELD.validate_python(data)
