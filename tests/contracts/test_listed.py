"""What a member through a team does not get until they are listed, on both databases: the rows of the table in
`docs/desk.md`, and when a member is listed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType

import pytest
from msgspec.structs import replace

from talkwire.core.commands.conversations import CreateConversation, GetConversation, ListConversations
from talkwire.core.commands.desk.teams import PutTeam
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import EditMessage, ForwardMessage, SendMessage
from talkwire.core.commands.notifications import RecordMissedCall
from talkwire.core.commands.offers import CreateOffer
from talkwire.core.commands.preferences import SetMemberPreferences
from talkwire.core.commands.receipts import GetMessageStatus, GetUnread, ListReceipts, MarkDelivered, MarkRead
from talkwire.core.commands.server.offline_queue import FindMissed, ReadMissed
from talkwire.core.commands.server.pushes import ReadPushContents
from talkwire.core.commands.sync import GetStoredState, ListStoredEvents
from talkwire.core.domain.events import Durable, MemberAdded, MembersListed, MessagesDelivered
from talkwire.core.domain.log.cursors import cursor_of
from talkwire.core.domain.model import Actor, Member, Message
from talkwire.core.features.notifying.listing import list_member, unlist_members
from talkwire.core.ports.transaction import Transaction
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, OPERATOR, Call, Node
from tests.contracts.plans import plan_of, read_statements
from tests.contracts.test_notifications import Watched, watching
from tests.databases import Database
from tests.repetition import repetitions

DAVE, ERIN = Actor("dave", "Dave"), Actor("erin", "Erin")

MEMBERS = (BOB, CAROL, DAVE, ERIN)
"""Bob is there through the team and has done nothing, so he alone is not listed. Carol is there through it and has
written, dave is a member in his own right, and erin is both."""


@pytest.fixture
async def watched(node: Node, database: Database) -> AsyncIterator[Watched]:
    await node.users(ALICE, *MEMBERS)
    await node.do(BACKEND, PutTeam("support", "Support", ("bob", "carol", "erin")))
    created = CreateConversation("group", ("alice", "dave", "erin"), id="c", team_ids=("support",))
    await node.do(BACKEND, created)
    await node.send(CAROL, "May I help you?")
    async with watching(node, database) as watched:
        yield watched


async def _list(watched: Watched, actor: Actor) -> bool:
    page = await watched.node.do(actor, ListConversations())
    return [view.conversation.id for view in page.items] == ["c"]


async def _archived(watched: Watched, actor: Actor) -> bool:
    await watched.node.do(actor, SetMemberPreferences("c", archived=True))
    page = await watched.node.do(actor, ListConversations(archived=True))
    return [view.conversation.id for view in page.items] == ["c"]


async def _snapshot(watched: Watched, actor: Actor) -> bool:
    state = await watched.node.do(actor, GetStoredState(50))
    return [view.conversation.id for view in state.conversations] == ["c"]


async def _unread(watched: Watched, actor: Actor) -> bool:
    before = await watched.node.do(actor, GetUnread())
    await watched.node.send(ALICE, "@all My order is late")
    after = await watched.node.do(actor, GetUnread())
    return (after.messages - before.messages, after.mentions - before.mentions) == (1, 1)


async def _badge(watched: Watched, actor: Actor) -> bool:
    await watched.node.send(ALICE, "My order is late")
    contents = await watched.node.do(OPERATOR, ReadPushContents((actor.user_id,), ()))
    total = await watched.node.do(actor, GetUnread())
    assert contents.badges[actor.user_id] == total.messages
    return bool(total.messages)


async def _live(watched: Watched, actor: Actor) -> bool:
    await watched.come(actor)
    await watched.node.send(ALICE, "@all My order is late")
    return (actor.user_id, "mention", "@all My order is late") in await watched.received()


async def _stored(watched: Watched, actor: Actor) -> bool:
    await watched.node.send(ALICE, "@all My order is late")
    return ("mention", "@all My order is late") in await watched.kept(actor)


async def _every_message(watched: Watched, actor: Actor) -> bool:
    await watched.node.do(actor, SetMemberPreferences("c", notify="all"))
    await watched.node.send(ALICE, "My order is late")
    offline = ("message", "My order is late") in await watched.kept(actor)
    await watched.come(actor)
    await watched.node.send(ALICE, "Hello?")
    assert offline is ((actor.user_id, "message", "Hello?") in await watched.received())
    return offline


async def _offer(watched: Watched, actor: Actor) -> bool:
    await watched.node.do(ALICE, CreateOffer("c", "A bicycle", 1, "EUR"))
    return ("offer", "A bicycle") in await watched.kept(actor)


async def _call(watched: Watched, actor: Actor) -> bool:
    await watched.node.do(ALICE, RecordMissedCall("c", "x", (actor.user_id,)))
    return [type_ for type_, _ in await watched.kept(actor)].count("missed-call") == 1


async def _missed(watched: Watched, actor: Actor) -> bool:
    node, message = watched.node, await watched.node.send(ALICE, "My order is late")
    missed = await node.do(actor, FindMissed(node.clock.now_ms, 0))
    read: tuple[Message, ...] = await node.do(actor, ReadMissed((message.id,)))
    assert (message.id in {each.id for each in missed.messages}) is bool(read)
    return bool(read)


async def _delivered(watched: Watched, actor: Actor) -> bool:
    """Whether the member's clients have to confirm a message before it counts as delivered."""
    node, message = watched.node, await watched.node.send(ALICE, "My order is late")
    for other in MEMBERS:
        if other is not actor:
            await node.do(other, MarkDelivered("c", str(message.id)))
    status = (await node.do(ALICE, GetMessageStatus(str(message.id)))).status
    count = len(_receipts(node))
    await node.do(actor, MarkDelivered("c", str(message.id)))
    assert (len(_receipts(node)) > count) is (status == "sent")
    return bool(status == "sent")


def _receipts(node: Node) -> list[MessagesDelivered]:
    return [event for event in node.log if isinstance(event, MessagesDelivered)]


ROWS: Mapping[str, Callable[[Watched, Actor], Awaitable[bool]]] = MappingProxyType(
    {
        "the list of conversations": _list,
        "the list of archived conversations": _archived,
        "the state with which `sync` begins": _snapshot,
        "totals of unread messages and mentions": _unread,
        "the badge of a push": _badge,
        "live notifications": _live,
        "stored notifications": _stored,
        'notifications of each message, by `notify: "all"`': _every_message,
        "notifications of offers": _offer,
        "missed calls": _call,
        "missed messages": _missed,
        "delivery receipts": _delivered,
    }
)
"""What the table of the page has, by what its rows are called, and whether a member gets it."""


@pytest.mark.parametrize("actor", MEMBERS, ids=lambda actor: actor.user_id)
@pytest.mark.parametrize("row", ROWS)
async def test_only_listed_members_get(watched: Watched, row: str, actor: Actor) -> None:
    assert await ROWS[row](watched, actor) is (actor is not BOB)


# --- from when, and until when ----------------------------------------------------------------------------------------


async def listed(node: Node) -> set[str]:
    """Returns the ids of the listed members, which are the same in the database, the writer and the directory."""
    view = await node.do(BACKEND, GetConversation("c"))
    stored = {each.member.user_id: each.member.listed for each in view.members}
    entries = {user_id: await node.chat.directory.find(user_id) for user_id in stored}
    assert {user_id: entry.lists("c") for user_id, entry in entries.items()} == stored
    written: dict[str, bool] = {}
    await in_transaction(node, lambda tx: written.update({m.user_id: m.listed for m in _members(tx, stored)}))
    assert written == stored
    return {user_id for user_id, is_listed in stored.items() if is_listed}


def _members(tx: Transaction, user_ids: Collection[str]) -> Collection[Member]:
    return tx.members("c", user_ids).values()


async def in_transaction(node: Node, function: Callable[[Transaction], object]) -> None:
    await node.do(BACKEND, Call(function))


def _fill(tx: Transaction) -> None:
    """Stores many memberships that are not listed, so that the planner has a reason to choose an index."""
    member = tx.members("c", ["bob"])["bob"]
    conversations = (f"more{number}" for number in range(2000))
    tx.record(
        MemberAdded(tx.next_pos(), tx.now_ms, "c", tuple(replace(member, conversation_id=id_) for id_ in conversations))
    )


def _close(tx: Transaction) -> None:
    conversation = tx.conversation("c")
    assert conversation is not None
    unlist_members(tx, conversation)


async def _writes(node: Node) -> None:
    await node.send(BOB, "I will look into it")


async def _is_mentioned(node: Node) -> None:
    await node.send(ALICE, "Thank you, @bob")


async def _is_mentioned_by_an_edit(node: Node) -> None:
    message = await node.send(ALICE, "Thank you")
    await node.do(ALICE, EditMessage(str(message.id), "Thank you, @bob"))


async def _forwards(node: Node) -> None:
    message = await node.send(ALICE, "My order is late")
    await node.do(BOB, ForwardMessage(str(message.id), ("c",)))


async def _claims(node: Node) -> None:
    await in_transaction(node, lambda tx: list_member(tx, tx.members("c", ["bob"])["bob"]))


async def _becomes_a_member(node: Node) -> None:
    await node.do(BACKEND, AddMembers("c", ("bob",)))


@pytest.mark.parametrize(
    "act",
    [_writes, _is_mentioned, _is_mentioned_by_an_edit, _forwards, _claims, _becomes_a_member],
    ids=lambda act: act.__name__.strip("_"),
)
async def test_a_member_through_a_team_is_listed_from_when_they(
    watched: Watched, act: Callable[[Node], Awaitable[None]]
) -> None:
    node = watched.node
    assert await listed(node) == {"alice", "carol", "dave", "erin"}
    await act(node)
    assert await listed(node) == {"alice", "bob", "carol", "dave", "erin"}
    await act(node)
    assert [event.user_ids for event in _events(node)] == [("carol",), ("bob",)], "the second time records nothing"


def _events(node: Node) -> list[MembersListed]:
    return [event for event in node.log if isinstance(event, MembersListed)]


async def test_a_close_unlists_all_who_are_there_only_through_teams_by_one_event(watched: Watched) -> None:
    node = watched.node
    await node.send(BOB, "I am here too")
    for _ in range(2):
        await in_transaction(node, _close)
        assert await listed(node) == {"alice", "dave", "erin"}
    assert [(event.user_ids, event.listed) for event in _events(node)][2:] == [(("bob", "carol"), False)]


async def test_who_is_no_longer_a_member_in_their_own_right_is_not_listed(watched: Watched) -> None:
    await watched.node.do(BACKEND, RemoveMember("c", "erin"))
    assert await listed(watched.node) == {"alice", "carol", "dave"}
    await watched.node.do(BACKEND, AddMembers("c", ("erin",)))
    assert await listed(watched.node) == {"alice", "carol", "dave", "erin"}


@dataclass
class Rule:
    """The rule, as the page says it, for the members of one conversation beside alice."""

    own: set[str] = field(default_factory=set)
    team: set[str] = field(default_factory=set)
    listed: set[str] = field(default_factory=set)

    def after(self, act: str, user_id: str) -> None:
        match act:
            case "writes" | "is mentioned" if user_id in self.own | self.team:
                self.listed.add(user_id)
            case "joins":
                self.own.add(user_id)
                self.listed.add(user_id)
            case "leaves" if user_id in self.own:
                self.own.discard(user_id)
                self.listed.discard(user_id)
            case "joins the team":
                self.team.add(user_id)
            case "leaves the team":
                self.team.discard(user_id)
                self.listed &= self.own | self.team
            case "closes":
                self.listed &= self.own


async def _do(node: Node, rule: Rule, act: str, user_id: str) -> None:
    match act:
        case "writes" if user_id in rule.own | rule.team:
            await node.send(Actor(user_id, user_id), "@all hello")
        case "is mentioned":
            await node.send(ALICE, f"@{user_id} @all hello")
        case "joins":
            await node.do(BACKEND, AddMembers("c", (user_id,)))
        case "leaves" if user_id in rule.own:
            await node.do(BACKEND, RemoveMember("c", user_id))
        case "joins the team" | "leaves the team":
            team = rule.team | {user_id} if act == "joins the team" else rule.team - {user_id}
            await node.do(BACKEND, PutTeam("support", "Support", tuple(sorted(team))))
        case "closes":
            await in_transaction(node, _close)
        case "is forgotten by the directory":
            node.chat.directory.forget_idle()


ACTS = (
    *("writes", "is mentioned", "joins", "leaves", "joins the team", "leaves the team", "closes"),
    "is forgotten by the directory",
)


@pytest.mark.parametrize("seed", range(repetitions(24, 2)))
async def test_who_is_listed_follows_one_rule_whatever_happens(node: Node, seed: int) -> None:
    random, rule, names = Random(seed), Rule(), [actor.user_id for actor in MEMBERS]
    await node.users(ALICE, *MEMBERS)
    await node.do(BACKEND, PutTeam("support", "Support", ()))
    await node.do(BACKEND, CreateConversation("group", ("alice",), id="c", team_ids=("support",)))
    done = []
    for _ in range(25):
        act, user_id = random.choice(ACTS), random.choice(names)
        done.append((act, user_id))
        await _do(node, rule, act, user_id)
        rule.after(act, user_id)
        assert await listed(node) == {"alice"} | rule.listed, done


async def test_the_directory_learns_from_events_what_it_reads_from_the_database(watched: Watched) -> None:
    directory = watched.node.chat.directory
    await directory.find("bob")
    created = CreateConversation("group", ("alice",), id="d", team_ids=("support",))
    await watched.node.do(BACKEND, created)
    by_events = (await directory.find("bob")).unlisted
    directory.forget_idle()
    assert by_events == (await directory.find("bob")).unlisted == {"c", "d"}
    await watched.node.do(BACKEND, PutTeam("support", "Support", ("carol",)))
    assert (await directory.find("bob")).unlisted == frozenset()


async def test_an_imported_message_and_all_list_nobody(watched: Watched) -> None:
    node = watched.node
    await node.send(ALICE, "@all @support hello")
    now_ms = node.clock.now_ms
    await node.do(BACKEND, SendMessage("c", "@bob of old", sender_id="bob", created_ms=now_ms))
    assert await listed(node) == {"alice", "carol", "dave", "erin"}


async def test_a_mention_that_lists_a_member_notifies_them_live_and_stored(watched: Watched) -> None:
    await watched.come(BOB)
    await watched.node.send(ALICE, "@bob please")
    assert await watched.received() == [("bob", "mention", "@bob please")]
    assert await watched.kept(BOB) == [("mention", "@bob please")]
    assert (await watched.node.do(BOB, GetUnread())).messages


async def test_only_the_members_concerned_see_in_sync_that_they_are_listed(watched: Watched) -> None:
    node = watched.node
    await node.send(ALICE, "@bob please")
    start = cursor_of(node.chat.epoch, 0)
    seen: dict[str, list[Durable]] = {}
    for actor in (ALICE, *MEMBERS):
        page = await node.do(actor, ListStoredEvents(start, 100, 100))
        seen[actor.user_id] = [event for event in page.events if isinstance(event, MembersListed)]
    carols, bobs = _events(node)
    assert seen == {"alice": [], "bob": [bobs], "carol": [carols], "dave": [], "erin": []}


async def test_the_back_ends_list_has_the_conversations_of_members_who_are_not_listed(watched: Watched) -> None:
    page = await watched.node.do(BACKEND, ListConversations(member_id="bob"))
    assert [view.conversation.id for view in page.items] == ["c"]


async def test_what_a_member_who_is_not_listed_reads_counts_as_read(node: Node) -> None:
    await node.users(ALICE, BOB, CAROL)
    await node.do(BACKEND, PutTeam("support", "Support", ("bob", "carol")))
    await node.do(BACKEND, CreateConversation("group", ("alice",), id="c", team_ids=("support",)))
    message = await node.send(ALICE, "My order is late")
    assert (await node.do(ALICE, GetMessageStatus(str(message.id)))).status == "sent"
    assert await node.do(ALICE, ListReceipts(str(message.id))) == ()
    await node.do(BOB, MarkRead("c", str(message.id)))
    assert (await node.do(ALICE, GetMessageStatus(str(message.id)))).status == "read"
    assert [receipt.user_id for receipt in await node.do(ALICE, ListReceipts(str(message.id)))] == ["bob"]
    assert await listed(node) == {"alice"}


async def test_a_message_in_a_conversation_without_teams_costs_no_statement_more(watched: Watched) -> None:
    """In one with a team, a message that lists somebody costs one, and others none."""
    node = watched.node
    await node.group("g", ALICE, DAVE)
    await node.send(ALICE, "first", to="g")
    counts = []
    for to, content in (("g", "text"), ("c", "text"), ("c", "@bob"), ("c", "@bob"), ("g", "@dave")):
        with node.statements() as transactions:
            await node.send(ALICE, content, to=to)
        counts.append([statement for statement in transactions[0] if "listed" in statement and "UPDATE" in statement])
    assert [len(each) for each in counts] == [0, 0, 1, 0, 0]


async def test_lists_and_totals_read_the_index_of_listed_memberships(watched: Watched) -> None:
    """So they cost as much as the listed conversations, however many others a team has."""
    node = watched.node
    await in_transaction(node, _fill)
    for query in (ListConversations(), GetUnread()):
        with read_statements(node) as statements:
            await node.do(BOB, query)
        plans = [
            plan_of(node, *each) for each in statements if re.search(r"WHERE .*members\.listed", each[0], re.DOTALL)
        ]
        assert [("ix_members_listed" in plan) for plan in plans] == [True], plans
