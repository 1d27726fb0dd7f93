"""Favourite and archived conversations."""

from __future__ import annotations

from talkwire.core.commands.conversations import ConversationView, GetConversation, ListConversations
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import DeleteMessage
from talkwire.core.commands.offers import CreateOffer
from talkwire.core.commands.preferences import GetMemberPreferences, SetMemberPreferences
from talkwire.core.domain.events import ConversationPreferred
from talkwire.core.domain.model import Actor, ConversationPreferences
from tests.contracts.node import ALICE, BOB, Clock, Node


async def listed(node: Node, actor: Actor, *, archived: bool | None, limit: int = 50) -> list[str]:
    """Returns the ids of all pages of the actor's conversations."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await node.do(actor, ListConversations(cursor, limit, archived=archived))
        assert len(page.items) <= limit
        found += [view.conversation.id for view in page.items]
        if page.next is None:
            return found
        cursor = page.next


async def seen(node: Node, actor: Actor, conversation_id: str = "c") -> ConversationView:
    view: ConversationView = await node.do(actor, GetConversation(conversation_id))
    return view


async def test_favourites_and_the_archive_are_each_members_own(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    wanted = ConversationPreferences(favourite=True, archived=True)
    assert await node.do(ALICE, SetMemberPreferences("c", favourite=True, archived=True)) == wanted
    event = ConversationPreferred(node.chat.pos, clock.now_ms, "c", "alice", False, None, None, True, 0)
    assert node.log[-1] == event
    assert await node.do(ALICE, GetMemberPreferences("c")) == wanted
    view = await seen(node, ALICE)
    assert view.reader is not None
    assert (view.reader.favourite, view.archived) == (True, True)
    other = await seen(node, BOB)
    assert other.reader is not None
    assert (other.reader.favourite, other.archived) == (False, False)


async def test_a_section_is_trimmed_kept_and_each_members_own(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    wanted = ConversationPreferences(section="Work")
    assert await node.do(ALICE, SetMemberPreferences("c", section="  Work ")) == wanted
    event = node.log[-1]
    assert isinstance(event, ConversationPreferred)
    assert event.section == "Work"
    assert (await node.do(ALICE, SetMemberPreferences("c", favourite=True))).section == "Work"
    for actor, section in ((ALICE, "Work"), (BOB, None)):
        view = await seen(node, actor)
        assert view.reader is not None
        assert view.reader.section == section
        assert (await node.do(actor, GetMemberPreferences("c"))).section == section
    for none in (None, " "):
        await node.do(ALICE, SetMemberPreferences("c", section="x" * 50))
        assert (await node.do(ALICE, SetMemberPreferences("c", section=none))).section is None
    for refused in ("x" * 51, "\x00", "\ud800"):
        assert await node.refusal(ALICE, SetMemberPreferences("c", section=refused)) == "invalid_request"


async def test_what_is_not_given_stays(node: Node) -> None:
    await node.group("c", ALICE)
    await node.do(ALICE, SetMemberPreferences("c", muted=True, favourite=True, archived=True))
    assert await node.do(ALICE, SetMemberPreferences("c")) == ConversationPreferences(favourite=True, archived=True)
    pos = node.chat.pos
    await node.do(ALICE, SetMemberPreferences("c", favourite=True))
    assert node.chat.pos == pos


async def test_a_new_message_ends_the_archive(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(BOB, "before")
    for sender in (BOB, ALICE):
        await node.do(ALICE, SetMemberPreferences("c", archived=True))
        assert (await seen(node, ALICE)).archived
        await node.send(sender, "hello")
        assert not (await seen(node, ALICE)).archived
        assert not (await node.do(ALICE, GetMemberPreferences("c"))).archived


async def test_a_muted_conversation_stays_archived_until_a_message_mentions_the_member(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(BOB, "an old @alice")
    await node.do(ALICE, SetMemberPreferences("c", muted=True, archived=True))
    await node.send(BOB, "hello")
    await node.send(BOB, "@bob")
    await node.send(ALICE, "@alice @all")
    assert (await seen(node, ALICE)).archived
    assert (await node.do(ALICE, GetMemberPreferences("c"))).archived
    mention = await node.send(BOB, "@alice")
    assert not (await seen(node, ALICE)).archived
    assert not (await node.do(ALICE, GetMemberPreferences("c"))).archived
    await node.do(BOB, DeleteMessage(str(mention.id)))
    await node.send(BOB, "@all")
    assert not (await seen(node, ALICE)).archived


async def test_messages_bring_a_conversation_back_when_its_mute_ends(node: Node, clock: Clock) -> None:
    for name in ("c", "still"):
        await node.group(name, ALICE, BOB)
        await node.do(ALICE, SetMemberPreferences(name, muted=True, unmute_ms=clock.now_ms + 1000, archived=True))
    await node.send(BOB, "hello")
    assert await listed(node, ALICE, archived=True) == ["c", "still"]
    clock.now_ms += 1000
    assert await listed(node, ALICE, archived=True) == ["still"]
    assert not (await node.do(ALICE, GetMemberPreferences("c"))).archived
    assert not (await node.do(ALICE, SetMemberPreferences("c", favourite=True))).archived


async def test_a_conversation_that_is_not_muted_any_more_stays_archived_until_the_next_message(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, SetMemberPreferences("c", muted=True, archived=True))
    await node.send(BOB, "hello")
    await node.do(ALICE, SetMemberPreferences("c", muted=False))
    assert (await seen(node, ALICE)).archived
    await node.send(BOB, "hello again")
    assert not (await seen(node, ALICE)).archived
    await node.do(ALICE, SetMemberPreferences("c", muted=True))
    assert not (await seen(node, ALICE)).archived


async def test_a_member_who_returns_begins_without_favourite_and_archive(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(BOB, SetMemberPreferences("c", favourite=True, archived=True))
    await node.do(BOB, RemoveMember("c", "bob"))
    await node.do(ALICE, AddMembers("c", ("bob",)))
    assert await node.do(BOB, GetMemberPreferences("c")) == ConversationPreferences()


async def test_the_list_selects_archived_conversations_or_the_others(node: Node) -> None:
    names = [f"c{number}" for number in range(9)]
    for name in names:
        await node.group(name, ALICE, BOB)
    for name in names[::2]:
        await node.do(ALICE, SetMemberPreferences(name, archived=True, muted=name == "c2"))
    await node.send(BOB, "back", to="c4")
    await node.send(BOB, "stays", to="c2")
    for limit in (1, 2, 50):
        assert await listed(node, ALICE, archived=True, limit=limit) == ["c2", "c8", "c6", "c0"]
        assert await listed(node, ALICE, archived=False, limit=limit) == ["c4", "c7", "c5", "c3", "c1"]
        assert len(await listed(node, ALICE, archived=None, limit=limit)) == 9
        assert await listed(node, BOB, archived=True, limit=limit) == []


async def test_an_offer_moves_a_conversation_in_the_list(node: Node) -> None:
    for name in ("a", "b", "c"):
        await node.group(name, ALICE, BOB)
    offer = await node.do(ALICE, CreateOffer("a", "A bicycle", 12_000, "EUR"))
    for limit in (1, 50):
        assert await listed(node, BOB, archived=None, limit=limit) == ["a", "c", "b"]
    view = await seen(node, BOB, "a")
    assert (view.last_offer, view.unread_offers) == (offer, 1)
    assert (await seen(node, ALICE, "a")).unread_offers == 0
    await node.send(ALICE, "hello", to="b")
    assert await listed(node, BOB, archived=None) == ["b", "a", "c"]
    assert view.unread is not None
    assert (view.unread.unread_count, view.last_message) == (0, None)
