"""Observers, functions of an application that are called after events."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from talkwire import Settings, Talkwire
from talkwire.commands import CreateConversation
from talkwire.core.domain.events import TypingChanged
from talkwire.core.engine import observers
from talkwire.core.engine.observers import Observers
from talkwire.events import ConversationCreated, MessageEdited, MessageReacted, MessageSent, MessagesRead
from talkwire.logs import hand_over_logs
from talkwire.testing import temporary_server
from tests.embedding.conftest import Serve
from tests.waiting import deadline


class Seen:
    """Records the events that an observer received, and lets a test wait for them."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self._more = asyncio.Event()

    def note(self, event: object) -> None:
        self.events.append(event)
        self._more.set()

    async def wait(self, count: int) -> list[object]:
        async with deadline():
            while len(self.events) < count:
                self._more.clear()
                await self._more.wait()
        return self.events


async def test_durable_events_are_observed_once_in_the_order_of_the_log(chat: Talkwire, serve: Serve) -> None:
    seen = Seen()
    chat.after(MessageSent, "message:updated", "message:reaction", MessagesRead)(seen.note)
    server = await serve(chat)
    async with server.client("alice") as alice, server.client("bob") as bob:
        sent = await asyncio.gather(
            *(chat.send_message("talk", sender=sender, content="x") for sender in ("alice", "bob") * 5)
        )
        message_id = str(sent[0].id)
        await alice.call("message:edit", {"messageId": message_id, "content": "y"})
        await bob.call("message:react", {"messageId": message_id, "emoji": "👍"})
        await bob.call("message:read", {"conversationId": "talk"})
    events = await seen.wait(13)
    assert [type(event) for event in events] == [MessageSent] * 10 + [MessageEdited, MessageReacted, MessagesRead]
    positions = [event.pos for event in events if isinstance(event, MessageSent)]
    assert positions == sorted(set(positions))


async def test_only_an_observer_of_messages_makes_a_node_need_those_of_other_nodes_users(
    chat: Talkwire, serve: Serve
) -> None:
    await serve(chat)
    listeners = chat._started.chat._listeners
    needs = [listeners.need_all()]
    for kind in (ConversationCreated, "message:updated", MessageSent):
        chat.after(kind)(lambda _: None)
        needs.append(listeners.need_all())
    assert needs == [False, False, False, True]


async def test_an_observer_runs_after_the_commit(chat: Talkwire, serve: Serve) -> None:
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @chat.after("message:new")
    async def look_it_up(event: MessageSent) -> None:
        retry = await chat.send_message("talk", sender="alice", content="x", client_message_id="m1")
        found.set_result(str(retry.id == event.message.id))

    await serve(chat)
    await chat.send_message("talk", sender="alice", content="x", client_message_id="m1")
    async with deadline():
        assert await found == "True"


async def test_ephemeral_events_are_observed_too(chat: Talkwire, serve: Serve) -> None:
    seen = Seen()
    chat.after("typing:user")(seen.note)
    server = await serve(chat)
    assert chat._started.chat.lease.needs_signals(), "other nodes send them to this one, whoever is connected to it"
    async with server.client("alice") as alice:
        await alice.call("typing:start", {"conversationId": "talk"})
    assert (await seen.wait(1))[0] == TypingChanged("talk", "alice", "alice", is_typing=True)


async def test_a_hanging_or_failing_observer_delays_nothing_else(
    monkeypatch: pytest.MonkeyPatch, chat: Talkwire, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(observers, "OBSERVERS_CLOSE_S", 0.05)
    seen = Seen()

    @chat.after("message:new")
    async def hang(_: MessageSent) -> None:
        await asyncio.Event().wait()

    @chat.after("message:new")
    def fail(event: MessageSent) -> None:
        raise RuntimeError(event.message.conversation_id)

    chat.after("message:new")(seen.note)
    server = await serve(chat)
    async with server.client("bob") as bob:
        for _ in range(3):
            await chat.send_message("talk", sender="alice", content="x")
            await bob.wait_for("message:new")
    await seen.wait(3)
    assert caplog.text.count("observer_failed") == 3
    assert "fail" in caplog.text


async def test_queued_events_are_observed_before_the_server_stops() -> None:
    handled: list[int] = []
    ending = asyncio.Event()

    async def application(_: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        assert (await receive())["type"] == "lifespan.startup"
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        ending.set()
        await send({"type": "lifespan.shutdown.complete"})

    chat = Talkwire(Settings(), app=application)

    @chat.after("conversation:new")
    async def slow(event: ConversationCreated) -> None:
        await ending.wait()  # no client is connected any more, and Talkwire is about to stop
        for _ in range(20):
            sent = await chat.send_message(event.conversation.id, sender="bob", content="late")
            handled.append(sent.seq)

    async with temporary_server(chat):
        await chat.execute(CreateConversation("group", ("alice", "bob"), name="Talk", id="talk", owner_id="alice"))
    assert len(handled) == 20


def _event(number: int) -> TypingChanged:
    return TypingChanged("talk", str(number), "", is_typing=True)


async def test_a_slow_observer_drops_events_and_logs_their_number(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hand_over_logs()
    monkeypatch.setattr(observers, "WAITING_EVENTS_MAX", 3)
    notified: list[str] = []
    following = Observers()
    following.add([TypingChanged], lambda event: notified.append(event.user_id))
    following.follow([_event(number) for number in range(10)])
    await following.close()
    following.follow([_event(11)])
    await following.close()
    assert notified == ["0", "1", "2", "11"]
    assert "missed=7" in caplog.text


async def test_sync_observers_do_not_block_the_loop() -> None:
    notified: list[str] = []
    following = Observers()
    following.add([TypingChanged], lambda event: notified.append(event.user_id))
    following.follow([_event(number) for number in range(100)])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert 0 < len(notified) < 100
    await following.close()
    assert len(notified) == 100
