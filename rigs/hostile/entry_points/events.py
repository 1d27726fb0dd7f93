"""Events of all five dialects, from signed-in sockets, with valid and nearly valid payloads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rigs.hostile.connections import ANSWER_DEADLINE_S, ConnectionEnded, RawWebSocket, text_frame
from rigs.hostile.run import Run
from rigs.hostile.scene import ACTING
from rigs.hostile.shapes import Schema, Shapes
from rigs.hostile.values import to_json

_AT_ONCE = 6


@dataclass(frozen=True)
class InboundEvent:
    name: str
    payload: Schema


def dialects(asyncapi: Mapping[str, Any]) -> list[tuple[str, list[InboundEvent]]]:
    """Each dialect's namespace and events."""
    return [(channel["address"], list(_inbound(channel))) for channel in asyncapi["channels"].values()]


def _inbound(channel: Mapping[str, Any]) -> Iterator[InboundEvent]:
    for key, message in channel["messages"].items():
        if key.startswith("in."):
            yield InboundEvent(message["name"], message.get("payload", {}))


class EventInputs:
    """Draws events of one dialect."""

    def __init__(self, run: Run, events: list[InboundEvent]) -> None:
        self._run = run
        self._shapes = Shapes(run.values, run.scene.pools, run.scene.asyncapi["components"]["schemas"])
        self._events = events

    def event(self) -> list[object]:
        """A name and arguments; mostly one."""
        event = self._run.random.choice(self._events)
        arguments = [self._shapes.payload(event.payload)]
        if self._run.values.chance(0.03):
            arguments = [self._run.values.json() for _ in range(self._run.random.randrange(4))]
        return [event.name, *arguments]


async def attack(run: Run) -> None:
    """Each connection is in one dialect, and sends several events at once, each of which must be acknowledged."""
    spoken = dialects(run.scene.asyncapi)
    while run.goes_on():
        address, events = run.random.choice(spoken)
        namespace = "" if address == "/" else f"{address},"
        token = run.scene.tokens[run.random.choice(ACTING)]
        websocket = await run.open_session(f'0{namespace}{{"token":"{token}"}}')
        if websocket is None:
            continue
        try:
            await _speak(run, websocket, namespace, EventInputs(run, events))
        except ConnectionEnded:
            run.count("closed")  # a token in `auth:refresh` that is no good ends a socket
        finally:
            websocket.close()


async def _speak(run: Run, websocket: RawWebSocket, namespace: str, inputs: EventInputs) -> None:
    ack_id = 0
    for _ in range(run.random.randrange(10, 60)):
        if not run.goes_on():
            return
        sent = {}
        for _ in range(_AT_ONCE):
            ack_id += 1
            sent[ack_id] = f"42{namespace}{ack_id}{to_json(inputs.event())}"
        websocket.send(b"".join(map(text_frame, sent.values())))
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                await _receive_answers(run, websocket, namespace, sent)
        except TimeoutError:
            run.fail("\n".join(sent.values()).encode(), "no acknowledgement")
            raise ConnectionEnded([]) from None


async def _receive_answers(run: Run, websocket: RawWebSocket, namespace: str, sent: dict[int, str]) -> None:
    """Returns when all are acknowledged. Raises ConnectionEnded."""
    while sent:
        packet = await websocket.receive_text()
        if packet.startswith("41"):
            raise ConnectionEnded([])
        if not packet.startswith("43"):
            continue
        digits, bracket, rest = packet[2:].removeprefix(namespace).partition("[")
        event = sent.pop(int(digits))
        answer = json.loads(bracket + rest)[0]
        code = "success"
        if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
            code = str(answer["error"].get("code"))
        run.count(code)
        if code == "unavailable":
            run.fail(event.encode(), packet)
