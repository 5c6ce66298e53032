"""A fast local SCP in a process of its own: canned answers to any association and C-ECHO, and when it saw them.

It answers A-ASSOCIATE-RQ with an acceptance of every context, C-ECHO-RQ with 0000, A-RELEASE-RQ with A-RELEASE-RP,
as fast as asyncio can, so that what is measured is the client. On its standard output, when its input closes: one JSON
object with the wire times of the last runs (from accept to the client's close), in seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from typing import ClassVar

import uvloop
from pynetdicom.dimse_messages import C_ECHO_RSP
from pynetdicom.dimse_primitives import C_ECHO
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ, A_RELEASE_RP, P_DATA_TF
from pynetdicom.pdu_primitives import A_ASSOCIATE, A_RELEASE
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

KEPT = 20_000


class Peer(asyncio.Protocol):
    """One association."""

    accepts: ClassVar[dict[bytes, bytes]] = {}
    times: ClassVar[deque[float]] = deque(maxlen=KEPT)

    def connection_made(self, transport: asyncio.WriteTransport) -> None:  # type: ignore[override]  # a socket
        self.transport = transport
        self.buffer = b""
        self.began = time.perf_counter()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while len(self.buffer) >= 6:
            length = 6 + int.from_bytes(self.buffer[2:6], "big")
            if len(self.buffer) < length:
                return
            pdu, self.buffer = self.buffer[:length], self.buffer[length:]
            self.answer(pdu)

    def answer(self, pdu: bytes) -> None:
        match pdu[0]:
            case 1:
                if pdu not in self.accepts:
                    self.accepts[pdu] = acceptance(pdu)
                self.write(self.accepts[pdu])
            case 4:
                self.write(echo_response(context=pdu[10], message_id=message_id(pdu)))
            case 5:
                self.write(RELEASE)
            case _:
                self.transport.close()

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def connection_lost(self, _exc: Exception | None) -> None:
        self.times.append(time.perf_counter() - self.began)


def acceptance(pdu: bytes) -> bytes:
    """The A-ASSOCIATE-AC that accepts every proposed context with its first transfer syntax."""
    request = A_ASSOCIATE_RQ()
    request.decode(pdu)
    asked = request.to_primitive()
    answer = A_ASSOCIATE()
    answer.application_context_name = asked.application_context_name
    answer.calling_ae_title, answer.called_ae_title = asked.calling_ae_title, asked.called_ae_title
    answer.result, answer.result_source = 0, 1
    results = []
    for proposed in asked.presentation_context_definition_list:
        context = build_context(str(proposed.abstract_syntax), proposed.transfer_syntax[0])
        context.context_id, context.result = proposed.context_id, 0
        results.append(context)
    answer.presentation_context_definition_results_list = results
    answer.user_information = asked.user_information
    accepted = A_ASSOCIATE_AC()
    accepted.from_primitive(answer)
    return accepted.encode()


def message_id(pdu: bytes) -> int:
    """(0000,0110) of a command set in implicit VR little endian (PS3.7 6.3.1)."""
    at = pdu.index(b"\x00\x00\x10\x01\x02\x00\x00\x00")
    return int.from_bytes(pdu[at + 8 : at + 10], "little")


ECHOES: dict[tuple[int, int], bytes] = {}


def echo_response(context: int, message_id: int) -> bytes:
    key = context, message_id
    if key not in ECHOES:
        primitive = C_ECHO()
        primitive.MessageIDBeingRespondedTo = message_id
        primitive.AffectedSOPClassUID = Verification
        primitive.Status = 0
        message = C_ECHO_RSP()
        message.primitive_to_message(primitive)
        (data,) = message.encode_msg(context, 16384)
        pdu = P_DATA_TF()
        pdu.from_primitive(data)
        ECHOES[key] = pdu.encode()
    return ECHOES[key]


def _release() -> bytes:
    primitive = A_RELEASE()
    primitive.result = "affirmative"
    pdu = A_RELEASE_RP()
    pdu.from_primitive(primitive)
    return bytes(pdu.encode())


RELEASE = _release()


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Peer, "0.0.0.0", port, backlog=1024)
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()
    print(json.dumps(list(Peer.times)))


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
