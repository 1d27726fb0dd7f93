"""Messages that the Python client writes while others read them, also with the program of docs/client-python.md."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from talkwire_client import BlockingTalkwire, MessageStream, Talkwire, TalkwireError, message_stream
from talkwire_client.api import Api
from tests.chat.chat_server import ServerProcess
from tests.chat.conftest import World
from tests.chat.test_agents import with_agent
from tests.clients_python.conftest import MAX_PAUSE_S, Clients, client_of
from tests.clients_python.restarts import FragileServer
from tests.clients_python.stream_server import Fault, StreamServer
from tests.clients_python.test_documentation import BLOCKS
from tests.repetition import repetitions
from tests.waiting import DEADLINE_S, turns, until, until_asked

TOOL: Any = {"type": "tool", "toolCallId": "t", "name": "look up", "state": "input-available"}
DONE: Any = {**TOOL, "state": "output-available"}


async def _agent(world: World, clients: Clients) -> tuple[Talkwire, str]:
    conversation, helper = await with_agent(world)
    return await clients.user(helper), conversation


def _state_of(message: MessageStream) -> str | None:
    return message.message.get("state")


async def test_an_agent_writes_parts_and_readers_have_all_of_them(world: World, clients: Clients) -> None:
    chat, conversation = await _agent(world, clients)
    reader = await world.connect("alice")
    async with chat.stream(conversation, metadata={"model": "m"}) as message:
        assert _state_of(message) == "streaming"
        await message.reasoning("Hm \ud83d")
        await message.set("tool", TOOL)
        for piece in ("It was \ud83d", "\ude00 sent", " to\ud83d", "day."):
            await message.text(piece)
        await message.set("tool", DONE)
    new = await reader.next("message:new")
    assert (new["id"], new["state"], new["metadata"]) == (message.id, "streaming", {"model": "m"})
    ended = await reader.next("message:updated")
    assert (ended["content"], ended["state"]) == ("It was 😀 sent to\ufffdday.", "done")
    reasoning = {"type": "reasoning", "text": "Hm \ufffd"}
    assert ended["parts"] == [reasoning, DONE, {"type": "text", "text": ended["content"]}]
    assert _state_of(message) == "done"
    with pytest.raises(TalkwireError, match="finished"):
        await message.text("more")


async def test_the_program_of_the_page_answers_word_by_word(world: World, clients: Clients) -> None:
    chat, conversation = await _agent(world, clients)
    question = await chat.send(conversation, "Where is it?")
    (program,) = [block for block in BLOCKS if block.startswith("from talkwire_client import Talkwire\n")]
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 (the page's program)

    async def words() -> AsyncIterator[str]:
        for word in ("It ", "was ", "sent."):
            yield word

    await names["answer"](chat, question, words())
    (answer,) = [each async for each in chat.history(conversation) if each.get("state")]
    assert (answer["content"], answer["state"], answer["replyTo"]["id"]) == ("It was sent.", "done", question["id"])


async def test_an_exception_ends_the_message_as_failed(world: World, clients: Clients) -> None:
    chat, conversation = await _agent(world, clients)
    message = chat.stream(conversation)

    async def write() -> None:
        async with message:
            await message.text("It was ")
            raise RuntimeError("a secret")

    with pytest.raises(RuntimeError):
        await write()
    stored = await chat.message(message.id)
    assert (stored["content"], stored["state"], stored["error"]) == ("It was ", "failed", {"code": "RuntimeError"})


async def test_a_cancelled_author_is_interrupted_and_the_next_program_continues(world: World, clients: Clients) -> None:
    chat, conversation = await _agent(world, clients)

    async def write() -> None:
        async with chat.stream(conversation, client_message_id="a", lease_s=5) as message:
            await message.text("It was ")
            await until_asked(lambda: _has_stored(chat, message.id, "It was "))
            written.set()
            await asyncio.Event().wait()

    written = asyncio.Event()
    author = asyncio.create_task(write())
    await written.wait()
    author.cancel()
    with pytest.raises(asyncio.CancelledError):
        await author
    async with chat.stream(conversation, client_message_id="a", lease_s=5) as message:
        assert message.parts == [{"type": "text", "text": "It was "}]
        await message.rewind(0, 3)
        await message.text("is sent.")
    assert (await chat.message(message.id))["content"] == "It is sent."


async def _has_stored(chat: Talkwire, message_id: str, text: str) -> bool:
    return (await chat.message(message_id)).get("content") == text


async def test_another_program_takes_over(world: World, clients: Clients) -> None:
    chat, conversation = await _agent(world, clients)
    first = chat.stream(conversation, client_message_id="a")

    async def write() -> None:
        async with first:
            await first.text("One")
            async with chat.stream(conversation, client_message_id="a") as second:
                if second.parts:
                    await second.rewind(0)
                await second.text("Two")
                await first.text("Three")
                await first.until_stopped()

    with pytest.raises(TalkwireError) as refused:
        await write()
    assert refused.value.details == {"reason": "superseded"}
    assert (await chat.message(first.id))["content"] == "Two"


async def test_an_author_stops_when_it_is_asked_to(world: World, clients: Clients) -> None:
    chat, conversation = await _agent(world, clients)
    alice = await clients.user(world.id_of("alice"))
    question = await alice.send(conversation, "Where is it?")
    async with chat.stream(conversation, reply_to_id=question["id"]) as message:
        await message.text("It was ")
        await alice.stop(message.id)
        await message.text("sent.")
        await message.until_stopped()
        assert (message.stopped or {})["by"] == world.id_of("alice")
    assert (await chat.message(message.id))["state"] == "stopped"


async def test_a_program_without_asyncio_writes_for_a_user(chat_server: ServerProcess, world: World) -> None:
    conversation, helper = await with_agent(world)

    def write() -> tuple[str, Mapping[str, Any]]:
        token = chat_server.token("backend", role="service")
        with BlockingTalkwire(chat_server.url, token=token, max_pause_s=MAX_PAUSE_S, timeout_s=DEADLINE_S) as chat:
            with chat.stream(conversation, sender_id=helper) as message:
                message.reasoning("Hm")
                message.set("tool", TOOL)
                message.rewind(1)
                message.text("It was ")
                assert (message.stopped, len(message.parts), message.message["senderId"]) == (None, 2, helper)
                message.finish(parts=[{"type": "text", "text": "Else"}])
            with chat.stream(conversation, sender_id=helper) as failed:
                failed.text("It")
                failed.fail("overloaded", "Try later.")
            with chat.stream(conversation, sender_id=helper) as empty:
                empty.close()
                with pytest.raises(TalkwireError, match="closed"):
                    empty.text("x")
            return message.id, failed.message

    finished, failed = await asyncio.to_thread(write)
    stored = await world.service("GET", f"/api/v1/messages/{finished}")
    assert (stored["content"], stored["state"]) == ("Else", "done")
    assert (failed["content"], failed["error"]) == ("It", {"code": "overloaded", "message": "Try later."})


async def test_a_text_is_whole_although_the_server_is_killed_in_its_middle(tmp_path: Path) -> None:
    server = FragileServer(tmp_path)
    process = await server.start()
    words = [f"word {number} 😀 " for number in range(120)]
    token = ServerProcess.token("backend", role="service")
    async with client_of(process, token) as chat:
        await chat.put_user("helper", kind="agent")
        await chat.create_conversation("group", ["helper"], id="room", owner_id="helper")
        async with chat.stream("room", sender_id="helper") as message:
            for word in words[:40]:
                await message.text(word)
            await until_asked(lambda: _has_stored(chat, message.id, "".join(words[:40])))
            for word in words[40:80]:
                await message.text(word)
            await server.kill()
            restart = asyncio.create_task(server.start())
            for word in words[80:]:
                await message.text(word)
            await restart
        stored = await chat.message(message.id)
    assert (stored["content"], stored["state"], stored["seq"]) == ("".join(words), "done", 1)
    await server.kill()


# --- a server that fails ----------------------------------------------------------------------------------------------


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> StreamServer:
    monkeypatch.setattr(message_stream, "APPEND_EVERY_S", 0)
    return StreamServer()


def _stream_of(server: StreamServer, **more: object) -> MessageStream:
    return MessageStream(cast("Api", server), {"conversationId": "c", "clientMessageId": "a", **more})


async def test_much_text_waits_for_the_server_and_no_part_is_too_large(server: StreamServer) -> None:
    async with _stream_of(server) as message:
        await message.text("x" * 60_000)
        assert len(server.text) > 40_000
        with pytest.raises(TalkwireError, match="payload_too_large"):
            await message.text("😀" * 3_000)
        await message.set("tool", TOOL)
        with pytest.raises(TalkwireError, match="no part 5"):
            await message.set(5, TOOL)
        await message.text("y")
    assert server.parts == [{"type": "text", "text": "x" * 60_000}, TOOL, {"type": "text", "text": "y"}]


async def test_the_lease_is_kept_while_nothing_is_written(server: StreamServer) -> None:
    async with _stream_of(server, leaseS=0.03) as message:
        await until(lambda: server.asked.count("keep") >= 3)
        await message.text("x")


async def test_what_is_written_quickly_is_joined(server: StreamServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_stream, "APPEND_EVERY_S", 0.05)
    async with _stream_of(server) as message:
        for _ in range(50):
            await message.text("ab")
        await until(lambda: server.text == "ab" * 50)
    assert server.asked.count("append") < 25


async def test_an_author_that_is_to_stop_learns_it_and_finishes(server: StreamServer) -> None:
    stop = {"by": "alice", "at": "2026-01-01T00:00:00.000Z"}
    async with _stream_of(server) as message:
        await message.text("It")
        await until(lambda: server.text == "It")
        server.stop = stop
        await message.text(" is")
        await message.until_stopped()
        assert message.stopped == stop
    assert _state_of(message) == "stopped"
    assert server.text == "It is"


async def test_a_message_that_the_server_has_stopped_is_returned_by_finish(server: StreamServer) -> None:
    async with _stream_of(server) as message:
        await message.text("It")
        await until(lambda: server.text == "It")
        server.state = "stopped"
        await message.text("x")
        await message.until_stopped()
        with pytest.raises(TalkwireError) as refused:
            await message.text("x")
        assert refused.value.details == {"reason": "ended", "state": "stopped"}
        assert (await message.finish())["state"] == "stopped"


async def test_an_end_whose_answer_is_lost_comes_once(server: StreamServer) -> None:
    async with _stream_of(server) as message:
        await message.text("It")
        await until(lambda: server.text == "It")
        server.faults.append("lost")
    assert _state_of(message) == "done"


async def test_what_is_lost_in_a_crash_is_sent_again_also_with_the_end(server: StreamServer) -> None:
    async with _stream_of(server) as message:
        await message.text("It was ")
        await message.set("tool", TOOL)
        await message.text("sent ")
        await until(lambda: server.text == "It was |sent ")
        server.store()
        await message.set("tool", DONE)
        await message.text("to")
        await until(lambda: server.text == "It was |sent to")
        server.faults.append("crash")
        await message.text("day")
        await until(lambda: server.text == "It was |sent today")
        assert server.parts == message.parts
        server.parts = server.stored[:1]
        await message.text(".")
        await until(lambda: server.text == "It was |sent today.")
        server.faults.append("crash")
    assert server.text == "It was |sent today."


async def test_the_end_of_another_program_is_refused(server: StreamServer) -> None:
    async with _stream_of(server) as message:
        await message.text("It")
        await until(lambda: server.text == "It")
        server.state = "done"
        with pytest.raises(TalkwireError) as refused:
            await message.finish()
        assert refused.value.details == {"reason": "ended", "state": "done"}
        await message.close()


async def test_after_a_refusal_the_message_fails_with_what_was_accepted(server: StreamServer) -> None:
    async with _stream_of(server) as message:
        await message.text("Good")
        await until(lambda: server.text == "Good")
        await message.text("\x00")
        await message.until_stopped()
        with pytest.raises(TalkwireError, match="invalid_request"):
            await message.text("more")
        await message.fail("bad")
    assert (server.state, server.text) == ("failed", "Good")


async def test_an_ended_stream_is_not_opened_again(server: StreamServer) -> None:
    server.state = "done"
    with pytest.raises(TalkwireError) as refused:
        await _stream_of(server).__aenter__()
    assert refused.value.details == {"reason": "ended", "state": "done"}


async def test_a_rewind_of_a_part_that_is_not_there_changes_nothing(server: StreamServer) -> None:
    async with _stream_of(server) as message:
        await message.text("It")
        for part, at in ((1, None), (0, 3)):
            with pytest.raises(TalkwireError, match="no such part"):
                await message.rewind(part, at)
        server.faults.append("lost")
        await message.set("tool", TOOL)
        await until(lambda: len(server.parts) == 2)
        server.faults.append("lost")
        await message.rewind(1)
    assert server.parts == [{"type": "text", "text": "It"}]


@pytest.mark.parametrize("seed", range(repetitions(30)))
async def test_each_character_is_there_once_after_random_faults(server: StreamServer, seed: int) -> None:
    chance = random.Random(seed)
    faults: list[Fault] = ["lost", "crash", "interrupt"]
    async with _stream_of(server) as message:
        for step in range(80):
            match chance.randrange(8):
                case 0 | 1:
                    await message.text(chance.choice(["a", "b ", "😀", "\ud83d", "é\n", f"{step} "]))
                case 2:
                    await message.reasoning(f"r{step}")
                case 3:
                    tool: Any = {**TOOL, "output": step}
                    await message.set(chance.choice(["one", "two"]), tool)
                case 4:
                    server.store()
                case 5:
                    server.faults.append(chance.choice(faults))
                case 6:
                    await turns(chance.randrange(8))
                case 7 if message.parts and chance.random() < 0.5:
                    part = chance.randrange(len(message.parts))
                    is_text = "text" in message.parts[part]
                    with suppress(TalkwireError):  # It may be in the middle of an emoji.
                        await message.rewind(part, chance.choice([0, 1, None]) if is_text else None)
        server.faults.clear()
        await message.text("the end")
        texts = [str(part["text"]) for part in message.parts if part["type"] == "text"]
        expected = "|".join(text for text in texts if text.strip())
        await until(lambda: server.text == expected)
        written = message.parts
    assert server.text.endswith("the end")
    assert server.parts == [part for part in written if str(part.get("text", "x")).strip()]
