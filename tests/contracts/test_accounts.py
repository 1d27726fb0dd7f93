"""Users, accounts and signed-in devices."""

from __future__ import annotations

import asyncio

import pytest

from talkwire.core.commands.accounts import (
    AccountRecord,
    BanUser,
    ChangePassword,
    CloseLogin,
    Device,
    EnsureUser,
    EraseUser,
    FindAccount,
    FindOwnAccount,
    GetUser,
    ListLogins,
    ListUsers,
    Login,
    OpenLogin,
    PutUser,
    RegisterAccount,
    RehashPassword,
    RotateLogin,
    SetPassword,
    UnbanUser,
)
from talkwire.core.commands.command import Change
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import LoginEnded, LoginOpened, LoginRenewed, UserBanned, UserCreated, UserUnbanned
from talkwire.core.domain.log.positions import own_id_at
from talkwire.core.domain.model import Actor, User
from tests.contracts.node import ALICE, BACKEND, BOB, MALLORY, OPERATOR, Clock, Node, running
from tests.databases import Database

ANYONE = Actor("", "")
HOUR_MS = 3_600_000


async def _register(node: Node, email: str = "ann@example.com") -> User:
    user = await node.do(ANYONE, RegisterAccount(email, "Ann", "hash"))
    assert isinstance(user, User)
    return user


async def _sign_in(node: Node, user: User, token_hash: str = "t1") -> Login:
    login = await node.do(ANYONE, OpenLogin(user.id, token_hash, HOUR_MS))
    assert isinstance(login, Login)
    return login


def _rotation(login: Login, old: str, new: str) -> RotateLogin:
    return RotateLogin(login.session.id, old, new, HOUR_MS)


# --- users ----------------------------------------------------------------------------------------------------------


async def test_a_user_is_created_on_first_sight_and_only_then(node: Node) -> None:
    user, _ = await node.chat.user_of_token("alice", "Alice")
    again, entry = await node.chat.user_of_token("alice", "Other Name")
    assert user == again == entry.user == User("alice", "Alice", node.clock.now_ms)
    assert node.log == [UserCreated(1, node.clock.now_ms, user)]


async def test_a_user_whom_the_backend_named_by_the_id_gets_the_tokens_name(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("ann", "bob"), id="c", owner_id="ann"))
    user, entry = await node.chat.user_of_token("ann", "Ann Smith")
    assert user.name == "Ann Smith"
    assert entry.user == user
    assert (await node.send(Actor("ann", "Ann Smith"), "Hello")).sender_name == "Ann Smith"
    named_again, _ = await node.chat.user_of_token("ann", "Somebody else")
    assert named_again.name == "Ann Smith"


async def test_a_user_with_many_first_connections_is_created_once(node: Node) -> None:
    found = await asyncio.gather(*(node.chat.user_of_token("alice", "Alice") for _ in range(10)))
    assert {user.id for user, _ in found} == {"alice"}
    assert len(node.log) == 1


async def test_an_unknown_user_may_be_refused_instead(node: Node) -> None:
    with pytest.raises(ChatError) as refused:
        await node.chat.user_of_token("alice", "Alice", create=False)
    assert refused.value.code == "unauthenticated"
    assert node.log == []


async def test_no_user_is_created_with_an_id_that_the_server_generates(node: Node) -> None:
    free = own_id_at(1)
    assert await node.refusal(ALICE, EnsureUser(free, "Alice")) == "unauthenticated"
    user = await _register(node)
    assert user.id == free
    assert await node.do(ALICE, EnsureUser(free, "Alice")) == user


@pytest.mark.parametrize(
    "command",
    [
        EnsureUser("a\x00", "A"),
        EnsureUser("a", "A\x00"),
        EnsureUser("a", "\ud800"),
        EnsureUser("a", ""),
        RegisterAccount("\ud800@example.com", "A", "h"),
        RegisterAccount("a\x00@example.com", "A", "h"),
        RegisterAccount("example.com", "A", "h"),
        RegisterAccount("a@example.com", " ", "h"),
        OpenLogin("\ud800", "t", 1),
        RotateLogin("\ud800", "t", "t", 1),
        CloseLogin("\x00"),
        BanUser("\x00"),
        UnbanUser("\ud800"),
        SetPassword("\x00", "h"),
    ],
    ids=repr,
)
async def test_texts_that_cannot_be_stored_are_refused(node: Node, command: Change[object]) -> None:
    assert await node.refusal(OPERATOR, command) == "invalid_request"


async def test_an_e_mail_address_is_shown_to_its_owner_only(node: Node) -> None:
    user = await _register(node)
    assert (await node.do(Actor(user.id, "Ann"), GetUser(user.id))).email == "ann@example.com"
    assert (await node.do(OPERATOR, GetUser(user.id))).email == "ann@example.com"
    assert (await node.do(BOB, GetUser(user.id))).email is None
    assert await node.refusal(BOB, GetUser("nobody")) == "not_found"
    assert await node.refusal(BOB, GetUser("\x00")) == "invalid_request"


async def test_an_operator_lists_users_page_by_page(node: Node) -> None:
    for user_id in ("c", "a", "b"):
        await node.do(BACKEND, EnsureUser(user_id, user_id))
    first = await node.do(OPERATOR, ListUsers(limit=2))
    second = await node.do(OPERATOR, ListUsers(first.next, limit=2))
    assert [[user.id for user in page.items] for page in (first, second)] == [["a", "b"], ["c"]]
    assert second.next is None
    assert await node.refusal(ALICE, ListUsers()) == "forbidden"
    assert await node.refusal(OPERATOR, ListUsers("\x00")) == "invalid_request"


async def test_the_backend_and_operators_ban_and_unban(node: Node) -> None:
    await node.do(BOB, EnsureUser("bob", "Bob"))
    assert await node.refusal(ALICE, BanUser("bob")) == "forbidden"
    assert await node.refusal(OPERATOR, BanUser("nobody")) == "not_found"
    assert [(await node.do(actor, BanUser("bob"))).banned for actor in (BACKEND, OPERATOR)] == [True, True]
    with pytest.raises(ChatError) as refused:
        await node.chat.user_of_token("bob", "Bob")
    assert refused.value.code == "banned"
    assert [(await node.do(actor, UnbanUser("bob"))).banned for actor in (BACKEND, OPERATOR)] == [False, False]
    await node.chat.user_of_token("bob", "Bob")
    assert [type(event) for event in node.log] == [UserCreated, UserBanned, UserUnbanned]


async def test_a_ban_outlasts_a_restart(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await node.do(BOB, EnsureUser("bob", "Bob"))
        await node.do(OPERATOR, BanUser("bob"))
    async with running(database, clock) as node:
        assert (await node.do(BOB, EnsureUser("bob", "Bob"))).banned


# --- accounts -------------------------------------------------------------------------------------------------------


async def test_a_new_account_is_found_by_its_address_however_it_is_written(node: Node) -> None:
    user = await _register(node, "Ann@Example.com")
    assert user == User(own_id_at(1), "Ann", node.clock.now_ms, email="ann@example.com")
    assert await node.do(ANYONE, FindAccount("ANN@example.COM")) == AccountRecord(user, "hash")
    assert await node.do(ANYONE, FindAccount("bob@example.com")) is None
    assert await node.refusal(ANYONE, FindAccount("\ud800@example.com")) == "invalid_request"


async def test_an_address_that_looks_like_that_of_an_account_is_taken(node: Node) -> None:
    user = await _register(node, "Strau\N{LATIN SMALL LETTER SHARP S}@Example.com")
    assert user.email == "strau\N{LATIN SMALL LETTER SHARP S}@example.com"
    for address in ("strauss@example.com", "STRAU\N{LATIN CAPITAL LETTER SHARP S}@example.com"):
        assert await node.refusal(ANYONE, RegisterAccount(address, "Ann", "h")) == "conflict"
        assert await node.do(ANYONE, FindAccount(address)) == AccountRecord(user, "hash")


async def test_an_e_mail_address_is_used_once_also_in_one_batch(node: Node) -> None:
    first, second = await node.in_one_batch(
        (ANYONE, RegisterAccount("ann@example.com", "Ann", "h")),
        (ANYONE, RegisterAccount("ANN@example.com", "Ann", "h")),
    )
    assert isinstance(first, User)
    assert second.code == "conflict"
    assert await node.refusal(ANYONE, RegisterAccount("ann@example.com", "Ann", "h")) == "conflict"


async def test_only_an_operator_chooses_an_accounts_id(node: Node) -> None:
    command = RegisterAccount("ann@example.com", "Ann", "h", id="ann")
    assert await node.refusal(ANYONE, command) == "forbidden"
    assert await node.refusal(BACKEND, command) == "forbidden"
    assert (await node.do(OPERATOR, command)).id == "ann"
    other = RegisterAccount("other@example.com", "Ann", "h", id="ann")
    assert await node.refusal(OPERATOR, other) == "conflict"
    own = RegisterAccount("other@example.com", "Ann", "h", id=own_id_at(5))
    assert await node.refusal(OPERATOR, own) == "invalid_request"


async def test_an_operator_gives_an_account_to_a_user_who_has_none(node: Node) -> None:
    await node.do(BACKEND, PutUser("ben", name="Ben", email="old@example.com", text="Away"))
    await node.group("c", Actor("ben", "Ben"))
    command = RegisterAccount("ben@example.com", None, "hash", id="ben")
    assert await node.refusal(ANYONE, command) == "forbidden"
    user = await node.do(OPERATOR, command)
    assert (user.name, user.email, user.text) == ("Ben", "ben@example.com", "Away")
    assert await node.do(OPERATOR, GetUser("ben")) == user
    assert await node.do(ANYONE, FindAccount("ben@example.com")) == AccountRecord(user, "hash")
    assert "ben" in await node.roles("c")
    again = RegisterAccount("other@example.com", None, "hash", id="ben")
    assert await node.refusal(OPERATOR, again) == "conflict"


async def test_a_banned_and_an_erased_user_get_no_account(node: Node) -> None:
    await node.do(BACKEND, PutUser("ben", name="Ben"))
    command = RegisterAccount("ben@example.com", None, "hash", id="ben")
    await node.do(OPERATOR, BanUser("ben"))
    assert await node.refusal(OPERATOR, command) == "banned"
    await node.do(OPERATOR, EraseUser("ben", redact=False))
    assert await node.refusal(OPERATOR, command) == "conflict"
    assert await node.do(ANYONE, FindAccount("ben@example.com")) is None


async def test_a_new_user_needs_a_name(node: Node) -> None:
    assert await node.refusal(OPERATOR, RegisterAccount("ben@example.com", None, "hash", id="ben")) == "invalid_request"


async def test_an_operator_gives_an_account_a_new_password(node: Node) -> None:
    user = await _register(node)
    await node.do(OPERATOR, SetPassword(user.id, "new"))
    assert (await node.do(ANYONE, FindAccount("ann@example.com"))).password_hash == "new"
    assert await node.refusal(ALICE, SetPassword(user.id, "mine")) == "forbidden"
    assert await node.refusal(OPERATOR, SetPassword("nobody", "x")) == "not_found"


async def test_a_changed_password_signs_the_other_devices_out(node: Node) -> None:
    user = await _register(node)
    ann = Actor(user.id, "Ann")
    kept, other = await _sign_in(node, user, "t1"), await _sign_in(node, user, "t2")
    assert await node.do(ann, FindOwnAccount()) == AccountRecord(user, "hash")
    await node.do(ann, ChangePassword("hash", "new", kept.session.id))
    assert (await node.do(ANYONE, FindAccount("ann@example.com"))).password_hash == "new"
    assert [event.session_id for event in node.log if isinstance(event, LoginEnded)] == [other.session.id]
    assert await node.do(ANYONE, _rotation(kept, "t1", "t3")) is not None
    assert await node.do(ANYONE, _rotation(other, "t2", "t3")) is None


async def test_a_password_that_was_changed_meanwhile_is_not_changed(node: Node) -> None:
    ann = Actor((await _register(node)).id, "Ann")
    first, second = await node.in_one_batch(
        (ann, ChangePassword("hash", "one")), (ann, ChangePassword("hash", "another"))
    )
    assert first is None
    assert second.code == "conflict"
    assert (await node.do(ANYONE, FindAccount("ann@example.com"))).password_hash == "one"
    assert await node.refusal(ALICE, ChangePassword("one", "mine")) == "conflict"


async def test_a_user_without_an_account_has_no_password(node: Node) -> None:
    await node.do(BOB, EnsureUser("bob", "Bob"))
    assert await node.do(BOB, FindOwnAccount()) is None
    assert await node.do(MALLORY, FindOwnAccount()) is None


async def test_an_operators_new_password_signs_all_devices_out(node: Node) -> None:
    user = await _register(node)
    logins = [await _sign_in(node, user, token) for token in ("t1", "t2")]
    await node.do(OPERATOR, SetPassword(user.id, "new"))
    ended = [event.session_id for event in node.log if isinstance(event, LoginEnded)]
    assert ended == [login.session.id for login in logins]


async def test_rehashing_keeps_a_password_that_was_changed_meanwhile(node: Node) -> None:
    user = await _register(node)
    await node.do(ANYONE, RehashPassword(user.id, "hash", "the same, dearer"))
    assert (await node.do(ANYONE, FindAccount("ann@example.com"))).password_hash == "the same, dearer"
    await node.do(ANYONE, RehashPassword(user.id, "hash", "the old one"))
    assert (await node.do(ANYONE, FindAccount("ann@example.com"))).password_hash == "the same, dearer"


async def test_a_sign_in_by_a_password_that_was_changed_meanwhile_is_refused(node: Node) -> None:
    user = await _register(node)
    await node.do(OPERATOR, SetPassword(user.id, "new"))
    old = OpenLogin(user.id, "t1", HOUR_MS, password_hash="hash")
    assert await node.refusal(ANYONE, old) == "unauthenticated"
    assert await node.do(ANYONE, OpenLogin(user.id, "t1", HOUR_MS, password_hash="new")) is not None


# --- signed-in devices ----------------------------------------------------------------------------------------------


async def test_a_refresh_token_is_traded_for_the_next(node: Node, clock: Clock) -> None:
    login = await _sign_in(node, await _register(node))
    for old, new in (("t1", "t2"), ("t2", "t3")):
        clock.now_ms += HOUR_MS // 2
        renewed = await node.do(ANYONE, _rotation(login, old, new))
        assert renewed.session.id == login.session.id
        assert renewed.session.created_ms == login.session.created_ms
        assert renewed.session.expires_ms == clock.now_ms + HOUR_MS
        assert renewed.user == login.user


async def test_a_refresh_token_used_twice_ends_its_device(node: Node) -> None:
    login = await _sign_in(node, await _register(node))
    await node.do(ANYONE, _rotation(login, "t1", "t2"))
    assert await node.do(ANYONE, _rotation(login, "t1", "t3")) is None
    assert node.log[-1] == LoginEnded(4, node.clock.now_ms, login.user.id, login.session.id)
    assert await node.do(ANYONE, _rotation(login, "t2", "t3")) is None
    assert len(node.log) == 4


async def test_a_token_exchanged_twice_at_once_signs_the_device_out(node: Node) -> None:
    login = await _sign_in(node, await _register(node))
    first, second = await node.in_one_batch(
        (ANYONE, _rotation(login, "t1", "t2")), (ANYONE, _rotation(login, "t1", "t3"))
    )
    assert isinstance(first, Login)
    assert second is None
    assert isinstance(node.log[-1], LoginEnded)


async def test_a_refresh_token_ends_with_its_lifetime(node: Node, clock: Clock) -> None:
    login = await _sign_in(node, await _register(node))
    clock.now_ms += HOUR_MS
    assert await node.do(ANYONE, _rotation(login, "t1", "t2")) is None
    assert not [event for event in node.log if isinstance(event, LoginEnded)]


async def test_a_device_that_was_not_used_for_too_long_is_forgotten_at_the_next_sign_in(
    node: Node, clock: Clock
) -> None:
    user = await _register(node)
    old = await _sign_in(node, user)
    clock.now_ms += HOUR_MS
    new = await node.do(ANYONE, OpenLogin(user.id, "t9", HOUR_MS))
    kept = await node.readers.read(lambda snapshot: snapshot.login_ids_of([user.id]))
    assert kept == {user.id: frozenset({new.session.id})}
    assert old.session.id not in kept[user.id]


async def test_a_list_of_devices_has_the_place_and_time_of_their_last_use(node: Node, clock: Clock) -> None:
    user = await _register(node)
    ann = Actor(user.id, "Ann")
    phone, desktop = Device("192.0.2.1", "Phone"), Device("2001:db8::1", "Desktop")
    first = await node.do(ANYONE, OpenLogin(user.id, "t1", HOUR_MS, phone))
    clock.now_ms += 1000
    second = await node.do(ANYONE, OpenLogin(user.id, "t2", HOUR_MS, desktop))
    signed_in_ms = first.session.created_ms
    assert [
        (session.id, session.created_ms, session.last_seen_ms, session.address, session.user_agent)
        for session in await node.do(ann, ListLogins(clock.now_ms))
    ] == [
        (second.session.id, signed_in_ms + 1000, signed_in_ms + 1000, "2001:db8::1", "Desktop"),
        (first.session.id, signed_in_ms, signed_in_ms, "192.0.2.1", "Phone"),
    ]

    clock.now_ms += 1000
    moved = RotateLogin(first.session.id, "t1", "t3", HOUR_MS, Device("192.0.2.9", "Phone 2"))
    await node.do(ANYONE, moved)
    listed = (await node.do(ann, ListLogins(clock.now_ms)))[0]
    assert (listed.id, listed.created_ms, listed.last_seen_ms) == (first.session.id, signed_in_ms, clock.now_ms)
    assert (listed.address, listed.user_agent) == ("192.0.2.9", "Phone 2")


async def test_a_list_of_devices_has_neither_other_users_nor_expired_ones(node: Node, clock: Clock) -> None:
    user = await _register(node)
    await _sign_in(node, user)
    other = await _register(node, "bob@example.com")
    await _sign_in(node, other)
    assert len(await node.do(Actor(user.id, "Ann"), ListLogins(clock.now_ms))) == 1
    assert await node.do(Actor(user.id, "Ann"), ListLogins(clock.now_ms + HOUR_MS)) == ()


async def test_trading_a_token_is_in_the_log(node: Node) -> None:
    login = await _sign_in(node, await _register(node))
    await node.do(ANYONE, _rotation(login, "t1", "t2"))
    assert node.log[-1] == LoginRenewed(3, node.clock.now_ms, login.user.id, login.session.id)
    assert (await node.replay())[-1] == node.log[-1]


async def test_an_unknown_device_has_no_next_token(node: Node) -> None:
    assert await node.do(ANYONE, RotateLogin("1-none", "t1", "t2", HOUR_MS)) is None


async def test_a_device_signs_out_once_and_other_devices_stay(node: Node) -> None:
    user = await _register(node)
    ann = Actor(user.id, "Ann")
    first, second = await node.in_one_batch(
        (ANYONE, OpenLogin(user.id, "t1", HOUR_MS)), (ANYONE, OpenLogin(user.id, "t2", HOUR_MS))
    )
    assert first.session.id != second.session.id
    assert await node.refusal(MALLORY, CloseLogin(first.session.id)) == "forbidden"
    await node.do(ann, CloseLogin(first.session.id))
    assert await node.refusal(ann, CloseLogin(first.session.id)) == "forbidden"
    assert [event for event in node.log if isinstance(event, LoginEnded)] == [
        LoginEnded(4, node.clock.now_ms, user.id, first.session.id)
    ]
    assert await node.do(ANYONE, _rotation(first, "t1", "t3")) is None
    assert await node.do(ANYONE, _rotation(second, "t2", "t3")) is not None


async def test_a_users_entry_names_the_devices_that_are_signed_in(node: Node) -> None:
    user = await _register(node)
    first = await _sign_in(node, user, "t1")
    entry = await node.chat.directory.find(user.id)
    assert entry.login_ids == {first.session.id}
    second = await _sign_in(node, user, "t2")
    assert entry.login_ids == {first.session.id, second.session.id}
    assert node.log[-1] == LoginOpened(3, node.clock.now_ms, user.id, second.session.id)
    await node.do(Actor(user.id, "Ann"), CloseLogin(first.session.id))
    assert entry.login_ids == {second.session.id}


async def test_a_banned_user_neither_signs_in_nor_stays_signed_in(node: Node) -> None:
    user = await _register(node)
    login = await _sign_in(node, user)
    await node.do(OPERATOR, BanUser(user.id))
    assert await node.refusal(ANYONE, OpenLogin(user.id, "t2", HOUR_MS)) == "banned"
    assert await node.refusal(ANYONE, _rotation(login, "t1", "t2")) == "banned"
    assert await node.refusal(ANYONE, OpenLogin("nobody", "t2", HOUR_MS)) == "forbidden"


async def test_a_signed_in_device_survives_a_restart(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        login = await _sign_in(node, await _register(node))
    async with running(database, clock) as node:
        assert await node.do(ANYONE, _rotation(login, "t1", "t2")) is not None
