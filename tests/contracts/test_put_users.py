"""Users that the application's backend creates and changes."""

from __future__ import annotations

import pytest

from talkwire.core.commands.accounts import (
    BanUser,
    EnsureUser,
    GetUser,
    PutUser,
    PutUsers,
    RegisterAccount,
    SearchUsers,
    UnbanUser,
    UpdateUser,
)
from talkwire.core.commands.command import IdempotencyKey
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import UserCreated, UserUpdated
from talkwire.core.domain.log.positions import own_id_at
from talkwire.core.domain.model import Actor, User
from tests.contracts.node import ALICE, BACKEND, BOB, OPERATOR, Node

ANYONE = Actor("", "")
WHOLE = PutUser("alice", "Alice", "https://example.com/a.png", "Alice@Example.com", "Hello", {"crm": {"id": 7}})


@pytest.mark.parametrize("actor", [BACKEND, OPERATOR])
async def test_the_backend_creates_and_changes_users(node: Node, actor: Actor) -> None:
    created = await node.do(actor, WHOLE)
    assert created == User(
        "alice",
        "Alice",
        node.clock.now_ms,
        email="alice@example.com",
        avatar="https://example.com/a.png",
        text="Hello",
        metadata={"crm": {"id": 7}},
    )
    assert node.log == [UserCreated(1, node.clock.now_ms, created)]
    changed = await node.do(actor, PutUser("alice", avatar=None, metadata={"crm": 8}))
    assert (changed.name, changed.avatar, changed.email) == ("Alice", None, "alice@example.com")
    assert node.log[1:] == [UserUpdated(2, node.clock.now_ms, changed)]
    assert await node.replay() == node.log
    assert await node.do(actor, GetUser("alice")) == changed
    await node.do(actor, PutUser("alice", name="Alice"))
    assert len(node.log) == 2


async def test_a_user_without_a_name_is_called_by_the_id_until_a_token_names_them(node: Node) -> None:
    assert (await node.do(BACKEND, PutUser("alice"))).name == "alice"
    assert (await node.do(ALICE, EnsureUser("alice", "Alice"))).name == "Alice"


@pytest.mark.parametrize("name", ["Alicia", "alice"])
async def test_a_token_does_not_rename_a_user_named_by_the_backend_or_themselves(node: Node, name: str) -> None:
    await node.do(BACKEND, PutUser("alice", name=name))
    assert (await node.do(ALICE, EnsureUser("alice", "Alice"))).name == name
    await node.do(BOB, EnsureUser("bob", "bob"))
    await node.do(BOB, UpdateUser(name="bob"))
    assert (await node.do(BOB, EnsureUser("bob", "Bob"))).name == "bob"


async def test_others_see_neither_address_nor_metadata(node: Node) -> None:
    await node.do(BACKEND, WHOLE)
    seen = await node.do(BOB, GetUser("alice"))
    assert (seen.name, seen.text, seen.email, seen.metadata) == ("Alice", "Hello", None, None)
    assert (await node.do(BOB, SearchUsers("ali"))).items == (seen,)


async def test_users_cannot_put_users(node: Node) -> None:
    assert await node.refusal(ALICE, PutUser("alice", name="A")) == "forbidden"
    assert await node.refusal(ALICE, PutUsers((PutUser("alice", name="A"),))) == "forbidden"
    assert node.log == []


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (PutUser("a/b"), "userId"),
        (PutUser(own_id_at(5)), "userId"),
        (PutUser("alice", name=" "), "name"),
        (PutUser("alice", name="x" * 201), "name"),
        (PutUser("alice", avatar="javascript:alert(1)"), "avatar"),
        (PutUser("alice", email="alice"), "email"),
        (PutUser("alice", text="x" * 501), "text"),
        (PutUser("alice", metadata={"a": "x" * 5000}), "metadata"),
        (PutUser("alice", metadata={"a": "\x00"}), "metadata"),
    ],
)
async def test_invalid_user_fields_are_refused_by_name(node: Node, command: PutUser, path: str) -> None:
    with pytest.raises(ChatError) as refused:
        await node.do(BACKEND, command)
    assert (refused.value.code, refused.value.details) == ("invalid_request", [_at(path, refused.value)])
    with pytest.raises(ChatError) as refused:
        await node.do(BACKEND, PutUsers((PutUser("bob"), command)))
    in_batch = f"users[1].{'id' if path == 'userId' else path}"
    assert (refused.value.code, refused.value.details) == ("invalid_request", [_at(in_batch, refused.value)])
    assert node.log == []


def _at(path: str, error: ChatError) -> dict[str, str]:
    return {"path": path, "message": error.message.removeprefix(f"{path}: ")}


async def test_an_e_mail_address_used_for_sign_in_cannot_be_changed(node: Node) -> None:
    user = await node.do(ANYONE, RegisterAccount("ann@example.com", "Ann", "hash"))
    assert await node.refusal(BACKEND, PutUser(user.id, email="other@example.com")) == "conflict"
    assert (await node.do(BACKEND, PutUser(user.id, name="Anna", email="ann@example.com"))).name == "Anna"


async def test_a_batch_is_carried_out_whole_or_not_at_all(node: Node) -> None:
    user = await node.do(ANYONE, RegisterAccount("ann@example.com", "Ann", "hash"))
    before = len(node.log)
    with pytest.raises(ChatError, match=r"^users\[1\]: ") as refused:
        await node.do(BACKEND, PutUsers((PutUser("new"), PutUser(user.id, email="other@example.com"))))
    assert refused.value.code == "conflict"
    assert len(node.log) == before
    assert await node.refusal(BACKEND, GetUser("new")) == "not_found"
    users = await node.do(BACKEND, PutUsers((PutUser("new"), PutUser(user.id, name="Anna"))))
    assert [(each.id, each.name) for each in users] == [("new", "new"), (user.id, "Anna")]


async def test_a_batch_has_a_hundred_users_at_most_and_each_once(node: Node) -> None:
    hundred = tuple(PutUser(f"u{number}") for number in range(100))
    assert len(await node.do(BACKEND, PutUsers(hundred))) == 100
    for users in ((), (*hundred, PutUser("more")), (PutUser("a"), PutUser("a"))):
        assert await node.refusal(BACKEND, PutUsers(users)) == "invalid_request"


async def test_a_retried_batch_is_answered_as_the_first(node: Node) -> None:
    key = IdempotencyKey("backend", "POST /api/v1/users/batch", "1")
    command = PutUsers((WHOLE,))
    first = await node.chat.execute(BACKEND, command, key)
    await node.do(BACKEND, PutUser("alice", name="Alicia"))
    assert await node.chat.execute(BACKEND, command, key) == first


async def test_the_backend_bans_users_and_finds_banned_ones(node: Node) -> None:
    await node.do(BACKEND, PutUser("alice"))
    assert (await node.do(BACKEND, BanUser("alice"))).banned
    assert (await node.do(BACKEND, GetUser("alice"))).banned
    assert not (await node.do(BACKEND, UnbanUser("alice"))).banned
    assert await node.refusal(BOB, BanUser("alice")) == "forbidden"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("Eve\u202e", "Eve"), ("\u2067Mallory", "Mallory"), ("\u200c\u200c", "eve"), ("\u202e", "eve"), ("مریم", "مریم")],
)
async def test_names_of_another_system_are_repaired(node: Node, given: str, kept: str) -> None:
    assert (await node.do(BACKEND, PutUser("eve", given))).name == kept
    (user,) = await node.do(BACKEND, PutUsers((PutUser("eve", given),)))
    assert user.name == kept
