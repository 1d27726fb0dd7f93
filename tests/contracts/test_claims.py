"""Who handles a conversation, whether it is open, and since when a customer waits, on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from talkwire.bus.memory import Exchange
from talkwire.core.commands.accounts import BanUser, EraseUser, PutUser
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation, GetConversation
from talkwire.core.commands.desk.claims import (
    ClaimConversation,
    CloseConversation,
    HandlingView,
    HandOffConversation,
    ReleaseConversation,
)
from talkwire.core.commands.desk.numbers import CountDesk, GetDesk
from talkwire.core.commands.desk.teams import AddTeamMembers, DeleteTeam, PutTeam
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import ConversationChanged, DeleteMessage, ForwardMessage, SendMessage
from talkwire.core.commands.moderation.audit import ListAudit
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.commands.sync import GetSyncState, ListEvents
from talkwire.core.domain.audience import Reader, event_for_reader, versions_of
from talkwire.core.domain.desk.handling import HANDOFF_NOTE_MAX_LENGTH
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import ConversationHandled, DeskConversationChanged
from talkwire.core.domain.model import Actor, Conversation
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
from tests.databases import Database

DAVE = Actor("dave", "Dave")
"""The only member of the team `sales`."""


async def desk(node: Node) -> None:
    """Makes a conversation `c` of the customer Alice with the team `support`: Bob and Carol."""
    await node.users(ALICE, BOB, CAROL, DAVE, MALLORY)
    await node.do(BACKEND, PutTeam("support", "Support", ("bob", "carol")))
    await node.do(BACKEND, PutTeam("sales", "Sales", ("dave",)))
    await node.do(BACKEND, CreateConversation("group", ("alice",), id="c", team_ids=("support",)))


async def conversation(node: Node) -> Conversation:
    found: Conversation = (await node.do(BACKEND, GetConversation("c"))).conversation
    return found


async def handling(node: Node) -> tuple[str | None, bool]:
    """Returns the handler, and whether the conversation is closed."""
    now = await conversation(node)
    return now.handler_id, now.closed


async def waiting_since(node: Node) -> int | None:
    return (await conversation(node)).waiting_since_ms


async def refused(node: Node, actor: Actor, command: Command[Any]) -> ChatError:
    with pytest.raises(ChatError) as caught:
        await node.do(actor, command)
    return caught.value


def handled(node: Node) -> list[tuple[str | None, bool, str]]:
    """Returns the recorded changes of the handler: the handler, whether the conversation is closed, and who did it."""
    return [(e.handler_id, e.closed, e.by) for e in node.log if isinstance(e, ConversationHandled)]


# --- claims -----------------------------------------------------------------------------------------------------------


async def test_one_handler_at_a_time(node: Node) -> None:
    await desk(node)
    assert await handling(node) == (None, False)
    view = await node.do(BOB, ClaimConversation("c"))
    assert (view.handler_id, view.closed) == ("bob", False)
    conflict = await refused(node, CAROL, ClaimConversation("c"))
    assert (conflict.code, conflict.details) == ("conflict", {"handler": "bob"})
    assert (await refused(node, CAROL, ClaimConversation("c", "dave"))).details == {"handler": "bob"}
    await node.do(CAROL, ClaimConversation("c", "bob"))
    assert await handling(node) == ("carol", False)
    await node.do(BOB, ReleaseConversation("c"))
    assert (await refused(node, BOB, ClaimConversation("c", "carol"))).details == {"handler": None}
    assert handled(node) == [("bob", False, "bob"), ("carol", False, "carol"), (None, False, "bob")]


REFUSED: list[tuple[Actor, Command[Any], str]] = [
    (ALICE, ClaimConversation("c"), "forbidden"),
    (ALICE, ReleaseConversation("c"), "forbidden"),
    (ALICE, HandOffConversation("c", "bob"), "forbidden"),
    (ALICE, CloseConversation("c"), "forbidden"),
    (MALLORY, ClaimConversation("c"), "forbidden"),
    (DAVE, ClaimConversation("c"), "forbidden"),
    (OPERATOR, CloseConversation("c"), "forbidden"),
    (BOB, ClaimConversation("c", sender_id="carol"), "forbidden"),
    (BOB, ClaimConversation("unknown"), "forbidden"),
    (BACKEND, CloseConversation("unknown"), "not_found"),
    (BACKEND, ClaimConversation("c"), "invalid_request senderId"),
    (BACKEND, ClaimConversation("c", sender_id="alice"), "forbidden"),
    (ALICE, ClaimConversation("plain"), "conflict"),
    (BACKEND, CloseConversation("plain"), "conflict"),
    (BOB, ClaimConversation("c", "a b"), "invalid_request if"),
    (BOB, HandOffConversation("c", "alice"), "invalid_request to"),
    (BOB, HandOffConversation("c", "nobody"), "invalid_request to"),
    (BOB, HandOffConversation("c", "a b"), "invalid_request to"),
    (BOB, HandOffConversation("c", "eve"), "invalid_request to"),
    (BOB, HandOffConversation("c", "carol", "x" * (HANDOFF_NOTE_MAX_LENGTH + 1)), "invalid_request note"),
]


async def test_only_staff_of_the_conversation_change_its_handler(node: Node) -> None:
    await desk(node)
    await node.do(BACKEND, AddTeamMembers("support", ("eve",)))
    await node.do(BACKEND, BanUser("eve"))
    await node.group("plain", ALICE, BOB)
    before = node.log[-1].pos
    for actor, command, expected in REFUSED:
        error = await refused(node, actor, command)
        path = f" {error.details[0]['path']}" if isinstance(error.details, list) else ""
        assert f"{error.code}{path}" == expected, command
    assert node.log[-1].pos == before
    assert await handling(node) == (None, False)


async def test_repeats_change_nothing(node: Node) -> None:
    await desk(node)
    await node.do(BOB, ReleaseConversation("c"))
    await node.do(BOB, ClaimConversation("c"))
    await node.do(BOB, ClaimConversation("c"))
    await node.do(BOB, ClaimConversation("c", "carol"))
    await node.do(BOB, HandOffConversation("c", "bob"))
    await node.do(BOB, CloseConversation("c"))
    await node.do(CAROL, CloseConversation("c"))
    await node.do(CAROL, ReleaseConversation("c"))
    assert handled(node) == [("bob", False, "bob"), (None, True, "bob")]


async def test_the_backend_names_the_member_who_acts(node: Node) -> None:
    await desk(node)
    await node.do(BACKEND, ClaimConversation("c", sender_id="bob"))
    await node.do(BACKEND, HandOffConversation("c", "carol"))
    await node.do(BACKEND, CloseConversation("c", sender_id="bob"))
    assert handled(node) == [("bob", False, "bob"), ("carol", False, ""), (None, True, "bob")]


async def test_a_handoff_to_a_team_adds_it_and_nobody_handles(node: Node) -> None:
    await desk(node)
    await node.do(BOB, ClaimConversation("c"))
    view = await node.do(BOB, HandOffConversation("c", "sales", "Wants a discount"))
    assert (view.handler_id, view.pending_pos) == (None, None)
    assert (await conversation(node)).team_ids == ("support", "sales")
    await node.do(DAVE, ClaimConversation("c"))
    notes = [event.note for event in node.log if isinstance(event, DeskConversationChanged)]
    assert notes == [None, "Wants a discount"]
    await node.do(DAVE, HandOffConversation("c", "support"))
    assert await handling(node) == (None, False)


async def test_a_handoff_means_a_member_before_a_team_of_the_same_id(node: Node) -> None:
    await desk(node)
    await node.do(BACKEND, PutTeam("carol", "Carol's team", ("dave",)))
    await node.do(BOB, HandOffConversation("c", "carol", "Yours"))
    assert await handling(node) == ("carol", False)
    assert (await conversation(node)).team_ids == ("support",)


# --- open and closed --------------------------------------------------------------------------------------------------


async def test_a_customers_next_message_opens_a_closed_conversation(node: Node) -> None:
    await desk(node)
    await node.do(BOB, ClaimConversation("c"))
    await node.do(BOB, CloseConversation("c"))
    assert await handling(node) == (None, True)
    await node.send(CAROL, "an afterthought")
    await node.do(BACKEND, SendMessage("c", "closed", system=True))
    assert await handling(node) == (None, True)
    await node.send(ALICE, "one more thing")
    assert await handling(node) == (None, False)
    assert handled(node)[-1] == (None, False, "alice")


@pytest.mark.parametrize("command", [ClaimConversation("c"), HandOffConversation("c", "bob")])
async def test_a_new_handler_opens_a_closed_conversation(node: Node, command: Command[Any]) -> None:
    await desk(node)
    await node.do(CAROL, CloseConversation("c"))
    await node.do(BOB, command)
    assert await handling(node) == ("bob", False)


# --- a handler who leaves ---------------------------------------------------------------------------------------------

LEAVING: dict[str, Command[Any]] = {
    "the team without them": PutTeam("support", "Support", ("carol",)),
    "the team leaves": RemoveMember("c", team_ids=("support",)),
    "the team is deleted": DeleteTeam("support"),
    "banned from the conversation": RestrictMember("c", "bob", "ban"),
    "banned from the server": BanUser("bob"),
    "erased": EraseUser("bob", redact=False),
}


@pytest.mark.parametrize("way", LEAVING)
async def test_a_handler_who_leaves_handles_nothing(node: Node, way: str) -> None:
    await desk(node)
    await node.do(BACKEND, AddMembers("c", ("bob",)))
    await node.do(BOB, ClaimConversation("c"))
    await node.do(BACKEND, LEAVING[way])
    assert await handling(node) == (None, False)
    assert handled(node)[-1] == (None, False, "")


async def test_a_handler_with_another_team_stays(node: Node) -> None:
    await desk(node)
    await node.do(BACKEND, PutTeam("sales", "Sales", ("bob", "dave")))
    await node.do(BACKEND, AddMembers("c", team_ids=("sales",)))
    await node.do(BOB, ClaimConversation("c"))
    await node.do(BACKEND, RemoveMember("c", team_ids=("support",)))
    assert await handling(node) == ("bob", False)


async def test_without_a_team_a_conversation_is_open_and_nobody_waits(node: Node) -> None:
    await desk(node)
    await node.send(ALICE, "hello")
    assert await waiting_since(node) is not None
    await node.do(BACKEND, RemoveMember("c", team_ids=("support",)))
    assert await waiting_since(node) is None
    await node.send(ALICE, "anybody?")
    assert await waiting_since(node) is None
    await node.do(BACKEND, AddMembers("c", team_ids=("support",)))
    await node.do(BOB, CloseConversation("c"))
    await node.do(BACKEND, DeleteTeam("support"))
    assert await handling(node) == (None, False)


# --- the audit log ----------------------------------------------------------------------------------------------------


async def test_the_audit_log_has_what_was_done_to_others(node: Node) -> None:
    await desk(node)
    steps: list[tuple[Actor, Command[Any]]] = [
        (BOB, ClaimConversation("c")),
        (BOB, ReleaseConversation("c")),
        (BOB, ClaimConversation("c")),
        (CAROL, ClaimConversation("c", "bob")),
        (CAROL, CloseConversation("c")),
        (BOB, HandOffConversation("c", "carol")),
        (BOB, ReleaseConversation("c")),
        (CAROL, ClaimConversation("c")),
        (BACKEND, CloseConversation("c")),
        (BACKEND, ClaimConversation("c", sender_id="bob")),
        (BACKEND, CloseConversation("c", sender_id="bob")),
    ]
    for actor, command in steps:
        await node.do(actor, command)
    page = await node.do(OPERATOR, ListAudit(limit=100))
    entries = [(each.actor_id, each.action, each.target_id, each.conversation_id) for each in page.items[::-1]]
    assert [each for each in entries if each[1].startswith("conversation-")] == [
        ("carol", "conversation-claim", "bob", "c"),
        ("bob", "conversation-handoff", "carol", "c"),
        ("bob", "conversation-release", "carol", "c"),
        ("backend", "conversation-close", "carol", "c"),
    ]


# --- waiting ----------------------------------------------------------------------------------------------------------


async def test_who_waits_and_who_answers(node: Node) -> None:
    """Each step is a second later; the number is the step whose message waits then."""
    await desk(node)
    await node.do(BACKEND, PutUser("robot", name="Robot", kind="agent"))
    await node.do(BACKEND, AddMembers("c", ("robot", "dave")))
    start = node.clock.now_ms
    steps: list[tuple[Actor, Command[Any], int | None]] = [
        (CAROL, SendMessage("c", "welcome"), None),
        (ALICE, SendMessage("c", "hello"), 1),
        (DAVE, SendMessage("c", "another customer"), 1),
        (BACKEND, SendMessage("c", "joined", system=True), 1),
        (BOB, SendMessage("c", "hello"), None),
        (BACKEND, SendMessage("c", "joined", system=True), None),
        (BACKEND, SendMessage("c", "imported", sender_id="alice", created_ms=start + 6000), None),
        (BACKEND, SendMessage("c", "for her", sender_id="alice"), 7),
        (Actor("robot", "Robot"), SendMessage("c", "an answer"), None),
        (ALICE, SendMessage("c", "thanks"), 9),
        (BOB, ClaimConversation("c"), 9),
        (BACKEND, AddMembers("c", ("bob",)), 9),
        (BOB, SendMessage("c", "with both grounds"), None),
        (ALICE, SendMessage("c", "bye"), 13),
        (BOB, CloseConversation("c"), None),
        (ALICE, SendMessage("c", "one more thing"), 15),
        (BACKEND, DeleteTeam("support"), None),
    ]
    for number, (actor, command, waiting) in enumerate(steps):
        node.clock.now_ms = start + number * 1000
        await node.do(actor, command)
        expected = None if waiting is None else start + waiting * 1000
        assert await waiting_since(node) == expected, (number, command)


async def test_a_forwarded_message_counts_as_one(node: Node) -> None:
    await desk(node)
    await node.group("plain", ALICE, BOB)
    source = await node.send(BOB, "see there", to="plain")
    await node.do(ALICE, ForwardMessage(str(source.id), ("c",)))
    assert await waiting_since(node) == node.clock.now_ms
    await node.do(BOB, ForwardMessage(str(source.id), ("c",)))
    assert await waiting_since(node) is None


async def test_when_the_message_that_waits_is_deleted_the_next_one_waits(node: Node) -> None:
    """Also where messages have the same time, and with an answer between them."""
    await desk(node)
    await node.send(ALICE, "answered")
    await node.send(BOB, "an answer")
    start = node.clock.now_ms
    first, second = [await node.send(ALICE, str(number)) for number in range(2)]
    node.clock.now_ms = start + 1000
    third = await node.send(ALICE, "3")
    await node.do(ALICE, DeleteMessage(str(second.id)))
    assert await waiting_since(node) == start
    await node.do(ALICE, DeleteMessage(str(first.id)))
    assert await waiting_since(node) == start + 1000
    await node.do(ALICE, DeleteMessage(str(third.id)))
    assert await waiting_since(node) is None


async def test_a_customer_who_has_become_staff_does_not_wait_and_has_not_answered(node: Node) -> None:
    await desk(node)
    await node.do(BACKEND, AddMembers("c", ("dave",)))
    start = node.clock.now_ms
    sent = []
    for number, actor in enumerate((DAVE, ALICE, DAVE)):
        node.clock.now_ms = start + number * 1000
        sent.append(await node.send(actor, str(number)))
    await node.do(BACKEND, AddTeamMembers("support", ("dave",)))
    await node.do(BACKEND, DeleteMessage(str(sent[0].id)))
    assert await waiting_since(node) == start + 1000


async def test_the_next_message_is_found_among_many(node: Node) -> None:
    await desk(node)
    start = node.clock.now_ms
    first = await node.send(ALICE, "0")
    node.clock.now_ms = start + 1000
    second = await node.send(ALICE, "1")
    node.clock.now_ms = start + 2000
    await node.in_one_batch(*((ALICE, SendMessage("c", str(number))) for number in range(60)))
    await node.do(ALICE, DeleteMessage(str(first.id)))
    assert await waiting_since(node) == start + 1000
    await node.do(ALICE, DeleteMessage(str(second.id)))
    assert await waiting_since(node) == start + 2000


async def test_only_a_change_of_who_waits_costs_a_statement(node: Node) -> None:
    await desk(node)
    await node.group("plain", ALICE, BOB)
    for actor in (ALICE, BOB):
        for to in ("plain", "c"):
            await node.send(actor, "first", to=to)
        with node.statements() as transactions:
            for to in ("plain", "c"):
                await node.send(actor, "again", to=to)
        plain, served = (sorted(transaction) for transaction in transactions if transaction)
        assert served == plain


# --- conditional sends ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handler", "if_handler", "is_stored"),
    [(None, None, True), (None, "bob", False), ("bob", "bob", True), ("bob", None, False), ("bob", "carol", False)],
)
async def test_a_message_may_depend_on_the_handler(
    node: Node, handler: str | None, if_handler: str | None, *, is_stored: bool
) -> None:
    await desk(node)
    sent = await node.send(ALICE, "hello")
    if handler is not None:
        await node.do(BACKEND, ClaimConversation("c", sender_id=handler))
    command = SendMessage("c", "an answer", "m1", if_handler=if_handler)
    if is_stored:
        assert (await node.do(BOB, command)).seq == 2
        await node.do(BACKEND, CloseConversation("c"))
        assert (await node.do(BOB, replace(command, if_handler="carol"))).seq == 2  # a retry
    else:
        error = await refused(node, BOB, command)
        assert (error.code, error.details) == ("conflict", ConversationChanged(1, (sent,), handler))


async def test_a_condition_on_the_newest_message_says_who_handles(node: Node) -> None:
    await desk(node)
    sent = await node.send(ALICE, "hello")
    await node.do(BOB, ClaimConversation("c"))
    error = await refused(node, CAROL, SendMessage("c", "an answer", if_last_seq=0, if_handler="bob"))
    assert error.details == ConversationChanged(1, (sent,), "bob")
    error = await refused(node, CAROL, SendMessage("c", "an answer", if_last_seq=1, if_handler="carol"))
    assert error.details == ConversationChanged(1, (), "bob")
    invalid = [SendMessage("c", "x", if_handler="a b"), SendMessage("c", "x", system=True, if_handler=None)]
    assert [await node.refusal(BACKEND, command) for command in invalid] == ["invalid_request"] * 2


# --- who sees what ----------------------------------------------------------------------------------------------------


async def test_customers_receive_no_event_of_the_desk(node: Node) -> None:
    """In `sync`; in the form in which members receive it live, and with both grounds too."""
    await desk(node)
    cursors = [(await node.do(actor, GetSyncState())).cursor for actor in (ALICE, BOB)]
    await node.send(ALICE, "hello")
    await node.do(BOB, ClaimConversation("c"))
    await node.do(BOB, HandOffConversation("c", "carol", "a secret"))
    pages = [await node.do(actor, ListEvents(after)) for actor, after in zip((ALICE, BOB), cursors, strict=True)]
    customers, staffs = ([type(event) for event in page.events] for page in pages)
    assert customers.count(ConversationHandled) == staffs.count(ConversationHandled) == 2
    assert (customers.count(DeskConversationChanged), staffs.count(DeskConversationChanged)) == (0, 2)
    (event,) = [event for event in node.log if isinstance(event, DeskConversationChanged) and event.note]
    assert [members.only for _, members in versions_of(event, dict, staff_ids=lambda: ("bob",))] == [("bob",)]
    for reader, shown in ((Reader("alice"), None), (Reader("bob", staffed_ids=("c",)), event)):
        assert event_for_reader(event, reader) == shown


async def numbers(node: Node, *team_ids: str) -> list[tuple[str, int, int, int | None]]:
    counted = await node.do(OPERATOR, CountDesk(team_ids))
    return [(each.team_id, each.open, each.unhandled, each.oldest_waiting_ms) for each in counted]


async def test_the_numbers_of_a_team(node: Node) -> None:
    await desk(node)
    assert await numbers(node, "sales", "support", "unknown") == [("sales", 0, 0, None), ("support", 1, 1, None)]
    start = node.clock.now_ms
    for number in range(4):
        node.clock.now_ms = start + number * 1000
        id_ = f"c{number}"
        team_ids = ("support", "sales")[: number + 1]
        await node.do(BACKEND, CreateConversation("group", ("alice",), id=id_, team_ids=team_ids))
        await node.send(ALICE, "hello", to=id_)
    await node.do(BOB, ClaimConversation("c0"))
    await node.do(BOB, CloseConversation("c1"))
    await node.do(BACKEND, DeleteConversation("c2"))
    expected = [("sales", 1, 1, start + 3000), ("support", 3, 2, start)]
    assert await numbers(node, "support", "sales") == expected
    assert await node.refusal(BOB, CountDesk(("support",))) == "forbidden"
    (counted,) = await node.do(OPERATOR, CountDesk(("support",)))
    for actor in (BOB, BACKEND, OPERATOR):
        assert await node.do(actor, GetDesk("support")) == counted
    assert await node.refusal(ALICE, GetDesk("support")) == await node.refusal(ALICE, GetDesk("none")) == "forbidden"
    assert await node.refusal(BACKEND, GetDesk("none")) == "not_found"


# --- at the same time -------------------------------------------------------------------------------------------------


async def test_of_many_who_claim_at_once_on_two_nodes_one_has_it(postgresql_database: Database, clock: Clock) -> None:
    exchange = Exchange()
    staff = tuple(f"staff{number}" for number in range(20))
    async with (
        running(postgresql_database, clock, exchange) as one,
        running(postgresql_database, clock, exchange) as other,
    ):
        await one.users(ALICE)
        await one.do(BACKEND, PutTeam("support", "Support", staff))
        await one.do(BACKEND, CreateConversation("group", ("alice",), id="c", team_ids=("support",)))
        for _ in range(10):
            claims = [
                place.do(Actor(user_id, user_id), ClaimConversation("c"))
                for user_id, place in zip(staff, (one, other) * 10, strict=True)
            ]
            outcomes = await asyncio.gather(*claims, return_exceptions=True)
            (winner,) = (each.handler_id for each in outcomes if isinstance(each, HandlingView))
            lost = [each for each in outcomes if isinstance(each, ChatError)]
            assert [(each.code, each.details) for each in lost] == [("conflict", {"handler": winner})] * 19
            await other.do(BACKEND, ReleaseConversation("c"))
