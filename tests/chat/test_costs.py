"""No request blocks the event loop for long, whatever its size and content, measured in processor time on real
routes."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from talkwire.collector import tune_collector
from talkwire.dialects.messenger import MESSENGER
from tests.chat.chat_server import in_process, serving
from tests.chat.conftest import World, world_at
from tests.processor_time import limit_s

BUDGET_S = 0.2
"""The goal is 50 ms; the rest is a margin for slow machines."""

SIZE = 250 * 1024
MARKS = "a" + "\u0315\u0300" * (SIZE // 8) + "\u0344" * (SIZE // 8)


class Turns:
    """Measures the longest turn of the event loop since the last call, in seconds of processor time."""

    def __init__(self) -> None:
        self._longest = 0.0

    def add(self, seconds: float) -> None:
        self._longest = max(self._longest, seconds)

    def longest(self) -> float:
        longest, self._longest = self._longest, 0.0
        return longest


@pytest.fixture
def collector() -> Iterator[None]:
    """Configures the garbage collector like a server process, and excludes the tests' objects."""
    before = gc.get_threshold()
    tune_collector()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch, collector: None) -> Turns:
    turns = Turns()
    run = asyncio.Handle._run

    def timed(self: asyncio.Handle) -> None:
        before = time.thread_time()
        run(self)
        turns.add(time.thread_time() - before)

    monkeypatch.setattr(asyncio.Handle, "_run", timed)
    return turns


def _array_of(literal: str) -> str:
    return "[" + ",".join([literal] * (SIZE // (len(literal) + 1))) + "]"


VALUES = {
    "numbers": '{"a":' + _array_of("1e308") + "}",
    "arrays": '{"a":' + _array_of("[]") + "}",
    "texts": _array_of('"a"'),
    "marks": json.dumps(MARKS, ensure_ascii=False),
    "digits": '"' + "1" * SIZE + '"',
}


@pytest.mark.parametrize("name", VALUES)
async def test_no_body_holds_the_loop(tmp_path: Path, turns: Turns, name: str) -> None:
    """Sends the largest body, in each member that a route accepts and in an unknown one."""
    async with serving(in_process(tmp_path)) as server, world_at(server) as world:
        conversation = await world.conversation("alice", "bob")
        sent = await world.request(
            "POST", "/api/v1/messages", by="alice", json={"conversationId": conversation, "content": "x"}
        )
        ids = {"conversation_id": conversation, "message_id": sent.json()["id"], "user_id": world.id_of("bob")}
        headers = {"authorization": f"Bearer {server.token(world.id_of('alice'))}", "content-type": "application/json"}
        description = (await world.http.get("/openapi.json")).json()
        slow, failed = [], []
        for method, path, member, body in _bodies(description, conversation, VALUES[name]):
            turns.longest()
            answer = await world.http.request(method, _filled(path, ids), content=body, headers=headers)
            if (longest := turns.longest()) > BUDGET_S:
                slow.append((method, path, member, longest))
            if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                failed.append((method, path, member, answer.text))
        assert (slow, failed) == ([], [])


def _filled(path: str, ids: dict[str, str]) -> str:
    for name, id_ in ids.items():
        path = path.replace(f"{{{name}}}", id_)
    return path.replace("{", "").replace("}", "")


def _bodies(description: dict[str, Any], conversation: str, value: str) -> Iterator[tuple[str, str, str, bytes]]:
    fitting: dict[str, Any] = {
        "conversationId": conversation,
        "content": "x",
        "kind": "group",
        "memberIds": [],
        "title": "a",
    }
    fitting |= {
        "title": "a",
        "amount": 1,
        "currency": "EUR",
        "email": "a@b.example",
        "password": "long enough",
        "name": "A",
    }
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None:
                continue
            members = _members(content["schema"], description["components"]["schemas"])
            given = {name: fitting[name] for name in members if name in fitting}
            for member in (*members, "unknown"):
                others = "".join(f"{json.dumps(k)}:{json.dumps(v)}," for k, v in given.items() if k != member)
                yield method.upper(), path, member, f'{{{others}"{member}":{value}}}'.encode()


def _members(schema: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    if "$ref" in schema:
        return _members(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    found = [name for each in schema.get("oneOf", ()) for name in _members(each, schemas)]
    return [*schema.get("properties", ()), *found]


async def test_no_event_holds_the_loop(tmp_path: Path, turns: Turns) -> None:
    """Sends the longest strings and lists in each member of each event."""
    async with serving(in_process(tmp_path)) as server, world_at(server) as world:
        conversation = await world.conversation("alice", "bob")
        alice = await world.connect("alice")
        slow = []
        for event, inbound in MESSENGER.inbound.items():
            members = () if inbound.payload is None else inbound.payload.__struct_fields__
            for member in map(_camel, members):
                for value in (MARKS, ["a"] * 60_000, {"a": MARKS}):
                    payload = {"conversationId": conversation, "content": "x", member: value}
                    turns.longest()
                    await alice.call(event, payload)
                    if (longest := turns.longest()) > BUDGET_S:
                        slow.append((event, member, type(value).__name__, longest))
        assert slow == []


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


async def test_no_text_that_is_stored_holds_the_loop_when_it_is_indexed_and_found(tmp_path: Path, turns: Turns) -> None:
    async with serving(in_process(tmp_path)) as server, world_at(server) as world:
        await _searched(world, turns)


async def _searched(world: World, turns: Turns) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    turns.longest()
    before = time.process_time()
    for mark in ("\u0315\u0300", "\u094d\u3099", "\u0f73", "\ufdfa"):
        content = "needle " + mark * (60_000 // len(mark.encode()))
        sent = {"conversationId": conversation, "content": content}
        assert (await alice.call("message:send", sent))["success"]
    async with asyncio.timeout(20):
        while True:
            found = await world.request("GET", "/api/v1/search?q=needle", by="alice")
            if len(found.json()["items"]) >= 1:
                break
            await asyncio.sleep(0.05)
    assert turns.longest() < limit_s(BUDGET_S)
    assert time.process_time() - before < limit_s(4)
