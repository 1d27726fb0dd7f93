"""Uploads, files and who may see them, over each database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from sqlalchemy import insert

from talkwire.core.commands.accounts import BanUser, EnsureUser, PutUser, UpdateUser
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation, UpdateConversation
from talkwire.core.commands.files import (
    ClaimUploads,
    CreateUpload,
    DropFile,
    FindFiles,
    FindUnplacedFiles,
    FindUploads,
    FinishUpload,
    ForgetUploads,
    GetFile,
    GetUpload,
    ListFiles,
    PlaceFiles,
    ReleaseFiles,
)
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import AttachmentRef, DeleteMessage, ForwardMessage, GetMessage, SendMessage
from talkwire.core.commands.server.retention import PruneOld
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, File, Message, Upload
from talkwire.core.features.messages.files import (
    BYTES_LOST_AFTER_MS,
    EXPIRED_COUNTED_MS,
    UNUSED_LIFETIME_MS,
    UPLOADS_AT_ONCE,
    file_url,
    thumbnail_url,
)
from talkwire.core.ports.transaction import Transaction
from talkwire.storage.schema import file_links
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Call, Node

LIFETIME_MS = 60_000


def creation(upload_id: str = "u1") -> CreateUpload:
    return CreateUpload(upload_id, "cat.png", "image/png", 10, LIFETIME_MS)


def finish(upload_id: str = "u1") -> FinishUpload:
    return FinishUpload(upload_id, "image/png", 8, "d1", 3, 2)


async def finished(node: Node, actor: Actor = ALICE, file_id: str = "u1") -> File:
    await node.do(actor, creation(file_id))
    file = await node.do(actor, finish(file_id))
    assert isinstance(file, File)
    return file


async def attach(node: Node, file_id: str, message: Message) -> None:
    """Attaches a file to a message, as the message's projection does."""
    link = {
        "file_id": file_id,
        "message_id": message.id,
        "conversation_id": message.conversation_id,
        "seq": message.seq,
    }
    with node.write_engine.begin() as connection:
        connection.execute(insert(file_links), link)


def look(file_id: str = "u1", to: str = "c") -> SendMessage:
    """Returns a message with a file."""
    return SendMessage(to, "look", attachments=(AttachmentRef(id=file_id),))


async def test_expired_uploads_are_left_to_the_node_that_has_their_folder(node: Node) -> None:
    for upload_id, folder_id in (("u1", "here"), ("u2", "there"), ("u3", None)):
        command = CreateUpload(upload_id, "cat.png", None, 10, -1, folder_id=folder_id)
        assert (await node.do(ALICE, command)).folder_id == folder_id
    assert set(await node.do(OPERATOR, ClaimUploads(1, folder_ids=("here", "also here")))) == {"u1", "u3"}
    assert set(await node.do(OPERATOR, ClaimUploads(1, folder_ids=("there",)))) >= {"u2"}


async def test_an_upload_in_a_folder_that_was_lost_is_forgotten_by_any_node(node: Node) -> None:
    await node.do(ALICE, CreateUpload("u1", "cat.png", None, 10, -BYTES_LOST_AFTER_MS - 1, folder_id="lost"))
    await node.do(ALICE, CreateUpload("u2", "cat.png", None, 10, 1000 - BYTES_LOST_AFTER_MS, folder_id="lost"))
    assert await node.do(OPERATOR, ClaimUploads(1)) == ("u1",)


async def test_expired_uploads_count_for_a_day(node: Node) -> None:
    await node.do(ALICE, CreateUpload("u1", "cat.png", None, 10, -EXPIRED_COUNTED_MS - 1, folder_id="lost"))
    await node.do(ALICE, CreateUpload("u2", "cat.png", None, 10, 1000 - EXPIRED_COUNTED_MS, folder_id="lost"))
    with pytest.raises(ChatError) as refused:
        await node.do(ALICE, CreateUpload("u3", "cat.png", None, 100, LIFETIME_MS, 50))
    assert refused.value.details == {"storage": 50, "stored": 10}


async def test_a_file_that_ends_stays_in_its_folder(node: Node) -> None:
    await node.do(ALICE, creation())
    finishing = FinishUpload("u1", "image/png", 8, "d1", 3, 2, folder_id="there")
    assert (await node.do(ALICE, finishing)).folder_id == "there"
    await node.do(ALICE, DropFile("u1"))
    assert await node.do(OPERATOR, ClaimUploads(1, folder_ids=("here",))) == ()
    assert await node.do(OPERATOR, ClaimUploads(1, folder_ids=("there",))) == ("u1",)


async def test_files_with_an_unknown_folder_are_placed(node: Node) -> None:
    for file_id in ("u1", "u2", "u3"):
        await finished(node, file_id=file_id)
    assert await node.do(OPERATOR, FindUnplacedFiles("", 2)) == ("u1", "u2")
    await node.do(OPERATOR, PlaceFiles(("u1",), "here"))
    await node.do(OPERATOR, PlaceFiles(("u1", "u2"), "there"))
    assert await node.do(OPERATOR, FindUnplacedFiles("")) == ("u3",)
    assert [(await node.do(ALICE, GetFile(file_id))).folder_id for file_id in ("u1", "u2")] == ["here", "there"]


async def release(node: Node) -> set[str]:
    """Returns the files without references, after all due ones were checked."""
    await node.do(OPERATOR, ReleaseFiles())
    return set(await node.do(OPERATOR, ClaimUploads(1)))


async def sees(node: Node, actor: Actor, file_id: str = "u1") -> bool:
    try:
        await node.do(actor, GetFile(file_id))
    except ChatError as error:
        return error.code != "forbidden"
    return True


async def test_an_upload_becomes_a_file(node: Node) -> None:
    now = node.clock.now_ms
    upload = await node.do(ALICE, creation())
    assert upload == Upload("u1", "alice", "cat.png", "image/png", 10, now, now + LIFETIME_MS)
    assert await node.do(ALICE, GetUpload("u1")) == upload
    assert await node.refusal(ALICE, GetFile("u1")) == "forbidden"
    file = await node.do(ALICE, finish())
    assert file == File("u1", "alice", "cat.png", "image/png", 8, "d1", now, 10, 3, 2)
    node.clock.now_ms += LIFETIME_MS
    assert await node.do(ALICE, GetUpload("u1")) == file
    assert await node.do(ALICE, GetFile("u1")) == file
    assert await node.do(OPERATOR, FindUploads(frozenset({"u1"}))) == frozenset()


async def test_uploads_record_no_events(node: Node) -> None:
    await finished(node)
    await node.do(ALICE, DropFile("u1"))
    assert node.log == []
    assert await node.replay() == []


async def test_an_upload_that_is_finished_twice_is_one_file(node: Node) -> None:
    first = await finished(node)
    again = FinishUpload("u1", "text/html", 9, "d2")
    assert await node.do(ALICE, again) == first
    assert await node.do(ALICE, GetFile("u1")) == first


async def test_only_its_owner_sees_an_upload(node: Node) -> None:
    await node.do(ALICE, creation())
    for actor in (BOB, BACKEND, OPERATOR):
        assert await node.refusal(actor, GetUpload("u1")) == "forbidden"
        assert await node.refusal(actor, finish()) == "forbidden"
        assert await node.refusal(actor, DropFile("u1")) == "forbidden"
    assert await node.refusal(ALICE, GetUpload("u2")) == "forbidden"
    assert await node.refusal(ALICE, finish("u2")) == "forbidden"
    assert await node.refusal(ALICE, DropFile("u2")) == "forbidden"


async def test_only_its_owner_sees_a_file_until_a_message_has_it(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await finished(node)
    assert [await sees(node, actor) for actor in (ALICE, BOB, MALLORY, BACKEND, OPERATOR)] == [True] + [False] * 4
    await attach(node, "u1", await node.send(ALICE, "look"))
    assert [await sees(node, actor) for actor in (ALICE, BOB, BACKEND, OPERATOR, MALLORY)] == [True] * 4 + [False]


async def test_a_former_member_does_not_see_a_notification(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    await finished(node)
    await attach(node, "u1", await node.send(ALICE, "look"))
    await node.do(ALICE, RemoveMember("c", "bob"))
    assert [await sees(node, actor) for actor in (BOB, CAROL)] == [False, True]


async def test_a_file_from_before_the_members_history_is_not_shown(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="c", history="from-join", owner_id="alice"))
    await finished(node, file_id="u1")
    await finished(node, file_id="u2")
    await attach(node, "u1", await node.send(ALICE, "before carol came"))
    await node.do(BACKEND, EnsureUser("carol", "Carol"))
    await node.do(ALICE, AddMembers("c", ("carol",)))
    await attach(node, "u2", await node.send(ALICE, "after"))
    assert [await sees(node, CAROL, file_id) for file_id in ("u1", "u2")] == [False, True]
    assert [await sees(node, BOB, file_id) for file_id in ("u1", "u2")] == [True, True]


async def test_a_file_of_a_deleted_message_is_hidden(node: Node) -> None:
    """Also if the link to the message still existed."""
    await node.group("c", ALICE, BOB)
    await finished(node)
    message = await node.do(ALICE, look())
    await node.do(ALICE, DeleteMessage(str(message.id)))
    await attach(node, "u1", message)
    assert [await sees(node, actor) for actor in (ALICE, BOB)] == [False, False]
    await node.do(ALICE, DropFile("u1"))


async def test_a_file_is_visible_through_any_of_its_messages(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.group("d", ALICE, CAROL)
    await finished(node)
    await attach(node, "u1", await node.send(ALICE, "look", to="c"))
    assert not await sees(node, CAROL)
    await attach(node, "u1", await node.send(ALICE, "look", to="d"))
    assert await sees(node, CAROL)


async def test_an_expired_upload_is_hidden(node: Node) -> None:
    await node.do(ALICE, creation())
    node.clock.now_ms += LIFETIME_MS
    assert await node.refusal(ALICE, GetUpload("u1")) == "forbidden"
    assert await node.refusal(ALICE, finish()) == "forbidden"


async def test_an_expired_upload_is_claimed_by_one_at_a_time_until_it_is_forgotten(node: Node) -> None:
    for number in range(3):
        await node.do(ALICE, creation(f"u{number}"))
        node.clock.now_ms += 10
    node.clock.now_ms += LIFETIME_MS - 20
    assert await node.do(OPERATOR, ClaimUploads(1000, 1)) == ("u0",)
    assert await node.do(OPERATOR, ClaimUploads(5000)) == ("u1",)
    assert await node.do(OPERATOR, ClaimUploads(1000)) == ()
    node.clock.now_ms += 1000
    assert await node.do(OPERATOR, ClaimUploads(5000, 1)) == ("u2",)
    assert await node.do(OPERATOR, ClaimUploads(1000, 1)) == ("u0",)
    await node.do(OPERATOR, ForgetUploads(("u0", "u1", "u9")))
    node.clock.now_ms += 5000
    assert await node.do(OPERATOR, ClaimUploads(1000)) == ("u2",)
    assert await node.do(OPERATOR, FindUploads(frozenset({"u0", "u2"}))) == {"u2"}


@pytest.mark.parametrize("actor", [ALICE, BACKEND])
async def test_only_the_server_itself_sweeps(node: Node, actor: Actor) -> None:
    found = frozenset({"u1"})
    commands = (
        *(ClaimUploads(1), FindUploads(found), FindFiles(found), ForgetUploads(("u1",)), ReleaseFiles()),
        *(FindUnplacedFiles(), PlaceFiles(("u1",), "here")),
    )
    for command in commands:
        assert await node.refusal(actor, command) == "forbidden"


async def test_a_dropped_upload_has_no_owner_until_it_is_forgotten(node: Node) -> None:
    await node.do(ALICE, creation("u1"))
    await finished(node, file_id="u2")
    for file_id in ("u1", "u2"):
        await node.do(ALICE, DropFile(file_id))
        assert await node.refusal(ALICE, GetUpload(file_id)) == "forbidden"
        assert await node.refusal(ALICE, GetFile(file_id)) == "forbidden"
        assert await node.refusal(ALICE, finish(file_id)) == "forbidden"
    assert set(await node.do(OPERATOR, ClaimUploads(1))) == {"u1", "u2"}


async def test_a_file_in_a_message_stays(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await finished(node)
    await attach(node, "u1", await node.send(ALICE, "look"))
    assert await node.refusal(ALICE, DropFile("u1")) == "conflict"
    assert await sees(node, BOB)


async def test_a_file_that_is_sent_and_dropped_in_one_batch_stays(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await finished(node)
    sent, refusal = await node.in_one_batch((ALICE, look()), (ALICE, DropFile("u1")))
    assert (sent.attachments[0].id, refusal.code) == ("u1", "conflict")
    assert await sees(node, BOB)


async def test_a_file_of_another_user_cannot_be_deleted(node: Node) -> None:
    await finished(node)
    assert await node.refusal(BOB, DropFile("u1")) == "forbidden"
    assert await sees(node, ALICE)


async def test_a_users_concurrent_uploads_are_limited(node: Node) -> None:
    asked: list[Awaitable[object]] = [node.ask(ALICE, creation(f"u{n}")) for n in range(UPLOADS_AT_ONCE + 1)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, ChatError)]
    assert [error.code for error in refused] == ["rate_limited"]
    await node.do(BOB, creation("b1"))
    await node.do(ALICE, finish("u0"))
    await node.do(ALICE, creation("u200"))


async def test_the_back_end_sees_the_files_that_are_shown(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    shown, picture = await finished(node), await finished(node, ALICE, "u2")
    for actor in (BACKEND, OPERATOR):
        assert not await sees(node, actor)
    sent = await node.do(ALICE, SendMessage("c", "", attachments=(AttachmentRef(shown.id),)))
    await node.do(ALICE, UpdateConversation("c", avatar=thumbnail_url(picture)))
    for actor in (BACKEND, OPERATOR):
        assert await sees(node, actor)
        assert await sees(node, actor, "u2")
    await node.do(ALICE, DeleteMessage(str(sent.id)))
    for actor in (BACKEND, OPERATOR):
        assert not await sees(node, actor)


async def test_a_banned_user_cannot_start_an_upload(node: Node) -> None:
    await node.do(ALICE, EnsureUser("alice", "Alice"))
    await node.do(OPERATOR, BanUser("alice"))
    assert await node.refusal(ALICE, creation()) == "banned"


async def test_a_banned_user_sees_no_file_any_more(node: Node) -> None:
    for actor in (ALICE, BOB):
        await node.do(actor, EnsureUser(actor.user_id, actor.name))
    file = await finished(node, ALICE, "u1")
    await node.do(ALICE, UpdateUser(avatar=file_url(file)))
    assert await node.do(BOB, GetFile("u1")) == file
    for name in ("alice", "bob"):
        await node.do(OPERATOR, BanUser(name))
    assert await node.refusal(ALICE, GetFile("u1")) == "banned"
    assert await node.refusal(BOB, GetFile("u1")) == "banned"


async def test_the_files_of_a_message_are_looked_up_together(node: Node) -> None:
    await finished(node, ALICE, "u1")
    await finished(node, BOB, "u2")
    await node.do(ALICE, creation("u3"))
    found: dict[str, File] = {}

    def look(tx: Transaction) -> None:
        found.update(tx.files.of_ids(("u1", "u2", "u3", "u4")))
        assert tx.files.of_ids(()) == {}

    await node.do(ALICE, Call(look))
    assert {file_id: file.owner_id for file_id, file in found.items()} == {"u1": "alice", "u2": "bob"}


@pytest.mark.parametrize("bad", ["", "a" * 201, "a\x00b", "\ud800"])
async def test_a_name_that_cannot_be_stored_is_refused(node: Node, bad: str) -> None:
    command = CreateUpload("u1", bad, None, 1, LIFETIME_MS)
    assert await node.refusal(ALICE, command) == "invalid_request"


# --- when files go ----------------------------------------------------------------------------------------------------


async def test_an_unused_file_is_deleted_after_a_day(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    for file_id in ("u1", "u2", "u3"):
        await finished(node, file_id=file_id)
    await node.do(ALICE, look("u2"))
    node.clock.now_ms += UNUSED_LIFETIME_MS - 1
    assert await release(node) == set()
    node.clock.now_ms += 1
    await node.do(ALICE, look("u3"))
    assert await release(node) == {"u1"}
    assert [await sees(node, ALICE, file_id) for file_id in ("u1", "u2", "u3")] == [False, True, True]
    assert await node.do(OPERATOR, ReleaseFiles()) == 0, "what is in use is looked at once"


async def test_a_limited_number_of_files_is_checked_at_once(node: Node) -> None:
    for number in range(3):
        await finished(node, file_id=f"u{number}")
    node.clock.now_ms += UNUSED_LIFETIME_MS
    assert [await node.do(OPERATOR, ReleaseFiles(2)) for _ in range(3)] == [2, 1, 0]


async def test_a_file_is_deleted_with_the_last_message_that_has_it(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.group("d", ALICE, CAROL)
    await finished(node)
    first = await node.do(ALICE, look())
    (second,) = await node.do(ALICE, ForwardMessage(str(first.id), ("d",)))
    await node.do(ALICE, DeleteMessage(str(first.id)))
    assert await release(node) == set()
    assert [await sees(node, actor) for actor in (ALICE, BOB, CAROL)] == [True, False, True]
    await node.do(ALICE, DeleteMessage(str(second.id)))
    assert [await sees(node, actor) for actor in (ALICE, CAROL)] == [False, False]
    assert await release(node) == {"u1"}


async def test_a_file_sent_in_the_batch_that_checks_it_stays(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await finished(node)
    node.clock.now_ms += UNUSED_LIFETIME_MS
    sent, looked_at = await node.in_one_batch((ALICE, look()), (OPERATOR, ReleaseFiles()))
    assert (sent.attachments[0].id, looked_at) == ("u1", 1)
    assert await sees(node, BOB)


async def test_a_deleted_file_cannot_be_sent(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await finished(node)
    node.clock.now_ms += UNUSED_LIFETIME_MS
    looked_at, refusal = await node.in_one_batch((OPERATOR, ReleaseFiles()), (ALICE, look()))
    assert (looked_at, refusal.code) == (1, "forbidden")


async def test_a_replaced_profile_picture_is_deleted(node: Node) -> None:
    await node.users(ALICE, BOB)
    first, second = await finished(node, file_id="u1"), await finished(node, file_id="u2")
    await node.do(ALICE, UpdateUser(avatar=file_url(first)))
    await node.do(BACKEND, PutUser("bob", avatar=thumbnail_url(second)))
    node.clock.now_ms += UNUSED_LIFETIME_MS
    assert await release(node) == {"u2"}, "to show somebody else's file does not keep it"
    await node.do(ALICE, UpdateUser(avatar="https://example.com/me.png"))
    assert await release(node) == {"u1"}


@pytest.mark.parametrize("end", [UpdateConversation("c", avatar=None), DeleteConversation("c")])
async def test_a_picture_is_deleted_with_its_conversation(
    node: Node, end: UpdateConversation | DeleteConversation
) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, UpdateConversation("c", avatar=file_url(await finished(node))))
    node.clock.now_ms += UNUSED_LIFETIME_MS
    assert await release(node) == set()
    await node.do(ALICE, end)
    assert await release(node) == {"u1"}


async def test_members_see_the_picture_of_their_conversation_and_everyone_that_of_a_public_one(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.users(CAROL)
    file = await finished(node)
    await node.do(ALICE, UpdateConversation("c", avatar=thumbnail_url(file)))
    assert await node.do(BOB, GetFile("u1")) == file
    assert await node.refusal(CAROL, GetFile("u1")) == "forbidden"
    await node.do(ALICE, UpdateConversation("c", public=True))
    assert await node.do(CAROL, GetFile("u1")) == file
    await node.do(ALICE, UpdateConversation("c", public=False))
    await node.do(ALICE, RemoveMember("c", "bob"))
    assert await node.refusal(BOB, GetFile("u1")) == "forbidden"


async def test_a_picture_outlasts_the_membership_of_the_user_who_uploaded_it(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(ALICE, UpdateConversation("c", avatar=file_url(await finished(node))))
    await node.do(ALICE, RemoveMember("c", "alice"))
    node.clock.now_ms += UNUSED_LIFETIME_MS
    assert await release(node) == set()
    assert (await node.do(BOB, GetFile("u1"))).id == "u1"


async def test_nobody_makes_another_users_file_a_picture(node: Node) -> None:
    """It would show them the file, also after the message with it was deleted."""
    await node.group("c", ALICE, BOB)
    await finished(node, BOB, "u1")
    avatar = "/api/v1/files/u1/thumbnail"
    assert await node.refusal(ALICE, UpdateConversation("c", avatar=avatar)) == "invalid_request"
    assert await node.refusal(ALICE, CreateConversation("group", ("bob",), avatar=avatar)) == "invalid_request"
    assert await node.refusal(ALICE, UpdateUser(avatar=avatar)) == "invalid_request"
    assert await node.refusal(ALICE, GetFile("u1")) == "forbidden"
    await node.do(BACKEND, UpdateConversation("c", avatar=avatar))
    # The picture that is there already may be sent again.
    await node.do(ALICE, UpdateConversation("c", avatar=avatar, name="Plans"))


async def test_a_picture_that_goes_away_deletes_no_upload_of_another_user(node: Node) -> None:
    """The upload is not sent yet, and its owner has a day for that."""
    await node.group("c", ALICE, BOB)
    await finished(node, BOB, "u1")
    avatar = "/api/v1/files/u1/thumbnail"
    await node.do(BACKEND, PutUser("alice", avatar=avatar))
    await node.do(ALICE, UpdateUser(avatar=None))
    await node.do(BACKEND, UpdateConversation("c", avatar=avatar))
    await node.do(ALICE, UpdateConversation("c", avatar=None))
    assert await release(node) == set()
    node.clock.now_ms += UNUSED_LIFETIME_MS
    assert await release(node) == {"u1"}


async def test_a_file_is_deleted_when_its_message_is_pruned(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await finished(node)
    await node.do(ALICE, look())
    node.clock.now_ms += UNUSED_LIFETIME_MS
    assert await release(node) == set()
    while await node.do(OPERATOR, PruneOld(1)):
        pass
    assert not await sees(node, ALICE)
    assert await release(node) == {"u1"}


# --- how much ---------------------------------------------------------------------------------------------------------


def sized(upload_id: str, length: int, storage: int = 100) -> CreateUpload:
    return CreateUpload(upload_id, "a", None, length, LIFETIME_MS, storage)


async def test_the_total_storage_of_a_user_is_limited(node: Node) -> None:
    await node.do(ALICE, sized("u1", 60))
    assert await node.refusal(ALICE, sized("u2", 41)) == "payload_too_large"
    await node.do(ALICE, sized("u2", 40))
    await node.do(BOB, sized("b1", 100))
    await node.do(ALICE, FinishUpload("u1", "image/png", 20, "d1"))
    assert await node.refusal(ALICE, sized("u3", 41)) == "payload_too_large"
    await node.do(ALICE, sized("u3", 40))
    assert await node.refusal(ALICE, sized("u4", 1)) == "payload_too_large"
    await node.do(ALICE, sized("u4", 0))


async def test_an_abandoned_upload_counts_until_its_bytes_are_removed(node: Node) -> None:
    await node.do(ALICE, sized("u1", 100))
    await node.do(ALICE, FinishUpload("u1", "image/png", 100, "d1"))
    await node.do(ALICE, DropFile("u1"))
    assert await node.refusal(ALICE, sized("u2", 1)) == "payload_too_large"
    await node.do(OPERATOR, ForgetUploads(("u1",)))
    await node.do(ALICE, sized("u2", 100))


async def test_uploads_that_start_together_share_the_storage_limit(node: Node) -> None:
    commands = [(ALICE, sized(f"u{number}", 30)) for number in range(5)]
    answers = await node.in_one_batch(*commands)
    assert [isinstance(answer, Upload) for answer in answers] == [True] * 3 + [False] * 2


async def test_the_backend_has_all_the_room(node: Node) -> None:
    await node.do(BACKEND, sized("u1", 101))


async def sent_file(node: Node, name: str, content_type: str, actor: Actor = ALICE, to: str = "c") -> Message:
    """Sends a message with a file, whose id is its name."""
    await node.do(actor, CreateUpload(name, f"{name}.bin", None, 10, LIFETIME_MS))
    width = 3 if content_type.startswith("image/") else None
    await node.do(actor, FinishUpload(name, content_type, 8, "d1", width, width))
    message = await node.do(actor, look(name, to))
    assert isinstance(message, Message)
    return message


async def listed(node: Node, actor: Actor = ALICE, **query: Any) -> list[str]:  # noqa: ANN401 (fields of the query)
    """Returns the ids of all listed files, read two at a time."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await node.do(actor, ListFiles("c", cursor=cursor, limit=2, **query))
        found += [str(item.attachment.id) for item in page.items]
        assert len(page.items) <= 2
        cursor = page.next
        if cursor is None:
            return found


async def test_a_conversations_files_are_listed_by_kind_newest_first(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await sent_file(node, "photo", "image/png")
    await sent_file(node, "song", "audio/ogg")
    await node.do(ALICE, SendMessage("c", "only a text"))
    await sent_file(node, "film", "video/mp4", BOB)
    await sent_file(node, "paper", "application/pdf")
    await sent_file(node, "drawing", "image/gif")
    await node.do(ALICE, SendMessage("c", "x", attachments=(AttachmentRef(url="https://example.com/a.png"),)))
    assert await listed(node) == ["drawing", "paper", "film", "song", "photo"]
    assert await listed(node, BOB, kind="media") == ["drawing", "film", "photo"]
    assert await listed(node, kind="audio") == ["song"]
    assert await listed(node, kind="file") == ["paper"]
    (item, *_) = (await node.do(OPERATOR, ListFiles("c", "media"))).items
    assert (item.attachment.name, item.message.sender_id, item.message.seq) == ("drawing.bin", "alice", 6)


async def test_files_of_one_message_are_listed_each_once(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    for name in ("a", "b", "d"):
        await finished(node, file_id=name)
    refs = tuple(AttachmentRef(id=name) for name in ("b", "a", "d"))
    await node.do(ALICE, SendMessage("c", "three", attachments=refs))
    assert sorted(await listed(node)) == ["a", "b", "d"]


async def test_files_of_deleted_and_pruned_messages_are_not_listed(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    gone = await sent_file(node, "gone", "image/png")
    await sent_file(node, "kept", "image/png")
    await node.do(ALICE, DeleteMessage(str(gone.id)))
    assert await listed(node) == ["kept"]
    node.clock.now_ms += 10_000
    while await node.do(OPERATOR, PruneOld(1)):
        pass
    assert await listed(node) == []


async def test_only_members_list_files_and_only_from_their_history_on(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await sent_file(node, "before", "image/png")
    assert await node.refusal(MALLORY, ListFiles("c")) == "forbidden"
    await node.do(ALICE, UpdateConversation("c", history="from-join"))
    await node.do(BACKEND, AddMembers("c", ("mallory",)))
    await sent_file(node, "after", "image/png")
    assert await listed(node, MALLORY) == ["after"]
    page = await node.do(ALICE, ListFiles("c", "media", limit=1))
    assert (await node.do(MALLORY, ListFiles("c", "media", page.next))).items == ()
    await node.do(ALICE, RemoveMember("c", "mallory"))
    assert await node.refusal(MALLORY, ListFiles("c", "media", page.next)) == "forbidden"


@pytest.mark.parametrize("cursor", ["", "x", "1", "1.", "1.a b", "9" * 20 + ".a", "9223372036854775807.a", "-1.a"])
async def test_a_made_up_cursor_of_files_is_refused(node: Node, cursor: str) -> None:
    await node.group("c", ALICE, BOB)
    assert await node.refusal(ALICE, ListFiles("c", cursor=cursor)) == "invalid_request"


async def test_a_voice_message_keeps_its_length_and_waveform(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await finished(node)
    voice = AttachmentRef(id="u1", duration_ms=1500, waveform=(0, 100, 7))
    sent = await node.do(ALICE, SendMessage("c", "", attachments=(voice,)))
    read = await node.do(BOB, GetMessage(str(sent.id)))
    assert (read.attachments[0].duration_ms, read.attachments[0].waveform) == (1500, (0, 100, 7))


async def test_a_film_keeps_the_size_that_its_sender_measured(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    for file_id, content_type in (("u1", "video/mp4"), ("u2", "text/plain")):
        await node.do(ALICE, creation(file_id))
        await node.do(ALICE, FinishUpload(file_id, content_type, 8, "d1"))
    refs = tuple(AttachmentRef(id=each, width=720, height=1280) for each in ("u1", "u2"))
    sent = await node.do(ALICE, SendMessage("c", "", attachments=refs))
    read = await node.do(BOB, GetMessage(str(sent.id)))
    assert [(each.width, each.height) for each in read.attachments] == [(720, 1280), (None, None)]


@pytest.mark.parametrize(
    "size", [{"width": 0, "height": 1}, {"width": 1, "height": 65_536}, {"width": 9}, {"height": 9}]
)
async def test_an_impossible_size_of_a_film_is_refused(node: Node, size: dict[str, Any]) -> None:
    await node.group("c", ALICE, BOB)
    await finished(node)
    command = SendMessage("c", "", attachments=(AttachmentRef(id="u1", **size),))
    assert await node.refusal(ALICE, command) == "invalid_request"


@pytest.mark.parametrize(
    "voice", [{"duration_ms": -1}, {"duration_ms": 10**9}, {"waveform": (101,)}, {"waveform": (0,) * 101}]
)
async def test_an_impossible_voice_message_is_refused(node: Node, voice: dict[str, Any]) -> None:
    await node.group("c", ALICE, BOB)
    await finished(node)
    command = SendMessage("c", "", attachments=(AttachmentRef(id="u1", **voice),))
    assert await node.refusal(ALICE, command) == "invalid_request"
