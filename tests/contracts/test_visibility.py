"""One rule for all ways of reading: the reader's membership now decides what is visible.

Users who are not members see nothing of a conversation but that their own membership ended. Where history starts with
joining, a member sees nothing from before, wherever it is quoted, listed or stored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from talkwire.core.commands.command import Command, IdempotencyKey
from talkwire.core.commands.conversations import (
    CreateConversation,
    DeleteConversation,
    GetConversation,
    ListConversations,
    UpdateConversation,
)
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.core.commands.messages import (
    DeleteMessage,
    EditMessage,
    ForwardMessage,
    GetMessage,
    GetThread,
    ListMessages,
    ListPins,
    PinMessage,
    React,
    SendMessage,
    UnpinMessage,
    Unreact,
)
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.commands.offers import CounterOffer, CreateOffer, GetOffer, ListOffers, UpdateOffer
from talkwire.core.commands.receipts import MarkRead
from talkwire.core.commands.search import SearchOffers
from talkwire.core.commands.server.offline_queue import ReadMissed
from talkwire.core.commands.server.recovery import ListMissed
from talkwire.core.commands.server.retries import AnswerRetry, FirstAnswer
from talkwire.core.commands.sync import ListEvents, SyncPage
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    ConversationDeleted,
    MemberAdded,
    MemberRemoved,
    MessageEdited,
    MessageSent,
    OfferCreated,
    OfferUpdated,
)
from talkwire.core.domain.model import Actor, Message
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, OPERATOR, Node

KEY = IdempotencyKey("bob", "POST /somewhere", "k1")


async def events_after(node: Node, actor: Actor, pos: int, limit: int = 100) -> list[Any]:
    """Returns every event after a position, page by page, as `sync` returns them. Recovery returns the same."""
    events: list[Any] = []
    after, more = f"{node.chat.epoch}-{pos}", True
    while more:
        page: SyncPage = await node.do(actor, ListEvents(after, limit))
        events += page.events
        after, more = page.cursor, page.more
    missed = await node.do(actor, ListMissed(pos, node.chat.pos))
    assert [event.pos for event in missed.events] == [event.pos for event in events]
    return events


def kinds(events: list[Any]) -> list[type]:
    return [type(event) for event in events]


async def secret_group(node: Node) -> Message:
    """A group of Alice and Bob in which new members only see what comes after joining, with a message from before Carol
    joins."""
    await node.users(CAROL)
    members = ("alice", "bob")
    await node.do(BACKEND, CreateConversation("group", members, id="c", history="from-join", owner_id=members[0]))
    return await node.send(ALICE, "a secret")


async def let_in(node: Node, actor: Actor) -> None:
    await node.do(ALICE, AddMembers("c", (actor.user_id,)))


async def reply_to(node: Node, message: Message) -> Message:
    reply = await node.do(BOB, SendMessage("c", "about that", reply_to_id=str(message.id)))
    assert isinstance(reply, Message)
    return reply


# --- who is not a member now ----------------------------------------------------------------------------------------


def _remove(node: Node) -> Command[Any]:
    return RemoveMember("c", "bob")


def _ban(node: Node) -> Command[Any]:
    return RestrictMember("c", "bob", "ban")


@pytest.mark.parametrize("end", [_remove, _ban])
async def test_an_ex_member_learns_only_that_the_membership_ended(
    node: Node, end: Callable[[Node], Command[Any]]
) -> None:
    await node.group("c", ALICE, BOB)
    start = node.chat.pos
    sent = await node.send(ALICE, "a secret")
    await node.do(ALICE, UpdateConversation("c", name="a secret name"))
    await node.do(ALICE, CreateOffer("c", "a secret offer", 1, "EUR"))
    middle = node.chat.pos
    await node.do(ALICE, end(node))
    ended = node.chat.pos
    await node.do(ALICE, EditMessage(str(sent.id), "a later secret"))
    await node.send(ALICE, "after")
    for made_up in (0, start, middle, ended - 1):
        events = [event for event in await events_after(node, BOB, made_up) if hasattr(event, "conversation_id")]
        assert kinds(events) == [MemberRemoved]
        assert events[0].user_id == "bob"
        assert "secret" not in repr(await events_after(node, BOB, made_up))
    assert await events_after(node, BOB, ended) == []


async def test_members_receive_the_deletion_of_their_conversation(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(ALICE, "a secret")
    await node.do(ALICE, DeleteConversation("c"))
    for actor in (ALICE, BOB):
        assert kinds(await events_after(node, actor, 0)) == [ConversationDeleted]


async def test_pages_of_a_former_member_continue_to_what_they_still_may_see(node: Node) -> None:
    for conversation_id in ("c", "d", "e"):
        await node.group(conversation_id, ALICE, BOB)
        await node.send(ALICE, conversation_id, to=conversation_id)
    for conversation_id in ("c", "e"):
        await node.do(ALICE, RemoveMember(conversation_id, "bob"))
    await node.send(ALICE, "last", to="d")
    for limit in (1, 2, 100):
        events = await events_after(node, BOB, 0, limit)
        assert [event.message.content for event in events if isinstance(event, MessageSent)] == ["d", "last"]
        assert [event.conversation_id for event in events if isinstance(event, MemberRemoved)] == ["c", "e"]


async def test_a_returned_member_sees_what_members_see_now(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    first = await node.send(ALICE, "before")
    await node.do(ALICE, RemoveMember("c", "bob"))
    await node.send(ALICE, "away")
    await let_in(node, BOB)
    await node.do(ALICE, EditMessage(str(first.id), "edited"))
    events = await events_after(node, BOB, 0)
    assert [event.message.content for event in events if isinstance(event, MessageSent)] == ["edited"]
    assert kinds(events)[-3:] == [MemberRemoved, MemberAdded, MessageEdited]


async def test_a_returned_member_with_limited_history_sees_only_later_events(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    first = await node.send(ALICE, "a secret")
    await node.do(ALICE, CreateOffer("c", "a secret offer", 1, "EUR"))
    await node.do(ALICE, UpdateConversation("c", history="from-join"))
    await node.do(ALICE, RemoveMember("c", "bob"))
    await let_in(node, BOB)
    await node.do(ALICE, EditMessage(str(first.id), "a later secret"))
    events = await events_after(node, BOB, 0)
    assert "secret" not in repr(events)
    assert kinds(events)[-2:] == [MemberRemoved, MemberAdded]


# --- quotes of what lies before -------------------------------------------------------------------------------------


async def test_a_member_with_limited_history_sees_no_earlier_quotes(node: Node) -> None:
    old = await secret_group(node)
    cursor = node.chat.pos
    await let_in(node, CAROL)
    reply = await reply_to(node, old)
    await node.do(ALICE, EditMessage(str(old.id), "a later secret"))
    await node.do(ALICE, PinMessage(str(reply.id)))
    found: dict[str, Any] = {
        "message": await node.do(CAROL, GetMessage(str(reply.id))),
        "page": await node.do(CAROL, ListMessages("c")),
        "around": await node.do(CAROL, ListMessages("c", around=str(reply.id))),
        "thread": await node.do(CAROL, GetThread(str(reply.id))),
        "pins": await node.do(CAROL, ListPins("c")),
        "conversation": await node.do(CAROL, GetConversation("c")),
        "conversations": await node.do(CAROL, ListConversations()),
        "sync": await events_after(node, CAROL, cursor),
        "missed": await node.do(CAROL, ReadMissed((reply.id,))),
        "reacted": await node.do(CAROL, React(str(reply.id), "👍")),
        "unreacted": await node.do(CAROL, Unreact(str(reply.id), "👍")),
    }
    await node.do(ALICE, RemoveMember("c", "carol"))
    for way, answer in found.items():
        assert "about that" in repr(answer), way
        assert "secret" not in repr(answer), way
        assert str(old.id) not in repr(answer), way
    seen = await node.do(BOB, GetMessage(str(reply.id)))
    assert seen.reply_to is not None
    assert seen.reply_to.content == "a later secret"


async def test_a_new_admin_receives_a_message_without_an_older_quote(node: Node) -> None:
    old = await secret_group(node)
    await node.do(BACKEND, AddMembers("c", ("carol",)))
    reply = await reply_to(node, old)
    await node.do(BACKEND, UpdateMember("c", "carol", "admin"))
    for command in (PinMessage(str(reply.id)), UnpinMessage(str(reply.id)), UpdateConversation("c", name="n")):
        assert "secret" not in repr(await node.do(CAROL, command))
    assert "secret" in repr(await node.do(BACKEND, PinMessage(str(reply.id))))


async def test_a_new_member_sees_quotes_within_their_history(node: Node) -> None:
    await secret_group(node)
    await let_in(node, CAROL)
    reply = await reply_to(node, await node.send(ALICE, "for all"))
    found = await node.do(CAROL, GetMessage(str(reply.id)))
    assert found.reply_to is not None
    assert found.reply_to.content == "for all"


# --- offers of before -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("silent", [True, False])
async def test_an_offer_from_before_the_join_is_hidden_with_the_history(node: Node, *, silent: bool) -> None:
    """Also if no message was ever sent."""
    await node.users(CAROL)
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="c", history="from-join", owner_id="alice"))
    if not silent:
        await node.send(ALICE, "a message")
    old = await node.do(ALICE, CreateOffer("c", "a secret", 1, "EUR"))
    cursor = node.chat.pos
    await let_in(node, CAROL)
    new = await node.do(ALICE, CreateOffer("c", "for all", 2, "EUR"))
    assert [offer.title for offer in (await node.do(CAROL, ListOffers("c"))).items] == ["for all"]
    assert [offer.title for offer in (await node.do(BOB, ListOffers("c"))).items] == ["for all", "a secret"]
    assert [offer.title for offer in (await node.do(CAROL, SearchOffers("secret"))).items] == []
    assert [offer.title for offer in (await node.do(BOB, SearchOffers("secret"))).items] == ["a secret"]
    for command in (GetOffer(str(old.id)), UpdateOffer(str(old.id), "accepted"), CounterOffer(str(old.id), 3)):
        assert await node.refusal(CAROL, command) == "forbidden"
    assert (await node.do(CAROL, GetOffer(str(new.id)))).title == "for all"
    await node.do(BOB, UpdateOffer(str(old.id), "rejected"))
    await node.do(BOB, UpdateOffer(str(new.id), "rejected"))
    events = await events_after(node, CAROL, cursor)
    assert kinds(events) == [MemberAdded, OfferCreated, OfferUpdated]
    assert "secret" not in repr(events)


@pytest.mark.parametrize("counter", [True, False])
async def test_the_backend_updates_an_earlier_offer_in_a_new_members_name(node: Node, *, counter: bool) -> None:
    await secret_group(node)
    old = await node.do(ALICE, CreateOffer("c", "a bicycle", 2, "EUR"))
    await let_in(node, CAROL)
    command = (
        CounterOffer(str(old.id), 1, sender_id="carol")
        if counter
        else UpdateOffer(str(old.id), "accepted", sender_id="carol")
    )
    await node.do(BACKEND, command)
    closed = await node.do(BACKEND, GetOffer(str(old.id)))
    assert (closed.status, closed.closed_by) == ("countered" if counter else "accepted", "carol")


# --- answers that are given again -----------------------------------------------------------------------------------


async def ask(node: Node, actor: Actor, command: Command[Any], key: IdempotencyKey = KEY) -> Any:  # noqa: ANN401
    return await node.chat.execute(actor, command, key)


async def refusals(node: Node, actor: Actor, command: Command[Any], key: IdempotencyKey = KEY) -> set[str]:
    """Returns how a retry is refused: when it is executed, and when it is looked up before hooks and limits."""
    codes = set[str]()
    for again in (node.chat.execute(actor, command, key), node.chat.execute(actor, AnswerRetry(command, key))):
        try:
            answer = await again
        except ChatError as error:
            codes.add(error.code)
        else:
            raise AssertionError(f"answered: {answer}")
    return codes


async def test_an_ex_member_s_retry_is_refused(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.group("d", ALICE, BOB)
    source = await node.send(ALICE, "a secret", to="d")
    offer = await node.do(ALICE, CreateOffer("c", "a secret", 1, "EUR"))
    commands: dict[str, Command[Any]] = {
        "forward": ForwardMessage(str(source.id), ("c",)),
        "offer": CreateOffer("c", "an offer", 1, "EUR"),
        "accept": UpdateOffer(str(offer.id), "accepted"),
        "read": MarkRead("c"),
    }
    first = {name: await ask(node, BOB, each, key_of(name)) for name, each in commands.items()}
    for name, each in commands.items():
        assert await ask(node, BOB, each, key_of(name)) == first[name], name
    await node.do(ALICE, RemoveMember("c", "bob"))
    for name, each in commands.items():
        assert await refusals(node, BOB, each, key_of(name)) == {"forbidden"}, name


def key_of(name: str) -> IdempotencyKey:
    return IdempotencyKey("bob", "POST /somewhere", name)


async def test_a_retried_creation_shows_nothing_to_a_creator_who_left(node: Node) -> None:
    await node.users(ALICE, BOB)
    command = CreateConversation("group", ("alice",), "Plans")
    view = await ask(node, BOB, command)
    added = AddMembers(view.conversation.id, ("carol",))
    await node.users(CAROL)
    await ask(node, BOB, added, key_of("add"))
    await node.do(BACKEND, RemoveMember(view.conversation.id, "bob"))
    assert await refusals(node, BOB, command) == {"forbidden"}
    assert await refusals(node, BOB, added, key_of("add")) == {"forbidden"}


async def test_a_retry_shows_messages_as_they_are_now(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    source = await node.send(BOB, "a secret")
    forward = ForwardMessage(str(source.id), ("c",))
    (copy,) = await ask(node, BOB, forward)
    await node.do(BOB, DeleteMessage(str(copy.id)))
    for (again,) in (await ask(node, BOB, forward), (await node.do(BOB, AnswerRetry(forward, KEY))).result):
        assert (again.id, again.content) == (copy.id, "")
        assert again.deleted_ms is not None


async def test_a_retry_shows_a_conversation_s_last_message_as_it_is_now(node: Node) -> None:
    await node.users(ALICE, BOB)
    direct = CreateConversation("direct", ("alice",))
    view = await node.do(BOB, direct)
    sent = await node.send(ALICE, "a secret", to=view.conversation.id)
    first = await ask(node, BOB, direct)
    assert first.last_message == sent
    await node.do(ALICE, DeleteMessage(str(sent.id)))
    assert "secret" not in repr(await ask(node, BOB, direct))
    assert "secret" not in repr(await node.do(BOB, AnswerRetry(direct, KEY)))


async def test_the_backend_gets_its_first_result_again_after_removals(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    key = IdempotencyKey("backend", "POST /somewhere", "k")
    command = CreateOffer("c", "an offer", 1, "EUR", sender_id="bob")
    first = await ask(node, BACKEND, command, key)
    await node.do(ALICE, RemoveMember("c", "bob"))
    assert await ask(node, BACKEND, command, key) == first
    await node.do(OPERATOR, DeleteConversation("c"))
    assert await refusals(node, BACKEND, command, key) == {"forbidden", "not_found"}


async def test_a_retry_returns_no_message_from_before_the_senders_history(node: Node) -> None:
    await secret_group(node)
    command = SendMessage("c", "mine", "m1")
    first = await node.do(BOB, command)
    assert await node.do(BOB, AnswerRetry(command)) == FirstAnswer(first)
    await node.do(ALICE, RemoveMember("c", "bob"))
    await let_in(node, BOB)
    assert await node.do(BOB, AnswerRetry(command)) is None
    assert await node.refusal(BOB, command) == "forbidden"
