"""Reading the whole log, as the event stream and webhooks do."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from talkwire.core.commands.accounts import EnsureUser
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import DeleteConversation, UpdateConversation
from talkwire.core.commands.messages import DeleteMessage, EditMessage, SendMessage
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.commands.receipts import MarkRead, MarkUnread
from talkwire.core.commands.sync import ListLogEvents, LogFilter, LogPage
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import Durable, MessageSent, UserRenamed, UserUpdated
from talkwire.core.domain.model import Actor
from talkwire.core.features.catching_up import log_events
from talkwire.storage.schema import log_head
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, OPERATOR, Node
from tests.contracts.test_newer_version import NEWER, write_newer
from tests.databases import Database

EVERYTHING = LogFilter()


async def read_all(node: Node, wanted: LogFilter = EVERYTHING, limit: int = 100) -> list[Durable]:
    """Returns every event that a filter selects, page by page."""
    events: list[Durable] = []
    after, more = "start", True
    while more:
        page: LogPage = await node.do(BACKEND, ListLogEvents(after, limit, wanted.types, wanted.conversation_ids))
        events += page.events
        after, more = page.cursor, page.more
    return events


async def refusal(node: Node, command: Command[LogPage], actor: Actor = BACKEND) -> ChatError:
    with pytest.raises(ChatError) as refused:
        await node.do(actor, command)
    return refused.value


async def fill(node: Node) -> None:
    """Writes events of many kinds in two conversations."""
    await node.users(ALICE, BOB, CAROL)
    await node.group("c", ALICE, BOB, CAROL)
    await node.group("d", BOB, CAROL)
    for conversation_id, sender in (("c", ALICE), ("d", BOB)):
        first = await node.send(sender, "one", to=conversation_id)
        await node.send(sender, "two", to=conversation_id)
        await node.do(sender, EditMessage(str(first.id), "uno"))
        await node.do(CAROL, MarkRead(conversation_id))
        await node.do(CAROL, MarkUnread(conversation_id, str(first.id)))
        await node.do(sender, RestrictMember(conversation_id, "carol", "mute", None))
        await node.do(sender, DeleteMessage(str(first.id)))
    await node.do(ALICE, UpdateConversation("c", name="Team"))
    await node.do(BACKEND, DeleteConversation("d"))


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_pages_have_every_event_once_and_in_order(node: Node, limit: int) -> None:
    await fill(node)
    events = await read_all(node, limit=limit)
    assert [event.pos for event in events] == list(range(1, node.chat.pos + 1))


@pytest.mark.parametrize(
    "wanted",
    [
        LogFilter(types=frozenset({"MessageSent", "MessageDeleted"})),
        LogFilter(conversation_ids=frozenset({"c"})),
        LogFilter(conversation_ids=frozenset({"c", "d"}), types=frozenset({"ReadPositionMoved", "MemberRestricted"})),
        LogFilter(types=frozenset({"UserCreated"}), conversation_ids=frozenset({"c"})),
    ],
    ids=["types", "a conversation", "types in conversations", "nothing"],
)
@pytest.mark.parametrize("limit", [1, 100])
async def test_the_database_selects_what_the_filter_does(node: Node, wanted: LogFilter, limit: int) -> None:
    await fill(node)
    everything = await read_all(node)
    assert await read_all(node, wanted, limit) == [event for event in everything if wanted.matches(event)]


async def test_a_page_searches_a_limited_part_of_the_log(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_events, "SEARCHED_POSITIONS_MAX", 5)
    await fill(node)
    wanted = frozenset({"ConversationDeleted"})
    page: LogPage = await node.do(BACKEND, ListLogEvents("start", types=wanted))
    assert (page.events, page.pos, page.more) == ((), 5, True)
    assert len(await read_all(node, LogFilter(types=wanted))) == 1


async def test_without_a_cursor_a_page_is_the_end_of_the_log(node: Node) -> None:
    await fill(node)
    page: LogPage = await node.do(OPERATOR, ListLogEvents())
    assert (page.events, page.cursor, page.more) == ((), node.chat.cursor, False)


async def test_a_page_is_limited_in_bytes(node: Node) -> None:
    await node.users(ALICE)
    await node.group("c", ALICE)
    for _ in range(20):
        await node.send(ALICE, "x" * 30_000)
    page: LogPage = await node.do(BACKEND, ListLogEvents("start"))
    assert page.more
    assert page.pos == page.events[-1].pos
    assert len([event for event in await read_all(node) if isinstance(event, MessageSent)]) == 20


async def test_users_may_not_read_the_log(node: Node) -> None:
    assert (await refusal(node, ListLogEvents("start"), ALICE)).code == "forbidden"


async def test_a_name_from_a_token_is_an_update_of_the_whole_user(node: Node) -> None:
    await node.do(Actor("dave", "dave"), EnsureUser("dave", "dave"))
    await node.do(Actor("dave", "Dave"), EnsureUser("dave", "Dave"))
    assert isinstance(node.log[-1], UserRenamed)
    updated = (await read_all(node))[-1]
    assert isinstance(updated, UserUpdated)
    assert updated.user.name == "Dave"
    assert updated.pos == node.chat.pos


@pytest.mark.parametrize("cursor", ["", "nonsense", "-5", "1-1-x", "start-"])
async def test_text_that_is_no_cursor_is_invalid(node: Node, cursor: str) -> None:
    assert (await refusal(node, ListLogEvents(cursor))).code == "invalid_request"


async def test_a_cursor_of_the_future_is_invalid(node: Node) -> None:
    assert (await refusal(node, ListLogEvents(f"{node.chat.epoch}-{node.chat.pos + 1}"))).code == "invalid_request"


async def test_a_cursor_of_another_log_is_refused_with_the_oldest_one(node: Node) -> None:
    refused = await refusal(node, ListLogEvents("another-1"))
    assert (refused.code, refused.details) == ("cursor_epoch", {"oldest": f"{node.chat.epoch}-0"})


async def test_a_cursor_behind_the_retention_is_refused_with_the_oldest_one(node: Node, database: Database) -> None:
    await fill(node)
    with database.engine() as engine, engine.begin() as connection:
        connection.execute(update(log_head).values(floor=5))
    refused = await refusal(node, ListLogEvents(f"{node.chat.epoch}-4"))
    assert (refused.code, refused.details) == ("cursor_expired", {"oldest": f"{node.chat.epoch}-5"})
    assert (await read_all(node))[0].pos == 6


@pytest.mark.parametrize("limit", [1, 100])
async def test_events_of_a_newer_version_are_left_out(node: Node, database: Database, limit: int) -> None:
    await node.users(ALICE)
    await node.group("c", ALICE)
    before = await read_all(node)
    write_newer(database, NEWER, NEWER, conversation_id="c")
    await node.do(ALICE, SendMessage("c", "hello"))
    *earlier, sent = await read_all(node, limit=limit)
    assert earlier == before
    assert isinstance(sent, MessageSent)
