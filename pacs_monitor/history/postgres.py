"""Sessions of PostgreSQL that a server cannot hold up for ever.

The server ends a statement that waits too long for a lock or takes too long; a server that does not answer at all (it
was stopped, or its machine hangs while its kernel still acknowledges) is given up here, by closing the connection.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, TypeVar

from psycopg import Connection, OperationalError

T = TypeVar("T")


class Session(Connection[Any]):
    """A connection whose server must go on within `answers_within` seconds, else it is closed."""

    answers_within = 10.0

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **options: Any) -> T:
        return super().wait(self._bounded(gen), *args, **options)

    def _bounded(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """What psycopg waits for, step by step; it hands in nothing each 0.1 s in which nothing has come."""
        until = time.monotonic() + self.answers_within
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    until = time.monotonic() + self.answers_within
                elif time.monotonic() > until:
                    self.close()
                    raise OperationalError(f"the server has not answered for {self.answers_within:g} s")
                wanted = gen.send(ready)
        except StopIteration as ended:
            return ended.value  # type: ignore[no-any-return]  # by its annotation
