"""Erasing users: what they wrote and set is nowhere any more, and every cursor remains valid."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, text

from talkwire.core.commands.accounts import (
    NO_DEVICE,
    BanUser,
    Device,
    EnsureUser,
    EraseUser,
    GetUser,
    OpenLogin,
    PutUser,
    RegisterAccount,
    SearchUsers,
    UnbanUser,
    UpdateUser,
)
from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.cards.deciding import ActOnCard
from talkwire.core.commands.command import IdempotencyKey
from talkwire.core.commands.conversations import CreateConversation, GetConversation, UpdateConversation
from talkwire.core.commands.desk.claims import HandOffConversation, ReleaseConversation
from talkwire.core.commands.desk.notes import SendNote
from talkwire.core.commands.desk.teams import PutTeam
from talkwire.core.commands.files import ClaimUploads, CreateUpload, FinishUpload, GetFile, ReleaseFiles
from talkwire.core.commands.members import AddMembers, UpdateMember
from talkwire.core.commands.messages import (
    AttachmentRef,
    DeleteMessage,
    EditMessage,
    FetchedPreview,
    ForwardMessage,
    GetMessage,
    ListMessages,
    React,
    SaveMessage,
    SendMessage,
    SetLinkPreviews,
)
from talkwire.core.commands.moderation.reports import DecideReport, ReportMessage, ReportOffer
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.commands.notifications import PutPushSubscription
from talkwire.core.commands.offers import CounterOffer, CreateOffer, GetOffer
from talkwire.core.commands.preferences import SetMemberPreferences, SetPreferences
from talkwire.core.commands.presence import StorePresence
from talkwire.core.commands.search import SearchMessages
from talkwire.core.commands.server.erasure import EndErasure, FindErasureStep, IsErased, TakeErasureStep
from talkwire.core.commands.streams.rating import RateMessage
from talkwire.core.domain.cards.card import AskedCard, CardAction, CardInput, InputProperty, InputSchema
from talkwire.core.domain.events import ConversationPreferred, MessageDeleted, UserErased
from talkwire.core.domain.model import Actor, MemberRole, Message, Preferences, PushTarget, User
from talkwire.core.domain.parts.message_parts import SourcePart, TextPart
from talkwire.core.engine.eraser import Eraser
from talkwire.core.ports.transaction import Transaction
from talkwire.storage.engine import reading_engine
from talkwire.storage.followers.follower import Follower
from talkwire.storage.messages import erasure as stored
from talkwire.storage.messages.search import MessageIndex
from talkwire.storage.schema import erasures, members, metadata, saved_messages
from talkwire.storage.scrub import RunningScrub
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, OPERATOR, Call, Clock, Node, running
from tests.contracts.paces import Restless
from tests.databases import Database, begin_log
from tests.waiting import DEADLINE_S, deadline

CANARY = "kanarienvogel"
GONE = User("alice", "Deleted user", 0, banned=True, named=True, erased="redact")


async def erase(node: Node, user_id: str = "alice", *, redact: bool = True) -> None:
    """Erases a user, and finishes the erasure as a server does."""
    await node.do(OPERATOR, EraseUser(user_id, redact))
    await finish(node)


async def finish(node: Node) -> None:
    scrub = RunningScrub(node.writer).run if node.write_engine.dialect.name == "sqlite" else _no_scrub
    async with deadline():
        await Eraser(node.chat, scrub).finish()


async def _no_scrub() -> bool:
    return True


@pytest.mark.parametrize("redact", [True, False])
async def test_nothing_is_imported_for_an_erased_user(node: Node, *, redact: bool) -> None:
    """An importer that runs twice would bring the erased texts back."""
    await node.group("c", ALICE, BOB)
    message = SendMessage("c", CANARY, client_message_id="m1", created_ms=1_600_000_000_000, sender_id="alice")
    first = await node.do(BACKEND, message)
    await erase(node, redact=redact)
    again = msgspec.structs.replace(message, client_message_id="m2", created_ms=1_600_000_000_001)
    assert await node.refusal(BACKEND, again) == "conflict"
    if redact:
        assert await node.refusal(BACKEND, message) == "conflict"
    else:
        kept = msgspec.structs.replace(first, sender_name="Deleted user")
        assert await node.do(BACKEND, message) == kept, "it is there already"


async def indexed(node: Node) -> None:
    """Brings the search index up to date."""
    follower = Follower(
        MessageIndex(node.read_engine.dialect),
        reading_engine(node.database.url, 1),
        node.writer.transact,
        node.clock,
        Restless(),
    )
    follower.start()
    assert await asyncio.to_thread(follower.wait_for, node.chat.pos, DEADLINE_S)
    await asyncio.to_thread(follower.close)


def traces(database: Database, canary: str = CANARY) -> Iterator[str]:
    """Returns where a text is found: tables, and on SQLite the database's files."""
    with database.engine() as engine, engine.connect() as connection:
        for table in (*(each.name for each in metadata.sorted_tables), "message_words"):
            rows = connection.execute(text(f"SELECT * FROM {table}")).all()  # noqa: S608 (our own names)
            if any(canary in str(row).lower() for row in rows):
                yield table
    if database.kind == "sqlite":
        file = Path(database.url.database or "")
        for path in sorted(file.parent.glob(f"{file.name}*")):
            if canary.encode() in path.read_bytes().lower():
                yield path.name


async def plant(node: Node) -> Message:
    """Puts the text into everything that Alice can write or set. Returns one of her messages."""
    c = f"Some {CANARY} text"
    await node.do(
        BACKEND, PutUser("alice", name=c, email=f"{CANARY}@example.com", text=c, metadata={"x": c}, handle=CANARY)
    )
    await node.do(ALICE, UpdateUser(name=f"Alice {CANARY}", avatar=f"https://example.com/{CANARY}.png"))
    await node.group("c", ALICE, BOB, CAROL)
    await node.do(ALICE, SetPreferences(Preferences(sounds={"direct": CANARY})))
    await node.do(ALICE, SetMemberPreferences("c", sound=CANARY, section=CANARY))
    await node.do(BACKEND, UpdateMember("c", "bob", "owner"))
    await node.do(BACKEND, UpdateMember("c", "alice", "owner"))
    await node.do(ALICE, StorePresence("away", c))
    sent = await node.send(ALICE, c, f"{CANARY}-1")
    await node.do(ALICE, EditMessage(str(sent.id), f"{c}, edited"))
    preview = FetchedPreview(f"https://{CANARY}.org/", c, c, c)
    await node.do(OPERATOR, SetLinkPreviews(sent.id, f"{c}, edited", (preview,)))
    await node.do(ALICE, React(str(sent.id), f":{CANARY}:"))
    await node.do(ALICE, SendMessage("c", c, metadata={"x": c}))
    cited = await node.do(ALICE, SendMessage("c", parts=(TextPart(c), SourcePart(message_id=str(sent.id), quote=c))))
    await node.do(ALICE, EditMessage(str(cited.id), parts=(SourcePart(url="https://example.com/", title=c),)))
    await plant_rating(node, c)
    await plant_choice(node, c)
    gone = await node.send(ALICE, c, f"{CANARY}-2")
    await node.do(ALICE, DeleteMessage(str(gone.id)))
    await node.do(BOB, SendMessage("c", "I agree", reply_to_id=str(sent.id)))
    quote = SourcePart(message_id=str(sent.id), quote=c)
    quoting = await node.do(BOB, SendMessage("c", parts=(TextPart("I know"), quote)))
    await node.do(BOB, EditMessage(str(quoting.id), "I knew"))
    await plant_copies(node, sent)
    await node.do(ALICE, RestrictMember("c", "carol", "mute", None, c))
    await node.do(ALICE, CreateOffer("c", c, 5, "EUR", c, metadata={"x": c}))
    key = IdempotencyKey("bob", "POST /x", CANARY)
    await node.chat.execute(BOB, SendMessage("c", "again", reply_to_id=str(sent.id)), key)
    await node.do(ALICE, CreateUpload("u1", f"{CANARY}.txt", None, 5, 60_000))
    await node.do(ALICE, FinishUpload("u1", "text/plain", 5, "d1"))
    await node.do(ALICE, SendMessage("c", "", attachments=(AttachmentRef(id="u1"),)))
    await node.do(ALICE, CreateUpload("u2", f"{CANARY}.bin", None, 5, 60_000))
    reply = await node.send(BOB, "no")
    await node.do(ALICE, ReportMessage(str(reply.id), CANARY, CANARY))
    about = await node.do(BOB, ReportMessage(str(sent.id), "spam"))
    await node.do(OPERATOR, DecideReport(about.id, "resolved", CANARY))
    await node.do(BOB, ReportMessage(str(sent.id), "spam"))
    await node.do(OPERATOR, BanUser("alice", CANARY))
    await node.do(OPERATOR, UnbanUser("alice"))
    await plant_notes(node, c)
    # A ban ends these.
    await node.do(OPERATOR, RegisterAccount(f"{CANARY}@example.org", None, CANARY, "alice"))
    await node.do(ALICE, OpenLogin("alice", "token", 60_000, Device(CANARY, CANARY)))
    device = PushTarget("web", f"https://push.example.com/{CANARY}", CANARY, CANARY)
    await node.do(ALICE, PutPushSubscription(device, device_id=CANARY, user_agent=CANARY))
    return sent


async def plant_choice(node: Node, text: str) -> None:
    """Lets Alice choose an action of a card, which others are still to decide."""
    form = InputSchema("object", {"why": InputProperty("string")})
    asked = AskedCard("Refund?", (CardAction("yes", "Yes", input=CardInput(form)),), {"yes": 2})
    card = await node.do(BOB, SendMessage("c", card=asked))
    await node.do(ALICE, ActOnCard(str(card.id), ("yes",), {"why": text}, text))


async def plant_notes(node: Node, note: str) -> None:
    """Lets Alice write for the next handler of a conversation, in its notes, and for an agent: for its next turn, and
    for one that waits."""
    await node.do(BACKEND, PutTeam("support", "Support", ("alice", "bob")))
    await node.do(BACKEND, CreateConversation("group", ("carol",), id="of-support", team_ids=("support",)))
    await node.do(ALICE, HandOffConversation("of-support", "bob", note))
    await node.do(ALICE, SendNote("of-support", note, metadata={"x": note}, client_message_id=note))
    for id_ in ("next", "waiting"):
        team = ("support",)
        await node.do(BACKEND, CreateConversation("group", ("carol", "helper"), id=id_, team_ids=team, agents="all"))
    await node.send(CAROL, "Hello?", to="waiting")
    for id_ in ("next", "waiting"):
        await node.do(ALICE, ReleaseConversation(id_, note))


async def plant_rating(node: Node, comment: str) -> None:
    """Lets Alice rate a message of an agent."""
    await node.do(BACKEND, PutUser("helper", name="Helper", kind="agent"))
    await node.do(BACKEND, AddMembers("c", ("helper",)))
    answer = await node.send(Actor("helper", "Helper"), "An answer")
    await node.do(ALICE, RateMessage(str(answer.id), -1, comment))


async def plant_copies(node: Node, sent: Message) -> None:
    """Lets Bob and Carol copy texts of Alice: forward them, counter her offers, and report the copies."""
    (copy,) = await node.do(BOB, ForwardMessage(str(sent.id), ("c",)))
    (copy_of_copy,) = await node.do(CAROL, ForwardMessage(str(copy.id), ("c",)))
    await node.do(CAROL, ReportMessage(str(copy.id), "spam"))
    await node.do(BOB, ReportMessage(str(copy_of_copy.id), "spam"))
    for title in (None, "A bicycle"):
        offer = await node.do(ALICE, CreateOffer("c", f"{CANARY}!", 5, "EUR", CANARY, metadata={"x": CANARY}))
        counter = await node.do(BOB, CounterOffer(str(offer.id), 4, title=title))
        key = IdempotencyKey("carol", "POST /y", title or "")
        countered = await node.chat.execute(CAROL, CounterOffer(str(counter.id), 3), key)
        await node.do(BOB, ReportOffer(str(countered.id), "spam"))


async def test_the_text_of_an_erased_user_is_in_no_table_and_no_file(node: Node, database: Database) -> None:
    await node.users(ALICE, BOB, CAROL)
    await plant(node)
    await indexed(node)
    # A stored answer has the text in its key too, which its own user has chosen: it is deleted with the answer.
    assert set(await asyncio.to_thread(lambda: list(traces(database)))) > {
        "audit",
        "log",
        "messages",
        "reports",
        "users",
        "message_words",
    }
    await erase(node)
    while await node.do(OPERATOR, ReleaseFiles(100)):
        pass
    await node.do(OPERATOR, ClaimUploads(1))
    await node.do(BACKEND, Call(lambda tx: tx.files.drop_uploads(("u1", "u2"))))
    await indexed(node)
    if database.kind == "sqlite":
        assert await RunningScrub(node.writer).run()
    assert await asyncio.to_thread(lambda: list(traces(database))) == []


async def test_nothing_is_left_in_lists_of_an_erased_user(node: Node, database: Database) -> None:
    await node.group("c", ALICE, BOB)
    own, other = await node.send(ALICE, "hers"), await node.send(BOB, "his")
    for actor, message in ((ALICE, other), (BOB, own), (BOB, other)):
        await node.do(actor, SaveMessage(str(message.id)))
    await node.do(
        ALICE, SetMemberPreferences("c", muted=True, unmute_ms=2**42, favourite=True, archived=True, section=CANARY)
    )
    await erase(node)
    with database.engine() as engine, engine.connect() as connection:
        saved = connection.execute(select(saved_messages.c.user_id, saved_messages.c.message_id)).all()
        assert [tuple(row) for row in saved] == [("bob", other.id)]
        member = connection.execute(select(members).where(members.c.user_id == "alice")).one()
    assert (bool(member.favourite), member.archived_seq, member.unmute_ms, member.section) == (False, None, None, None)
    stored = [event for event in await node.replay() if isinstance(event, ConversationPreferred)]
    assert [(event.favourite, event.archived_seq, event.unmute_ms, event.section) for event in stored] == [
        (False, None, None, None)
    ]


async def test_an_erased_user_is_a_deleted_user_to_everyone(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.group("c", BOB, ALICE)
    sent = await node.send(ALICE, "hello")
    await erase(node, redact=False)
    gone = msgspec.structs.replace(GONE, created_ms=node.clock.now_ms, erased="keep")
    assert await node.do(BACKEND, GetUser("alice")) == gone
    members = (await node.do(BOB, GetConversation("c"))).members
    assert {member.member.user_id: (member.name, member.erased) for member in members} == {
        "alice": ("Deleted user", True),
        "bob": ("Bob", False),
    }
    kept = await node.do(BOB, GetMessage(str(sent.id)))
    assert (kept.content, kept.sender_name, kept.deleted_ms) == ("hello", "Deleted user", None)
    assert [event for event in node.log if isinstance(event, UserErased)] == [
        UserErased(node.log[-1].pos, node.clock.now_ms, gone, by="operator")
    ]


async def test_redacted_messages_are_deleted_one_by_one_for_those_who_read_along(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.group("c", ALICE, BOB)
    own = [await node.send(ALICE, f"text {number}", f"m{number}") for number in range(3)]
    other = await node.send(BOB, "from Bob")
    await erase(node)
    deleted = [event.message for event in node.log if isinstance(event, MessageDeleted)]
    assert [message.id for message in deleted] == [message.id for message in own]
    assert {(message.content, message.client_message_id, message.deleted_by) for message in deleted} == {
        ("", None, "alice")
    }
    page = await node.do(BOB, ListMessages("c"))
    assert [message.seq for message in page.items] == [1, 2, 3, 4]
    assert page.items[-1] == other
    replayed = await node.replay()
    assert [(event.pos, type(event)) for event in replayed] == [(event.pos, type(event)) for event in node.log]
    assert [event for event in replayed if isinstance(event, MessageDeleted)] == [
        msgspec.structs.replace(event, message=msgspec.structs.replace(event.message, sender_name="Deleted user"))
        for event in node.log
        if isinstance(event, MessageDeleted)
    ]


async def test_a_reply_shows_no_text_of_an_erased_user_and_a_forwarded_copy_is_deleted(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "secret")
    reply = await node.do(BOB, SendMessage("c", "yes", reply_to_id=str(sent.id)))
    (copy,) = await node.do(BOB, ForwardMessage(str(sent.id), ("c",)))
    await erase(node)
    quote = (await node.do(BOB, GetMessage(str(reply.id)))).reply_to
    assert (quote.id, quote.content) == (sent.id, "")
    assert (await node.do(BOB, GetMessage(str(copy.id)))).deleted_by == "alice"


async def test_a_long_list_of_messages_is_redacted_in_steps_also_after_a_crash(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "TEXTS_AT_ONCE", 3)
    monkeypatch.setattr(stored, "SEARCHED_POSITIONS", 5)
    async with running(database, clock) as node:
        await node.users(ALICE, BOB)
        await node.group("c", ALICE, BOB)
        sent = [await node.send(ALICE if number % 3 else BOB, str(number)) for number in range(20)]
        await node.do(OPERATOR, EraseUser("alice", redact=True))
        step = await node.do(OPERATOR, FindErasureStep())
        assert len(step.message_ids) <= 3
        assert await node.do(OPERATOR, TakeErasureStep(step))
        assert not await node.do(OPERATOR, TakeErasureStep(step))  # as another node that has found the same
        assert not await node.do(OPERATOR, IsErased("alice"))
    async with running(database, clock) as node:
        await finish(node)
        assert await node.do(OPERATOR, IsErased("alice"))
        left = [message.content for message in (await node.do(BOB, ListMessages("c", limit=100))).items]
        assert left == [message.content if message.sender_id == "bob" else "" for message in sent]


async def test_the_text_of_an_erased_user_is_found_in_a_log_with_a_higher_number(sqlite_database: Database) -> None:
    """Its positions do not begin with 1, and an erasure reads the positions from the first one."""
    begin_log(sqlite_database.url, 1)
    async with running(sqlite_database, Clock()) as node:
        await node.group("c", ALICE, BOB)
        await node.send(ALICE, CANARY)
        await erase(node)
        assert list(traces(sqlite_database)) == []


async def test_the_id_is_never_given_out_again(node: Node) -> None:
    await node.users(ALICE, BOB)
    await erase(node)
    token = Actor("alice", "Alice")
    for actor, command in (
        (BACKEND, PutUser("alice", name="Alice")),
        (BACKEND, CreateConversation("group", ("alice", "bob"), id="g")),
        (BACKEND, BanUser("alice")),
        (BACKEND, UnbanUser("alice")),
        (OPERATOR, RegisterAccount("a@example.com", "Alice", "hash", "alice")),
        (BOB, CreateConversation("direct", ("alice",))),
    ):
        assert await node.refusal(actor, command) == "conflict", command
    assert await node.refusal(token, UpdateUser(name="Alice")) == "banned"
    assert (await node.do(token, EnsureUser("alice", "Alice"))).erased == "redact"


async def test_an_existing_conversation_with_an_erased_user_is_still_found(node: Node) -> None:
    await node.users(ALICE, BOB)
    create = CreateConversation("group", ("alice", "bob"), id="g")
    await node.do(BACKEND, create)
    direct = await node.do(BOB, CreateConversation("direct", ("alice",)))
    await erase(node)
    assert (await node.do(BACKEND, create)).existed
    found = await node.do(BOB, CreateConversation("direct", ("alice",)))
    assert (found.conversation.id, found.name) == (direct.conversation.id, "Deleted user")
    assert (await node.do(BACKEND, AddMembers("g", ("alice",)))).members == ()


async def test_users_erase_themselves_and_nobody_else(node: Node) -> None:
    await node.users(ALICE, BOB)
    assert await node.refusal(BOB, EraseUser("alice", redact=True)) == "forbidden"
    assert await node.refusal(OPERATOR, EraseUser("nobody", redact=True)) == "not_found"
    await node.do(ALICE, EraseUser("alice", redact=True))
    assert await node.refusal(ALICE, EraseUser("alice", redact=True)) == "banned"


async def test_an_account_is_erased_with_its_password_and_its_devices(node: Node) -> None:
    user = await node.do(Actor("", ""), RegisterAccount("a@example.com", "Alice", "hash"))
    actor = Actor(user.id, "Alice")
    await node.do(actor, OpenLogin(user.id, "token", 60_000, Device("192.0.2.1", CANARY)))
    assert await node.refusal(actor, EraseUser(user.id, redact=True)) == "forbidden"
    assert await node.refusal(actor, EraseUser(user.id, redact=True, password_hash="old")) == "conflict"
    await node.do(actor, EraseUser(user.id, redact=True, password_hash="hash"))
    assert await node.refusal(Actor("", ""), OpenLogin(user.id, "t", 60_000, NO_DEVICE)) == "banned"
    again = await node.do(Actor("", ""), RegisterAccount("a@example.com", "Alice", "hash"))
    assert again.id != user.id


async def test_erasing_again_redacts_what_was_kept(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.group("c", ALICE, BOB)
    sent = await node.send(ALICE, "hello")
    await erase(node, redact=False)
    events = len(node.log)
    await erase(node, redact=False)
    assert len(node.log) == events
    await erase(node)
    assert (await node.do(BOB, GetMessage(str(sent.id)))).content == ""


async def test_search_finds_nothing_of_an_erased_user(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.group("c", ALICE, BOB)
    await node.send(ALICE, f"{CANARY} one")
    await indexed(node)
    assert len((await node.do(BOB, SearchMessages(CANARY))).items) == 1
    await erase(node)
    assert (await node.do(BOB, SearchMessages(CANARY))).items == ()


async def test_offers_of_an_erased_user_keep_their_amount_and_are_withdrawn(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.group("c", ALICE, BOB)
    offer = await node.do(ALICE, CreateOffer("c", "A bicycle", 5, "EUR", "red"))
    await erase(node)
    left = await node.do(BOB, GetOffer(str(offer.id)))
    assert (left.title, left.description, left.amount, left.status) == ("Deleted offer", None, 5, "withdrawn")
    assert left.deleted_by == "alice"


async def test_counter_offers_lose_the_texts_of_an_erased_user_and_keep_those_of_others(node: Node) -> None:
    await node.users(ALICE, BOB, CAROL)
    await node.group("c", ALICE, BOB, CAROL)
    offer = await node.do(ALICE, CreateOffer("c", "A bicycle", 5, "EUR", "red"))
    of_title = await node.do(BOB, CounterOffer(str(offer.id), 4, description="with a lock"))
    of_description = await node.do(ALICE, CounterOffer(str(of_title.id), 5, title="Bicycle and lock"))
    last = await node.do(CAROL, CounterOffer(str(of_description.id), 4))
    assert (last.title_by, last.description_by) == ("alice", "bob")
    held = await node.do(CAROL, CreateOffer("c", "A lamp", 5, "EUR", "blue"))
    own_title = await node.do(BOB, CounterOffer(str(held.id), 4, title="A lamp and its bulb"))
    await erase(node, "carol")
    left = {each.id: await node.do(BOB, GetOffer(str(each.id))) for each in (offer, of_title, last, held, own_title)}
    assert [(each.title, each.description, each.status) for each in left.values()] == [
        ("A bicycle", "red", "countered"),
        ("A bicycle", "with a lock", "countered"),
        ("Deleted offer", None, "withdrawn"),
        ("Deleted offer", None, "countered"),
        ("A lamp and its bulb", None, "pending"),
    ]
    await erase(node)
    left = {each.id: await node.do(BOB, GetOffer(str(each.id))) for each in (of_title, own_title)}
    assert [(each.title, each.description) for each in left.values()] == [
        ("Deleted offer", None),
        ("A lamp and its bulb", None),
    ]


async def test_a_block_ends_with_the_user_who_set_it(node: Node) -> None:
    await node.users(ALICE, BOB)
    direct = (await node.do(ALICE, CreateConversation("direct", ("bob",)))).conversation.id
    await node.do(ALICE, BlockUser("bob"))
    await erase(node)
    assert (await node.do(BOB, SendMessage(direct, "hello?"))).content == "hello?"


async def test_the_file_of_an_erased_user_is_forbidden_at_once(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, CreateUpload("u1", "cat.png", None, 5, 60_000))
    await node.do(ALICE, FinishUpload("u1", "text/plain", 5, "d1"))
    sent = await node.do(ALICE, SendMessage("c", "look", attachments=(AttachmentRef(id="u1"),)))
    assert (await node.do(BOB, GetFile("u1"))).id == "u1"
    await erase(node)
    assert (await node.do(BOB, GetMessage(str(sent.id)))).attachments == ()
    assert await node.refusal(BOB, GetFile("u1")) == "forbidden"
    assert await node.do(OPERATOR, ReleaseFiles(10)) == 1
    assert await node.do(OPERATOR, ClaimUploads(1)) == ("u1",)


async def test_an_erasure_is_over_only_once_the_files_are_scrubbed(node: Node) -> None:
    await node.users(ALICE)
    await node.do(OPERATOR, EraseUser("alice", redact=True))
    answers = iter((False, True))

    async def scrub() -> bool:
        assert not await node.do(OPERATOR, IsErased("alice"))
        return next(answers)

    eraser = Eraser(node.chat, scrub)
    rests = []
    async with deadline():
        while (rest := await eraser.step()) is not None:
            rests.append(rest)
    assert rests[-2:] == [5.0, 0.02]
    assert await node.do(OPERATOR, IsErased("alice"))


async def test_steps_are_for_operators_and_an_erasure_does_not_end_early(node: Node) -> None:
    await node.users(ALICE)
    await node.do(OPERATOR, EraseUser("alice", redact=True))
    step = await node.do(OPERATOR, FindErasureStep())
    for command in (FindErasureStep(), TakeErasureStep(step), EndErasure("alice"), IsErased("alice")):
        assert await node.refusal(BACKEND, command) == "forbidden"
    await node.do(OPERATOR, EndErasure("alice"))

    def pending() -> Any:  # noqa: ANN401 (a row)
        with node.read_engine.begin() as connection:
            return connection.execute(select(erasures.c.stage)).scalar_one()

    assert await asyncio.to_thread(pending) == "texts"


async def test_a_view_of_the_writer_does_not_remember_an_erased_user(node: Node) -> None:
    await node.users(ALICE)
    found: list[User | None] = []

    def look(tx: Transaction) -> None:
        found.append(tx.user("alice"))

    await node.in_one_batch((OPERATOR, EraseUser("alice", redact=True)), (BACKEND, Call(look)))
    assert found[0] is not None
    assert found[0].name == "Deleted user"


async def test_another_member_becomes_the_owner_of_an_erased_users_group(node: Node) -> None:
    await node.users(ALICE, BOB, CAROL)
    await node.group("c", ALICE, BOB, CAROL)
    await node.group("alone", ALICE)
    await erase(node, "bob")
    await erase(node)
    assert await node.roles("c") == {"alice": "member", "bob": "member", "carol": "owner"}
    assert await node.roles("alone") == {"alice": "member"}


async def test_an_erased_user_receives_no_role(node: Node) -> None:
    await node.users(ALICE, BOB, CAROL)
    await node.group("c", BOB, ALICE, CAROL)
    await erase(node)
    given: tuple[tuple[Actor, MemberRole], ...] = (
        (BOB, "owner"),
        (BOB, "admin"),
        (BACKEND, "owner"),
        (OPERATOR, "admin"),
    )
    for actor, role in given:
        assert await node.refusal(actor, UpdateMember("c", "alice", role)) == "conflict", (actor, role)
    assert await node.refusal(CAROL, UpdateMember("c", "alice", "admin")) == "forbidden"
    assert await node.roles("c") == {"alice": "member", "bob": "owner", "carol": "member"}


async def test_the_role_of_an_erased_admin_is_taken_away(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.group("c", BOB, ALICE)
    await node.do(BOB, UpdateMember("c", "alice", "admin"))
    await erase(node)
    view = await node.do(BOB, UpdateMember("c", "alice", "member"))
    assert (view.member.role, view.erased) == ("member", True)


async def test_nobody_adds_an_erased_user_or_writes_to_them_first(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.group("c", BOB)
    await erase(node)
    assert await node.refusal(BOB, AddMembers("c", ("alice",))) == "conflict"
    assert await node.refusal(BOB, CreateConversation("direct", ("alice",))) == "conflict"


async def test_users_do_not_find_an_erased_user(node: Node) -> None:
    await node.users(ALICE, BOB, CAROL)
    await node.group("c", BOB, ALICE, CAROL)
    await erase(node)
    for text_, found in (("", ["carol"]), ("deleted", []), ("alice", [])):
        page = await node.do(BOB, SearchUsers(text_))
        assert [user.id for user in page.items if user.id != "bob"] == found, text_


async def test_kept_messages_keep_their_files_and_unused_files_go_at_once(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.group("c", ALICE, BOB)
    for file_id in ("shown", "unused", "picture"):
        await node.do(ALICE, CreateUpload(file_id, "cat.png", None, 5, 60_000))
        await node.do(ALICE, FinishUpload(file_id, "image/png", 5, "d1", 3, 2))
    await node.do(ALICE, SendMessage("c", "look", attachments=(AttachmentRef(id="shown"),)))
    await node.do(ALICE, UpdateConversation("c", avatar="/api/v1/files/picture/cat.png"))
    await erase(node, redact=False)
    assert await node.do(OPERATOR, ReleaseFiles(10)) == 3
    assert await node.do(OPERATOR, ClaimUploads(1)) == ("unused",)
    assert (await node.do(BOB, GetFile("shown"))).id == "shown"
