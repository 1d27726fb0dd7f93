"""What clients that know no streams find of a stream in the tables and in the log, on both databases: nothing until its
first end, and then one new message at the position of that end."""

from __future__ import annotations

import pytest

from talkwire.core.commands.accounts import PutUser
from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.command import Command
from talkwire.core.commands.messages import DeleteMessage, GetMessage, ListMessages, React, SendMessage
from talkwire.core.commands.preferences import SetMemberPreferences
from talkwire.core.commands.receipts import MarkRead
from talkwire.core.commands.server.offline_queue import FindMissed
from talkwire.core.commands.server.recovery import ListMissed
from talkwire.core.commands.streams.storing import (
    BeginStream,
    BegunStream,
    Checkpoint,
    EndStream,
    KeepCheckpoints,
    MarkStopped,
)
from talkwire.core.domain.model import Message
from talkwire.core.domain.parts.message_parts import TextPart
from talkwire.core.domain.parts.streams import LEASE_BY_SOCKET_MS
from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.dialect import Outbound, To
from tests.contracts.node import ALICE, BACKEND, BOB, OPERATOR, Node
from tests.contracts.test_agents import HELPER

NAMES = {
    "talks": ("message", "message-updated", "message-deleted", "reaction"),
    "crm": ("newMessage", "messageUpdated", "messageDeleted", "messageReaction"),
    "gateway": ("roomMessage", "messageUpdated", "messageDeleted", ""),
    "whatsapp": ("message:received", "message:updated", "message:deleted", "message:reaction"),
}
"""A dialect's names for a new, an edited and a deleted message, and for a reaction."""


@pytest.fixture
async def group(node: Node) -> Node:
    await node.users(ALICE, BOB)
    await node.do(BACKEND, PutUser("helper", kind="agent"))
    await node.group("c", ALICE, BOB, HELPER)
    return node


async def begin(node: Node, client_message_id: str = "s") -> Message:
    """Opens a stream, or continues it."""
    send = SendMessage("c", "", client_message_id=client_message_id)
    begun = await node.do(HELPER, BeginStream(send, "n", LEASE_BY_SOCKET_MS))
    assert isinstance(begun, BegunStream)
    return begun.message


async def end(node: Node, message: Message, text: str = "Hello", attempt: int = 1) -> None:
    ended = EndStream(message_id=message.id, attempt=attempt, node_id="n", state="done", parts=(TextPart(text),))
    await node.do(HELPER, ended)


async def interrupt(node: Node, message: Message) -> None:
    """Lets the lease of a stream end."""
    await node.do(OPERATOR, KeepCheckpoints("n", (Checkpoint(message.id, 1, (TextPart("Hel"),)),)))
    node.clock.now_ms += LEASE_BY_SOCKET_MS + 1
    await node.fire()
    found = await node.do(HELPER, GetMessage(str(message.id)))
    assert (found.content, found.state) == ("Hel", "interrupted")


async def missed(node: Node, after_pos: int = 0) -> list[int]:
    return [each.id for each in (await node.do(BOB, FindMissed(node.clock.now_ms, after_pos))).messages]


# --- the offline queue ------------------------------------------------------------------------------------------------


async def test_a_stream_is_missed_from_its_first_end(group: Node) -> None:
    """A table of the last position that the user has received, and what the user has missed since."""
    start = group.chat.pos
    stream = await begin(group)
    opened = group.chat.pos
    between = await group.send(ALICE, "between")
    received = group.chat.pos
    assert await missed(group) == [between.id]
    await interrupt(group, stream)
    ended = group.chat.pos
    after = await group.send(ALICE, "after")
    for pos, expected in {
        start: [between.id, stream.id, after.id],
        opened: [between.id, stream.id, after.id],
        received: [stream.id, after.id],
        ended: [after.id],
        group.chat.pos: [],
    }.items():
        assert await missed(group, pos) == expected, pos
    last = group.chat.pos
    await begin(group)
    await end(group, stream, "Hello again", attempt=2)
    assert await missed(group, last) == [], "a later end is an edit"


@pytest.mark.parametrize(
    "silencing",
    [
        BlockUser("helper"),
        SetMemberPreferences("c", notify="none"),
        SetMemberPreferences("c", muted=True),
        MarkRead("c"),
    ],
    ids=["blocked", "notify", "muted", "read"],
)
async def test_a_stream_is_missed_by_the_same_rules_as_any_message(group: Node, silencing: Command[object]) -> None:
    stream = await begin(group)
    await group.send(ALICE, "newer")
    received = group.chat.pos
    await end(group, stream)
    assert await missed(group, received) == [stream.id]
    await group.do(BOB, silencing)
    assert await missed(group, received) == []


async def test_a_deleted_stream_is_not_missed(group: Node) -> None:
    stream = await begin(group)
    received = group.chat.pos
    await end(group, stream)
    await group.do(HELPER, DeleteMessage(str(stream.id)))
    assert await missed(group, received) == await missed(group) == []


# --- lists ------------------------------------------------------------------------------------------------------------


async def test_pages_without_open_streams_are_full(group: Node) -> None:
    texts: list[Message] = []
    for number in range(4):
        texts.append(await group.send(ALICE, str(number)))
        for place in range(number):
            await begin(group, f"s{number}.{place}")

    async def page(**asked: object) -> tuple[list[str], bool]:
        query = ListMessages("c", finished_only=True, **asked)  # type: ignore[arg-type]
        found = await group.do(BOB, query)
        return [message.content for message in found.items], found.has_more

    assert await page() == (["0", "1", "2", "3"], False)
    assert await page(limit=1) == (["3"], True)
    assert await page(limit=2, before=str(texts[3].id)) == (["1", "2"], True)
    assert await page(limit=3, before=str(texts[3].id)) == (["0", "1", "2"], False)
    assert await page(limit=1, after=str(texts[1].id)) == (["2"], True)
    assert await page(limit=2, after=str(texts[1].id)) == (["2", "3"], False)
    assert await page(limit=2, around=str(texts[2].id)) == (["1", "2"], True)
    assert len((await group.do(BOB, ListMessages("c"))).items) == 10


# --- the log ----------------------------------------------------------------------------------------------------------


async def replayed(node: Node, name: str, message_id: int, after: int) -> list[str]:
    """Returns the names of the events of a dialect about a message, as a client that follows the conversation receives
    them from the log."""
    page = await node.do(BOB, ListMissed(after, node.chat.pos, 100))
    return [
        entry.name
        for event in page.events
        if getattr(getattr(event, "message", None), "id", None) == message_id
        for entry in DIALECTS[name].outbound.get(type(event), ())
        if isinstance(entry, Outbound) and entry.to is To.ROOM and (entry.when is None or entry.when(event))
    ]


@pytest.mark.parametrize("name", NAMES)
async def test_the_log_has_one_new_message_for_each_dialect(group: Node, name: str) -> None:
    """Events of the log have the message as it is now: the table says what is replayed at each moment."""
    new, edited, deleted, reaction = NAMES[name]
    reactions = [reaction] if reaction else []
    start = group.chat.pos
    stream = await begin(group)
    opened = group.chat.pos
    await group.do(ALICE, React(str(stream.id), "👍"))
    assert await replayed(group, name, stream.id, start) == []
    await interrupt(group, stream)
    assert await replayed(group, name, stream.id, start) == await replayed(group, name, stream.id, opened) == [new]
    ended = group.chat.pos
    await begin(group)
    assert await replayed(group, name, stream.id, start) == [new]
    await group.do(ALICE, React(str(stream.id), "🎉"))
    await end(group, stream, "Hello again", attempt=2)
    replay = await replayed(group, name, stream.id, start)
    assert (replay[0], replay.count(new), replay[-1], replay.count(edited)) == (new, 1, edited, 1)
    assert replay.count(reaction) == len(reactions)
    assert new not in await replayed(group, name, stream.id, ended)
    await group.do(HELPER, DeleteMessage(str(stream.id)))
    replay = await replayed(group, name, stream.id, start)
    assert (replay.count(new), replay[-1]) == (1, deleted)


@pytest.mark.parametrize("name", NAMES)
async def test_an_open_stream_that_is_deleted_leaves_nothing(group: Node, name: str) -> None:
    start = group.chat.pos
    stream = await begin(group)
    await group.do(HELPER, DeleteMessage(str(stream.id)))
    assert await replayed(group, name, stream.id, start) == []
    assert (await group.do(BOB, GetMessage(str(stream.id)))).is_unfinished
    assert (await group.do(BOB, ListMessages("c", finished_only=True))).items == ()


# --- a request that breaks off ----------------------------------------------------------------------------------------


async def interrupted(node: Node, message: Message, text: str) -> Message:
    parts = (TextPart(text),) if text else ()
    ended = EndStream(message_id=message.id, attempt=1, node_id="n", state="interrupted", parts=parts)
    left = await node.do(HELPER, ended)
    assert isinstance(left, Message)
    return left


async def test_a_stream_that_its_author_interrupts_keeps_its_text_and_can_be_continued(group: Node) -> None:
    left = await interrupted(group, await begin(group), "Hel")
    assert (left.content, left.state) == ("Hel", "interrupted")
    continued = await begin(group)
    assert (continued.id, continued.state, continued.parts) == (left.id, "streaming", (TextPart("Hel"),))


async def test_a_stream_that_its_author_interrupts_without_a_text_is_deleted(group: Node) -> None:
    left = await interrupted(group, await begin(group), "")
    assert left.deleted_ms is not None
    group.clock.now_ms += LEASE_BY_SOCKET_MS + 1
    await group.fire()
    assert [each.id for each in (await group.do(BOB, ListMessages("c"))).items if each.deleted_ms is None] == []


async def test_a_stream_that_was_to_stop_is_stopped_when_its_author_interrupts_it(group: Node) -> None:
    message = await begin(group)
    await group.do(OPERATOR, MarkStopped(message_id=str(message.id)))
    left = await interrupted(group, message, "")
    assert (left.state, left.deleted_ms) == ("stopped", None)
