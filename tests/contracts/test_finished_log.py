"""What readers of the whole log receive of a message that is written while others read it, with and without `final`; on
both databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from talkwire.core.commands.accounts import PutUser
from talkwire.core.commands.conversations import DeleteConversation
from talkwire.core.commands.messages import DeleteMessage, EditMessage, PinMessage, React, SendMessage, UnpinMessage
from talkwire.core.commands.streams.storing import (
    BeginStream,
    BegunStream,
    Checkpoint,
    EndStream,
    KeepCheckpoints,
    MarkStopped,
)
from talkwire.core.commands.sync import ListLogEvents, LogPage
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.parts.message_parts import TextPart
from talkwire.core.domain.parts.streams import CONTINUABLE_MS, LEASE_BY_SOCKET_MS
from talkwire.dialects.messenger.log_events import LogEventPayload, log_event_payloads, log_types_named
from talkwire.storage.messages.changes import clear_messages, clearable_between
from tests.contracts.node import ALICE, BACKEND, BOB, OPERATOR, Node
from tests.contracts.test_agents import HELPER
from tests.contracts.test_log_watches import NEVER_S, after, query_now, waiting, watching

NEW, UPDATED, DELETED, REACTION = "message:new", "message:updated", "message:deleted", "message:reaction"


class Scene:
    """A group with a message of Alice, which an agent answers with a stream."""

    def __init__(self, node: Node, group: str) -> None:
        self.node, self.group = node, group
        self.question, self.stream, self.reply = 0, 0, 0
        self._attempt = 0

    async def prepare(self) -> None:
        await self.node.group(self.group, ALICE, BOB, HELPER)
        self.question = (await self.node.send(ALICE, "A question", to=self.group)).id

    async def open(self, thread_id: str | None = None) -> None:
        """Opens the stream, or continues it."""
        send = SendMessage(self.group, "", client_message_id="s", thread_id=thread_id)
        begun = await self.node.do(HELPER, BeginStream(send, "home", LEASE_BY_SOCKET_MS))
        assert isinstance(begun, BegunStream)
        assert begun.stream is not None
        self.stream, self._attempt = begun.message.id, begun.stream.attempt

    async def open_in_thread(self) -> None:
        await self.open(str(self.question))

    async def end(self, state: Any = "done") -> None:  # noqa: ANN401 (of a literal type)
        parts = (TextPart("All of it"),)
        ended = EndStream(message_id=self.stream, attempt=self._attempt, node_id="home", state=state, parts=parts)
        await self.node.do(HELPER, ended)

    async def fail(self) -> None:
        await self.end("failed")

    async def stop(self) -> None:
        await self.node.do(ALICE, MarkStopped(message_id=str(self.stream)))
        await self.end()

    async def interrupt(self) -> None:
        """Lets the lease end after some text was stored."""
        await self.node.do(OPERATOR, KeepCheckpoints("home", (self._checkpoint(),)))
        await self.lose()

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(self.stream, self._attempt, (TextPart("Some"),))

    async def lose(self) -> None:
        """Lets the lease end."""
        self.node.clock.now_ms += LEASE_BY_SOCKET_MS + 1
        await self.node.fire()

    async def expire(self) -> None:
        """Lets the time end in which the stream can be continued."""
        self.node.clock.now_ms += CONTINUABLE_MS + 1
        await self.node.fire()

    async def edit(self) -> None:
        await self.node.do(HELPER, EditMessage(str(self.stream), "Edited"))

    async def describe(self) -> None:
        """Changes the metadata of the stream's message."""
        await self.node.do(HELPER, EditMessage(str(self.stream), metadata={"at": self.node.chat.pos}))

    async def react(self) -> None:
        await self.node.do(ALICE, React(str(self.stream), "👍"))

    async def pin(self) -> None:
        await self.node.do(ALICE, PinMessage(str(self.stream)))

    async def unpin(self) -> None:
        await self.node.do(ALICE, UnpinMessage(str(self.stream)))

    async def delete(self) -> None:
        await self.node.do(HELPER, DeleteMessage(str(self.stream)))

    async def answer(self) -> None:
        """Sends an ordinary message to the thread of the stream's message."""
        sent = await self.node.do(BOB, SendMessage(self.group, "A reply", thread_id=str(self.stream)))
        self.reply = sent.id

    async def delete_answer(self) -> None:
        await self.node.do(BOB, DeleteMessage(str(self.reply)))


class Step(NamedTuple):
    """What is done, and the types of the events that this writes, as they are without and with `final`. None stands for
    an event that is left out."""

    act: Callable[[Scene], Awaitable[None]]
    events: tuple[tuple[str, str | None], ...] = ()


def step(act: Callable[[Scene], Awaitable[None]], type_: str, final: str | None) -> Step:
    return Step(act, ((type_, final),))


OPEN = step(Scene.open, NEW, None)
FIRST_END = step(Scene.end, UPDATED, NEW)
LATER_END = step(Scene.end, UPDATED, UPDATED)
FIRST_BREAK = step(Scene.interrupt, UPDATED, NEW)
LATER_BREAK = step(Scene.interrupt, UPDATED, UPDATED)
CONTINUED = step(Scene.open, UPDATED, None)
DELETE_UNSEEN = step(Scene.delete, DELETED, None)
DELETE = step(Scene.delete, DELETED, DELETED)

SCENES: dict[str, tuple[Step, ...]] = {
    "done": (OPEN, FIRST_END),
    "failed": (OPEN, step(Scene.fail, UPDATED, NEW)),
    "stopped": (OPEN, step(Scene.stop, UPDATED, NEW)),
    "interrupted": (OPEN, FIRST_BREAK, Step(Scene.expire)),
    "continued": (OPEN, FIRST_BREAK, CONTINUED, LATER_END),
    "continued twice": (OPEN, FIRST_BREAK, CONTINUED, LATER_BREAK, CONTINUED, LATER_END),
    "taken over": (OPEN, Step(Scene.open), FIRST_END),
    "lost without any text": (OPEN, step(Scene.lose, DELETED, None)),
    "deleted while open": (OPEN, DELETE_UNSEEN),
    "deleted after its end": (OPEN, FIRST_END, DELETE),
    "deleted while continued": (OPEN, FIRST_BREAK, CONTINUED, DELETE),
    "edited after its end": (OPEN, FIRST_END, step(Scene.edit, UPDATED, UPDATED)),
    "metadata": (
        OPEN,
        step(Scene.describe, UPDATED, None),
        FIRST_END,
        step(Scene.describe, UPDATED, UPDATED),
    ),
    "reactions": (OPEN, step(Scene.react, REACTION, None), FIRST_END, DELETE),
    "a reaction after its end": (OPEN, FIRST_END, step(Scene.react, REACTION, REACTION)),
    "pins": (
        OPEN,
        step(Scene.pin, "message:pinned", None),
        FIRST_END,
        step(Scene.unpin, "message:unpinned", "message:unpinned"),
    ),
    "in a thread": (step(Scene.open_in_thread, NEW, None), FIRST_END),
    "deleted in a thread": (
        step(Scene.open_in_thread, NEW, None),
        Step(Scene.delete, ((DELETED, None), ("thread:updated", "thread:updated"))),
    ),
    "with a thread": (
        OPEN,
        step(Scene.answer, NEW, NEW),
        Step(Scene.delete_answer, ((DELETED, DELETED), ("thread:updated", None))),
        FIRST_END,
        step(Scene.answer, NEW, NEW),
        Step(Scene.delete_answer, ((DELETED, DELETED), ("thread:updated", "thread:updated"))),
    ),
}


async def read(
    scene: Scene, after_cursor: str, *, final: bool, types: frozenset[str] | None = None, limit: int = 100
) -> list[LogEventPayload]:
    """Returns all events of the group after a cursor."""
    events: list[LogEventPayload] = []
    more = True
    while more:
        query = ListLogEvents(after_cursor, limit, types, frozenset({scene.group}), final)
        page: LogPage = await scene.node.do(BACKEND, query)
        events += [each for each in log_event_payloads(page.events, page.epoch) if each.type != "turn:ready"]
        after_cursor, more = page.cursor, page.more
    assert after_cursor == scene.node.chat.cursor
    return events


def named(events: list[LogEventPayload]) -> list[tuple[str, str]]:
    return [(event.id, event.type) for event in events]


@pytest.fixture
async def agents(node: Node) -> Node:
    await node.users(ALICE, BOB)
    await node.do(BACKEND, PutUser("helper", kind="agent"))
    return node


async def at(node: Node, group: str = "c") -> Scene:
    scene = Scene(node, group)
    await scene.prepare()
    return scene


async def test_a_final_reader_receives_a_stream_at_its_first_end(agents: Node) -> None:
    """Reads after each step, and from the cursor of each event at the end."""
    for name, steps in SCENES.items():
        scene = await at(agents, name.replace(" ", "-"))
        expected, live = list[tuple[str, str | None]](), list[tuple[str, str]]()
        start = cursor = agents.chat.cursor
        for act, events in steps:
            expected += events
            await act(scene)
            live += named(await read(scene, cursor, final=True))
            cursor = agents.chat.cursor
        everything = named(await read(scene, start, final=False))
        assert [type_ for _, type_ in everything] == [type_ for type_, _ in expected], name
        ids = [id_ for id_, _ in everything]
        final = [(id_, type_) for id_, (_, type_) in zip(ids, expected, strict=True) if type_ is not None]
        assert live == final, name
        assert named(await read(scene, start, final=True, limit=1)) == final, name
        for number, id_ in enumerate(ids):
            later = [each for each in final if each[0] in ids[number + 1 :]]
            assert named(await read(scene, id_, final=True)) == later, (name, number)
        for type_ in (NEW, UPDATED, DELETED):
            of_type = await read(scene, start, final=True, types=log_types_named([type_]))
            assert named(of_type) == [each for each in final if each[1] == type_], (name, type_)


@pytest.mark.parametrize(
    ("end", "state", "content"),
    [
        (Scene.end, "done", "All of it"),
        (Scene.fail, "failed", "All of it"),
        (Scene.stop, "stopped", "All of it"),
        (Scene.interrupt, "interrupted", "Some"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_the_new_message_is_what_has_ended(
    agents: Node, end: Callable[[Scene], Awaitable[None]], state: str, content: str
) -> None:
    scene = await at(agents)
    start = agents.chat.cursor
    await scene.open()
    await scene.react()
    agents.clock.now_ms += 5_000
    await end(scene)
    (event,) = await read(scene, start, final=True)
    whole = (await read(scene, start, final=False))[-1]
    assert (event.type, event.id, event.time, event.actor_id) == (NEW, whole.id, whole.time, "helper")
    assert event.data == whole.data
    assert (event.data.content, event.data.state, len(event.data.reactions)) == (content, state, 1)


async def test_the_log_of_a_deleted_conversation_has_the_same_events(agents: Node) -> None:
    """Also when its messages have been cleared, after which they have no text and no state."""
    open_one, ended = await at(agents, "open"), await at(agents, "ended")
    start = agents.chat.cursor
    await open_one.open()
    await ended.open()
    await ended.end()
    before = named(await read(ended, start, final=True))
    for scene in (open_one, ended):
        await agents.do(BACKEND, DeleteConversation(scene.group))
    until_pos = agents.chat.pos
    with agents.write_engine.begin() as connection:
        clear_messages(connection, clearable_between(connection, 0, id_at(until_pos)), 0)
    deleted = "conversation:deleted"
    assert [event.type for event in await read(open_one, start, final=True)] == [deleted]
    found = await read(ended, start, final=True)
    assert [event.type for event in found] == [NEW, deleted]
    assert (named(found)[:1], found[0].data.content, found[0].data.state) == (before, "", None)


async def test_only_the_first_end_wakes_a_final_reader(agents: Node) -> None:
    scene = await at(agents)
    watches, chat = watching(agents)
    final = ListLogEvents(agents.chat.cursor, types=log_types_named([NEW]), final=True)
    async with waiting(watches.open(BACKEND, final)) as page:
        with watches.open(BACKEND, query_now(agents, "MessageSent")) as other:
            await other.next_page(0)
            before = chat.queries
            await scene.open()
            assert len((await other.next_page(after(NEVER_S))).events) == 1
            await scene.react()
            assert (chat.queries, page.done()) == (before + 1, False)
        await scene.end()
        (event,) = (await page).events
        assert chat.queries == before + 2
    assert (type(event).__name__, event.pos) == ("MessageSent", agents.chat.pos)
