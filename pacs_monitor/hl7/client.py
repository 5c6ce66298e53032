"""One MLLP connection of ours: a message goes out, and its acknowledgement is waited for.

Acknowledgements of other messages (a stale one on a shared connection looks like success) are passed over, and so are
positive ones that are not wanted (a CA where the application's own AA is); when nothing better comes, they name the
reason.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Hashable
from typing import NamedTuple

from pacs_monitor.hl7.framing import Deframer, FramingError, frame
from pacs_monitor.hl7.message import Acknowledgement, Code, MalformedError, read_acknowledgement
from pacs_monitor.model import Address, Phase, Reason, Resolver, Tls
from pacs_monitor.net import NetFailure, Trace, connect, refusal, refuses_us

_NAMES_ANOTHER = "acknowledged a message other than ours (MSA-2 is not the MSH-10 that we sent)"
_NAMES_NONE = (
    "acknowledged a message without naming it (MSA-2 is empty); if it never fills MSA-2, set same_control_id: off"
)


class Wanted(NamedTuple):
    """The acknowledgement that is waited for: MSA-1 in `codes`, and MSA-2 equal to `control_id`, unless it is None."""

    codes: Collection[Code]
    control_id: str | None


class Fault(NamedTuple):
    """What is wrong with an answer; `final` when no better one is waited for."""

    reason: Reason
    detail: str
    final: bool = False


async def dial(address: Address, *, resolver: Resolver, deadline: float, trace: Trace, tls: Tls | None) -> Link:
    """An open connection, to be closed by the caller; raises NetFailure. `deadline` is on time.monotonic()."""
    link = Link(address)
    link.transport, _ = await connect(lambda: link, address, resolver=resolver, deadline=deadline, trace=trace, tls=tls)
    return link


class Link(asyncio.Protocol):
    """Made by `dial`; one exchange at a time."""

    transport: asyncio.Transport

    def __init__(self, address: Address) -> None:
        self.address = address
        self._deframer = Deframer()
        self._messages: deque[bytes] = deque()
        self._end: Exception | None = None
        self._news = asyncio.Event()

    @property
    def is_open(self) -> bool:
        return self._end is None and not self.transport.is_closing()

    def close(self) -> None:
        self.transport.close()

    async def exchange(self, message: bytes, wanted: Wanted, deadline: float, trace: Trace) -> Code:
        """Send a message; the code of the acknowledgement that was wanted. Raises NetFailure."""
        trace.begin(Phase.OPERATION)
        self._messages.clear()
        self._deframer.skipped = False
        self.transport.write(frame(message))
        passed_over: Fault | None = None
        try:
            async with asyncio.timeout_at(deadline):
                while True:
                    judged = _judge(read_acknowledgement(await self._next()), wanted)
                    if isinstance(judged, Code):
                        trace.end()
                        return judged
                    if judged.final:
                        raise self._failure(judged, trace)
                    passed_over = judged
        except MalformedError:
            raise self._failure(
                Fault(Reason.FRAMING, "answered with something that is not an HL7 v2 message"), trace
            ) from None
        except (TimeoutError, OSError, FramingError) as error:
            raise self._failure(self._ended_by(error, passed_over), trace) from None

    async def _next(self) -> bytes:
        """The next message; raises what ended the connection when there is none."""
        while not self._messages:
            if self._end is not None:
                raise self._end
            self._news.clear()
            await self._news.wait()
        return self._messages.popleft()

    def _ended_by(self, error: Exception, passed_over: Fault | None) -> Fault:
        """Nothing that was wanted came: what came instead says most."""
        skipped = self._deframer.skipped and not self._deframer.inside and passed_over is None
        if skipped or isinstance(error, FramingError):
            why = error if isinstance(error, FramingError) else "its data does not begin with 0B"
            return Fault(Reason.FRAMING, f"does not speak MLLP (0B, message, 1C 0D); wrong port or protocol? {why}")
        if refuses_us(error):
            return Fault(*refusal(self.address))
        if self._deframer.inside:
            return Fault(Reason.FRAMING, "began an answer but did not end it with the MLLP trailer (1C 0D)")
        if passed_over is not None:
            return passed_over
        if isinstance(error, TimeoutError):
            return Fault(Reason.NO_ACK, "did not acknowledge the message in time")
        return Fault(Reason.CLOSED, "closed the connection without an acknowledgement: wrong port or protocol?")

    def _failure(self, fault: Fault, trace: Trace) -> NetFailure:
        whose = "" if fault.reason is Reason.AUTH else f"{self.address} "
        return trace.failure(fault.reason, whose + fault.detail)

    def data_received(self, data: bytes) -> None:
        try:
            self._messages.extend(self._deframer.feed(data))
        except FramingError as error:
            self._ends(error)
            self.transport.abort()
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ends(exc or ConnectionResetError())

    def _ends(self, why: Exception) -> None:
        self._end = self._end or why
        self._news.set()


class LinkPool:
    """Connections that stay open from one run to the next, one for each user, each for a time of its own."""

    def __init__(self) -> None:
        self._links: dict[Hashable, tuple[Link, asyncio.TimerHandle]] = {}

    def take(self, whose: Hashable, address: Address) -> Link | None:
        """The connection of this user to this address, if it is still open."""
        link, timer = self._links.pop(whose, (None, None))
        if link is None or timer is None:
            return None
        timer.cancel()
        if link.is_open and link.address == address:
            return link
        link.close()
        return None

    def close(self, whose: Hashable) -> None:
        """Close the connection of this user, if one is kept."""
        link, timer = self._links.pop(whose, (None, None))
        if link is not None and timer is not None:
            timer.cancel()
            link.close()

    def put(self, whose: Hashable, link: Link, seconds: float | None) -> None:
        """Keep a connection for so long, or close it."""
        if not seconds:
            link.close()
            return
        self._links[whose] = link, asyncio.get_running_loop().call_later(seconds, link.close)


def _judge(answer: Acknowledgement | None, wanted: Wanted) -> Code | Fault:
    """The code when this is what was waited for, else what speaks against it."""
    if answer is None:
        return Fault(Reason.NO_ACK, "sent messages of its own, but no acknowledgement")
    if wanted.control_id not in (None, answer.answers):
        return Fault(Reason.CONTROL_ID_MISMATCH, _NAMES_ANOTHER if answer.answers else _NAMES_NONE)
    if answer.code is None:
        return Fault(Reason.NO_ACK, "answered with an MSA-1 code that is not in HL7 table 0008", final=True)
    if answer.code in wanted.codes:
        return answer.code
    if answer.code.refusal is not None:
        return Fault(answer.code.refusal, f"answered {answer.code} (MSA-1)", final=True)
    return Fault(Reason.NO_ACK, f"answered {answer.code} (MSA-1); expected one of {', '.join(wanted.codes)}")
