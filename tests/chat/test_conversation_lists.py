"""Lists of conversations with filters, over REST and over a socket."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from urllib.parse import urlencode

import pytest

from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at
from tests.waiting import until_asked


@pytest.fixture(scope="module")
def keyed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose lists can be filtered by two keys of metadata."""
    with running_chat(tmp_path_factory.mktemp("keyed"), {"TALKWIRE_CONVERSATION_KEYS": "order, vip"}) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture
async def keyed(keyed_server: ServerProcess) -> AsyncIterator[World]:
    async with world_at(keyed_server) as world:

        async def is_indexed() -> bool:
            answer = await world.request("GET", "/api/v1/conversations?metadata.vip=x", by="backend", role="service")
            return answer.is_success

        await until_asked(is_indexed)
        yield world


def put_desk(world: World, conversation_id: str, via: str, **desk: object) -> None:
    """Writes what a conversation has of a team of this test, and that a user is in it through the team."""
    assert isinstance(world.server, ServerProcess)
    team_ids = json.dumps([world.id_of("sales")])
    columns = {"team_ids": team_ids, **desk}
    with closing(sqlite3.connect(world.server.data / "talkwire.db", timeout=60)) as connection, connection:
        changes = ", ".join(f"{name} = ?" for name in columns)
        connection.execute(f"UPDATE conversations SET {changes} WHERE id = ?", [*columns.values(), conversation_id])  # noqa: S608 (our own names)
        row = (world.id_of("sales"), conversation_id)
        connection.execute("INSERT INTO conversation_teams VALUES (?, ?, 0, 0)", row)
        there = (team_ids, conversation_id, world.id_of(via))
        connection.execute("UPDATE members SET via = ? WHERE conversation_id = ? AND user_id = ?", there)


async def _order(world: World, number: int, **metadata: object) -> str:
    """Creates a conversation of a customer and Alice, who serves them."""
    body = {
        "kind": "group",
        "id": world.id_of(f"order{number}"),
        "memberIds": [world.id_of("alice"), world.id_of("customer")],
        "metadata": {"order": f"{world.id_of('o')}-{number}", **metadata},
    }
    return str((await world.service("POST", "/api/v1/conversations", body))["id"])


@pytest.fixture
async def orders(keyed: World) -> list[str]:
    """Four conversations: two are open and wait, the second for longer; the third nobody handles, and the last has no
    team."""
    ids = [await _order(keyed, number, vip=number % 2 == 0) for number in range(4)]
    alice = keyed.id_of("alice")
    put_desk(keyed, ids[0], "alice", handler_id=alice, waiting_since_ms=2000)
    put_desk(keyed, ids[1], "alice", handler_id=alice, waiting_since_ms=1000)
    put_desk(keyed, ids[2], "alice", closed=1)
    return ids


async def test_a_desk_over_rest(keyed: World, orders: list[str]) -> None:
    async def listed(by: str, role: str | None = None, **query: object) -> list[str]:
        ids, cursor = list[str](), None
        while True:
            given = {**query, "limit": 1, **({"cursor": cursor} if cursor else {})}
            answer = await keyed.request("GET", f"/api/v1/conversations?{urlencode(given)}", by=by, role=role)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            ids += [each["id"] for each in page["items"]]
            cursor = page["next"]
            if cursor is None:
                return ids

    team_id = keyed.id_of("sales")
    for by, role in (("alice", None), ("backend", "service"), ("operator", "admin")):
        waiting = await listed(by, role, teamId=team_id, state="open", order="waitingSince")
        assert waiting == [orders[1], orders[0]]
        assert await listed(by, role, teamId=team_id, state="closed") == [orders[2]]
        assert await listed(by, role, teamId=team_id, handler="none") == [orders[2]]
        assert await listed(by, role, teamId=team_id, handler=keyed.id_of("alice"), order="updatedAt") == [
            orders[1],
            orders[0],
        ]
        assert await listed(by, role, **{"teamId": team_id, "metadata.vip": "true"}) in (
            [orders[2], orders[0]],
            [orders[0], orders[2]],
        )
        assert await listed(by, role, **{"metadata.order": f"{keyed.id_of('o')}-3"}) == [orders[3]]
        assert await listed(by, role, teamId="unknown") == []
    assert await listed("alice", handler="me") == [orders[1], orders[0]]
    assert await listed("mallory", teamId=team_id) == []
    changed = {"metadata": {"order": f"{keyed.id_of('o')}-new"}}
    await keyed.service("PATCH", f"/api/v1/conversations/{orders[3]}", changed)
    assert await listed("alice", **{"metadata.order": f"{keyed.id_of('o')}-3"}) == []
    assert await listed("alice", **{"metadata.order": f"{keyed.id_of('o')}-new"}) == [orders[3]]
    await keyed.service("DELETE", f"/api/v1/conversations/{orders[3]}")
    assert await listed("alice", **{"metadata.order": f"{keyed.id_of('o')}-new"}) == []


async def test_a_desk_over_a_socket(keyed: World, orders: list[str]) -> None:
    alice, mallory = await keyed.connect("alice"), await keyed.connect("mallory")

    async def listed(**payload: object) -> list[str]:
        ids, cursor = list[str](), None
        while True:
            page = await alice.done("conversations:list", {**payload, "limit": 1, "cursor": cursor})
            ids += [each["id"] for each in page["conversations"]]
            cursor = page.get("cursor")
            if cursor is None:
                return ids

    team_id = keyed.id_of("sales")
    assert await listed(teamId=team_id, state="open", order="waitingSince") == [orders[1], orders[0]]
    assert await listed(teamId=team_id, handler="none", metadata={"vip": True}) == [orders[2]]
    assert await listed(handler="me", metadata={"vip": "false"}) == [orders[1]]
    assert await listed(metadata={"order": f"{keyed.id_of('o')}-3"}) == [orders[3]]
    assert (await mallory.done("conversations:list", {"teamId": team_id}))["conversations"] == []
    for payload, path in (
        ({"metadata": {"order": "1", "vip": "2"}}, "metadata"),
        ({"metadata": {"shop": "1"}}, "metadata.shop"),
        ({"query": "x", "metadata": {"order": "1"}}, "metadata"),
        ({"query": "x", "teamId": "1"}, "teamId"),
        ({"query": "x", "order": "updatedAt"}, "order"),
        ({"state": "half"}, "state"),
        ({"metadata": {"order": None}}, "metadata"),
    ):
        error = await alice.refused("conversations:list", payload)
        assert error["code"] == "invalid_request"
        assert path in error["message"], error


@pytest.mark.parametrize(
    ("by", "query", "path"),
    [
        ("backend", "handler=me", "handler"),
        ("alice", "state=half", "state"),
        ("alice", "order=name", "order"),
        ("alice", "metadata.shop=1", "metadata.shop"),
        ("alice", "metadata.=1", "metadata."),
        ("alice", "metadata.order=1&metadata.vip=2", "metadata"),
        ("alice", "metadata.order=1&metadata.order=2", "metadata"),
        ("alice", f"metadata.order={'x' * 129}", "metadata.order"),
        ("alice", "metadata=1", "metadata"),
        ("alice", "metadatas.order=1", "metadatas.order"),
        ("alice", "query=x&state=open", "state"),
        ("alice", "query=x&metadata.order=1", "metadata"),
        ("alice", "order=waitingSince&cursor=12", "cursor"),
        ("backend", "order=waitingSince&cursor=after:a", "cursor"),
        ("backend", "state=open&cursor=12", "cursor"),
    ],
)
async def test_invalid_parameters_are_refused(keyed: World, by: str, query: str, path: str) -> None:
    role = "service" if by == "backend" else None
    answer = await keyed.request("GET", f"/api/v1/conversations?{query}", by=by, role=role)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "invalid_request"
    assert [each["path"] for each in error["details"]] == [path]


async def test_another_route_has_no_parameters_of_metadata(keyed: World) -> None:
    answer = await keyed.request("GET", "/api/v1/users/me?metadata.order=1", by="alice")
    assert answer.status_code == 422
