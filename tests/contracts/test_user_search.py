"""Which users a user can find and see, according to the setting `directory`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Literal

import pytest

from talkwire.core.commands.accounts import GetUser, PutUser, PutUsers, SearchUsers
from talkwire.core.commands.blocks import BlockUser, ListBlocked
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.desk.claims import ClaimConversation, CloseConversation
from talkwire.core.commands.desk.teams import PutTeam
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.server.console import BrowseUsers
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import UserCreated, UserUpdated
from talkwire.core.domain.model import Actor, ActorRole, User
from talkwire.core.features.users import user_search
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
from tests.databases import Database


async def _user(node: Node, actor: Actor, query: GetUser) -> User | None:
    """Returns what the actor sees of a user; None if the user is hidden from the actor."""
    try:
        user: User = await node.do(actor, query)
    except ChatError:
        return None
    return user


@asynccontextmanager
async def _node(database: Database, clock: Clock, policy: AccessPolicy) -> AsyncIterator[Node]:
    """Alice shares a group with Bob and a channel with Carol. Mallory is alone."""
    async with running(database, clock, policy=policy) as node:
        await node.users(ALICE, BOB, CAROL, MALLORY)
        await node.group("c", ALICE, BOB)
        await node.do(BACKEND, CreateConversation("channel", ("carol", "alice"), id="town", name="Town"))
        yield node


@pytest.fixture
async def contacts(database: Database, clock: Clock) -> AsyncIterator[Node]:
    async with _node(database, clock, AccessPolicy(directory="contacts")) as node:
        yield node


@pytest.fixture
async def closed(database: Database, clock: Clock) -> AsyncIterator[Node]:
    async with _node(database, clock, AccessPolicy(directory="off")) as node:
        yield node


@pytest.fixture(params=["contacts", "off"])
async def narrow(database: Database, clock: Clock, request: pytest.FixtureRequest) -> AsyncIterator[Node]:
    """A policy whose directory does not show everyone."""
    async with _node(database, clock, AccessPolicy(directory=request.param)) as node:
        yield node


async def _found(node: Node, actor: Actor, text: str = "") -> list[str]:
    return [user.id for user in (await node.do(actor, SearchUsers(text))).items]


async def test_contacts_find_whom_they_share_a_conversation_with(contacts: Node) -> None:
    assert await _found(contacts, ALICE) == ["alice", "bob", "carol"]
    assert await _found(contacts, BOB) == ["alice", "bob"]
    assert await _found(contacts, MALLORY) == []
    assert await _found(contacts, ALICE, "bo") == ["bob"]
    assert await _found(contacts, ALICE, "mal") == []
    assert await _found(contacts, ALICE, "mallory") == []
    await contacts.do(BACKEND, PutUsers((PutUser("bob", "Bob Lindgren"), PutUser("mallory", "Mallory Lindgren"))))
    assert await _found(contacts, ALICE, "lind") == ["bob"]
    assert await _found(contacts, BACKEND, "lind") == ["bob", "mallory"]
    await contacts.do(BACKEND, RemoveMember("c", "bob"))
    assert await _found(contacts, ALICE) == ["alice", "carol"]


async def test_of_everyone_contacts_come_first_and_nobody_twice(database: Database, clock: Clock) -> None:
    names = {f"t{number:02}": f"Tom {number:02}" for number in range(12)}
    async with _node(database, clock, AccessPolicy(directory="everyone")) as node:
        await node.do(BACKEND, PutUsers(tuple(PutUser(id_, name) for id_, name in names.items())))
        friends = ("t11", "t03", "t07")
        await node.do(BACKEND, CreateConversation("group", ("alice", *friends), id="g", name="G"))
        found: list[list[str]] = []
        cursor: str | None = None
        while not found or cursor is not None:
            answer = await node.do(ALICE, SearchUsers("tom", cursor, 2))
            found.append([user.id for user in answer.items])
            cursor = answer.next
        assert found[0] == ["t03", "t07", "t00", "t01"], "the first contacts, and the first page"
        assert sorted(user_id for page in found for user_id in page) == sorted(names), "everyone once"
        assert await _found(node, BACKEND, "tom") == sorted(names)
        assert await _found(node, MALLORY, "tom") == sorted(names)


async def test_names_are_found_without_accents_and_in_each_form_of_unicode(contacts: Node) -> None:
    await contacts.do(BACKEND, PutUser("bob", "Jose\u0301 Großmann"))
    for text in ("jose", "JOS\u00c9", "jos\u00e9 g", "grossm", "\uff47\uff52\uff4f\uff53\uff53"):
        for actor in (ALICE, BACKEND):
            assert await _found(contacts, actor, text) == ["bob"], text
        assert [each.user.id for each in (await contacts.do(OPERATOR, BrowseUsers(text))).items] == ["bob"], text
    assert await _found(contacts, BACKEND, "(*)") == []


async def test_the_backend_finds_everyone(narrow: Node) -> None:
    for actor in (BACKEND, OPERATOR):
        assert await _found(narrow, actor) == ["alice", "bob", "carol", "mallory"]
        assert (await narrow.do(actor, GetUser("mallory"))).name == "Mallory"


async def test_a_closed_directory_finds_no_users(closed: Node) -> None:
    for text in ("", "bob", "alice"):
        assert await _found(closed, ALICE, text) == []
    assert (await closed.do(ALICE, GetUser("bob"))).name == "Bob"


async def test_a_stranger_is_refused_whether_there_is_one_or_not(narrow: Node) -> None:
    assert await narrow.refusal(ALICE, GetUser("mallory")) == "forbidden"
    assert await narrow.refusal(ALICE, GetUser("nobody")) == "forbidden"
    assert await narrow.refusal(BACKEND, GetUser("nobody")) == "not_found"
    assert (await narrow.do(ALICE, GetUser("alice"))).name == "Alice"
    assert (await narrow.do(MALLORY, GetUser("mallory"))).name == "Mallory"


@pytest.mark.parametrize("directory", ["contacts", "off"])
async def test_customers_see_who_handles_their_conversation_and_staff_their_colleagues(
    database: Database, clock: Clock, directory: Literal["contacts", "off"]
) -> None:
    async with _node(database, clock, AccessPolicy(directory=directory)) as node:
        await node.do(BACKEND, PutUsers(tuple(PutUser(id_, id_.title()) for id_ in ("kim", "sam", "dora"))))
        await node.do(BACKEND, PutTeam("support", "Support", ("kim", "sam")))
        for id_, customer in (("o1", "dora"), ("o2", "mallory")):
            await node.do(BACKEND, CreateConversation("group", (customer,), id=id_, team_ids=("support",)))
        await node.do(Actor("kim", "Kim"), ClaimConversation("o1"))

        async def seen_by(user_id: str) -> list[str]:
            asked = [(Actor(user_id, user_id), GetUser(each)) for each in ("kim", "sam", "dora")]
            return [user.id for actor, query in asked if (user := await _user(node, actor, query)) is not None]

        assert await seen_by("dora") == ["kim", "dora"], "Kim handles the conversation"
        assert await seen_by("mallory") == [], "nobody handles this one"
        assert await seen_by("sam") == ["kim", "sam", "dora"], "a colleague, and a customer"
        await node.do(Actor("kim", "Kim"), CloseConversation("o1"))
        assert await seen_by("dora") == ["dora"]


async def test_blocking_a_stranger_does_not_show_them(contacts: Node) -> None:
    await contacts.do(ALICE, BlockUser("mallory"))
    await contacts.do(ALICE, BlockUser("bob"))
    blocked = (await contacts.do(ALICE, ListBlocked())).items
    assert [(user.id, user.name) for user in blocked] == [("bob", "Bob"), ("mallory", "mallory")]


async def test_a_conversation_with_a_known_id_makes_contacts(contacts: Node) -> None:
    await contacts.do(ALICE, CreateConversation("direct", ("alice", "mallory")))
    assert await _found(contacts, MALLORY) == ["alice", "mallory"]


@pytest.mark.parametrize("reach_max", [0, 1000])
@pytest.mark.parametrize("name", ["Zoe {id}", "{id} Zoe", "{id} Zoe Zoelle"])
async def test_contacts_are_found_page_by_page_in_any_number(
    contacts: Node, reach_max: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_search, "REACH_MAX", reach_max)
    monkeypatch.setattr(user_search, "USERS_AT_ONCE", 3)
    monkeypatch.setattr(user_search, "USERS_EXAMINED_MAX", 9)
    ids = [f"u{number:02}" for number in range(40)]
    await contacts.do(BACKEND, PutUsers(tuple(PutUser(id_, name=name.format(id=id_)) for id_ in ids)))
    friends = tuple(ids[::3])
    await contacts.do(BACKEND, CreateConversation("channel", ("alice", *friends), id="far", name="Far"))
    found: Sequence[User] = ()
    cursor: str | None = None
    while True:
        page = await contacts.do(ALICE, SearchUsers("zoe", cursor, 4))
        assert len(page.items) <= 4
        found = (*found, *page.items)
        cursor = page.next
        if cursor is None:
            break
    assert [user.id for user in found] == list(friends)


# --- the application's backend ----------------------------------------------------------------------------------------

SYSTEM = SendMessage("town", "Your order was shipped.", system=True)
PEOPLE: Mapping[str, ActorRole] = MappingProxyType({"person": "user", "admin": "admin"})


async def _identities(node: Node) -> dict[str, bool]:
    """Makes users in all ways and returns their ids, each with whether it is offered. Each was named by a service
    token, has a profile and is a member of Alice's channel, so that nothing else hides it."""

    async def seen(user_id: str, role: ActorRole) -> None:
        await node.chat.user_of_token(user_id, "Shop", role=role)

    async def put(user_id: str, actor: Actor) -> None:
        await node.do(actor, PutUser(user_id, f"The Shop {user_id}", handle=f"shop.{user_id}"))

    def service(user_id: str) -> Actor:
        return Actor(user_id, "Shop", role="service")

    await seen("token", "service")
    await node.do(service("system"), SYSTEM)
    for person, role in PEOPLE.items():
        await seen(person, "service")
        await seen(person, role)
    await put("put", BACKEND)
    await node.do(BACKEND, AddMembers("town", ("member",)))
    identities = {"token": False, "system": False, "person": True, "admin": True, "put": True, "member": True}
    for user_id in identities:
        await seen(user_id, "service")
        await put(user_id, service(user_id))
        await node.do(service(user_id), SYSTEM)
    await node.do(BACKEND, AddMembers("town", tuple(identities)))
    return identities


@pytest.mark.parametrize(("directory", "reach_max"), [("everyone", 2000), ("contacts", 2000), ("contacts", 0)])
async def test_users_of_service_tokens_are_not_offered_to_others(
    database: Database,
    clock: Clock,
    directory: Literal["everyone", "contacts"],
    reach_max: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(user_search, "REACH_MAX", reach_max)
    async with _node(database, clock, AccessPolicy(directory=directory)) as node:
        identities = await _identities(node)
        offered = {user_id for user_id, is_offered in identities.items() if is_offered}
        for text in ("", "the", "sho", "@shop."):
            assert {*await _found(node, ALICE, text)} & identities.keys() == offered, text
            assert {*await _found(node, BACKEND, text)} & identities.keys() == identities.keys(), text
        for user_id, is_offered in identities.items():
            assert (user_id in await _found(node, ALICE, user_id)) is is_offered
            assert (await node.do(ALICE, GetUser(user_id))).name == f"The Shop {user_id}"
        listed = (await node.do(OPERATOR, BrowseUsers("the shop"))).items
        assert {each.user.id: not each.user.backend for each in listed} == identities


async def test_a_user_of_service_tokens_becomes_a_person_by_one_event(node: Node) -> None:
    for role in ("service", "service", "user", "user", "service"):
        user, entry = await node.chat.user_of_token("shop", "The Shop", role=role)
        assert entry.user == user
    created, updated = node.log
    assert isinstance(created, UserCreated)
    assert isinstance(updated, UserUpdated)
    assert (created.user.backend, updated.user.backend) == (True, False)
