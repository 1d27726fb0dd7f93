"""Presence: contacts are notified once, statuses survive restarts, and users of a killed server go offline."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.chat.chat_client import ChatClient, Payload
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at
from tests.waiting import until, until_asked

QUICK = {"TALKWIRE_PRESENCE_GRACE_S": "0.3", "TALKWIRE_CONTACTS_MAX": "3"}


@pytest.fixture(scope="module")
def quick_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with a short presence grace period."""
    with running_chat(tmp_path_factory.mktemp("presence"), QUICK) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture
async def quick(quick_server: ServerProcess) -> AsyncIterator[World]:
    async with world_at(quick_server) as world:
        yield world


def _update(world: World, name: str, status: str, text: str | None = None) -> Payload:
    ends = {"statusUntil": None, "textUntil": None}
    return {"userId": world.id_of(name), "status": status, "text": text, "lastSeenAt": None, **ends}


async def _next_of(client: ChatClient, world: World, name: str) -> Payload:
    """Returns the next presence update about a user."""
    while True:
        update = await client.next("presence:update")
        if update["userId"] == world.id_of(name):
            return update


async def _presence(world: World, name: str, by: str) -> Any:  # noqa: ANN401 (JSON)
    answer = await world.request("GET", f"/api/v1/users/{world.id_of(name)}/presence", by=by)
    return answer.json() if answer.is_success else answer.status_code


async def test_contacts_are_notified_once_even_if_they_share_many_conversations(quick: World) -> None:
    for _ in range(3):
        await quick.conversation("alice", "bob")
    await quick.conversation("alice", "bob", kind="direct")
    bob = await quick.connect("bob")
    alice = await quick.connect("alice")
    assert await bob.next("presence:update") == _update(quick, "alice", "online")
    await alice.done("presence:set", {"status": "dnd", "text": "busy"})
    assert await bob.next("presence:update") == _update(quick, "alice", "dnd", "busy")
    await quick.connect("alice")
    assert await bob.pending("presence:update") == []
    assert await alice.pending("presence:update") == []


async def _see_each_other(world: World) -> tuple[ChatClient, ChatClient]:
    """Connects Bob and then Alice. Bob receives that she came."""
    await world.conversation("alice", "bob")
    bob, alice = await world.connect("bob"), await world.connect("alice")
    assert (await bob.next("presence:update"))["status"] == "online"
    return bob, alice


async def test_offline_follows_after_the_grace_period_with_the_last_seen_time(world: World, quick: World) -> None:
    bob, alice = await _see_each_other(world)
    await alice.close()
    await world.connect("alice")
    assert await bob.pending("presence:update") == [], "the grace period of this server is long"
    bob, alice = await _see_each_other(quick)
    await alice.close()
    gone = await bob.next("presence:update")
    assert (gone["userId"], gone["status"]) == (quick.id_of("alice"), "offline")
    assert gone["lastSeenAt"].endswith("Z")
    assert await _presence(quick, "alice", by="bob") == gone


async def test_an_erased_user_is_offline_at_once_without_a_time(quick: World) -> None:
    bob, alice = await _see_each_other(quick)
    await alice.done("presence:set", {"status": "dnd", "text": "busy"})
    await bob.next("presence:update")
    assert (await quick.request("DELETE", "/api/v1/users/me", by="alice")).status_code == 204
    offline = _update(quick, "alice", "offline")
    assert await bob.next("presence:update") == offline
    assert await _presence(quick, "alice", by="bob") == offline
    await alice.wait_disconnected()
    assert await bob.pending("presence:update") == []
    assert await _presence(quick, "alice", by="bob") == offline


async def test_a_socket_that_has_left_the_room_still_receives_presence(quick: World) -> None:
    conversation = await quick.conversation("alice", "bob")
    bob = await quick.connect("bob")
    await bob.done("conversation:leave", {"conversationId": conversation})
    await quick.connect("alice")
    assert (await bob.next("presence:update"))["status"] == "online"


async def test_strangers_receive_no_presence(quick: World) -> None:
    await quick.conversation("alice", "bob")
    mallory, alice = await quick.connect("mallory"), await quick.connect("alice")
    await alice.done("presence:set", {"status": "away"})
    ids = {"userIds": [quick.id_of("alice"), quick.id_of("mallory"), "nobody"]}
    for event in ("presence:get", "presence:subscribe"):
        found = (await mallory.done(event, ids))["presence"]
        assert [presence["userId"] for presence in found] == [quick.id_of("mallory")]
    await alice.done("presence:set", {"status": "dnd"})
    assert await mallory.pending("presence:update") == []
    assert await _presence(quick, "alice", by="mallory") == 403
    assert await _presence(quick, "nobody", by="mallory") == 403


async def test_in_a_large_group_only_subscribers_receive_presence(quick: World) -> None:
    await quick.conversation("alice", "bob", "carol", "dora")
    bob, carol = await quick.connect("bob"), await quick.connect("carol")
    asked = {"userIds": [quick.id_of("alice")]}
    (offline,) = (await bob.done("presence:subscribe", asked))["presence"]
    assert offline["status"] == "offline"
    alice = await quick.connect("alice")
    assert await bob.next("presence:update") == _update(quick, "alice", "online")
    assert (await carol.done("presence:get", asked))["presence"] == [_update(quick, "alice", "online")]
    await bob.done("presence:unsubscribe", asked)
    await alice.done("presence:set", {"status": "away"})
    assert await bob.pending("presence:update") == []
    assert await carol.pending("presence:update") == []


async def test_a_former_member_receives_no_presence(quick: World) -> None:
    conversation = await quick.conversation("alice", "bob", "carol", "dora")
    bob, alice = await quick.connect("bob"), await quick.connect("alice")
    await bob.done("presence:subscribe", {"userIds": [quick.id_of("alice")]})
    path = f"/api/v1/conversations/{conversation}/members/{quick.id_of('bob')}"
    assert (await quick.request("DELETE", path, by="alice")).is_success
    await bob.next("member:removed")
    await alice.done("presence:set", {"status": "away"})
    assert await bob.pending("presence:update") == []


async def test_members_who_join_later_are_contacts(quick: World) -> None:
    bob, alice = await quick.connect("bob"), await quick.connect("alice")
    conversation = await quick.conversation("alice", "carol")
    members = {"userIds": [quick.id_of("bob")]}
    await quick.service("POST", f"/api/v1/conversations/{conversation}/members", members)
    await bob.next("member:added")
    await alice.done("presence:set", {"status": "away"})
    assert (await bob.next("presence:update"))["status"] == "away"


async def test_a_block_hides_both_from_each_other(quick: World) -> None:
    await quick.conversation("alice", "bob")
    bob, alice = await quick.connect("bob"), await quick.connect("alice")
    await bob.done("presence:subscribe", {"userIds": [quick.id_of("alice")]})
    await _next_of(bob, quick, "alice")
    assert (await quick.request("PUT", f"/api/v1/users/me/blocks/{quick.id_of('bob')}", by="alice")).is_success
    for client, other in ((alice, bob), (bob, alice)):
        await client.done("presence:set", {"status": "away"})
        assert await other.pending("presence:update") == []
    assert await _presence(quick, "alice", by="bob") == 403
    assert await _presence(quick, "bob", by="alice") == 403


async def test_an_invisible_user_is_offline_for_others_only(quick: World) -> None:
    await quick.conversation("alice", "bob")
    await quick.conversation("bob", "carol")
    bob, phone, laptop = [await quick.connect(name) for name in ("bob", "alice", "alice")]
    await phone.done("presence:set", {"status": "invisible", "text": "hush"})
    assert (await _next_of(bob, quick, "alice"))["status"] == "online"
    hidden = await _next_of(bob, quick, "alice")
    assert (hidden["status"], hidden["text"]) == ("offline", None)
    assert await laptop.next("presence:update") == _update(quick, "alice", "invisible", "hush")
    assert await phone.pending("presence:update") == []
    for _ in range(2):  # once now, and once after a reconnect
        seen = await _presence(quick, "alice", by="bob")
        assert (seen["status"], seen["lastSeenAt"]) == ("offline", hidden["lastSeenAt"])
        assert (await _presence(quick, "alice", by="alice"))["status"] == "invisible"
        online = await quick.service("GET", "/api/v1/users/online?limit=1000")
        assert quick.id_of("alice") not in {presence["userId"] for presence in online["items"]}
        carol = await quick.connect("carol")
        assert (await _next_of(bob, quick, "carol"))["status"] == "online"
        # Nothing is sent about Alice. Carol leaves after her, so the grace period of both is over when Carol's is.
        for client in (phone, laptop, carol):
            await client.close()
        assert (await _next_of(bob, quick, "carol"))["status"] == "offline"
        phone = laptop = await quick.connect("alice")
        assert await bob.pending("presence:update") == []


async def test_the_first_event_of_a_client_is_its_welcome(quick: World) -> None:
    client = await quick.open()
    await client.sign_in({"token": quick.server.token(quick.id_of("alice"))})
    await client.next("connected")
    assert await client.pending() == []


async def test_a_status_and_its_text_end_at_their_times(quick: World) -> None:
    await quick.conversation("alice", "bob")
    bob, phone, laptop = [await quick.connect(name) for name in ("bob", "alice", "alice")]
    await _next_of(bob, quick, "alice")
    until = "2100-01-31T12:00:00.000Z"
    command = {"status": "dnd", "text": "lunch", "statusUntil": until, "textUntil": "2100-01-31T13:00:00+01:00"}
    await phone.done("presence:set", command)
    expected = _update(quick, "alice", "dnd", "lunch") | {"statusUntil": until, "textUntil": until}
    assert await _next_of(bob, quick, "alice") == expected
    assert await laptop.next("presence:update") == expected
    assert await _presence(quick, "alice", by="bob") == expected
    soon = (datetime.now(UTC) + timedelta(milliseconds=500)).isoformat()
    body = {"status": "dnd", "text": "back soon", "statusUntil": soon, "textUntil": soon}
    answer = await quick.request("PUT", "/api/v1/users/me/presence", by="alice", json=body)
    assert answer.json()["status"] == "dnd"

    async def has_ended() -> bool:
        return bool(await _presence(quick, "alice", by="bob") == _update(quick, "alice", "online"))

    await until_asked(has_ended)
    assert (await _next_of(bob, quick, "alice"))["text"] == "back soon"
    newcomer = await quick.connect("alice")
    assert (await newcomer.done("sync", {}))["presence"][0] == _update(quick, "alice", "online")
    for client in (phone, laptop, newcomer):
        await client.close()
    assert (await _next_of(bob, quick, "alice"))["status"] == "offline"
    await quick.connect("alice")
    assert await _next_of(bob, quick, "alice") == _update(quick, "alice", "online")
    for refused in ({"status": "away", "statusUntil": until}, {"status": "dnd", "statusUntil": "2000-01-01T00:00:00Z"}):
        answer = await quick.request("PUT", "/api/v1/users/me/presence", by="alice", json=refused)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")


async def test_the_own_status_holds_for_all_devices_over_rest(quick: World) -> None:
    await quick.conversation("alice", "bob")
    bob, alice = await quick.connect("bob"), await quick.connect("alice")
    await _next_of(bob, quick, "alice")
    body = {"status": "away", "text": "lunch"}
    answer = await quick.request("PUT", "/api/v1/users/me/presence", by="alice", json=body)
    assert answer.json() == _update(quick, "alice", "away", "lunch")
    assert await bob.next("presence:update") == _update(quick, "alice", "away", "lunch")
    assert await alice.next("presence:update") == _update(quick, "alice", "away", "lunch")
    for wrong in ({"status": "offline"}, {}, {"status": "away", "text": "x" * 201}):
        answer = await quick.request("PUT", "/api/v1/users/me/presence", by="alice", json=wrong)
        assert answer.status_code == 422, wrong


async def test_only_the_backend_lists_online_users(quick: World) -> None:
    await quick.connect("alice")
    assert (await quick.request("GET", "/api/v1/users/online", by="alice")).status_code == 403
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await quick.service("GET", f"/api/v1/users/online?limit=1&cursor={cursor}")
        seen += [presence["userId"] for presence in page["items"]]
        cursor = page["next"]
    assert quick.id_of("alice") in seen
    assert seen == sorted(set(seen))


async def test_invalid_presence_requests_are_refused_with_the_reason(quick: World) -> None:
    alice = await quick.connect("alice")
    for event, payload, path in (
        ("presence:set", {"status": "asleep"}, "status"),
        ("presence:set", {"status": "online", "text": "\x00"}, "text"),
        ("presence:get", {"userIds": ["a", "b c"]}, "userIds[1]"),
        ("presence:subscribe", {"userIds": ["x"] * 1001}, "userIds"),
        ("presence:subscribe", {}, "userIds"),
    ):
        error = await alice.refused(event, payload)
        assert (error["code"], error["details"][0]["path"]) == ("invalid_request", path)


async def test_a_status_is_kept_over_a_restart_and_nobody_stays_online_on_a_killed_server(tmp_path: Path) -> None:
    with running_chat(tmp_path, QUICK) as first:
        async with world_at(first) as world:
            await world.conversation("alice", "bob", "carol")
            alice, bob = await world.connect("alice"), await world.connect("bob")
            await _next_of(alice, world, "bob")
            await alice.done("presence:set", {"status": "dnd", "text": "do not call"})
            await bob.done("presence:set", {"status": "away"})
            carol = await world.connect("carol")
            await carol.close()
            left = await _next_of(bob, world, "carol")
            while left["status"] != "offline":
                left = await _next_of(bob, world, "carol")
            await _recorded(tmp_path)
            first.process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(first.wait_ended)
    with running_chat(tmp_path, QUICK) as second:
        async with world_at(second) as after:
            after._suffix = world._suffix  # the same people
            assert (await after.service("GET", "/api/v1/users/online"))["items"] == []
            for name, text in (("alice", "do not call"), ("bob", None)):
                presence = await _presence(after, name, by="carol")
                assert (presence["status"], presence["text"]) == ("offline", text)
                assert presence["lastSeenAt"] > left["lastSeenAt"]
            assert await _presence(after, "carol", by="bob") == left
            carol = await after.connect("carol")
            await after.connect("alice")
            assert await carol.next("presence:update") == _update(after, "alice", "dnd", "do not call")
        assert second.logged_errors() == []


async def _recorded(folder: Path) -> None:
    """Waits until the database has recorded alice and bob as online and carol as offline."""

    def are_recorded() -> bool:
        with closing(sqlite3.connect(folder / "data" / "talkwire.db")) as connection:
            rows = connection.execute("SELECT user_id FROM online").fetchall()
        return sorted(user_id.split("-")[0] for (user_id,) in rows) == ["alice", "bob"]

    await until(are_recorded)


async def test_the_presence_of_several_users_is_listed_over_rest(world: World) -> None:
    await world.conversation("alice", "bob", "carol")
    alice, _ = await world.connect("alice"), await world.connect("bob")
    ids = [world.id_of(name) for name in ("bob", "stranger", "carol")]
    listed = await world.request("GET", "/api/v1/presence", by="alice", params={"userIds": ids})
    assert listed.status_code == 200, listed.text
    assert [(each["userId"], each["status"]) for each in listed.json()["items"]] == [
        (ids[0], "online"),
        (ids[2], "offline"),
    ]
    assert listed.json()["items"] == (await alice.done("presence:get", {"userIds": ids}))["presence"]
    assert (await world.request("GET", "/api/v1/presence", by="stranger", params={"userIds": ids[:1]})).json() == {
        "items": [],
        "next": None,
    }
    wrong = await world.request("GET", "/api/v1/presence", by="alice", params={"userIds": ["a b"]})
    assert (wrong.status_code, wrong.json()["error"]["details"][0]["path"]) == (422, "userIds[0]")
    missing = await world.request("GET", "/api/v1/presence", by="alice")
    assert (missing.status_code, missing.json()["error"]["details"][0]["path"]) == (422, "userIds")
