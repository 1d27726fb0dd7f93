"""What operators see of all users and conversations, over each database."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select

from talkwire.core.commands.accounts import BanUser, Device, EraseUser, OpenLogin, PutUser, PutUsers, RegisterAccount
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation, UpdateConversation
from talkwire.core.commands.messages import DeleteMessage
from talkwire.core.commands.notifications import PutPushSubscription
from talkwire.core.commands.presence import EndLease, RenewLease, UserMoves
from talkwire.core.commands.server.console import (
    BrowseConversations,
    BrowseUsers,
    EndConnection,
    EndLogin,
    GetPushState,
    GetTotals,
    ListLoginsOf,
    ListLostNodes,
    LostNode,
)
from talkwire.core.commands.server.pushes import ClaimPushes, PushResult
from talkwire.core.domain.actors import NODE, PUSH_SENDER
from talkwire.core.domain.events import LoginEnded
from talkwire.core.domain.model import Actor, PushTarget
from talkwire.core.domain.pages import PAGE_MAX, list_cursor
from talkwire.storage.schema import name_parts, pushes
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, OPERATOR, Clock, Node, running
from tests.contracts.plans import plan_of, read_statements
from tests.databases import Database

NAMES = ("Ärni", "anna", "Anna", "Bert", "ändy", "Zoe")


@pytest.fixture
async def many(node: Node) -> Node:
    """Seven users, of whom two have the same name, one is banned and one erased."""
    await node.do(BACKEND, PutUsers(tuple(PutUser(f"u{n}", name) for n, name in enumerate(NAMES))))
    await node.do(BACKEND, PutUser("gone", "Anna"))
    await node.do(BACKEND, PutUser("u3", handle="annabert"))
    await node.do(BACKEND, BanUser("u2"))
    await node.do(BACKEND, EraseUser("gone", redact=False))
    return node


async def _all(node: Node, command: Any) -> list[str]:  # noqa: ANN401 (either list)
    """Returns the ids on all pages of two, in their order."""
    found: list[str] = []
    cursor = None
    while True:
        values = {name: getattr(command, name) for name in command.__struct_fields__} | {"cursor": cursor, "limit": 2}
        page = await node.do(OPERATOR, type(command)(**values))
        found += [getattr(each, "user", None) or each.conversation for each in page.items]
        cursor = page.next
        if cursor is None:
            return [each.id for each in found]  # type: ignore[attr-defined]  # a user or a conversation


async def test_pages_have_every_user_once_in_the_order_of_names(many: Node) -> None:
    everybody = await _all(many, BrowseUsers())
    assert [each for each in everybody if each in {"u0", "u1", "u2", "u3", "u4", "u5"}] == [
        "u4",
        "u1",
        "u2",
        "u0",
        "u3",
        "u5",
    ]
    assert len(everybody) == len(set(everybody))
    assert "gone" in everybody


async def test_users_are_found_by_name_id_handle_and_email(many: Node) -> None:
    await many.do(BACKEND, RegisterAccount("Zed@example.com", "Zed", "hash"))
    assert await _all(many, BrowseUsers("ANN")) == ["u3", "u1", "u2"]
    assert await _all(many, BrowseUsers("@annab")) == ["u3"]
    assert await _all(many, BrowseUsers("ÄR")) == ["u0"]
    assert await _all(many, BrowseUsers("an")) == ["u3", "u4", "u1", "u2"]
    assert await _all(many, BrowseUsers("u5")) == ["u5"]
    (zed,) = (await many.do(OPERATOR, BrowseUsers("zed@EXAMPLE.com"))).items
    assert (zed.user.name, zed.user.email) == ("Zed", "zed@example.com")
    assert await _all(many, BrowseUsers("%")) == []


async def test_users_are_found_by_the_beginning_of_each_word_of_their_names(many: Node) -> None:
    names = ("Anna Maria Lindgren", "Bo Lind", "Linda Lindqvist", "Jean-Luc (Lin) O'Lin")
    await many.do(BACKEND, PutUsers(tuple(PutUser(f"w{n}", name) for n, name in enumerate(names))))
    assert await _all(many, BrowseUsers("lin")) == ["w3", "w1", "w2", "w0"]
    assert await _all(many, BrowseUsers("maria L")) == ["w0"]
    assert await _all(many, BrowseUsers("luc")) == ["w3"]
    assert await _all(many, BrowseUsers("indgren")) == []
    await many.do(BACKEND, BanUser("w1"))
    assert await _all(many, BrowseUsers("lin", banned=True)) == ["w1"]
    assert await _all(many, BrowseUsers("lind", banned=False)) == ["w2", "w0"]
    await many.do(BACKEND, PutUser("w0", "Anna Lindqvist"))
    assert await _all(many, BrowseUsers("lindgren")) == []
    assert await _all(many, BrowseUsers("lindqvist")) == ["w0", "w2"]
    await many.do(BACKEND, EraseUser("w0", redact=False))
    assert await _all(many, BrowseUsers("lindqvist")) == ["w2"]
    with many.read_engine.connect() as connection:
        parts = connection.execute(select(name_parts.c.folded_part).where(name_parts.c.id == "w0"))
        assert parts.scalars().all() == ["user"], "the name is Deleted user"


async def test_conversations_are_found_without_accents(many: Node) -> None:
    await many.do(BACKEND, CreateConversation("group", ("u1",), id="cafe", name="Das Cafe\u0301 Größe"))
    for text in ("caf\u00e9", "CAFE", "das cafe gros", "\uff43\uff41\uff46\uff45"):
        assert await _all(many, BrowseConversations(text)) == ["cafe"], text


async def test_banned_users_are_listed_apart_and_erased_ones_are_not_banned(many: Node) -> None:
    assert await _all(many, BrowseUsers(banned=True)) == ["u2"]
    others = await _all(many, BrowseUsers(banned=False))
    assert "u2" not in others
    assert "gone" in others
    assert await _all(many, BrowseUsers("u2", banned=False)) == []
    assert await _all(many, BrowseUsers("u2", banned=True)) == ["u2"]


async def test_a_user_is_online_on_any_living_node(many: Node, clock: Clock) -> None:
    await many.do(NODE, RenewLease("n1", 10_000, UserMoves(arrived=("u1",))))

    async def seen() -> tuple[bool, int | None]:
        (record,) = [each for each in (await many.do(OPERATOR, BrowseUsers("u1"))).items if each.user.id == "u1"]
        return record.online, record.last_seen_ms

    assert await seen() == (True, None)
    left_ms = clock.now_ms
    await many.do(NODE, RenewLease("n1", 10_000, UserMoves(departed={"u1": left_ms})))
    assert await seen() == (False, left_ms)
    await many.do(NODE, RenewLease("n1", 10_000, UserMoves(arrived=("u1",))))
    clock.now_ms += 10_001
    assert (await seen())[0] is False, "the node's lease has ended"


async def test_a_node_that_died_is_listed_for_a_day_and_one_that_stopped_is_not(node: Node, clock: Clock) -> None:
    await node.users(ALICE, BOB)
    arrived = UserMoves(arrived=("alice", "bob"))
    await node.do(NODE, RenewLease("killed", 15_000, arrived, host="app-2"))
    await node.do(NODE, RenewLease("suspended", 15_000, host="app-3"))
    await node.do(NODE, RenewLease("stopped", 15_000, arrived))
    await node.do(NODE, RenewLease("here", 10 * 60_000))
    await node.do(NODE, EndLease("stopped", 10_000))
    died_ms = clock.now_ms
    clock.now_ms += 60_000
    await node.do(NODE, RenewLease("here", 10 * 60_000))
    suspended = LostNode("suspended", "app-3", died_ms, 0)
    killed = LostNode("killed", "app-2", died_ms, 2)
    assert await node.do(OPERATOR, ListLostNodes()) == (killed, suspended)
    await node.do(NODE, RenewLease("suspended", 15_000, host="app-3"))
    await node.do(NODE, EndLease("suspended"))
    assert await node.do(OPERATOR, ListLostNodes()) == (killed,)
    clock.now_ms += 24 * 3_600_000 - 60_001
    assert await node.do(OPERATOR, ListLostNodes()) == (killed,)
    clock.now_ms += 2
    assert await node.do(OPERATOR, ListLostNodes()) == ()
    assert await node.refusal(ALICE, ListLostNodes()) == "forbidden"


async def test_the_newest_hundred_nodes_that_died_are_listed(node: Node, clock: Clock) -> None:
    for number in range(PAGE_MAX + 1):
        clock.now_ms += 1
        await node.do(NODE, RenewLease(f"n{number}", 1000))
    clock.now_ms += 1001
    await node.do(NODE, RenewLease("here", 1000, alone=True))
    listed = await node.do(OPERATOR, ListLostNodes())
    assert [each.id for each in listed] == [f"n{number}" for number in range(PAGE_MAX, 0, -1)]


@pytest.fixture
async def places(node: Node, clock: Clock) -> Node:
    """Five conversations, each a second younger than the one before; two were created at the same time."""
    await node.users(ALICE, BOB, CAROL)
    for id_, kind, name in (
        ("a", "group", "Town hall"),
        ("b", "channel", "TOWER"),
        ("c", "group", "Ärger"),
        ("D", "channel", "town"),
        ("e", "group", "Deleted town"),
    ):
        clock.now_ms += 0 if id_ == "D" else 1000
        await node.do(BACKEND, CreateConversation(kind, ("alice", "bob"), id=id_, name=name))  # type: ignore[arg-type]  # kinds
    clock.now_ms += 1000
    await node.do(BACKEND, CreateConversation("direct", ("alice", "bob"), id="d2"))
    await node.do(BACKEND, DeleteConversation("e"))
    return node


async def test_pages_have_every_conversation_once_newest_first(places: Node) -> None:
    found = await _all(places, BrowseConversations())
    assert (found[0], set(found[1:3]), found[3:]) == ("d2", {"c", "D"}, ["b", "a"])
    assert await _all(places, BrowseConversations(kind="group")) == ["c", "a"]
    assert await _all(places, BrowseConversations(kind="direct")) == ["d2"]


async def test_conversations_are_found_by_name_and_id(places: Node) -> None:
    assert await _all(places, BrowseConversations("tow")) == ["b", "D", "a"]
    assert await _all(places, BrowseConversations("Tow", kind="channel")) == ["b", "D"]
    assert await _all(places, BrowseConversations("äRG")) == ["c"]
    assert await _all(places, BrowseConversations("d2")) == ["d2"]
    assert await _all(places, BrowseConversations("d2", kind="group")) == []
    assert await _all(places, BrowseConversations("e")) == [], "it was deleted"
    await places.do(BACKEND, UpdateConversation("c", name="Towers"))
    assert await _all(places, BrowseConversations("towers")) == ["c"]
    assert await _all(places, BrowseConversations("ärg")) == []


async def test_conversations_are_found_by_the_beginning_of_each_word_of_their_names(places: Node) -> None:
    assert await _all(places, BrowseConversations("hall")) == ["a"]
    assert await _all(places, BrowseConversations("hall", kind="channel")) == []
    await places.do(BACKEND, CreateConversation("channel", ("alice",), id="f", name="#city-hall: hallways"))
    assert await _all(places, BrowseConversations("hall")) == ["a", "f"]
    assert await _all(places, BrowseConversations("city")) == ["f"]
    await places.do(BACKEND, UpdateConversation("a", name="Town"))
    assert await _all(places, BrowseConversations("hall")) == ["f"]
    await places.do(BACKEND, DeleteConversation("f"))
    assert await _all(places, BrowseConversations("hall")) == []


async def test_a_conversation_says_how_many_messages_it_has_and_when_the_newest_came(
    places: Node, clock: Clock
) -> None:
    await places.send(ALICE, "one", to="a")
    clock.now_ms += 5000
    newest = await places.send(BOB, "two", to="a")
    await places.do(BOB, DeleteMessage(str(newest.id)))
    (record,) = (await places.do(OPERATOR, BrowseConversations("a"))).items[:1]
    assert (record.conversation.last_seq, record.conversation.member_count) == (2, 2)
    assert record.last_message_ms == clock.now_ms
    (quiet,) = (await places.do(OPERATOR, BrowseConversations("b"))).items[:1]
    assert quiet.last_message_ms is None


async def test_totals_count_what_exists(places: Node) -> None:
    before = await places.do(OPERATOR, GetTotals())
    await places.send(ALICE, "one", to="a")
    await places.do(BACKEND, EraseUser("carol", redact=False))
    totals = await places.do(BACKEND, GetTotals())
    assert (totals.users, totals.messages) == (before.users - 1, before.messages + 1)
    assert totals.conversations == 5
    assert totals.size_bytes > 100_000


async def test_push_state_counts_devices(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.do(ALICE, PutPushSubscription(PushTarget("web", "https://push.example.com/a", "key", "auth"), None))
    gateway = PushTarget("gateway", "https://gateway.example.com/_matrix/push/v1/notify", app_id="app", push_key="k")
    await node.do(BOB, PutPushSubscription(gateway, None))
    state = await node.do(OPERATOR, GetPushState())
    assert (state.registrations, state.waiting, state.failing) == ({"web": 1, "gateway": 1}, 0, ())


async def test_push_state_lists_devices_that_fail_the_most_often_failed_first(node: Node, clock: Clock) -> None:
    await node.users(ALICE, BOB)
    devices = [
        await node.do(actor, PutPushSubscription(PushTarget("web", f"https://push.example.com/{n}", "key", "auth")))
        for n, actor in enumerate((ALICE, BOB, BOB))
    ]
    with node.write_engine.begin() as connection:
        rows = [{"subscription_id": d.id, "notification_id": 1, "state": "new", "at_ms": clock.now_ms} for d in devices]
        connection.execute(insert(pushes), rows)
    results = tuple(PushResult(d.id, failures=n, retry_ms=60_000) for n, d in enumerate(devices))
    await node.do(PUSH_SENDER, ClaimPushes("n1", results, 60_000, 0))
    state = await node.do(OPERATOR, GetPushState())
    assert state.waiting == 3
    assert [(each.id, each.user_id, each.failures, each.next_ms) for each in state.failing] == [
        (devices[2].id, "bob", 2, clock.now_ms + 60_000),
        (devices[1].id, "bob", 1, clock.now_ms + 60_000),
    ]
    assert {each.service for each in state.failing} == {"https://push.example.com"}


async def test_devices_of_a_user_are_listed_and_signed_out(node: Node) -> None:
    user = await node.do(ALICE, RegisterAccount("ann@example.com", "Ann", "hash"))
    login = await node.do(ALICE, OpenLogin(user.id, "t1", 60_000, Device("203.0.113.7", "Browser"), "hash"))
    (listed,) = await node.do(OPERATOR, ListLoginsOf(user.id))
    assert (listed.id, listed.address) == (login.session.id, "203.0.113.7")
    assert await node.refusal(OPERATOR, EndLogin("bob", listed.id)) == "not_found"
    assert await node.refusal(OPERATOR, EndLogin(user.id, "none")) == "not_found"
    assert await node.refusal(OPERATOR, ListLoginsOf("nobody")) == "not_found"
    await node.do(BACKEND, EndLogin(user.id, listed.id))
    assert await node.do(OPERATOR, ListLoginsOf(user.id)) == ()
    assert [(each.user_id, each.session_id) for each in node.log if isinstance(each, LoginEnded)] == [
        (user.id, listed.id)
    ]


_COMMANDS: tuple[Command[Any], ...] = (
    BrowseUsers(),
    BrowseConversations(),
    GetTotals(),
    GetPushState(),
    ListLoginsOf("alice"),
    EndLogin("alice", "x"),
    EndConnection("alice", "x"),
)


@pytest.mark.parametrize("command", _COMMANDS, ids=lambda command: type(command).__name__)
async def test_users_are_refused(node: Node, command: Command[Any]) -> None:
    await node.users(ALICE)
    for actor in (ALICE, Actor("talkwire/somebody", "")):
        assert await node.refusal(actor, command) == "forbidden"


_CURSORS = (
    "",
    "?",
    "é",
    "W10=",
    "WzEsMl0=",
    "WyIiLCIiLCIiXQ==",
    "WyJcdTAwMDAiLCIiXQ==",
    "WzFlNDAwLCJhIl0=",
    list_cursor((-1, "a")),
    list_cursor((2**53, "a")),
    list_cursor((10**30, "a")),
    "W" * 10_000,
)


@pytest.mark.parametrize("cursor", _CURSORS)
async def test_hostile_cursors_are_refused(node: Node, cursor: str) -> None:
    for list_ in (BrowseUsers(), BrowseConversations(), BrowseConversations("a")):
        assert await node.refusal(OPERATOR, _with(list_, cursor=cursor)) == "invalid_request"


@pytest.mark.parametrize("text", ["\x00", "\ud800", "x" * 1000])
async def test_texts_that_find_nothing_anywhere_are_refused(node: Node, text: str) -> None:
    for command in (BrowseUsers(text), BrowseConversations(text)):
        assert await node.refusal(OPERATOR, command) == "invalid_request"


_PAGES: dict[str, tuple[Command[Any], str]] = {
    "users": (BrowseUsers(), "ix_users_search_name_id"),
    "users by name": (BrowseUsers("a"), "ix_users_search_name_id"),
    "users by a later word": (BrowseUsers("b"), "name_parts"),
    "banned users": (BrowseUsers(banned=True), "ix_users_banned"),
    "banned users by name": (BrowseUsers("a", banned=True), "ix_users_banned"),
    "conversations": (BrowseConversations(), "ix_conversations_age"),
    "groups": (BrowseConversations(kind="group"), "ix_conversations_age"),
    "conversations by name": (BrowseConversations("a"), "ix_conversations_named"),
    "conversations by a later word": (BrowseConversations("b", kind="group"), "name_parts"),
}


@pytest.mark.parametrize("asked", _PAGES)
async def test_each_page_is_a_range_of_an_index(database: Database, clock: Clock, asked: str) -> None:
    """Without an index in the list's order, the database would read and sort all rows for each page."""
    command, index = _PAGES[asked]
    async with running(database, clock) as node:
        await node.do(BACKEND, PutUsers(tuple(PutUser(id_, f"{id_} b") for id_ in ("alice", "ann", "anna"))))
        for id_ in ("a1", "a2", "a3"):
            await node.do(BACKEND, CreateConversation("group", ("alice",), id=id_, name=f"{id_} b"))
        first = await node.do(OPERATOR, _with(command, limit=1))
        with read_statements(node) as statements:
            await node.do(OPERATOR, _with(command, limit=1, cursor=first.next))
        plan = plan_of(node, *next(each for each in statements if each[0].startswith("SELECT")))
    assert index in plan
    assert "SCAN users" not in plan.replace(f"SCAN users USING INDEX {index}", "")
    assert "SCAN conversations" not in plan
    assert "SCAN name_parts" not in plan
    assert "Seq Scan" not in plan
    if database.kind == "sqlite" and "users" in asked:
        # Only the rows of one page are sorted, which indexes have found (a co-routine each).
        assert plan.count("TEMP B-TREE") == plan.count("CO-ROUTINE")


def _with(command: Command[Any], **changes: object) -> Command[Any]:
    values = {name: getattr(command, name) for name in command.__struct_fields__}
    return type(command)(**values | changes)
