"""The log has one order and no gaps, and contains exactly what was published."""

from __future__ import annotations

from typing import get_args

from msgspec.structs import replace
from sqlalchemy import select

from talkwire.core.commands.accounts import (
    BanUser,
    CloseLogin,
    EnsureUser,
    EraseUser,
    OpenLogin,
    PutUser,
    RegisterAccount,
    RotateLogin,
    UnbanUser,
    UpdateUser,
)
from talkwire.core.commands.agents.turns import FailTurn, TakeTurns
from talkwire.core.commands.blocks import BlockUser, UnblockUser
from talkwire.core.commands.cards.deciding import ActOnCard
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation, RecordCall, UpdateConversation
from talkwire.core.commands.desk.claims import ClaimConversation
from talkwire.core.commands.desk.teams import PutTeam
from talkwire.core.commands.integration.webhooks import CreateWebhook
from talkwire.core.commands.invitations import AcceptInvitation, CreateInvitation, DeleteInvitation
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.core.commands.messages import (
    AttachmentRef,
    DeleteMessage,
    EditMessage,
    FetchedPreview,
    FollowThread,
    ForwardMessage,
    GetMessage,
    ListMessages,
    PinMessage,
    React,
    RemoveLinkPreviews,
    SaveMessage,
    SendMessage,
    SetLinkPreviews,
    UnpinMessage,
    Unreact,
    UnsaveMessage,
)
from talkwire.core.commands.moderation.reports import DecideReport, ReportMessage
from talkwire.core.commands.moderation.restrictions import RestrictMember, UnrestrictMember
from talkwire.core.commands.notifications import MarkNotificationsRead, RecordMissedCall
from talkwire.core.commands.offers import CounterOffer, CreateOffer
from talkwire.core.commands.preferences import SetMemberPreferences, SetPreferences
from talkwire.core.commands.receipts import MarkDelivered, MarkRead, MarkUnread
from talkwire.core.commands.streams.rating import RateMessage
from talkwire.core.commands.streams.writing import FinishMessage, StreamMessage
from talkwire.core.domain.access_policy import DEFAULT_POLICY
from talkwire.core.domain.agents.turns import TURN_PAUSES_MS
from talkwire.core.domain.cards.card import AskedCard, CardAction
from talkwire.core.domain.events import Durable, DurableEvent, MessageEvent
from talkwire.core.domain.model import Actor, DoNotDisturb, Preferences
from talkwire.core.domain.parts.message_parts import TextPart
from talkwire.core.domain.parts.streams import LEASE_MIN_S
from talkwire.core.domain.times import iso
from talkwire.storage.schema import log, log_head
from tests.contracts.node import ALICE, BACKEND, BOB, MALLORY, OPERATOR, Clock, Node, running
from tests.databases import Database


async def _everything(node: Node) -> None:
    """Records at least one event of every kind."""
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), name="Plans", id="c", owner_id="alice"))
    await node.do(BACKEND, AddMembers("c", ("carol",)))
    await node.send(ALICE, "Hello")
    await node.do(ALICE, SendMessage("c", "\u2603", "m1", {"b": 1.5, "a": [None, True, 2**53 - 1]}))
    await node.do(ALICE, RemoveMember("c", "carol"))
    invited = await node.do(ALICE, CreateInvitation(("c",), max_uses=2))
    await node.do(MALLORY, EnsureUser("mallory", "Mallory"))
    await node.do(MALLORY, AcceptInvitation(invited.code))
    await node.do(ALICE, DeleteInvitation(invited.invitation.id))
    await node.do(ALICE, RemoveMember("c", "mallory"))
    await node.do(OPERATOR, BanUser("carol", "\u2603", node.clock.now_ms + 1000))
    await node.do(OPERATOR, UnbanUser("carol"))
    user = await node.do(ALICE, RegisterAccount("ann@example.com", "Ann", "hash"))
    login = await node.do(ALICE, OpenLogin(user.id, "t1", 1000))
    await node.do(ALICE, RotateLogin(login.session.id, "t1", "t2", 1000))
    await node.do(Actor(user.id, "Ann"), CloseLogin(login.session.id))
    await node.do(Actor(user.id, "Ann"), UpdateUser(text="\u2603"))
    await node.do(ALICE, CreateConversation("direct", ("bob",)))
    await node.chat.user_of_token("bob", "Bob Smith")
    await _conversations(node)
    await _changed_messages(node)
    await _streams(node)
    await _receipts(node)
    await _teams(node)
    await _notices(node)


async def _streams(node: Node) -> None:
    await node.do(BACKEND, PutUser("helper", kind="agent"))
    await node.do(BACKEND, AddMembers("c", ("helper",)))
    opened = await node.do(Actor("helper", "Helper"), StreamMessage(conversation_id="c", client_message_id="s"))
    finish = FinishMessage(message_id=str(opened.message.id), attempt=1, parts=(TextPart("\u2603"),))
    answer = await node.do(Actor("helper", "Helper"), finish)
    await _turns(node)
    await node.do(BOB, RateMessage(str(answer.id), -1, "\u2603"))


async def _turns(node: Node) -> None:
    """A turn of an agent that is reported as unanswered, and fails for good."""
    helper = Actor("helper", "Helper")
    await node.send(ALICE, "@helper")
    for _ in range(DEFAULT_POLICY.max_turn_tries):
        node.clock.now_ms += DEFAULT_POLICY.turn_alert_s * 1000 + TURN_PAUSES_MS[-1]
        await node.fire()
        (claimed,) = await node.do(helper, TakeTurns(1, LEASE_MIN_S * 1000))
        await node.do(helper, FailTurn(turn=claimed.turn.token))


async def _changed_messages(node: Node) -> None:
    file = AttachmentRef(url="https://example.com/a.png")
    root = await node.do(ALICE, SendMessage("c", "@bob @all", "m2", None, None, (file,)))
    reply = await node.do(BOB, SendMessage("c", "yes", reply_to_id=str(root.id), thread_id=str(root.id)))
    gone = await node.do(BOB, SendMessage("c", "oops", reply_to_id=str(root.id), thread_id=str(root.id)))
    await node.do(ALICE, EditMessage(str(root.id), "@carol"))
    await node.do(ALICE, EditMessage(str(root.id), metadata={"a": 1}))
    await node.do(ALICE, React(str(reply.id), "\U0001f44d"))
    await node.do(BOB, React(str(reply.id), "\U0001f44d"))
    await node.do(ALICE, Unreact(str(reply.id), "\U0001f44d"))
    await node.do(ALICE, PinMessage(str(reply.id)))
    await node.do(ALICE, PinMessage(str(root.id)))
    await node.do(ALICE, UnpinMessage(str(root.id)))
    await node.do(OPERATOR, SetLinkPreviews(reply.id, "yes", (FetchedPreview("https://talkwire.org/", "T"),)))
    await node.do(BOB, RemoveLinkPreviews(str(reply.id)))
    await node.do(BOB, SaveMessage(str(root.id)))
    await node.do(BOB, SaveMessage(str(reply.id)))
    await node.do(BOB, UnsaveMessage(str(reply.id)))
    await node.do(BOB, DeleteMessage(str(gone.id)))
    report = await node.do(BOB, ReportMessage(str(root.id), "spam", "\u2603"))
    await node.do(OPERATOR, DecideReport(report.id, "dismissed", "Harmless"))
    await node.do(ALICE, ForwardMessage(str(root.id), ("c",)))


async def _receipts(node: Node) -> None:
    await node.do(ALICE, MarkDelivered("c"))
    await node.do(BOB, MarkRead("c"))
    await node.do(BOB, MarkUnread("c"))
    await node.do(ALICE, FollowThread(str((await node.do(ALICE, ListMessages("c"))).items[0].id)))
    await node.do(BACKEND, PutTeam("listed", "\u2603", ("bob",)))
    await node.do(BACKEND, CreateConversation("group", ("alice",), id="listed", team_ids=("listed",)))
    await node.do(BOB, SendMessage("listed", "a member through a team is listed"))


async def _teams(node: Node) -> None:
    await node.do(BACKEND, PutTeam("support", "Support", ("bob",)))
    await node.do(BACKEND, AddMembers("c", team_ids=("support",)))
    await node.do(BACKEND, RemoveMember("c", team_ids=("support",)))
    many = tuple(f"clerk{number}" for number in range(100))
    for team_id in ("one", "two", "three"):
        await node.do(BACKEND, PutTeam(team_id, team_id, tuple(f"{team_id}-{user_id}" for user_id in many)))
    await node.do(BACKEND, CreateConversation("group", ("alice",), id="desk", team_ids=("one", "two", "three")))


async def _notices(node: Node) -> None:
    offer = await node.do(ALICE, CreateOffer("c", "\u2603", 2**53 - 1, "EUR", "x", None, {"a": [1]}))
    await node.do(BOB, CounterOffer(str(offer.id), 0))
    quiet = DoNotDisturb(enabled=True, time_zone="Europe/Berlin", days=(0,))
    await node.do(BOB, SetPreferences(Preferences(("offer",), {"direct": None}, quiet)))
    await node.do(BOB, SetMemberPreferences("c", muted=True, notify="all", sound="bell", favourite=True, archived=True))
    await node.do(BOB, SetMemberPreferences("c"))
    await node.do(ALICE, RecordMissedCall("c", "call", ("bob",)))
    await node.do(ALICE, RecordCall("c", "call", "hangup", 7))
    await node.do(BOB, MarkNotificationsRead())
    card = await node.do(BOB, SendMessage("c", card=AskedCard("Lunch?", (CardAction("yes", "Yes"),), "first")))
    await node.do(ALICE, ActOnCard(str(card.id), ("yes",)))
    asked = AskedCard("Lunch?", (CardAction("yes", "Yes"),), "first", expires_at=iso(node.clock.now_ms + 4000))
    await node.do(BOB, SendMessage("c", card=asked))
    node.clock.now_ms += 3000
    await node.fire()
    await node.do(BACKEND, CreateWebhook("https://app.example.com/hook"))
    await node.do(BACKEND, UpdateConversation("c", hold=True))
    await node.do(OPERATOR, EraseUser("mallory", redact=False))


async def _conversations(node: Node) -> None:
    await node.do(
        BACKEND,
        CreateConversation("channel", ("alice", "bob"), id="n", public=True, metadata={"a": [1]}, owner_id="alice"),
    )
    await node.do(ALICE, UpdateConversation("n", name="\u2603", metadata=None, history="from-join"))
    await node.do(ALICE, UpdateMember("n", "bob", "owner"))
    await node.do(BOB, RestrictMember("n", "carol", "ban", reason="spam"))
    await node.do(BOB, UnrestrictMember("n", "carol", "ban"))
    await node.do(ALICE, BlockUser("bob"))
    await node.do(ALICE, UnblockUser("bob"))
    await node.do(BOB, RemoveMember("n", "bob"))
    await node.do(ALICE, DeleteConversation("n"))
    await node.do(BACKEND, PutTeam("desk", "Desk", ("bob",)))
    await node.do(BACKEND, CreateConversation("group", ("alice",), id="served", team_ids=("desk",)))
    await node.do(ALICE, SendMessage("served", "Where is it?"))
    await node.do(BOB, ClaimConversation("served"))


async def _with_messages_as_they_are_now(node: Node) -> list[DurableEvent]:
    """Returns the published events with the current state of messages, which were published as they were then."""
    return [
        replace(event, message=await node.do(OPERATOR, GetMessage(str(event.message.id))))
        if isinstance(event, MessageEvent)
        else event
        for event in node.log
    ]


async def test_a_replay_gives_what_was_published(node: Node) -> None:
    await _everything(node)
    replayed = await node.replay()
    assert replayed == await _with_messages_as_they_are_now(node)
    assert {type(event) for event in replayed} == set(get_args(Durable))


async def test_a_replay_starts_after_any_position_and_ends_at_its_limit(node: Node) -> None:
    await _everything(node)
    expected = await _with_messages_as_they_are_now(node)
    for pos in range(len(node.log) + 1):
        assert await node.replay(pos, 3) == expected[pos : pos + 3]


async def test_positions_have_no_gaps_whatever_is_refused(node: Node) -> None:
    await _everything(node)
    await node.refusal(MALLORY, SendMessage("c", "x"))
    await node.in_one_batch(
        (ALICE, SendMessage("c", "1")),
        (MALLORY, SendMessage("c", "x")),
        (BOB, EnsureUser("bob", "Bob")),
        (BOB, SendMessage("c", "2")),
        (ALICE, SendMessage("c", "\u2603", "m1", {"b": 1.5, "a": [None, True, 2**53 - 1]})),
    )
    await node.send(ALICE, "3")
    assert [event.pos for event in node.log] == list(range(1, len(node.log) + 1))
    assert await node.readers.read(lambda snapshot: snapshot.head()) == (node.chat.epoch, len(node.log))
    assert node.chat.pos == len(node.log)


async def test_positions_continue_after_a_restart(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await node.group("c", ALICE)
        await node.send(ALICE, "1")
        epoch, pos = node.chat.epoch, node.chat.pos
    async with running(database, clock) as node:
        assert (node.chat.epoch, node.chat.pos) == (epoch, pos)
        await node.send(ALICE, "2")
        assert [event.pos for event in node.log] == [pos + 1]


async def test_an_event_has_the_time_when_it_was_written(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE)
    clock.now_ms += 5000
    sent = await node.send(ALICE, "Hello")
    assert (node.log[-1].at_ms, sent.created_ms) == (clock.now_ms, clock.now_ms)


async def test_the_last_row_of_a_transaction_names_its_batch(node: Node, database: Database) -> None:
    await node.group("c", ALICE)
    await node.in_one_batch(*((ALICE, SendMessage("c", str(number))) for number in range(3)))
    await node.send(ALICE, "3")
    with database.engine() as engine, engine.connect() as connection:
        batches = list(connection.execute(select(log.c.batch).order_by(log.c.pos)).scalars())
    # One transaction creates the group: its user's creation and its own.
    assert [batch is None for batch in batches] == [True, False, True, True, False, False]
    named = [batch for batch in batches if batch is not None]
    assert len(set(named)) == len(named)


async def test_the_log_stores_the_conversation_of_an_event(node: Node, database: Database) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="c", owner_id="alice"))
    await node.do(ALICE, RemoveMember("c", "bob"))
    await node.do(ALICE, AddMembers("c", ("bob",)))
    await node.send(ALICE, "Hello")
    with database.engine() as engine, engine.connect() as connection:
        rows = connection.execute(select(log.c.type, log.c.conversation_id).order_by(log.c.pos)).all()
    assert [tuple(row) for row in rows] == [
        ("UserCreated", None),
        ("UserCreated", None),
        ("ConversationCreated", "c"),
        ("MemberRemoved", "c"),
        ("MemberAdded", "c"),
        ("MessageSent", "c"),
    ]


async def test_the_log_holds_no_password_and_no_token(node: Node, database: Database) -> None:
    user = await node.do(ALICE, RegisterAccount("ann@example.com", "Ann", "secret-hash"))
    login = await node.do(ALICE, OpenLogin(user.id, "token-hash-of-the-device", 1000))
    await node.do(Actor(user.id, "Ann"), CloseLogin(login.session.id))
    with database.engine() as engine, engine.connect() as connection:
        text = "".join(data or "" for data in connection.execute(select(log.c.data)).scalars())
    assert "secret-hash" not in text
    assert "token-hash-of-the-device" not in text


async def test_the_head_has_one_row(database: Database) -> None:
    with database.engine() as engine, engine.connect() as connection:
        row = connection.execute(select(log_head)).one()
    assert (row.id, row.pos) == (1, 0)
    assert row.epoch


async def test_an_event_has_been_published_when_its_sender_is_answered(node: Node) -> None:
    await node.group("c", ALICE)
    seen: list[str] = []
    node.chat.subscribe(lambda events: seen.extend(type(event).__name__ for event in events))
    future = node.submit(ALICE, SendMessage("c", "Hello"))
    future.add_done_callback(lambda done: seen.append("answer"))
    await future
    assert seen == ["MessageSent", "answer"]


async def test_a_listener_that_fails_keeps_no_event_from_the_others(node: Node) -> None:
    def fail(events: object) -> None:
        raise ZeroDivisionError

    late: list[object] = []
    node.chat.subscribe(fail)
    node.chat.subscribe(late.extend)
    await node.group("c", ALICE)
    assert late == node.log
    assert len(late) == 2
