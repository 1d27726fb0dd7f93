"""Messages with parts on both databases: sending, editing, forwarding and what is left of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from talkwire.core.commands.accounts import PutUser
from talkwire.core.commands.files import CreateUpload, FinishUpload, GetFile
from talkwire.core.commands.messages import (
    AttachmentRef,
    DeleteMessage,
    EditMessage,
    ForwardMessage,
    GetMessage,
    ListVersions,
    SendMessage,
    SendMessages,
)
from talkwire.core.domain.access_policy import AccessPolicy, Streamers
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageEdited, MessageSent
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.parts.message_parts import DataPart, MessagePart, SourcePart, TextPart
from talkwire.storage.schema import file_links, messages, source_quotes
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, Clock, Node, running
from tests.contracts.test_erasure import erase
from tests.contracts.test_retention import DAY_MS, prune
from tests.core.test_parts import ALL, TOOL
from tests.databases import Database

HELPER = Actor("helper", "Helper")
HELLO = TextPart("Hello")
Parts = tuple[MessagePart, ...]


def of(*parts: MessagePart, to: str = "c", **more: Any) -> SendMessage:  # noqa: ANN401 (fields of the command)
    return SendMessage(to, parts=parts, **more)


async def with_agent(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.do(BACKEND, PutUser("helper", kind="agent"))
    await node.group("c", ALICE, BOB, HELPER)


async def upload(node: Node, actor: Actor, file_id: str) -> None:
    await node.do(actor, CreateUpload(file_id, f"{file_id}.txt", "text/plain", 5, 60_000))
    await node.do(actor, FinishUpload(file_id, "text/plain", 5, "digest"))


async def rows(node: Node, table: Any) -> int:  # noqa: ANN401 (a table)
    with node.read_engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


# --- sending ----------------------------------------------------------------------------------------------------------


async def test_what_was_sent_is_read_back_equal(node: Node) -> None:
    await with_agent(node)
    sent = [
        await node.do(HELPER, of(*ALL)),
        *await node.do(BACKEND, SendMessages((of(*ALL, sender_id="helper"),))),
        await node.do(BACKEND, of(*ALL, sender_id="alice", created_ms=node.clock.now_ms)),
        await node.do(BACKEND, of(*ALL, system=True)),
    ]
    for each in sent:
        assert (each.content, each.parts) == ("Hello", ALL)
        assert await node.do(BOB, GetMessage(str(each.id))) == each
    assert [event.message for event in node.log if isinstance(event, MessageSent)] == sent
    assert await node.replay() == node.log


async def test_a_message_whose_only_part_is_a_text_has_no_parts(node: Node) -> None:
    await with_agent(node)
    sent = await node.do(BOB, of(TextPart("Hello @Alice")))
    assert (sent.content, sent.parts, sent.mentions) == ("Hello @Alice", (), ("alice",))
    assert await node.do(BOB, GetMessage(str(sent.id))) == sent


async def test_texts_among_the_parts_mention_and_blank_ones_are_refused(node: Node) -> None:
    await with_agent(node)
    sent = await node.do(HELPER, of(TOOL, TextPart("Hello @Bob")))
    assert (sent.mentions, sent.parts) == (("bob",), (TOOL, TextPart("Hello @Bob")))
    for command in (of(TextPart(" ")), SendMessage("c", "Hello", parts=(HELLO,)), EditMessage("1", "Hello", parts=ALL)):
        assert await node.refusal(HELPER, command) == "invalid_request"


async def test_a_retry_has_the_same_parts(node: Node) -> None:
    await with_agent(node)
    sent = await node.do(HELPER, of(HELLO, TOOL, client_message_id="m1"))
    assert await node.do(HELPER, of(HELLO, TOOL, client_message_id="m1")) == sent
    for parts in ((HELLO,), (TOOL, HELLO), (HELLO, replace(TOOL, output=1))):
        assert await node.refusal(HELPER, of(*parts, client_message_id="m1")) == "conflict"
    assert await node.refusal(HELPER, SendMessage("c", "Hello", "m1")) == "conflict"


STREAMERS: Sequence[tuple[Streamers, tuple[str, ...]]] = (
    ("agents", ("helper", "service")),
    ("everyone", ("alice", "helper", "root", "service")),
    ("off", ()),
)


@pytest.mark.parametrize(("streams", "allowed"), STREAMERS)
async def test_the_setting_says_who_writes_other_parts_than_texts_and_sources(
    database: Database, clock: Clock, streams: Streamers, allowed: tuple[str, ...]
) -> None:
    async with running(database, clock, policy=AccessPolicy(streams=streams)) as node:
        await with_agent(node)
        root = Actor("root", "Root", "admin")
        await node.group("c2", ALICE, root)
        for name, actor, sender_id, to in (
            ("alice", ALICE, None, "c"),
            ("helper", HELPER, None, "c"),
            ("root", root, None, "c2"),
            ("service", BACKEND, "bob", "c"),
        ):
            plain = await node.do(actor, of(HELLO, ALL[3], to=to, sender_id=sender_id))
            assert len(plain.parts) == 2
            for part in (each for each in ALL if not isinstance(each, TextPart | SourcePart)):
                commands = of(HELLO, part, to=to, sender_id=sender_id), EditMessage(str(plain.id), parts=(HELLO, part))
                for command in commands:
                    if name in allowed:
                        assert part in (await node.do(actor, command)).parts
                    else:
                        with pytest.raises(ChatError, match=r"setting streams") as refused:
                            await node.do(actor, command)
                        assert refused.value.code == "forbidden"


# --- files ------------------------------------------------------------------------------------------------------------


async def test_a_file_that_is_a_source_is_attached(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await upload(node, ALICE, "f1")
    await upload(node, ALICE, "f2")
    sent = await node.do(ALICE, of(HELLO, SourcePart(file_id="f1"), SourcePart(file_id="f1", quote="x")))
    assert [each.id for each in sent.attachments] == ["f1"]
    await node.do(BOB, GetFile("f1"))
    assert await node.refusal(BOB, GetFile("f2")) == "forbidden"
    edited = await node.do(ALICE, EditMessage(str(sent.id), parts=(SourcePart(file_id="f2"),)))
    assert ([each.id for each in edited.attachments], edited.content) == (["f1", "f2"], "")
    await node.do(BOB, GetFile("f2"))
    assert await rows(node, file_links) == 2
    await node.do(ALICE, DeleteMessage(str(sent.id)))
    assert await rows(node, file_links) == 0
    assert await node.refusal(BOB, GetFile("f2")) == "forbidden"


async def test_a_source_is_a_file_of_the_author(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await upload(node, BOB, "f1")
    hello = await node.send(ALICE, "Hello")
    for parts in ((SourcePart(file_id="f1"),), (SourcePart(file_id="none"),)):
        assert await node.refusal(ALICE, of(*parts)) == "forbidden"
        assert await node.refusal(ALICE, EditMessage(str(hello.id), parts=parts)) == "forbidden"
    many = tuple(SourcePart(file_id=f"f{number}") for number in range(20))
    command = of(*many, attachments=(AttachmentRef(url="https://example.com/a"),))
    assert await node.refusal(ALICE, command) == "invalid_request"
    with_file = await node.do(ALICE, SendMessage("c", "x", attachments=(AttachmentRef(url="https://example.com/a"),)))
    assert await node.refusal(ALICE, EditMessage(str(with_file.id), parts=many)) == "invalid_request"


# --- editing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "edit", "parts", "content"),
    [
        ((), {"parts": ALL}, ALL, "Hello"),
        ((), {"parts": (TextPart("a"), TextPart("b"))}, (TextPart("a"), TextPart("b")), "a\n\nb"),
        (ALL, {"parts": (TextPart("New"),)}, (), "New"),
        (ALL, {"content": "New"}, (TextPart("New"), *ALL[1:]), "New"),
        ((TOOL, HELLO, TextPart("b")), {"content": "New"}, (TOOL, TextPart("New")), "New"),
        ((TOOL,), {"content": "New"}, (TextPart("New"), TOOL), "New"),
        ((HELLO, TOOL), {"parts": (HELLO, replace(TOOL, output=True))}, (HELLO, replace(TOOL, output=True)), "Hello"),
        ((HELLO, TextPart("b")), {"content": "New"}, (), "New"),
    ],
)
async def test_an_edit_replaces_texts_or_all_parts(
    node: Node, before: Parts, edit: dict[str, Any], parts: Parts, content: str
) -> None:
    await with_agent(node)
    sent = await node.do(HELPER, of(*before) if before else SendMessage("c", "Old"))
    edited = await node.do(HELPER, EditMessage(str(sent.id), **edit))
    assert (edited.content, edited.parts, edited.edited_ms) == (content, parts, node.clock.now_ms)
    assert await node.do(BOB, GetMessage(str(sent.id))) == edited
    versions = (await node.do(BOB, ListVersions(str(sent.id)))).items
    assert [(each.content, each.parts) for each in versions] == [(sent.content, sent.parts), (content, parts)]
    assert isinstance(node.log[-1], MessageEdited)
    count = len(node.log)
    assert await node.do(HELPER, EditMessage(str(sent.id), **edit)) == edited
    labelled = await node.do(HELPER, EditMessage(str(sent.id), metadata={"a": 1}))
    assert (labelled.parts, labelled.edited_ms) == (parts, edited.edited_ms)
    assert len((await node.do(BOB, ListVersions(str(sent.id)))).items) == 2
    assert len(node.log) == count + 1


async def test_numbers_and_truth_values_are_different_outputs(node: Node) -> None:
    await with_agent(node)
    sent = await node.do(HELPER, of(HELLO, replace(TOOL, output=1)))
    edited = await node.do(HELPER, EditMessage(str(sent.id), parts=(HELLO, replace(TOOL, output=True))))
    assert edited.edited_ms is not None


async def test_an_author_without_the_right_edits_the_text_beside_other_parts(node: Node) -> None:
    await with_agent(node)
    sent = await node.do(BACKEND, of(HELLO, TOOL, sender_id="bob"))
    assert (await node.do(BOB, EditMessage(str(sent.id), "New"))).parts == (TextPart("New"), TOOL)
    assert await node.refusal(BOB, EditMessage(str(sent.id), parts=(HELLO, TOOL))) == "forbidden"
    assert await node.refusal(BOB, EditMessage(str(sent.id), " ")) == "invalid_request"
    assert await node.refusal(BOB, EditMessage(str(sent.id), parts=())) == "invalid_request"


# --- forwarding and quotes --------------------------------------------------------------------------------------------


async def test_a_forwarded_copy_has_the_texts_and_sources(node: Node) -> None:
    await with_agent(node)
    await node.group("d", ALICE, BOB)
    sent = await node.do(HELPER, of(*ALL))
    (copy,) = await node.do(BOB, ForwardMessage(str(sent.id), ("d",)))
    assert (copy.content, copy.parts) == ("Hello", (ALL[0], ALL[3]))
    sourced = await node.do(HELPER, of(TOOL, ALL[3]))
    (copy,) = await node.do(BOB, ForwardMessage(str(sourced.id), ("d",)))
    assert (sourced.content, copy.content, copy.parts) == ("search, A page", "A page", (ALL[3],))
    texted = await node.do(HELPER, of(TOOL, HELLO))
    (copy,) = await node.do(BOB, ForwardMessage(str(texted.id), ("d",)))
    assert (copy.content, copy.parts) == ("Hello", ())
    assert await node.do(BOB, GetMessage(str(copy.id))) == copy
    bare = await node.do(HELPER, of(TOOL, DataPart("x", 1)))
    assert await node.refusal(BOB, ForwardMessage(str(bare.id), ("d",))) == "invalid_request"


async def _quoting(node: Node) -> tuple[Message, list[Message]]:
    """Returns a message of Bob, and messages that quote it: one of Alice, one that Alice has edited, one that quotes
    another message too, and a forwarded copy of the first."""
    await node.group("c", ALICE, BOB)
    await node.group("d", ALICE, CAROL)
    quoted, other = await node.send(BOB, "a secret"), await node.send(ALICE, "no secret")
    cited = SourcePart(message_id=str(quoted.id), title="Bob", quote="a secret")
    kept = SourcePart(message_id=str(other.id), quote="kept")
    sent = [await node.do(ALICE, of(HELLO, cited, *more)) for more in ((), (cited,), (kept,))]
    sent[1] = await node.do(ALICE, EditMessage(str(sent[1].id), parts=(HELLO, kept)))
    return quoted, [*sent, *await node.do(ALICE, ForwardMessage(str(sent[0].id), ("d",)))]


async def _check_gone(node: Node, quoted: Message, quoting: list[Message]) -> None:
    left = SourcePart(message_id=str(quoted.id), title="Bob")
    found = [await node.do(ALICE, GetMessage(str(each.id))) for each in quoting]
    assert [each.parts[1] for each in found] == [left, quoting[1].parts[1], left, left]
    assert found[2].parts[2] == quoting[2].parts[2]
    assert [each.content for each in found] == ["Hello"] * 4
    versions = (await node.do(ALICE, ListVersions(str(quoting[1].id)))).items
    assert [each.parts[1:] for each in versions] == [(left, left), (quoting[1].parts[1],)]
    events = [event for event in await node.replay() if isinstance(event, MessageSent)]
    assert "a secret" not in str([event.message for event in events])
    with node.read_engine.connect() as connection:
        assert "secret" not in str([*connection.execute(select(messages.c.extra)).scalars()])


async def test_a_quote_is_removed_with_the_message_that_it_is_of(node: Node) -> None:
    quoted, quoting = await _quoting(node)
    await node.do(BOB, DeleteMessage(str(quoted.id)))
    await _check_gone(node, quoted, quoting)
    assert await rows(node, source_quotes) == 2
    for each in quoting:
        await node.do(ALICE, DeleteMessage(str(each.id)))
    assert await rows(node, source_quotes) == 0


async def test_a_quote_is_removed_with_the_erasure_of_its_author(node: Node) -> None:
    quoted, quoting = await _quoting(node)
    await erase(node, "bob")
    await _check_gone(node, quoted, quoting)


async def test_a_quote_is_removed_with_the_retention_of_the_message(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    old = await node.send(BOB, "a secret")
    node.clock.now_ms += 2 * DAY_MS
    cited = SourcePart(message_id=str(old.id), quote="a secret")
    sent = await node.do(ALICE, of(HELLO, cited))
    assert (await node.do(ALICE, GetMessage(str(sent.id)))).parts == (HELLO, cited)
    await prune(node)
    assert (await node.do(ALICE, GetMessage(str(sent.id)))).parts == (HELLO, replace(cited, quote=None))
    assert await rows(node, source_quotes) == 0


async def test_a_quote_of_an_unknown_or_deleted_message_is_stored(node: Node) -> None:
    """The server does not look the message up."""
    await node.group("c", ALICE, BOB)
    gone = await node.send(BOB, "a secret")
    await node.do(BOB, DeleteMessage(str(gone.id)))
    for message_id in (str(gone.id), "9"):
        sent = await node.do(ALICE, of(HELLO, SourcePart(message_id=message_id, quote="x")))
        assert await node.do(ALICE, GetMessage(str(sent.id))) == sent


async def test_messages_of_one_batch_lose_the_quote_of_one_that_is_deleted_in_it(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    quoted = await node.send(BOB, "a secret")
    cited = SourcePart(message_id=str(quoted.id), quote="a secret")
    commands = (ALICE, of(HELLO, cited, client_message_id="m1")), (BOB, DeleteMessage(str(quoted.id)))
    sent, _, again = await node.in_one_batch(*commands, commands[0])
    assert (sent.id, again.parts) == (again.id, (HELLO, replace(cited, quote=None)))
    assert (await node.do(ALICE, GetMessage(str(sent.id)))).parts == (HELLO, replace(cited, quote=None))
