"""Sync: pages of events, refused cursors, and the cost of a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import update

from talkwire.core.commands.accounts import EraseUser, UpdateUser
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation, UpdateConversation
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.core.commands.messages import DeleteMessage, EditMessage, SendMessage
from talkwire.core.commands.moderation.restrictions import RestrictMember, UnrestrictMember
from talkwire.core.commands.receipts import MarkRead
from talkwire.core.commands.sync import GetSyncState, ListEvents, SyncPage
from talkwire.core.domain.events import (
    MemberAdded,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    MessagesRead,
    UserErased,
    UserUpdated,
)
from talkwire.core.domain.model import LARGE_CONVERSATION, Actor
from talkwire.storage.schema import log_head
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, Node
from tests.contracts.sync_client import SyncClient
from tests.databases import Database


async def _all(node: Node, actor: Actor, after: str, limit: int = 100) -> list[Any]:
    """Returns every event after a cursor, page by page."""
    events: list[Any] = []
    more = True
    while more:
        page: SyncPage = await node.do(actor, ListEvents(after, limit))
        events += page.events
        after, more = page.cursor, page.more
    return events


def _contents(events: Sequence[Any]) -> list[str]:
    return [event.message.content for event in events if isinstance(event, MessageSent)]


async def test_the_state_names_the_cursor_that_events_continue_it_from(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(ALICE, "before")
    state = await node.do(BOB, GetSyncState())
    assert state.cursor == node.chat.cursor
    assert [view.conversation.id for view in state.conversations] == ["c"]
    await node.send(ALICE, "after")
    assert _contents(await _all(node, BOB, state.cursor)) == ["after"]


async def test_a_page_ends_at_its_limit_and_the_next_continues(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    cursor = node.chat.cursor
    for number in range(10):
        await node.send(ALICE, str(number))
    page = await node.do(BOB, ListEvents(cursor, 4))
    assert (_contents(page.events), page.more) == (["0", "1", "2", "3"], True)
    assert _contents(await _all(node, BOB, cursor, 3)) == [str(number) for number in range(10)]
    last = await node.do(BOB, ListEvents(cursor, 10))
    assert (last.cursor, last.more) == (node.chat.cursor, False)


async def test_a_client_that_missed_nothing_gets_the_current_cursor(node: Node) -> None:
    await node.group("c", ALICE)
    cursor = node.chat.cursor
    await node.group("d", BOB)
    page = await node.do(ALICE, ListEvents(cursor))
    assert page == SyncPage((), node.chat.cursor, more=False)


async def test_few_events_among_many_of_others_are_found(node: Node) -> None:
    """They are further apart than the first part of the log that is searched."""
    await node.group("quiet", ALICE)
    await node.group("busy", BOB)
    cursor = node.chat.cursor
    for number in range(3):
        await node.send(ALICE, str(number), to="quiet")
        await node.in_one_batch(*((BOB, SendMessage("busy", "x")) for _ in range(400)))
    assert _contents(await _all(node, ALICE, cursor)) == ["0", "1", "2"]
    assert _contents(await _all(node, ALICE, cursor, 1)) == ["0", "1", "2"]
    assert len(await _all(node, BOB, cursor)) == 1200


async def test_large_messages_end_a_page_before_its_limit(node: Node) -> None:
    await node.group("c", ALICE)
    cursor = node.chat.cursor
    for _ in range(10):
        await node.send(ALICE, "x" * 60_000)
    page = await node.do(ALICE, ListEvents(cursor))
    assert (len(page.events), page.more) == (4, True)
    assert len(await _all(node, ALICE, cursor)) == 10


async def test_a_removed_member_receives_only_the_removal(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    cursor = node.chat.cursor
    await node.send(ALICE, "before")
    await node.do(ALICE, RemoveMember("c", "bob"))
    await node.send(ALICE, "away")
    assert [type(event) for event in await _all(node, BOB, cursor)] == [MemberRemoved]


async def test_others_receive_the_read_position_of_a_new_member(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.users(CAROL)
    await node.send(ALICE, "before")
    client = await SyncClient(node, BOB).load()
    await node.do(ALICE, AddMembers("c", ("carol",)))
    assert (await client.follow()).state() == (await SyncClient(node, BOB).load()).state()


async def test_a_client_that_follows_knows_whether_it_may_write(node: Node) -> None:
    """A mute is in the state and in the events. It rests while its user owns the conversation."""
    await node.group("c", ALICE, BOB)
    client = await SyncClient(node, BOB).load()
    mute = {"until": "2023-11-14T22:15:00.000Z", "reason": "spam"}
    steps: Sequence[tuple[Command[Any], dict[str, str] | None]] = (
        (RestrictMember("c", "bob", "mute", 1_700_000_100_000, "spam"), mute),
        (UpdateConversation("c", name="renamed"), mute),
        (UpdateMember("c", "bob", "owner"), None),
        (UpdateMember("c", "alice", "owner"), mute),
        (UnrestrictMember("c", "bob", "mute"), None),
        (RestrictMember("c", "bob", "mute"), {}),
    )
    for command, expected in steps:
        await node.do(BACKEND, command)
        state = (await client.follow()).state()
        assert state["c"]["muted_by_moderator"] == expected, command
        assert state == (await SyncClient(node, BOB).load()).state(), command


async def test_a_returning_member_receives_nothing_from_the_time_between(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    cursor = node.chat.cursor
    await node.do(ALICE, RemoveMember("c", "bob"))
    await node.send(ALICE, "away")
    await node.do(ALICE, AddMembers("c", ("bob",)))
    await node.send(ALICE, "back")
    events = await _all(node, BOB, cursor)
    assert _contents(events) == ["back"]
    assert [type(event) for event in events] == [MemberRemoved, MemberAdded, MessageSent]


async def test_former_members_receive_the_deletion_of_a_conversation(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    cursor = node.chat.cursor
    await node.do(ALICE, DeleteConversation("c"))
    assert [event.conversation_id for event in await _all(node, BOB, cursor)] == ["c"]
    assert await _all(node, MALLORY, cursor) == []


async def test_events_of_messages_before_the_members_history_are_not_shown(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, UpdateConversation("c", history="from-join"))
    old = await node.send(ALICE, "old")
    await node.do(BACKEND, CreateConversation("group", ("carol",), id="elsewhere", owner_id="carol"))
    await node.do(ALICE, AddMembers("c", ("carol",)))
    cursor = node.chat.cursor
    await node.do(ALICE, EditMessage(str(old.id), "old, edited"))
    new = await node.send(ALICE, "new")
    await node.do(ALICE, EditMessage(str(new.id), "new, edited"))
    events = await _all(node, CAROL, cursor)
    assert [type(event) for event in events] == [MessageSent, MessageEdited]
    assert _contents(events) == ["new, edited"]
    assert len(await _all(node, BOB, cursor)) == 3


async def test_a_replay_shows_messages_in_their_current_state(node: Node) -> None:
    await node.group("c", ALICE)
    cursor = node.chat.cursor
    sent = await node.send(ALICE, "a secret")
    await node.do(ALICE, DeleteMessage(str(sent.id)))
    first, second = await _all(node, ALICE, cursor)
    assert isinstance(first, MessageSent)
    assert (first.message.content, first.message.deleted_ms) == ("", second.at_ms)
    assert isinstance(second, MessageDeleted)


async def test_contacts_receive_changed_and_erased_profiles_in_the_order_of_the_log(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.group("elsewhere", CAROL)
    cursor = node.chat.cursor
    await node.send(ALICE, "before")
    await node.do(ALICE, UpdateUser(name="Alicia"))
    await node.send(ALICE, "after")
    await node.do(BACKEND, EraseUser("alice", redact=False))
    events = await _all(node, BOB, cursor)
    profiles = [event.user.name for event in events if isinstance(event, UserUpdated | UserErased)]
    assert profiles == ["Alicia", "Deleted user"]
    assert [event.pos for event in events] == sorted({event.pos for event in events})
    assert await _all(node, BOB, cursor, 1) == events
    assert not any(isinstance(event, UserUpdated | UserErased) for event in await _all(node, CAROL, cursor))


async def test_in_a_large_conversation_authors_and_the_reader_receive_a_receipt(node: Node) -> None:
    others = tuple(f"user-{number}" for number in range(LARGE_CONVERSATION))
    await node.do(BACKEND, CreateConversation("group", ("alice", *others), id="c", owner_id="alice"))
    await node.send(ALICE, "1")
    cursor = node.chat.cursor
    await node.do(Actor("user-1", ""), MarkRead("c"))
    for user_id, received in (("alice", [MessagesRead]), ("user-1", [MessagesRead]), ("user-2", [])):
        assert [type(event) for event in await _all(node, Actor(user_id, ""), cursor)] == received


@pytest.mark.parametrize("cursor", ["", "x", "-", "12", "-12", "{epoch}-", "{epoch}-1x", "{epoch}-²"])
async def test_an_invalid_cursor_is_refused(node: Node, cursor: str) -> None:
    assert await node.refusal(ALICE, ListEvents(cursor.format(epoch=node.chat.epoch))) == "invalid_request"


async def test_a_cursor_of_another_epoch_or_of_the_future_is_refused(node: Node) -> None:
    await node.group("c", ALICE)
    assert await node.refusal(ALICE, ListEvents(f"0{node.chat.epoch}-1")) == "cursor_epoch"
    assert await node.refusal(ALICE, ListEvents(f"{node.chat.epoch}-{node.chat.pos + 1}")) == "invalid_request"


async def test_a_cursor_from_before_what_is_kept_is_refused(node: Node, database: Database) -> None:
    await node.group("c", ALICE)
    await node.send(ALICE, "1")
    epoch, pos = node.chat.epoch, node.chat.pos
    with database.engine() as engine, engine.begin() as connection:
        connection.execute(update(log_head).values(floor=pos - 1))
    assert await node.refusal(ALICE, ListEvents(f"{epoch}-{pos - 2}")) == "cursor_expired"
    assert _contents(await _all(node, ALICE, f"{epoch}-{pos - 1}")) == ["1"]
