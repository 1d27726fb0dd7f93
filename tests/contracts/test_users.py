"""Profiles of users, and the search for users."""

from __future__ import annotations

import msgspec
import pytest

from talkwire.core.commands.accounts import (
    BanUser,
    EnsureUser,
    GetUser,
    RegisterAccount,
    SearchUsers,
    UpdateUser,
)
from talkwire.core.domain.events import UserUpdated
from talkwire.core.domain.model import Actor, User
from tests.contracts.node import ALICE, BACKEND, BOB, MALLORY, OPERATOR, Node

ANYONE = Actor("", "")


async def _arrive(node: Node, *people: tuple[str, str]) -> None:
    for user_id, name in people:
        await node.do(Actor(user_id, name), EnsureUser(user_id, name))


async def _found(node: Node, text: str) -> list[str]:
    page = await node.do(BOB, SearchUsers(text))
    return [user.id for user in page.items]


async def test_users_who_arrive_together_are_looked_up_by_one_statement(node: Node) -> None:
    people = [Actor(f"new-{number}", f"New {number}") for number in range(5)]
    with node.statements() as transactions:
        made = await node.in_one_batch(*((each, EnsureUser(each.user_id, each.name)) for each in (*people, people[0])))
    assert [user.id for user in made] == [*(each.user_id for each in people), people[0].user_id]
    sent = [statement for statements in transactions for statement in statements]
    assert len([statement for statement in sent if statement.startswith("SELECT users.")]) == 1


# --- how they look --------------------------------------------------------------------------------------------------


async def test_a_user_changes_name_picture_and_text(node: Node) -> None:
    await _arrive(node, ("alice", "Alice"))
    changed = await node.do(ALICE, UpdateUser("Alicia", "https://example.com/a.png", "Away until Monday"))
    assert changed == User(
        "alice", "Alicia", node.clock.now_ms, avatar="https://example.com/a.png", text="Away until Monday"
    )
    assert node.log[-1] == UserUpdated(2, node.clock.now_ms, changed)
    assert (await node.replay())[-1] == node.log[-1]
    assert await node.do(BOB, GetUser("alice")) == changed


async def test_unset_fields_stay_and_none_removes(node: Node) -> None:
    await _arrive(node, ("alice", "Alice"))
    await node.do(ALICE, UpdateUser(avatar="/api/v1/files/1/a.png", text="Hello"))
    assert (await node.do(ALICE, UpdateUser(text=None))).avatar == "/api/v1/files/1/a.png"
    user = await node.do(ALICE, UpdateUser(avatar=None))
    assert (user.name, user.avatar, user.text) == ("Alice", None, None)


async def test_an_ineffective_change_records_no_event(node: Node) -> None:
    await _arrive(node, ("alice", "Alice"))
    await node.do(ALICE, UpdateUser())
    await node.do(ALICE, UpdateUser(name="Alice", text=None))
    assert len(node.log) == 1


async def test_a_message_shows_its_senders_name_as_it_is_now(node: Node) -> None:
    await _arrive(node, ("alice", "Alice"))
    await node.group("c", ALICE, BOB)
    await node.send(ALICE, "Hello")
    await node.do(ALICE, UpdateUser(name="Alicia"))
    assert (await node.send(ALICE, "Me again")).sender_name == "Alicia"
    replayed = [event.message.sender_name for event in await node.replay() if hasattr(event, "message")]
    assert replayed == ["Alicia", "Alicia"]


@pytest.mark.parametrize(
    "change",
    [
        UpdateUser(name=""),
        UpdateUser(name=" "),
        UpdateUser(name="x" * 201),
        UpdateUser(name="\x00"),
        UpdateUser(avatar=""),
        UpdateUser(avatar="javascript:alert(1)"),
        UpdateUser(avatar="//example.com/a.png"),
        UpdateUser(avatar="https://"),
        UpdateUser(avatar="https://example.com/a b"),
        UpdateUser(avatar="https://example.com/" + "x" * 2048),
        UpdateUser(text=""),
        UpdateUser(text="x" * 501),
        UpdateUser(text="\ud800"),
    ],
)
async def test_texts_that_cannot_be_shown_are_refused(node: Node, change: UpdateUser) -> None:
    await _arrive(node, ("alice", "Alice"))
    assert await node.refusal(ALICE, change) == "invalid_request"


async def test_a_banned_user_and_an_unknown_one_change_nothing(node: Node) -> None:
    await _arrive(node, ("mallory", "Mallory"))
    await node.do(OPERATOR, BanUser("mallory"))
    assert await node.refusal(MALLORY, UpdateUser(name="M")) == "banned"
    assert await node.refusal(ALICE, UpdateUser(name="A")) == "forbidden"


# --- how they are found ---------------------------------------------------------------------------------------------


async def test_a_user_is_found_by_a_prefix_of_the_name_in_any_case(node: Node) -> None:
    await _arrive(node, ("1", "Anna"), ("2", "ANTON"), ("3", "Élodie"), ("4", "Straße"), ("5", "bob"), ("6", "Joanna"))
    assert await _found(node, "an") == ["1", "2"]
    assert await _found(node, "AN") == ["1", "2"]
    assert await _found(node, "élo") == ["3"]
    assert await _found(node, "STRASSE") == ["4"]
    assert await _found(node, " anna ") == ["1"]
    assert await _found(node, "nna") == []


async def test_characters_special_to_the_database_match_nothing_but_themselves(node: Node) -> None:
    await _arrive(node, ("1", "100%"), ("2", "100 percent"), ("3", "%%"), ("4", "ax"), ("5", "a'b"), ("6", "__"))
    assert await _found(node, "100%") == ["1", "2"], "signs do not count beside letters and digits"
    assert await _found(node, "_") == ["6"]
    assert await _found(node, "%") == ["3"]
    assert await _found(node, "a'b") == ["5"]


async def test_a_renamed_user_is_found_by_the_new_name_only(node: Node) -> None:
    await _arrive(node, ("alice", "Alice"))
    await node.do(ALICE, UpdateUser(name="Zoe"))
    assert await _found(node, "zo") == ["alice"]
    assert await _found(node, "ali") == []


async def test_a_user_is_found_by_the_whole_id(node: Node) -> None:
    await _arrive(node, ("u-17", "Anna"), ("u-170", "Berta"), ("anna", "Clara"))
    assert await _found(node, "u-17") == ["u-17"]
    assert await _found(node, "anna") == ["anna", "u-17"]


async def test_a_search_shows_no_mail_address_and_no_banned_user(node: Node) -> None:
    user = await node.do(ANYONE, RegisterAccount("ann@example.com", "Ann", "hash"))
    await _arrive(node, ("mallory", "Annika"))
    await node.do(OPERATOR, BanUser("mallory"))
    assert (await node.do(BOB, SearchUsers("ann"))).items == (msgspec.structs.replace(user, email=None),)
    for actor in (OPERATOR, BACKEND):
        found = (await node.do(actor, SearchUsers("ann"))).items
        assert [(each.id, each.email, each.banned) for each in found] == [
            (user.id, "ann@example.com", False),
            ("mallory", None, True),
        ]
    assert await _found(node, "mallory") == []
    assert await _found(node, "ann@example.com") == []


async def test_users_are_found_page_by_page_each_once(node: Node) -> None:
    people = [(f"id{number}", "Ann" if number % 2 else f"Ann {number:02}") for number in range(25)]
    await _arrive(node, *people)
    found: list[User] = []
    cursor: str | None = None
    while True:
        page = await node.do(BOB, SearchUsers("ann", cursor, 10))
        found += page.items
        if page.next is None:
            break
        cursor = page.next
    assert [(user.name.casefold(), user.id) for user in found] == sorted((name.casefold(), id_) for id_, name in people)
    assert {len(str(user.email)) for user in found} == {len("None")}


async def test_an_empty_search_finds_everyone(node: Node) -> None:
    await _arrive(node, ("2", "B"), ("1", "A"))
    assert await _found(node, "") == ["1", "2"]
    assert await _found(node, "  ") == ["1", "2"]


@pytest.mark.parametrize("cursor", ["", "x", "!!", "WzFd", "WyJhIl0=", "é", "IltdIg=="])
async def test_a_cursor_of_another_list_is_refused(node: Node, cursor: str) -> None:
    assert await node.refusal(BOB, SearchUsers("a", cursor)) == "invalid_request"


@pytest.mark.parametrize("text", ["\x00", "\ud800", "x" * 201])
async def test_an_invalid_search_text_is_refused(node: Node, text: str) -> None:
    assert await node.refusal(BOB, SearchUsers(text)) == "invalid_request"
