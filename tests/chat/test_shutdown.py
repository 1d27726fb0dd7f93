"""Stopping a server: gracefully after one signal, at once after two."""

from __future__ import annotations

import asyncio
import re
import signal
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from talkwire.app import Node
from talkwire.core.commands.messages import ListMessages
from talkwire.core.domain.model import Actor
from talkwire.settings import Settings
from tests.chat.chat_client import ChatClient
from tests.chat.chat_server import SECRET, in_process, running_chat
from tests.chat.conftest import World, world_at
from tests.waiting import DEADLINE_S, deadline, until_asked

FILES = "/api/v1/files"


@contextmanager
def writer_held_up(folder: Path) -> Iterator[None]:
    """Holds the database's write lock, so that the server cannot commit."""
    with closing(sqlite3.connect(folder / "data" / "talkwire.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


async def send_many(world: World, client: ChatClient, conversation: str) -> list[asyncio.Future[dict[str, object]]]:
    """Sends fifty messages, and waits until the server has read them."""
    before = await events_received(world)
    calls = [
        client.start_call("message:send", {"conversationId": conversation, "content": str(number)})
        for number in range(50)
    ]

    async def are_read() -> bool:
        return await events_received(world) >= before + len(calls)

    await until_asked(are_read)
    return calls


async def events_received(world: World) -> int:
    metrics = (await world.request("GET", "/metrics")).text
    found = re.search(r"^talkwire_events_received_total (\d+)", metrics, re.MULTILINE)
    assert found is not None
    return int(found.group(1))


async def test_a_signal_lets_pending_requests_finish(tmp_path: Path) -> None:
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            conversation = await world.conversation("alice", "bob")
            alice, bob = await world.connect("alice"), await world.connect("bob")
            with writer_held_up(tmp_path):
                calls = await send_many(world, alice, conversation)
                server.process.send_signal(signal.SIGTERM)
                for client in (alice, bob):
                    assert await client.next("session:ending") == {"reason": "shutdown", "reconnect": True}
                # Bob has no pending request, so he is disconnected without waiting for Alice's.
                assert await bob.wait_closed() == 1001
                assert not any(call.done() for call in calls)
                with pytest.raises(OSError, match="onnect"):
                    await world.open()
            async with deadline():
                answers = await asyncio.gather(*calls)
            assert all(answer["success"] for answer in answers)
            assert await alice.wait_closed() == 1001
            assert "session:ending" not in [name for name, _ in alice.events], "once is enough"
            assert await asyncio.to_thread(server.wait_ended) == 0
            assert server.logged_errors() == []
    async with in_process(tmp_path).started() as talkwire:
        page = await talkwire.chat.execute(Actor(world.id_of("alice"), "Alice"), ListMessages(conversation))
    assert [message.content for message in page.items] == [str(number) for number in range(50)]


async def test_a_second_signal_ends_the_server_at_once(tmp_path: Path) -> None:
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            conversation = await world.conversation("alice")
            alice = await world.connect("alice")
            with writer_held_up(tmp_path):
                await send_many(world, alice, conversation)
                server.process.send_signal(signal.SIGINT)
                await alice.next("session:ending")
                server.process.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(server.wait_ended) == 1


async def test_an_upload_does_not_delay_stopping_and_resumes_afterwards(tmp_path: Path) -> None:
    tus = {"tus-resumable": "1.0.0"}

    async def half_of_it() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        await asyncio.Event().wait()

    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            begun = await world.request("POST", FILES, by="alice", headers={**tus, "upload-length": "200000"})
            path = begun.headers["location"]
            alice = await world.connect("alice")
            headers = {**tus, "upload-offset": "0", "content-type": "application/offset+octet-stream"}
            sending = asyncio.create_task(
                world.request("PATCH", path, by="alice", headers=headers, content=half_of_it())
            )
            await alice.next("upload:progress")
            server.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(server.wait_ended) == 0
            sending.cancel()
            assert server.logged_errors() == [], "nobody had to be cut off"
    with running_chat(tmp_path) as server:
        async with world_at(server) as again:
            again.take_ids_of(world)
            state = await again.request("HEAD", path, by="alice", headers=tus)
            assert state.headers["upload-offset"] == "100000"


async def test_a_start_that_fails_leaves_nothing_running(tmp_path: Path) -> None:
    threads = set(threading.enumerate())
    no_folder = Settings(data=tmp_path / "data", jwt_secret=SECRET, files="/proc/nowhere")
    with pytest.raises(OSError, match="nowhere"):
        await Node(no_folder).start()
    ours = {thread for thread in set(threading.enumerate()) - threads if not thread.name.startswith("asyncio")}
    for thread in ours:
        thread.join(DEADLINE_S)
    assert [thread.name for thread in ours if thread.is_alive()] == []
    async with in_process(tmp_path).started():
        pass  # and no process holds the folder
