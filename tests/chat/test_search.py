"""Search over REST and sockets, on a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chat.chat_server import running_chat
from tests.chat.conftest import World, world_at
from tests.waiting import until_asked


async def search(world: World, by: str, **parameters: str | int) -> httpx.Response:
    """Searches over REST, after asserting that a socket finds the same."""
    answer = await world.request("GET", "/api/v1/search", by=by, params=parameters)
    if answer.is_success:
        socket = await world.connect(by)
        asked = {name: int(value) if name == "limit" else value for name, value in parameters.items()}
        found = await socket.done("messages:search", asked)
        items = answer.json()["items"]
        # The index is updated between the two requests.
        if len(found["messages"]) == len(items):
            assert (found["messages"], found["cursor"]) == (items, answer.json()["next"])
        await socket.close()
    return answer


async def found(world: World, by: str, count: int, **parameters: str | int) -> list[dict[str, Any]]:
    """Waits until a search finds this many messages, since the index is updated after the log, and returns them."""
    items: list[dict[str, Any]] = []

    async def are_found() -> bool:
        nonlocal items
        answer = await search(world, by, **parameters)
        assert answer.status_code == 200, answer.text
        items = answer.json()["items"]
        return len(items) == count

    await until_asked(are_found)
    return items


async def send(world: World, by: str, conversation_id: str, content: str) -> dict[str, Any]:
    body = {"conversationId": conversation_id, "content": content}
    answer = await world.request("POST", "/api/v1/messages", by=by, json=body)
    assert answer.is_success, answer.text
    sent: dict[str, Any] = answer.json()
    return sent


async def test_members_find_messages_newest_first_and_page_by_page(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    sent = [await send(world, "alice", conversation, f"Gr\u00fc\u00dfe {number}") for number in range(3)]
    assert await found(world, "bob", 3, q="grusse") == sent[::-1]
    first = (await search(world, "bob", q="grusse", limit=2)).json()
    assert first["items"] == sent[:0:-1]
    second = (await search(world, "bob", q="grusse", limit=2, cursor=first["next"])).json()
    assert second == {"items": sent[:1], "next": None}


async def test_users_find_no_messages_of_other_conversations(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    word = "secret" + world.id_of("x").removeprefix("x-")
    await send(world, "alice", conversation, word)
    await found(world, "alice", 1, q=word)
    assert (await search(world, "mallory", q=word)).json() == {"items": [], "next": None}
    answer = await search(world, "mallory", q=word, conversationId=conversation)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize("role", ["service", "admin"])
async def test_the_back_end_and_admins_find_every_message(world: World, role: str) -> None:
    conversation = await world.conversation("alice", "bob")
    word = "everyone" + world.id_of("x").removeprefix("x-")
    sent = await send(world, "alice", conversation, word)
    await found(world, "alice", 1, q=word)
    answer = await world.request("GET", "/api/v1/search", by="operator", role=role, params={"q": word})
    assert answer.json() == {"items": [sent], "next": None}
    operator = await world.open()
    await operator.sign_in({"token": world.server.token(world.id_of("operator"), role=role)})
    assert (await operator.done("messages:search", {"q": word}))["messages"] == [sent]


async def test_a_search_is_narrowed_to_a_conversation_a_sender_and_a_time(world: World) -> None:
    one, two = await world.conversation("alice", "bob"), await world.conversation("alice", "bob")
    by_alice = await send(world, "alice", one, "hello")
    by_bob = await send(world, "bob", two, "hello")
    assert await found(world, "alice", 2, q="hello") == [by_bob, by_alice]
    for parameters, expected in (
        ({"conversationId": one}, [by_alice]),
        ({"senderId": world.id_of("bob")}, [by_bob]),
        ({"after": by_alice["createdAt"]}, [by_bob, by_alice]),
        ({"before": by_alice["createdAt"]}, []),
        ({"before": "2100-01-01T00:00:00+02:00", "after": "2020-01-01"}, [by_bob, by_alice]),
        # The first and last times of common libraries stand for "no bound".
        ({"after": "0001-01-01T00:00:00Z", "before": "9999-12-31T23:59:59.9999999-23:59"}, [by_bob, by_alice]),
        ({"after": "1969-12-31T23:59:59.999Z"}, [by_bob, by_alice]),
        ({"before": "0001-01-01T00:00:00Z"}, []),
        ({"after": "9999-12-31T23:59:59-23:59"}, []),
    ):
        assert (await search(world, "alice", q="hello", **parameters)).json()["items"] == expected, parameters


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({}, "q"),
        ({"q": ""}, "q"),
        ({"q": "?!"}, "q"),
        ({"q": "a\x00b"}, "q"),
        ({"q": "x", "before": "yesterday"}, "before"),
        ({"q": "x", "after": "9999999999999999"}, "after"),
        ({"q": "x", "limit": "0"}, "limit"),
        ({"q": "x", "cursor": "x"}, "cursor"),
        ({"q": "x", "senderId": "a b"}, "senderId"),
        ({"q": "x", "conversationId": ""}, "conversationId"),
    ],
)
async def test_an_invalid_search_is_refused_with_its_path(world: World, parameters: dict[str, str], path: str) -> None:
    answer = await search(world, "alice", **parameters)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid_request"), answer.text
    assert [detail["path"] for detail in error["details"]] == [path]
    socket = await world.connect("alice")
    refusal = await socket.refused("messages:search", parameters)
    assert refusal["code"] == "invalid_request"
    assert path == "limit" or [detail["path"] for detail in refusal["details"]] == [path]


async def test_messages_sent_before_a_kill_are_found_after_it(tmp_path: Path) -> None:
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            conversation = await world.conversation("alice", "bob")
            sent = [await send(world, "alice", conversation, f"hello {number}") for number in range(20)]
            server.process.kill()
    with running_chat(tmp_path) as server:
        async with world_at(server) as revived:
            revived.take_ids_of(world)
            assert await found(revived, "bob", 20, q="hello") == sent[::-1]
