"""`Idempotency-Key` over HTTP: which routes accept it, and what happens to repeated requests."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.chat.chat_server import running_chat
from tests.chat.conftest import World, world_at

KEY = {"idempotency-key": "4e1f-k"}


def _is_exempt(path: str) -> bool:
    """Returns whether a POST route accepts no key: signing in, uploads by tus, streams, whose requests can be repeated
    without one, claims of turns, and what stores nothing: typing, custom signals, the test of a webhook, a token for
    addresses, and reading where an invitation leads."""
    streams = "/messages/stream", "/append", "/rewind", "/keep", "/finish", "/stop"
    reading = "/invitations/conversations", "/address-token", "/turns/claim"
    return "/auth/" in path or "/files" in path or path.endswith(("/typing", "/signals", "/test", *streams, *reading))


async def test_every_post_takes_a_key(world: World) -> None:
    paths = (await world.request("GET", "/openapi.json")).json()["paths"]
    posts = {path: operations["post"] for path, operations in paths.items() if "post" in operations}
    assert len(posts) > 5
    without = [
        path
        for path, post in posts.items()
        if not any(parameter.get("name") == "Idempotency-Key" for parameter in post.get("parameters", ()))
    ]
    assert [path for path in without if not _is_exempt(path)] == []


async def test_a_request_that_is_sent_twice_is_carried_out_once(world: World) -> None:
    body = {"kind": "group", "memberIds": [], "name": "Plans"}
    first = await world.request("POST", "/api/v1/conversations", json=body, by="alice", headers=KEY)
    assert first.status_code == 201, first.text
    again = await world.request("POST", "/api/v1/conversations", json=body, by="alice", headers=KEY)
    assert (again.status_code, again.json()) == (201, first.json())
    listed = (await world.request("GET", "/api/v1/conversations", by="alice")).json()["items"]
    assert [item["id"] for item in listed] == [first.json()["id"]]


async def test_requests_at_once_have_one_effect_and_equal_answers(world: World) -> None:
    body = {"kind": "group", "memberIds": [], "name": "Plans"}
    requests = (world.request("POST", "/api/v1/conversations", json=body, by="alice", headers=KEY) for _ in range(20))
    answers = await asyncio.gather(*requests)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    listed = (await world.request("GET", "/api/v1/conversations", by="alice")).json()["items"]
    assert len(listed) == 1


async def test_another_body_under_a_key_is_a_conflict(world: World) -> None:
    body = {"kind": "group", "memberIds": [], "name": "Plans"}
    await world.request("POST", "/api/v1/conversations", json=body, by="alice", headers=KEY)
    other = await world.request("POST", "/api/v1/conversations", json={**body, "name": "X"}, by="alice", headers=KEY)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")


async def test_users_and_paths_have_keys_of_their_own(world: World) -> None:
    body = {"kind": "group", "memberIds": [], "name": "Plans"}
    by_alice = await world.request("POST", "/api/v1/conversations", json=body, by="alice", headers=KEY)
    by_bob = await world.request("POST", "/api/v1/conversations", json=body, by="bob", headers=KEY)
    assert by_alice.json()["id"] != by_bob.json()["id"]
    members = {"userIds": [world.id_of("bob")]}
    path = f"/api/v1/conversations/{by_alice.json()['id']}/members"
    added = await world.request("POST", path, json=members, by="alice", headers=KEY)
    assert added.is_success, added.text
    again = await world.request("POST", path, json=members, by="alice", headers=KEY)
    assert (again.status_code, again.json()) == (added.status_code, added.json())


async def test_on_a_message_the_key_is_the_client_message_id(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    body = {"conversationId": conversation, "content": "Hello"}
    sent = await world.request("POST", "/api/v1/messages", json=body, by="alice", headers=KEY)
    assert sent.json()["clientMessageId"] == KEY["idempotency-key"]
    again = await alice.done("message:send", {**body, "clientMessageId": KEY["idempotency-key"]})
    assert again["message"] == sent.json()


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_that_is_too_long_or_empty_is_refused(world: World, key: str) -> None:
    body = {"kind": "group", "memberIds": [], "name": "Plans"}
    headers = {"idempotency-key": key}
    answer = await world.request("POST", "/api/v1/conversations", json=body, by="alice", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")
    assert (await world.request("GET", "/api/v1/conversations", by="alice")).json()["items"] == []


async def test_a_key_of_255_characters_is_taken(world: World) -> None:
    body = {"kind": "group", "memberIds": [], "name": "Plans"}
    headers = {"idempotency-key": "x" * 255}
    answer = await world.request("POST", "/api/v1/conversations", json=body, by="alice", headers=headers)
    assert answer.status_code == 201


async def test_a_retry_after_a_server_was_killed_is_answered_with_the_first_answer(tmp_path: Path) -> None:
    body = {"kind": "group", "memberIds": [], "name": "Plans"}
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            first = await world.request("POST", "/api/v1/conversations", json=body, by="alice", headers=KEY)
            server.process.kill()
            author = world.id_of("alice")
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            headers = {**KEY, "authorization": f"Bearer {server.token(author)}"}
            again = await world.request("POST", "/api/v1/conversations", json=body, headers=headers)
            assert (again.status_code, again.json()) == (201, first.json())
