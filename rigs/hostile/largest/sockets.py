"""The largest packets and payloads: over polling and WebSockets, before a namespace is joined and after."""

from __future__ import annotations

import asyncio
import base64
import json
from functools import partial

from rigs.hostile.connections import BINARY, PING, PONG, TEXT, Answer, HttpConnection, frame, text_frame
from rigs.hostile.largest.budget import Attacker, Largest

_PACKET = 900_000
"""Bytes; a packet has at most 1,000,000."""

_PACKETS = 16_000
_FRAMES = 100_000
_SEPARATOR = "\x1e"


# --- polling --------------------------------------------------------------------------------------------------------


class _Polling:
    """A session over HTTP."""

    def __init__(self, attacker: Attacker) -> None:
        self._attacker = attacker
        self._http = HttpConnection(attacker.address)
        self._target = "/socket.io/?EIO=4&transport=polling"

    async def open(self, by: str | None) -> None:
        answer = (await self._http.exchange([self._attacker.head("GET", self._target) + b"\r\n"]))[0]
        self._target += "&sid=" + json.loads(answer.body[1:])["sid"]
        if by is not None:
            await self.post(f'40{{"token":"{self._attacker.scene.tokens[by]}"}}')

    async def post(self, body: str) -> Answer:
        data = body.encode()
        lines = ("Content-Type: text/plain;charset=UTF-8", f"Content-Length: {len(data)}")
        head = self._attacker.head("POST", self._target, None, *lines)
        return (await self._http.exchange([head + b"\r\n" + data]))[0]

    async def poll(self) -> Answer:
        return (await self._http.exchange([self._attacker.head("GET", self._target) + b"\r\n"]))[0]

    def close(self) -> None:
        self._http.close()


async def _post(attacker: Attacker, size: int, *, packet: str, by: str | None = None, polls: int = 0) -> None:
    """Sends one payload of `size` packets, and polls for the acks."""
    session = _Polling(attacker)
    await session.open(by)
    try:
        numbered = _SEPARATOR.join(packet.replace("N", str(number)) for number in range(size))
        answer = await session.post(numbered)
        for _ in range(polls if answer.status == 200 else 0):
            if (await session.poll()).status != 200:
                break
    finally:
        session.close()


async def _posted_base64(attacker: Attacker, size: int) -> None:
    await _post(attacker, 1, packet="b" + base64.b64encode(bytes(size * 3 // 4)).decode())


async def _many_posts(attacker: Attacker, size: int) -> None:
    """Sends as many packets as allowed, in many requests, and then fetches all acks."""
    session = _Polling(attacker)
    await session.open(None)
    try:
        for first in range(0, size, 64):
            packets = [f"40/{number}," for number in range(first, first + 64)]
            if (await session.post(_SEPARATOR.join(packets))).status != 200:
                return
        for _ in range(20):
            if (await session.poll()).status != 200:
                return
    finally:
        session.close()


# --- WebSockets: one packet -----------------------------------------------------------------------------------------


async def _packet(attacker: Attacker, size: int, *, start: str, unit: str, end: str, by: str | None = None) -> None:
    await attacker.send_packet(start + unit * (size // len(unit)) + end, by)


async def _nested(attacker: Attacker, size: int, *, start: str, end: str, by: str | None = None) -> None:
    await attacker.send_packet(start + "[" * (size // 2) + "]" * (size // 2) + end, by)


async def _attachments(attacker: Attacker, size: int) -> None:
    """As many as a packet may have, each as large as a packet may be."""
    place = json.dumps([{"_placeholder": True, "num": number} for number in range(10)])
    data = frame(BINARY, bytes(size))
    await attacker.send_frames(text_frame(f'4510-["no:such",{place}]') + data * 10, "member")


async def _named_often(attacker: Attacker, size: int, *, start: str, end: str) -> None:
    """One attachment in many places of one value, half of the packet each."""
    places = ",".join(['{"_placeholder":true,"num":0}'] * (size // 60))
    await attacker.send_frames(text_frame(f"{start}[{places}]{end}") + frame(BINARY, bytes(size // 2)), "member")


async def _half_attachments(attacker: Attacker, size: int) -> None:
    """Before a namespace is joined, and never complete."""
    await attacker.send_frames(text_frame('4510-["x"]') + frame(BINARY, bytes(size)) * 9)


# --- WebSockets: many frames ----------------------------------------------------------------------------------------


async def _frames(attacker: Attacker, size: int, *, data: bytes, by: str | None = None) -> None:
    await attacker.send_frames(data * size, by)


async def _fragments(attacker: Attacker, size: int, *, part: bytes) -> None:
    first, last = frame(TEXT, b"4", fin=False), frame(0, b"2")
    await attacker.send_frames(first + frame(0, part, fin=False) * size + last)


async def _numbered(attacker: Attacker, size: int, *, packet: str, by: str | None = None) -> None:
    data = b"".join(text_frame(packet.replace("N", str(number))) for number in range(size))
    await attacker.send_frames(data, by)


async def _unread(attacker: Attacker, size: int) -> None:
    """Sends events whose acks the client leaves unread for a while."""
    websocket = await attacker.session("member")
    try:
        websocket.send(b"".join(text_frame(f'42{number}["no:such"]') for number in range(size)))
        await asyncio.wait_for(websocket.drain(), 10)
    finally:
        await websocket.closed()


_EVENT = '420["no:such",'
_SEND = '420["message:send",{"conversationId":"commons","content":"a","metadata":{"a":'

TABLE = [
    Largest("CONNECTs in a payload", _PACKETS, partial(_post, packet="40/N,")),
    Largest("CONNECTs in a payload and polls", _PACKETS, partial(_post, packet="40/N,", polls=20)),
    Largest("unknown events in a payload", _PACKETS, partial(_post, packet='42N["a"]', by="member", polls=5)),
    Largest("pongs in a payload", _PACKETS, partial(_post, packet="3")),
    Largest("acknowledgements in a payload", _PACKETS, partial(_post, packet="43N[]", by="member")),
    Largest("separators in a payload", _PACKET, partial(_post, packet="")),
    Largest("base64 in a payload", _PACKET, _posted_base64),
    Largest("CONNECTs in many payloads", 8_192, _many_posts),
    Largest("large numbers before CONNECT", _PACKET, partial(_packet, start='40{"a":[', unit="1e308,", end="0]}")),
    Largest("small numbers before CONNECT", _PACKET, partial(_packet, start='40{"a":[', unit="5e-324,", end="0]}")),
    Largest("texts before CONNECT", _PACKET, partial(_packet, start='40{"a":[', unit='"",', end="0]}")),
    Largest("a namespace", _PACKET, partial(_packet, start="40/", unit="a", end=",")),
    Largest("digits of attachments", _PACKET, partial(_packet, start="45", unit="9", end='-["a"]')),
    Largest("digits of an ack id", _PACKET, partial(_packet, start="42", unit="9", end='["a"]', by="member")),
    Largest("spaces of an ack id", _PACKET, partial(_packet, start="42", unit=" ", end='["a"]', by="member")),
    Largest("nesting before CONNECT", _PACKET, partial(_nested, start='40{"a":', end="}")),
    Largest("a probe", _PACKET, partial(_packet, start="2", unit="probe", end="")),
    Largest("an event's name", _PACKET, partial(_packet, start='42["', unit="a", end='"]', by="member")),
    Largest("large numbers in an event", _PACKET, partial(_packet, start=_EVENT, unit="1e308,", end="0]", by="member")),
    Largest(
        "large numbers in metadata",
        _PACKET,
        partial(_packet, start=_SEND + "[", unit="1e308,", end="0]}}]", by="member"),
    ),
    Largest("digits in metadata", _PACKET, partial(_packet, start=_SEND, unit="9", end="}}]", by="member")),
    Largest("lists in metadata", _PACKET, partial(_packet, start=_SEND + "[", unit="[],", end="0]}}]", by="member")),
    Largest("texts in an event", _PACKET, partial(_packet, start=_EVENT, unit='"",', end="0]", by="member")),
    Largest("objects in an event", _PACKET, partial(_packet, start=_EVENT, unit='{"a":1},', end="0]", by="member")),
    Largest(
        "surrogates in an event", _PACKET, partial(_packet, start=_EVENT + '"', unit="\\ud800", end='"]', by="member")
    ),
    Largest("nesting in an event", _PACKET, partial(_nested, start=_EVENT, end="]", by="member")),
    Largest("broken JSON in an event", _PACKET, partial(_packet, start=_EVENT, unit="[", end="", by="member")),
    Largest(
        "placeholders",
        _PACKET,
        partial(_packet, start='451-["no:such",', unit='{"_placeholder":true,"num":0},', end="0]", by="member"),
    ),
    Largest(
        "marks in an event",
        _PACKET,
        partial(
            _packet, start='420["presence:set",{"status":"away","text":"', unit="\u0315\u0300", end='"}]', by="member"
        ),
    ),
    Largest("attachments", _PACKET, _attachments),
    Largest(
        "an attachment named often in metadata",
        _PACKET,
        partial(_named_often, start=_SEND.replace("42", "451-", 1), end="}}]"),
    ),
    Largest(
        "an attachment named often in a call",
        _PACKET,
        partial(_named_often, start='451-0["call:invite",{"conversationId":"commons","data":', end="}]"),
    ),
    Largest("attachments that are not all", _PACKET, _half_attachments),
    Largest("fragments of a byte", _FRAMES, partial(_fragments, part=b"a")),
    Largest("fragments of nothing", _FRAMES, partial(_fragments, part=b"")),
    Largest("pings of a WebSocket", _FRAMES, partial(_frames, data=frame(PING, b"a"))),
    Largest("pongs of a WebSocket", _FRAMES, partial(_frames, data=frame(PONG, b""))),
    Largest("heartbeats", _FRAMES, partial(_frames, data=text_frame("3"))),
    Largest("empty messages", _FRAMES, partial(_frames, data=text_frame(""))),
    Largest("CONNECTs", _PACKETS, partial(_numbered, packet="40/N,")),
    Largest("acknowledgements", _FRAMES, partial(_numbered, packet="43N[]", by="member")),
    Largest("unknown events", _PACKETS, partial(_numbered, packet='42N["a"]', by="member")),
    Largest("events at once", 4_000, partial(_numbered, packet='42N["ping"]', by="member")),
    Largest(
        "messages at once",
        1_000,
        partial(_numbered, packet='42N["message:send",{"conversationId":"commons","content":"a"}]', by="member"),
    ),
    Largest("unread answers", _PACKETS, _unread),
]
