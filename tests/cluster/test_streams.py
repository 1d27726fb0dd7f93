"""Streams on two nodes: their authors write through any node, readers are connected to any, and the home is killed."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import httpx

from talkwire.core.domain.parts.message_parts import utf16_length
from tests.chat.body_sender import sending
from tests.chat.chat_client import ChatClient
from tests.chat.conftest import World
from tests.chat.test_reading_streams import Events, reading_message
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import StartCluster
from tests.waiting import DEADLINE_S, until_asked

Json = dict[str, Any]


class Reader:
    """What a socket shows of one message: the deltas that it has received, joined as the documentation says."""

    def __init__(self, socket: ChatClient, message_id: str) -> None:
        self.socket = socket
        self._id = message_id
        self.text = ""

    async def reads(self, text: str) -> None:
        """Waits until the socket shows this text."""
        async with asyncio.timeout(DEADLINE_S):
            while self.text != text:
                delta = await self.socket.next("message:delta")
                assert delta["messageId"] == self._id
                assert delta["part"] == 0
                if delta.get("replace"):
                    self.text = delta["text"]
                else:
                    assert delta["at"] == utf16_length(self.text), "no gap and no repetition"
                    self.text += delta["text"]


async def _stream(world: World, place: str) -> Json:
    body = {"conversationId": place, "clientMessageId": "answer", "senderId": world.id_of("bot")}
    opened = await world.service("POST", "/api/v1/messages/stream", body)
    assert isinstance(opened, dict)
    return opened


async def _append(world: World, message_id: str, text: str, at: int | None) -> Json:
    body = {"attempt": 1, "part": 0, "text": text, **({} if at is None else {"at": at})}
    answer = await world.service("POST", f"/api/v1/messages/{message_id}/append", body)
    assert isinstance(answer, dict)
    return answer


async def _stored(world: World, message_id: str, text: str) -> None:
    """Waits until the database has this text of a message that is being written."""

    async def is_there() -> bool:
        return bool((await world.service("GET", f"/api/v1/messages/{message_id}"))["content"] == text)

    await until_asked(is_there)


async def _refusal(world: World, message_id: str, text: str) -> Json:
    """Returns why an append without `at` is refused, once the nodes know who is the home."""
    path, body = f"/api/v1/messages/{message_id}/append", {"attempt": 1, "part": 0, "text": text}
    answers: list[httpx.Response] = []

    async def is_there() -> bool:
        answers.append(await world.request("POST", path, by="backend", role="service", json=body))
        return answers[-1].status_code not in {200, 503}

    await until_asked(is_there)
    details = answers[-1].json()["error"]["details"]
    assert isinstance(details, dict)
    return details


async def test_an_author_writes_through_any_node_and_readers_are_at_any(two_nodes: Cluster) -> None:
    async with two_nodes.world(0) as here, two_nodes.world(1) as there:
        there.take_ids_of(here)
        place = await here.conversation("alice", "bot")
        sockets = [await world.connect("alice") for world in (here, there)]
        message_id = (await _stream(here, place))["message"]["id"]
        readers = [Reader(socket, message_id) for socket in sockets]
        text = ""
        for number, world in zip(range(20), (here, there) * 10, strict=True):
            word = f"word {number} 😀 "
            answer = await _append(world, message_id, word, utf16_length(text))
            text += word
            assert answer["length"] == utf16_length(text)
        for reader in readers:
            await reader.reads(text)
        await _stored(here, message_id, text)
        taken_over = await _stream(there, place)
        assert (taken_over["attempt"], taken_over["parts"][0]["stored"]) == (2, utf16_length(text))
        for world in (here, there):
            assert await _refusal(world, message_id, "late") == {"reason": "superseded"}
        finished = await here.service("POST", f"/api/v1/messages/{message_id}/finish", {"attempt": 2})
        assert (finished["content"], finished["state"]) == (text, "done")
        for reader in readers:
            assert (await reader.socket.next("message:updated"))["content"] == text


async def test_what_is_stored_survives_the_home_and_the_author_goes_on(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2, valkey=True)
    async with cluster.world(0) as here, cluster.world(1) as there:
        there.take_ids_of(here)
        place = await here.conversation("alice", "bot")
        reader_socket = await there.connect("alice")
        message_id = (await _stream(here, place))["message"]["id"]
        reader = Reader(reader_socket, message_id)
        await _append(here, message_id, "It was ", 0)
        await reader.reads("It was ")
        await _stored(here, message_id, "It was ")
        assert (await _append(here, message_id, "never stored", 7))["stored"] == 7
        cluster.nodes[0].process.kill()
        assert await _refusal(there, message_id, "sent.") == {"reason": "moved", "length": 7, "stored": 7}
        assert (await _append(there, message_id, "sent.", 7))["length"] == 12
        await reader.reads("It was sent.")
        finished = await there.service("POST", f"/api/v1/messages/{message_id}/finish", {"attempt": 1})
        assert finished["content"] == "It was sent."


async def test_events_are_read_from_any_node_also_after_the_home_is_gone(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2, valkey=True)
    async with cluster.world(0) as here, cluster.world(1) as there:
        there.take_ids_of(here)
        place = await here.conversation("alice", "bot")
        message_id = (await _stream(here, place))["message"]["id"]
        await _append(here, message_id, "It was ", 0)
        async with reading_message(there, message_id, "text", "alice") as events:
            id_, read = await _read(events, "It was ")
            assert read == "It was "
        await _append(here, message_id, "written ", 7)
        for world in (here, there):
            async with reading_message(world, message_id, "text", "alice", **{"last-event-id": id_}) as events:
                assert (await _read(events, "written "))[1] == "written "
        await _stored(here, message_id, "It was written ")
        async with reading_message(there, message_id, "text", "alice", **{"last-event-id": id_}) as events:
            assert (await _read(events, "written "))[1] == "written "
            await _append(here, message_id, "never stored", 15)
            await _read(events, "never stored")
            cluster.nodes[0].process.kill()
            await _refusal(there, message_id, "sent.")
            await _append(there, message_id, "twice.", 15)
            assert (await events.next())[1] == "rewind"
            assert (await _read(events, "It was written twice."))[1] == "It was written twice."
            await there.service("POST", f"/api/v1/messages/{message_id}/finish", {"attempt": 1})
            assert await events.rest() == [("end", "end", "done")]


async def _read(events: Events, text: str) -> tuple[str, str]:
    """Returns the id of the event with which a reader has as many characters as `text`, and what it has."""
    id_, read = "", ""
    while len(read) < len(text):
        id_, _, more = await events.next()
        read += more
    return id_, read


async def test_a_request_that_writes_a_message_is_superseded_and_stopped_at_another_node(
    two_nodes: Cluster,
) -> None:
    async with two_nodes.world(0) as here, two_nodes.world(1) as there:
        there.take_ids_of(here)
        await here.service("PUT", f"/api/v1/users/{here.id_of('bot')}", {"kind": "agent"})
        place = await here.conversation("alice", "bot")
        params = {"format": "text", "conversationId": place, "clientMessageId": "answer"}
        async with sending(here, params, by="bot") as first:
            await first.send(b"First")
            await until_asked(partial(_has, there, place, "First"))
            async with sending(there, params, by="bot") as second:
                status, answer = await first.answer()
                assert (status, answer["error"]["details"]) == (409, {"reason": "superseded"})
                await second.send(b"Second")
                await until_asked(partial(_has, here, place, "Second"))
                (message,) = (await here.service("GET", f"/api/v1/conversations/{place}/messages"))["items"]
                await here.service("POST", f"/api/v1/messages/{message['id']}/stop")
                status, answer = await second.answer()
                assert (status, answer["message"]["state"], answer["message"]["content"]) == (200, "stopped", "Second")


async def _has(world: World, place: str, text: str) -> bool:
    """Returns whether a message of the conversation has this text."""
    items = (await world.service("GET", f"/api/v1/conversations/{place}/messages"))["items"]
    return any(each["content"] == text for each in items)
