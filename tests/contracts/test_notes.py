"""Notes about conversations with teams, on both databases: the rows of the table in `docs/desk.md`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from talkwire.api.export import ExportedConversation, ExportedUser
from talkwire.core.commands.calls import FindCallees
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import (
    CreateConversation,
    DeleteConversation,
    GetConversation,
    ListConversations,
    ListNotices,
    UpdateConversation,
)
from talkwire.core.commands.desk.claims import (
    ClaimConversation,
    CloseConversation,
    HandOffConversation,
    ReleaseConversation,
)
from talkwire.core.commands.desk.notes import SendNote
from talkwire.core.commands.desk.numbers import CountDesk
from talkwire.core.commands.desk.teams import AddTeamMembers, PutTeam
from talkwire.core.commands.files import CreateUpload, FinishUpload, GetFile, ListFiles
from talkwire.core.commands.invitations import CreateInvitation
from talkwire.core.commands.members import AddMembers, RemoveMember, RemoveTeam, UpdateMember
from talkwire.core.commands.messages import (
    AttachmentRef,
    DeleteMessage,
    EditMessage,
    ForwardMessage,
    GetMessage,
    ListMessages,
    ListPins,
    React,
    SendMessage,
)
from talkwire.core.commands.moderation.audit import ListAudit
from talkwire.core.commands.moderation.restrictions import RestrictMember, UnrestrictMember
from talkwire.core.commands.preferences import SetMemberPreferences
from talkwire.core.commands.receipts import GetUnread, ListReceipts, MarkRead
from talkwire.core.commands.search import SearchMessages
from talkwire.core.commands.server.retries import AnswerRetry, FirstAnswer
from talkwire.core.commands.sync import GetStoredState, ListStoredEvents
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import DeskConversationChanged, MembersListed, TeamSettled
from talkwire.core.domain.log.cursors import cursor_of
from talkwire.core.domain.log.positions import is_own_id
from talkwire.core.domain.model import Actor, Conversation, Message
from talkwire.core.engine.desk.team_changer import TeamChanger
from talkwire.storage.snapshot import TableSnapshot
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Node
from tests.contracts.test_erasure import erase
from tests.contracts.test_holds import DAY_MS, prune
from tests.contracts.test_notifications import Watched, watching
from tests.contracts.test_personal_data import Parts
from tests.contracts.test_search import indexing
from tests.databases import Database
from tests.waiting import until

PAGE = Path(__file__).parents[2] / "docs" / "desk.md"

DAVE = Actor("dave", "Dave")
"""The only member of the team `sales`."""


@pytest.fixture
async def desk(node: Node) -> Node:
    """Makes a conversation `c` of the customer Alice with the team `support`: Bob and Carol."""
    await node.users(ALICE, BOB, CAROL, DAVE, MALLORY)
    await node.do(BACKEND, PutTeam("support", "Support", ("bob", "carol")))
    await node.do(BACKEND, PutTeam("sales", "Sales", ("dave",)))
    await node.do(BACKEND, CreateConversation("group", ("alice",), id="c", team_ids=("support",)))
    return node


@pytest.fixture
async def watched(desk: Node, database: Database) -> AsyncIterator[Watched]:
    async with watching(desk, database) as watched:
        yield watched


async def refused(node: Node, actor: Actor, command: Command[Any]) -> ChatError:
    with pytest.raises(ChatError) as caught:
        await node.do(actor, command)
    return caught.value


async def note(node: Node, actor: Actor, text: str, **fields: Any) -> Message:  # noqa: ANN401 (fields of a command)
    sent: Message = await node.do(actor, SendNote("c", text, **fields))
    return sent


async def conversation(node: Node, id_: str = "c") -> Conversation:
    found: Conversation = (await node.do(BACKEND, GetConversation(id_))).conversation
    return found


async def texts(node: Node, notes_id: str | None, actor: Actor = BACKEND) -> list[str]:
    assert notes_id is not None
    return [each.content for each in (await node.do(actor, ListMessages(notes_id))).items]


async def members(node: Node, id_: str) -> dict[str, tuple[bool, tuple[str, ...], bool]]:
    """Returns user id -> (whether in their own right, through which teams, whether listed)."""
    view = await node.do(BACKEND, GetConversation(id_))
    return {each.member.user_id: (each.member.own, each.member.via, each.member.listed) for each in view.members}


# --- writing ----------------------------------------------------------------------------------------------------------


async def test_the_first_note_makes_the_notes(desk: Node) -> None:
    assert (await conversation(desk)).notes_id is None
    first = await note(desk, BOB, "A regular customer", client_message_id="1")
    second = await note(desk, CAROL, "@bob is right")
    assert (first.conversation_id, first.seq, second.seq) == (second.conversation_id, 1, 2)
    assert (first.notes_of, second.mentions) == ("c", ("bob",))
    assert (await conversation(desk)).notes_id == first.conversation_id
    notes = await conversation(desk, first.conversation_id)
    assert (notes.notes_of, notes.team_ids, notes.member_count) == ("c", ("support",), 0)
    assert is_own_id(notes.id)
    assert await texts(desk, notes.id, CAROL) == ["A regular customer", "@bob is right"]
    assert await note(desk, BOB, "A regular customer", client_message_id="1") == first
    assert (await refused(desk, BOB, SendNote("c", "Other", client_message_id="1"))).code == "conflict"
    third = await desk.do(CAROL, SendMessage(notes.id, "Written there", reply_to_id=str(first.id)))
    assert (third.seq, third.notes_of) == (3, "c")
    by_back_end = await note(desk, BACKEND, "Paid twice", sender_id="carol", thread_id=str(first.id))
    assert (by_back_end.sender_id, by_back_end.thread_id) == ("carol", first.id)


async def test_a_retry_is_found_without_executing_it(desk: Node) -> None:
    """So the application's hooks are not asked again about a note that they have approved."""
    command = SendNote("c", "A regular customer", client_message_id="1")
    assert await desk.do(BOB, AnswerRetry(command)) is None
    await note(desk, CAROL, "first")
    assert await desk.do(BOB, AnswerRetry(command)) is None
    sent = await desk.do(BOB, command)
    assert await desk.do(BOB, AnswerRetry(command)) == FirstAnswer(sent)
    assert await desk.do(ALICE, AnswerRetry(command)) is None


REFUSED: list[tuple[Actor, SendNote, str]] = [
    (ALICE, SendNote("c", "x"), "forbidden"),
    (MALLORY, SendNote("c", "x"), "forbidden"),
    (DAVE, SendNote("c", "x"), "forbidden"),
    (OPERATOR, SendNote("c", "x"), "forbidden"),
    (BOB, SendNote("c", "x", sender_id="carol"), "forbidden"),
    (BOB, SendNote("unknown", "x"), "forbidden"),
    (BACKEND, SendNote("unknown", "x"), "not_found"),
    (BACKEND, SendNote("c", "x"), "invalid_request senderId"),
    (BACKEND, SendNote("c", "x", sender_id="alice"), "forbidden"),
    (ALICE, SendNote("plain", "x"), "conflict"),
    (BOB, SendNote("c", ""), "invalid_request content"),
    (BOB, SendNote("c", "x" * 70_000), "payload_too_large"),
    (BOB, SendNote("a b", "x"), "invalid_request conversationId"),
    (BOB, SendNote("c", "x", reply_to_id="1"), "forbidden"),
    (BOB, SendNote("c", "x", thread_id="1"), "forbidden"),
    (BOB, SendNote("c", "x", attachments=(AttachmentRef(id="none"),)), "forbidden"),
    (BOB, SendNote("c", "x", on_behalf_of="carol"), "forbidden"),
    (BACKEND, SendNote("c", "x", sender_id="bob", created_ms=1), "invalid_request conversationId"),
    (BACKEND, SendNote("c", "x", sender_id="bob", system=True), "invalid_request conversationId"),
]


async def test_a_refused_note_makes_nothing(desk: Node) -> None:
    await desk.group("plain", ALICE, BOB)
    before = desk.log[-1].pos
    for actor, command, expected in REFUSED:
        error = await refused(desk, actor, command)
        path = f" {error.details[0]['path']}" if isinstance(error.details, list) else ""
        assert f"{error.code}{path}" == expected, command
    assert desk.log[-1].pos == before


async def test_two_first_notes_at_once_share_the_notes(desk: Node) -> None:
    one, other = await desk.in_one_batch((BOB, SendNote("c", "one")), (CAROL, SendNote("c", "other")))
    assert (one.conversation_id, one.seq, other.seq) == (other.conversation_id, 1, 2)


def settled(node: Node) -> set[str]:
    """Returns the conversations whose memberships have all been written."""
    return {event.conversation_id for event in node.log if isinstance(event, TeamSettled)}


async def test_who_writes_and_is_mentioned_is_there_before_the_other_memberships_are_written(
    desk: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talkwire.core.features.conversations.grounds.MEMBERSHIPS_BATCH_MAX", 2)
    monkeypatch.setattr("talkwire.core.features.conversations.grounds.FURTHER_MEMBERSHIPS_BATCH_MAX", 2)
    await desk.do(BACKEND, AddTeamMembers("support", ("u1", "u2", "u3", "u4", "u5")))
    sent = await note(desk, Actor("u5", "u5"), "@u4 look")
    assert sent.mentions == ("u4",)
    assert {*await members(desk, sent.conversation_id)} == {"bob", "carol", "u4", "u5"}
    # The server writes the others by itself, and is woken by notes that come later.
    monkeypatch.setattr(TeamChanger, "look_every_s", 1e6)
    changer = TeamChanger(desk.chat)
    desk.chat.subscribe(changer.follow)
    running = asyncio.ensure_future(changer.run())
    try:
        await until(lambda: sent.conversation_id in settled(desk))
        await desk.do(BACKEND, CreateConversation("group", ("alice",), id="d", team_ids=("support",)))
        later = await desk.do(BOB, SendNote("d", "x"))
        await until(lambda: later.conversation_id in settled(desk))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert await members(desk, sent.conversation_id) == dict.fromkeys(
        ("bob", "carol", "u1", "u2", "u3", "u4", "u5"), (False, ("support",), False)
    )


async def test_the_teams_find_notes_and_customers_do_not(desk: Node, database: Database) -> None:
    async with indexing(desk, database) as indexed:
        await desk.do(BOB, HandOffConversation("c", "carol", "Wants a discount"))
        sent = await note(desk, BOB, "No discount")
        await indexed.catch_up()
        found = {
            actor.user_id: len((await desk.do(actor, SearchMessages("discount"))).items) for actor in (ALICE, CAROL)
        }
        assert found == {"alice": 0, "carol": 2}
        in_notes = await desk.do(CAROL, SearchMessages("discount", conversation_id=sent.conversation_id))
        assert len(in_notes.items) == 2


# --- lines ------------------------------------------------------------------------------------------------------------


async def test_claims_and_handoffs_are_lines_once_there_are_notes(desk: Node) -> None:
    await desk.do(BOB, ClaimConversation("c"))
    await desk.do(BOB, ReleaseConversation("c"))
    assert (await conversation(desk)).notes_id is None
    await note(desk, BOB, "first")
    steps: list[tuple[Actor, Command[Any]]] = [
        (BOB, ClaimConversation("c")),
        (BOB, ClaimConversation("c")),
        (CAROL, ClaimConversation("c", "bob")),
        (CAROL, ReleaseConversation("c")),
        (CAROL, ReleaseConversation("c")),
        (CAROL, HandOffConversation("c", "bob")),
        (CAROL, HandOffConversation("c", "bob")),
        (BOB, HandOffConversation("c", "sales")),
        (BACKEND, ClaimConversation("c", sender_id="dave")),
        (BACKEND, CloseConversation("c")),
        (BACKEND, CloseConversation("c")),
        (ALICE, SendMessage("c", "Hello?")),
        (ALICE, SendMessage("c", "Hello??")),
    ]
    for actor, command in steps:
        await desk.do(actor, command)
    page = await desk.do(CAROL, ListMessages((await conversation(desk)).notes_id or ""))
    lines = [(each.content, each.metadata and each.metadata["desk"]) for each in page.items[1:]]
    assert lines == [
        ("Bob claimed the conversation.", {"action": "claim"}),
        ("Carol took the conversation over from Bob.", {"action": "claim", "from": "bob"}),
        ("Carol released the conversation.", {"action": "release"}),
        ("Carol handed the conversation over to Bob.", {"action": "handoff", "handler": "bob"}),
        ("Bob handed the conversation over to Sales.", {"action": "handoff", "teamId": "sales"}),
        ("Dave claimed the conversation.", {"action": "claim"}),
        ("Backend closed the conversation.", {"action": "close"}),
        ("Alice wrote again, so the conversation is open.", {"action": "reopen"}),
    ]
    assert {each.system for each in page.items[1:]} == {True}


@pytest.mark.parametrize("actor", [BOB, BACKEND], ids=["a member", "the back end"])
async def test_the_note_of_a_handoff_is_a_note(desk: Node, actor: Actor) -> None:
    await desk.do(actor, HandOffConversation("c", "sales", "Wants a discount, @dave"))
    by = actor.name
    page = await desk.do(DAVE, ListMessages((await conversation(desk)).notes_id or ""))
    assert [(each.content, each.system, each.sender_name) for each in page.items] == [
        (f"{by} handed the conversation over to Sales.", True, by),
        ("Wants a discount, @dave", actor is BACKEND, by),
    ]
    assert page.items[1].mentions == ("dave",)


# --- what holds -------------------------------------------------------------------------------------------------------


async def _members(watched: Watched) -> None:
    node = watched.node
    notes_id = (await note(node, BOB, "x")).conversation_id
    of_support = {"bob": (False, ("support",), False), "carol": (False, ("support",), False)}
    assert await members(node, notes_id) == of_support
    await node.do(ALICE, SendMessage("c", "@bob hello"))
    await node.do(BACKEND, AddMembers("c", team_ids=("sales",)))
    assert await members(node, notes_id) == of_support | {"dave": (False, ("sales",), False)}
    await node.do(BACKEND, RestrictMember("c", "bob", "ban"))
    await node.do(BACKEND, RemoveTeam("c", "sales"))
    assert await members(node, notes_id) == {"carol": of_support["carol"]}
    await node.do(BACKEND, AddTeamMembers("support", ("dave",)))
    await node.do(BACKEND, UnrestrictMember("c", "bob", "ban"))
    assert await members(node, notes_id) == of_support | {"dave": of_support["bob"]}
    assert {each.conversation_id for each in node.log if isinstance(each, DeskConversationChanged)} == {"c"}
    for command in (
        AddMembers(notes_id, ("mallory",)),
        AddMembers(notes_id, team_ids=("sales",)),
        RemoveMember(notes_id, "bob"),
        RemoveTeam(notes_id, "support"),
        RestrictMember(notes_id, "bob", "ban"),
        RestrictMember(notes_id, "bob", "mute"),
        UpdateMember(notes_id, "bob", "admin"),
        CreateInvitation((notes_id,)),
    ):
        assert (await refused(node, BACKEND, command)).code == "conflict", command


async def _customers(watched: Watched) -> None:
    """A customer, also with the ids of all that there is, sees what somebody with unknown ids sees."""
    node = watched.node
    await node.do(BOB, CreateUpload("f", "f.txt", None, 5, DAY_MS))
    await node.do(BOB, FinishUpload("f", "text/plain", 5, "d"))
    sent = await note(node, BOB, "A secret", attachments=(AttachmentRef(id="f"),))
    id_, notes_id = str(sent.id), sent.conversation_id
    reads: tuple[Command[Any], ...] = (
        *(GetConversation(notes_id), ListMessages(notes_id), ListPins(notes_id), ListFiles(notes_id)),
        *(ListNotices(notes_id), GetMessage(id_), ListReceipts(id_), GetFile("f")),
    )
    changes: tuple[Command[Any], ...] = (
        *(SendMessage(notes_id, "x"), React(id_, "👍"), EditMessage(id_, "x"), DeleteMessage(id_)),
        *(MarkRead(notes_id, id_), ForwardMessage(id_, ("c",)), SendNote(notes_id, "x"), FindCallees(notes_id, 9)),
    )
    for command in (*reads, *changes):
        assert (await refused(node, ALICE, command)).message == "You have no access to this.", command
    for command in reads:
        await node.do(BOB, command)
    start = cursor_of(node.chat.epoch, 0)
    for actor, sees in ((ALICE, False), (BOB, True)):
        page = await node.do(actor, ListStoredEvents(start, 100, 100))
        about = [event for event in page.events if event.reach.about(event) == notes_id]
        assert bool(about) is sees
        assert (notes_id in str(page.events)) is sees
    view = await node.do(ALICE, GetConversation("c"))
    assert view.last_message is None


async def _lists(watched: Watched) -> None:
    node = watched.node
    sent = await note(node, BOB, "@carol look")
    await node.do(CAROL, SendMessage(sent.conversation_id, "@bob I do"))
    (copy,) = await node.do(BOB, ForwardMessage(str(sent.id), (sent.conversation_id,)))
    assert copy.notes_of == "c"
    found: set[str] = set()
    for actor in (BOB, CAROL, BACKEND, OPERATOR):
        for query in (
            ListConversations(),
            ListConversations(archived=True),
            ListConversations(team_id="support"),
            ListConversations(team_id="support", order="waitingSince"),
            ListConversations(state="open"),
            *((ListConversations(of_everybody=True), ListConversations(member_id="bob")) if actor.is_trusted else ()),
        ):
            found |= {view.conversation.id for view in (await node.do(actor, query)).items}
    assert found == {"c"}
    state = await node.do(BOB, GetStoredState(50))
    assert [view.conversation.id for view in state.conversations] == ["c"]
    assert {event.conversation_id for event in node.log if isinstance(event, MembersListed)} == {"c"}


async def _numbers(watched: Watched) -> None:
    node = watched.node
    await node.do(BOB, SendMessage("c", "@carol I ask them"))
    before = await node.do(CAROL, GetUnread())
    await note(node, BOB, "@carol a note")
    assert await node.do(CAROL, GetUnread()) == before
    (numbers,) = await node.do(OPERATOR, CountDesk(("support",)))
    assert (numbers.open, numbers.unhandled) == (1, 1)


async def _handler(watched: Watched) -> None:
    node = watched.node
    await node.send(ALICE, "Where is it?")
    waiting = (await conversation(node)).waiting_since_ms
    notes_id = (await note(node, BOB, "x")).conversation_id
    assert (await conversation(node)).waiting_since_ms == waiting is not None
    for command in (
        ClaimConversation(notes_id),
        ReleaseConversation(notes_id),
        HandOffConversation(notes_id, "carol"),
        CloseConversation(notes_id),
        SendNote(notes_id, "a note of a note"),
    ):
        error = await refused(node, BOB, command)
        assert (error.code, error.details) == ("conflict", {"notesOf": "c"}), command
    notes = await conversation(node, notes_id)
    assert (notes.handler_id, notes.waiting_since_ms, notes.notes_id, notes.is_handled) == (None, None, None, False)


async def _notifications(watched: Watched) -> None:
    node = watched.node
    await watched.come(ALICE, CAROL)
    sent = await note(node, BOB, "@carol look")
    assert await members_listed(node) == {"carol"}
    await watched.settle()
    (live,) = watched.notified
    (stored,) = await watched.stored(CAROL)
    for each in (live, stored):
        found = each.user_id, each.type, each.message_id, each.conversation_id, each.notes_of
        assert found == ("carol", "mention", sent.id, sent.conversation_id, "c")
    assert stored.read_ms is None
    await node.do(CAROL, MarkRead(sent.conversation_id, str(sent.id)))
    (stored,) = await watched.stored(CAROL)
    assert stored.read_ms is not None

    # Nothing else notifies Carol, who has the conversation in her list, or its customer.
    mine = await node.do(CAROL, SendMessage(sent.conversation_id, "Mine"))
    await note(node, BOB, "@all look", reply_to_id=str(mine.id))
    for place in ("c", sent.conversation_id):
        await node.do(CAROL, SetMemberPreferences(place, notify="all"))
    await note(node, BOB, "@all look", reply_to_id=str(mine.id))
    await node.do(CAROL, SetMemberPreferences("c", notify="none"))
    await note(node, BOB, "@carol again")
    await watched.settle()
    assert watched.notified == [live]
    assert [len(await watched.stored(actor)) for actor in (ALICE, BOB, CAROL)] == [0, 0, 1]

    edited = await note(node, CAROL, "Later")
    await node.do(CAROL, EditMessage(str(edited.id), "@bob later"))
    assert await members_listed(node) == {"bob", "carol"}


async def members_listed(node: Node) -> set[str]:
    """Returns the members through teams who have the conversation in their list."""
    return {user_id for user_id, (own, _, listed) in (await members(node, "c")).items() if listed and not own}


async def _calls(watched: Watched) -> None:
    notes_id = (await note(watched.node, BOB, "x")).conversation_id
    assert (await refused(watched.node, BOB, FindCallees(notes_id, 9))).code == "conflict"


async def _settings(watched: Watched) -> None:
    node = watched.node
    await node.do(BACKEND, UpdateConversation("c", hold=True, retention_days=7, history="from-join"))
    notes_id = (await note(node, BOB, "x")).conversation_id

    async def rules(id_: str) -> tuple[bool, int | None, str]:
        found = await conversation(node, id_)
        return found.hold, found.retention_days, found.history

    assert await rules("c") == await rules(notes_id) == (True, 7, "from-join")
    await node.do(BACKEND, UpdateConversation("c", hold=False, retention_days=None, history="all"))
    assert await rules("c") == await rules(notes_id) == (False, None, "all")
    await node.do(BACKEND, UpdateConversation("c", hold=True, name="Order 17"))
    assert await rules(notes_id) == (True, None, "all")
    for actor in (BACKEND, OPERATOR):
        for changes in ({"name": "x"}, {"hold": False}, {"retention_days": 1}, {"public": True}, {"notify": "all"}):
            assert (await refused(node, actor, UpdateConversation(notes_id, **changes))).code == "conflict"


async def _audit(watched: Watched) -> None:
    node = watched.node
    first = await note(node, BOB, "x")
    await node.do(BACKEND, UpdateConversation("c", hold=True, retention_days=7))
    await node.do(BACKEND, UpdateConversation("c", hold=False))
    await node.do(BACKEND, RemoveTeam("c", "support"))
    await node.do(BACKEND, DeleteConversation("c"))
    audit = await node.do(OPERATOR, ListAudit())
    actions = [each.action for each in audit.items]
    assert actions == ["conversation-delete", "teams-change", "hold-end", "retention", "hold", "team-put", "team-put"]
    assert first.conversation_id not in str(audit.items)


async def _deletion(watched: Watched) -> None:
    node = watched.node
    first = await note(node, BOB, "x")
    assert await node.refusal(BOB, DeleteConversation(first.conversation_id)) == "forbidden"
    await node.do(BACKEND, DeleteConversation(first.conversation_id))
    assert (await conversation(node)).notes_id is None
    second = await note(node, BOB, "y")
    assert second.conversation_id != first.conversation_id
    await node.do(BACKEND, DeleteConversation("c"))
    assert (await refused(node, BACKEND, GetConversation(second.conversation_id))).code == "not_found"
    assert (await refused(node, BOB, GetMessage(str(second.id)))).code == "forbidden"


async def _export(watched: Watched) -> None:
    node = watched.node
    await node.send(ALICE, "A question")
    await note(node, BOB, "A note")

    async def exported(subject: ExportedConversation | ExportedUser) -> tuple[bool, bool]:
        """Returns whether an export has the message and the note."""

        def read() -> str:
            parts = Parts()
            with node.read_engine.connect() as connection:
                subject.read(TableSnapshot(connection, node.clock), parts)  # type: ignore[arg-type]
            return b"".join(parts.rest).decode()

        found = await asyncio.to_thread(read)
        return "A question" in found, "A note" in found

    assert await exported(ExportedConversation("c")) == (True, True)
    assert await exported(ExportedUser("bob", BACKEND)) == (True, True)
    assert await exported(ExportedUser("alice", BACKEND)) == (True, False)
    await node.do(BACKEND, PutTeam("support", "Support", ("carol",)))
    assert await exported(ExportedUser("bob", BACKEND)) == (False, True)


async def _erasure(watched: Watched) -> None:
    node = watched.node
    kept = await note(node, CAROL, "Kept")
    await note(node, BOB, "Redacted")
    await node.do(BOB, ClaimConversation("c"))
    await erase(node, "bob", redact=True)
    assert await texts(node, kept.conversation_id) == ["Kept", "", ""]
    assert {*await members(node, kept.conversation_id)} == {"carol"}
    await erase(node, "alice", redact=True)
    assert await texts(node, kept.conversation_id) == ["Kept", "", ""]


async def _retention(watched: Watched) -> None:
    node, clock = watched.node, watched.node.clock
    await node.do(BACKEND, UpdateConversation("c", retention_days=2))
    early = await note(node, BOB, "early")
    clock.now_ms += 3 * DAY_MS
    await note(node, BOB, "late")
    await prune(node, None)
    assert await texts(node, early.conversation_id) == ["", "late"]
    await node.do(BACKEND, UpdateConversation("c", hold=True))
    clock.now_ms += 3 * DAY_MS
    await prune(node, None)
    assert await texts(node, early.conversation_id) == ["", "late"]
    assert (await refused(node, BACKEND, DeleteConversation("c"))).code == "conflict"
    assert (await refused(node, OPERATOR, DeleteConversation(early.conversation_id))).code == "conflict"


ROWS: Mapping[str, Callable[[Watched], Awaitable[None]]] = MappingProxyType(
    {
        "members": _members,
        "customers": _customers,
        "lists": _lists,
        "numbers": _numbers,
        "handler": _handler,
        "notifications": _notifications,
        "calls": _calls,
        "settings": _settings,
        "retention and hold": _retention,
        "deletion": _deletion,
        "export": _export,
        "erasure": _erasure,
        "audit log": _audit,
    }
)
"""What the table of the page has, by what its rows are called."""


@pytest.mark.parametrize("row", ROWS)
async def test_what_holds_for_notes(watched: Watched, row: str) -> None:
    await ROWS[row](watched)


def test_the_page_has_these_rows() -> None:
    section = PAGE.read_text(encoding="utf-8").split("## Notes\n")[1].split("\n## ")[0]
    table = section.split("| of notes |")[1]
    assert re.findall(r"^\| ([a-z ]+) \|", table, re.MULTILINE) == [*ROWS]
