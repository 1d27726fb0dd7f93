"""Edits of a message's metadata: alone it makes no version, and with a new text it is a part of the same edit."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec import UNSET, UnsetType
from sqlalchemy import func, select

from talkwire.core.commands.members import AddMembers
from talkwire.core.commands.messages import (
    DeleteMessage,
    EditMessage,
    FetchedPreview,
    ForwardMessage,
    GetMessage,
    ListVersions,
    SendMessage,
    SetLinkPreviews,
)
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.commands.search import SearchMessages
from talkwire.core.domain.events import (
    MemberAdded,
    MessageDeleted,
    MessageEdited,
    MessageMetadataChanged,
    MessageSent,
)
from talkwire.core.domain.model import Message
from talkwire.core.domain.texts import METADATA_MAX_BYTES
from talkwire.dialects.built_in import DIALECTS
from talkwire.storage.schema import message_versions, metadata, notifications
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node
from tests.contracts.test_erasure import CANARY, indexed, traces
from tests.databases import Database

Metadata = dict[str, Any] | None

OPEN: Metadata = {"state": "open"}


@dataclass(frozen=True)
class Edit:
    """An edit of a message with the text "card" and the metadata `before`, and what it records."""

    content: str | UnsetType
    metadata: Metadata | UnsetType
    event: type | None
    before: Metadata = None


EDITS = {
    "the text alone": Edit("new", UNSET, MessageEdited, OPEN),
    "the metadata alone": Edit(UNSET, {"state": "approved"}, MessageMetadataChanged, OPEN),
    "the metadata with the same text": Edit("card", {"state": "approved"}, MessageMetadataChanged, OPEN),
    "both": Edit("new", {"state": "approved"}, MessageEdited, OPEN),
    "the first metadata": Edit(UNSET, {"a": [1, {"b": None}]}, MessageMetadataChanged),
    "the whole of it is replaced": Edit(UNSET, {"b": 2}, MessageMetadataChanged, {"a": 1}),
    "none any more": Edit(UNSET, None, MessageMetadataChanged, OPEN),
    "an empty object is not none": Edit(UNSET, {}, MessageMetadataChanged),
    "none any more, with a text": Edit("new", None, MessageEdited, OPEN),
    "true is not 1": Edit(UNSET, {"a": True}, MessageMetadataChanged, {"a": 1}),
    "the same metadata": Edit(UNSET, {"b": [True], "a": 1}, None, {"a": 1, "b": [True]}),
    "none as before": Edit(UNSET, None, None),
    "the same of both": Edit("card", {"state": "open"}, None, OPEN),
    "the same metadata, with a text": Edit("new", {"state": "open"}, MessageEdited, OPEN),
}


async def _card(node: Node, metadata: Metadata = OPEN, content: str = "card") -> Message:
    """Returns a message that Bob has sent to a group of Alice and Bob."""
    await node.group("c", ALICE, BOB)
    sent = await node.do(BOB, SendMessage("c", content, "m1", metadata))
    assert isinstance(sent, Message)
    return sent


@pytest.mark.parametrize("given", EDITS.values(), ids=EDITS.keys())
async def test_an_edit_changes_what_it_sets_and_only_a_new_text_is_a_version(
    node: Node, database: Database, clock: Clock, given: Edit
) -> None:
    sent = await _card(node, given.before)
    clock.now_ms += 1000
    before = len(node.events)
    edited = await node.do(BOB, EditMessage(str(sent.id), given.content, metadata=given.metadata))
    expected_content = sent.content if given.content is UNSET else given.content
    assert (edited.content, edited.metadata) == (
        expected_content,
        sent.metadata if given.metadata is UNSET else given.metadata,
    )
    is_edited = given.event is MessageEdited
    assert edited.edited_ms == (clock.now_ms if is_edited else None)
    events = node.events[before:]
    assert [type(event) for event in events] == ([] if given.event is None else [given.event])
    assert all(event.message == edited for event in events)  # type: ignore[union-attr]  # about a message
    # The database, the log and a retry of the sending have the same.
    assert await node.do(ALICE, GetMessage(str(sent.id))) == edited
    assert (await node.replay())[-1].message == edited  # type: ignore[attr-defined]  # about a message
    assert await node.do(BOB, SendMessage("c", "card", "m1", given.before)) == edited
    versions = await node.do(ALICE, ListVersions(str(sent.id)))
    assert [version.content for version in versions.items] == (["card", "new"] if is_edited else ["card"])
    with database.engine() as engine, engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(message_versions)).scalar_one() == is_edited


TOO_LARGE: dict[str, Any] = {"a": "x" * METADATA_MAX_BYTES}


@pytest.mark.parametrize(
    ("content", "metadata", "path"),
    [
        (UNSET, UNSET, "content"),
        (UNSET, TOO_LARGE, "metadata"),
        ("new", TOO_LARGE, "metadata"),
        (" ", {"a": 1}, "content"),
        ("\ud800", {"a": 1}, "content"),
        (UNSET, {"a": "\ud800"}, "metadata"),
        (UNSET, {"a": float("nan")}, "metadata"),
    ],
)
async def test_an_edit_sets_something_and_both_are_bounded(
    node: Node, content: str | UnsetType, metadata: Metadata | UnsetType, path: str
) -> None:
    sent = await _card(node)
    events = len(node.events)
    with pytest.raises(Exception, match=path) as refused:
        await node.do(BOB, EditMessage(str(sent.id), content, metadata=metadata))
    assert refused.value.code == "invalid_request"  # type: ignore[attr-defined]  # a ChatError
    assert len(node.events) == events
    largest: dict[str, object] = {"a": "x" * (METADATA_MAX_BYTES - len('{"a":""}'))}
    assert (await node.do(BOB, EditMessage(str(sent.id), metadata=largest))).metadata == largest


async def test_the_author_and_the_backend_edit_metadata_and_nobody_else(node: Node) -> None:
    sent = await _card(node)
    approve = EditMessage(str(sent.id), metadata={"state": "approved"})
    for actor in (ALICE, CAROL, MALLORY, OPERATOR):
        assert await node.refusal(actor, approve) == "forbidden"
    assert (await node.do(BACKEND, approve)).metadata == {"state": "approved"}
    assert await node.refusal(BACKEND, EditMessage(str(sent.id), sender_id="alice", metadata=None)) == "forbidden"
    await node.do(ALICE, RestrictMember("c", "bob", "mute"))
    assert await node.refusal(BOB, EditMessage(str(sent.id), metadata=None)) == "muted"
    assert (await node.do(BACKEND, EditMessage(str(sent.id), sender_id="bob", metadata=None))).metadata is None
    await node.do(BACKEND, DeleteMessage(str(sent.id)))
    for actor in (BOB, BACKEND):
        assert await node.refusal(actor, approve) in {"muted", "invalid_request"}
    assert (await node.do(ALICE, GetMessage(str(sent.id)))).metadata is None


async def test_a_forwarded_message_keeps_its_text_and_may_have_other_metadata(node: Node) -> None:
    sent = await _card(node)
    (copy,) = await node.do(BOB, ForwardMessage(str(sent.id), ("c",)))
    for content in ("new", "card"):
        edit = EditMessage(str(copy.id), content, metadata={"a": 1})
        assert await node.refusal(BOB, edit) == "invalid_request"
    edited = await node.do(BOB, EditMessage(str(copy.id), metadata={"a": 1}))
    assert (edited.metadata, edited.forwarded_from) == ({"a": 1}, copy.forwarded_from)


async def test_metadata_alone_touches_nothing_that_a_text_does(node: Node, database: Database) -> None:
    """Carol joins after the message, so an edit of its text would mention her."""
    sent = await _card(node, OPEN, "@alice and @carol https://talkwire.org/")
    await node.do(OPERATOR, SetLinkPreviews(sent.id, sent.content, (FetchedPreview("https://talkwire.org/", "T"),)))
    await indexed(node)

    def notified() -> int:
        with database.engine() as engine, engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(notifications)).scalar_one()

    await node.do(BACKEND, AddMembers("c", ("carol",)))
    before = await node.do(ALICE, GetMessage(str(sent.id)))
    assert (len(before.previews), before.mentions) == (1, ("alice",))
    count = await asyncio.to_thread(notified)
    edited = await node.do(BOB, EditMessage(str(sent.id), metadata={"state": "approved"}))
    await indexed(node)
    assert edited == await node.do(ALICE, GetMessage(str(sent.id)))
    assert (edited.mentions, edited.previews, edited.edited_ms) == (before.mentions, before.previews, None)
    assert await asyncio.to_thread(notified) == count
    assert [each.id for each in (await node.do(ALICE, SearchMessages("alice"))).items] == [sent.id]
    assert [type(event) for event in node.log[-2:]] == [MemberAdded, MessageMetadataChanged]


async def test_changes_in_one_transaction_see_each_other(node: Node) -> None:
    sent = await _card(node)
    id_ = str(sent.id)
    outcomes = await node.in_one_batch(
        (BOB, EditMessage(id_, metadata={"n": 1})),
        (BOB, EditMessage(id_, "new")),
        (BOB, EditMessage(id_, metadata={"n": 1})),
        (BOB, EditMessage(id_, "newer", metadata={"n": 2})),
        (BOB, DeleteMessage(id_)),
    )
    assert [(each.content, each.metadata) for each in outcomes[:4]] == [
        ("card", {"n": 1}),
        ("new", {"n": 1}),
        ("new", {"n": 1}),
        ("newer", {"n": 2}),
    ]
    assert [type(event) for event in node.log[-5:]] == [
        MessageSent,
        MessageMetadataChanged,
        MessageEdited,
        MessageEdited,
        MessageDeleted,
    ]


@pytest.mark.parametrize("with_a_text", [False, True])
async def test_no_former_metadata_is_left_after_an_edit_and_none_after_the_deletion(
    node: Node, database: Database, *, with_a_text: bool
) -> None:
    async def tables() -> set[str]:
        found = await asyncio.to_thread(lambda: set(traces(database)))
        return found & {*metadata.tables, "message_words"}

    sent = await _card(node, {"state": CANARY})
    assert await tables() == {"messages"}
    await node.do(BOB, EditMessage(str(sent.id), "new" if with_a_text else UNSET, metadata={"state": "approved"}))
    assert await tables() == set()
    await node.do(BOB, EditMessage(str(sent.id), metadata={"state": CANARY}))
    assert await tables() == {"messages"}
    await node.do(BOB, DeleteMessage(str(sent.id)))
    assert await tables() == set()
    assert all(event.message.metadata is None for event in await node.replay() if isinstance(event, MessageSent))


def test_only_the_messenger_dialect_has_an_event_for_metadata() -> None:
    assert [dialect.name for dialect in DIALECTS.values() if MessageMetadataChanged in dialect.outbound] == [
        "messenger"
    ]
