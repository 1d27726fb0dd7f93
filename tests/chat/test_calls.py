"""Calls: signals of one side reach the others, and every call ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.chat.chat_client import ChatClient, Payload
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at

RING_S = 2.0
NAMES = ("call:invite", "call:accept", "call:reject", "call:signal", "call:hangup", "call:ended")


@pytest.fixture(scope="module")
def ringing_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with short ringing, where a side without a socket is gone soon."""
    settings = {
        "TALKWIRE_PRESENCE_GRACE_S": "0.3",
        "TALKWIRE_CALL_RING_S": str(RING_S),
        "TALKWIRE_CONTACTS_MAX": "4",
        "TALKWIRE_ICE_SERVERS": "stun:stun.example.com,turn:chat:p%40ss@turn.example.com:3478?transport=udp",
    }
    with running_chat(tmp_path_factory.mktemp("calls"), settings) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture
async def quick(ringing_server: ServerProcess) -> AsyncIterator[World]:
    async with world_at(ringing_server) as world:
        yield world


async def _call(caller: ChatClient, conversation_id: str, **further: object) -> Payload:
    """Starts a call and returns the ids that identify it."""
    answer = await caller.done("call:invite", {"conversationId": conversation_id, **further})
    return {"conversationId": conversation_id, "callId": answer["callId"]}


async def test_a_call_from_the_invitation_to_the_end(world: World) -> None:
    alice, bob = await world.connect("alice"), await world.connect("bob")
    conversation = await world.conversation("alice", "bob", kind="direct")
    call = await _call(alice, conversation, data={"video": True}, callId="my-call")
    assert call["callId"] == "my-call"
    from_alice, from_bob = ({**call, "userId": world.id_of(name)} for name in ("alice", "bob"))
    assert await bob.next("call:invite") == {**from_alice, "data": {"video": True}}
    offer, answer = {"sdp": "offer", "candidates": [1, None]}, {"sdp": "answer"}
    await alice.done("call:signal", {**call, "data": offer, "toUserId": world.id_of("bob")})
    assert await bob.next("call:signal") == {**from_alice, "data": offer, "toUserId": world.id_of("bob")}
    await bob.done("call:accept", call)
    assert await alice.next("call:accept") == from_bob
    await bob.done("call:signal", {**call, "data": answer})
    assert await alice.next("call:signal") == {**from_bob, "data": answer}
    await alice.done("call:hangup", call)
    assert await bob.next("call:hangup") == from_alice
    for client in (alice, bob):
        assert await client.next("call:ended") == {**call, "reason": "hangup"}
        assert await client.pending(*NAMES) == []


async def test_the_callees_other_devices_stop_ringing(world: World) -> None:
    alice, phone, laptop = [await world.connect(name) for name in ("alice", "bob", "bob")]
    call = await _call(alice, await world.conversation("alice", "bob", kind="direct"))
    for device in (phone, laptop):
        assert (await device.next("call:invite"))["callId"] == call["callId"]
    await phone.done("call:accept", call)
    assert (await laptop.next("call:accept"))["userId"] == world.id_of("bob")
    assert await phone.pending(*NAMES) == []


async def test_the_callers_other_devices_do_not_ring(world: World) -> None:
    phone, laptop, bob = [await world.connect(name) for name in ("alice", "alice", "bob")]
    await _call(phone, await world.conversation("alice", "bob", kind="direct"))
    await bob.next("call:invite")
    assert await laptop.pending(*NAMES) == []


async def test_a_call_that_nobody_answers_ends_by_itself(quick: World) -> None:
    alice, bob = await quick.connect("alice"), await quick.connect("bob")
    call = await _call(alice, await quick.conversation("alice", "bob", kind="direct"))
    for client in (alice, bob):
        assert await client.next("call:ended") == {**call, "reason": "timeout"}
    assert (await bob.refused("call:accept", call))["code"] == "not_found"


async def test_a_call_ends_when_a_side_has_no_socket_any_more(quick: World) -> None:
    alice, phone, laptop = [await quick.connect(name) for name in ("alice", "bob", "bob")]
    call = await _call(alice, await quick.conversation("alice", "bob", kind="direct"))
    await phone.done("call:accept", call)
    await phone.close()
    await alice.next("call:accept")
    assert await alice.pending("call:ended") == []
    await laptop.close()
    assert await alice.next("call:ended") == {**call, "reason": "gone"}


async def test_a_side_that_is_disconnected_for_a_moment_stays_in_the_call(world: World) -> None:
    alice, bob = await world.connect("alice"), await world.connect("bob")
    call = await _call(alice, await world.conversation("alice", "bob", kind="direct"))
    await bob.done("call:accept", call)
    await bob.close()
    bob = await world.connect("bob")
    await bob.done("call:accept", call)
    await bob.done("call:hangup", call)
    assert await alice.next("call:ended") == {**call, "reason": "hangup"}
    assert (await alice.next("call:recorded"))["reason"] == "hangup"
    assert await alice.pending("call:ended", "call:recorded") == []


async def test_a_device_that_connects_during_ringing_rings_too(world: World) -> None:
    alice = await world.connect("alice")
    call = await _call(alice, await world.conversation("alice", "bob", kind="direct"), data="offer")
    bob = await world.connect("bob")
    assert await bob.next("call:invite") == {**call, "userId": world.id_of("alice"), "data": "offer"}


async def test_another_device_that_connects_during_ringing_rings_and_can_answer(world: World) -> None:
    alice, phone = await world.connect("alice"), await world.connect("bob")
    call = await _call(alice, await world.conversation("alice", "bob", kind="direct"), data="offer")
    await phone.next("call:invite")
    laptop = await world.connect("bob")
    assert await laptop.next("call:invite") == {**call, "userId": world.id_of("alice"), "data": "offer"}
    await laptop.done("call:accept", call)
    assert (await phone.next("call:accept"))["userId"] == world.id_of("bob")
    assert await phone.pending(*NAMES) == [], "the phone was called once"
    tablet = await world.connect("bob")
    assert await tablet.pending(*NAMES) == [], "the call rings no more"


async def test_a_second_call_is_refused_with_the_id_of_the_first(world: World) -> None:
    alice, bob = await world.connect("alice"), await world.connect("bob")
    conversation = await world.conversation("alice", "bob", kind="direct")
    call = await _call(alice, conversation)
    error = await bob.refused("call:invite", {"conversationId": conversation, "callId": "another"})
    assert error["code"] == "conflict"
    assert error["details"] == {**call, "userIds": [world.id_of("alice")]}
    await bob.done("call:reject", call)
    assert (await alice.next("call:reject"))["userId"] == world.id_of("bob")
    assert (await alice.next("call:ended"))["reason"] == "rejected"
    assert (await _call(bob, conversation, callId="another"))["callId"] == "another"


async def test_several_members_join_and_leave_a_call(world: World) -> None:
    alice, bob, carol = [await world.connect(name) for name in ("alice", "bob", "carol")]
    call = await _call(alice, await world.conversation("alice", "bob", "carol"))
    await bob.done("call:accept", call)
    await carol.done("call:accept", call)
    assert (await bob.next("call:accept"))["userId"] == world.id_of("carol")
    await alice.done("call:signal", {**call, "toUserId": world.id_of("carol"), "data": 1})
    assert (await carol.next("call:signal"))["data"] == 1
    assert await bob.pending("call:signal") == []
    await alice.done("call:hangup", call)
    await carol.next("call:hangup")
    assert await carol.pending("call:ended") == []
    await bob.done("call:hangup", call)
    assert (await carol.next("call:ended"))["reason"] == "hangup"


async def test_non_members_cannot_call_receive_or_join(world: World) -> None:
    alice, bob, mallory = [await world.connect(name) for name in ("alice", "bob", "mallory")]
    conversation = await world.conversation("alice", "bob", "carol")
    assert (await mallory.refused("call:invite", {"conversationId": conversation}))["code"] == "forbidden"
    assert (await mallory.refused("call:invite", {"conversationId": "nowhere"}))["code"] == "forbidden"
    none = {"conversationId": conversation, "callId": "1"}
    assert (await mallory.refused("call:accept", none))["code"] == "forbidden", "whether there is a call or not"
    call = await _call(alice, conversation)
    for event in NAMES[1:-1]:
        assert (await mallory.refused(event, call))["code"] == "forbidden", event
    error = await alice.refused("call:signal", {**call, "toUserId": world.id_of("mallory")})
    assert error["code"] == "forbidden"
    await bob.done("call:accept", call)
    path = f"/api/v1/conversations/{conversation}/members/{world.id_of('bob')}"
    assert (await world.request("DELETE", path, by="alice")).is_success
    await alice.next("member:removed")
    assert (await bob.refused("call:signal", call))["code"] == "forbidden"
    await alice.done("call:hangup", call)
    assert (await alice.next("call:ended"))["reason"] in {"cancelled", "hangup"}
    assert await mallory.pending(*NAMES) == []
    assert "call:ended" not in {name for name, _ in await bob.pending(*NAMES)}


async def test_blocked_people_cannot_call_each_other(world: World) -> None:
    alice, bob = await world.connect("alice"), await world.connect("bob")
    direct = await world.conversation("alice", "bob", kind="direct")
    group = await world.conversation("alice", "bob", "carol")
    call = await _call(alice, direct)
    await bob.done("call:accept", call)
    block = f"/api/v1/users/me/blocks/{world.id_of('alice')}"
    assert (await world.request("PUT", block, by="bob")).is_success
    assert (await alice.next("call:ended"))["reason"] == "left"
    await bob.next("call:ended")
    for client in (alice, bob):
        assert (await client.refused("call:invite", {"conversationId": direct}))["code"] == "blocked"
    carol = await world.connect("carol")
    await bob.pending("call:invite")
    bob.events.clear()
    await _call(alice, group)
    assert (await carol.next("call:invite"))["userId"] == world.id_of("alice")
    assert await bob.pending("call:invite") == []


async def test_large_conversations_have_no_calls(quick: World) -> None:
    alice = await quick.connect("alice")
    conversation = await quick.conversation("alice", "bob", "carol", "dora", "emil")
    assert (await alice.refused("call:invite", {"conversationId": conversation}))["code"] == "forbidden"


async def test_invalid_calls_are_refused_with_the_reason(world: World) -> None:
    alice = await world.connect("alice")
    conversation = await world.conversation("alice", "bob", kind="direct")
    there = {"conversationId": conversation, "callId": "1"}
    for payload, code in (
        ({"conversationId": conversation, "callId": "a b"}, "invalid_request"),
        ({**there, "callId": 5}, "invalid_request"),
        ({"callId": "1"}, "invalid_request"),
        ({**there, "toUserId": "a b"}, "invalid_request"),
        ({**there, "data": {"x": ["\x00"]}}, "invalid_request"),
        ({**there, "data": "x" * 65536}, "payload_too_large"),
        ({**there, "toUserId": "nobody"}, "forbidden"),
    ):
        assert (await alice.refused("call:invite", payload))["code"] == code, payload
    for event in NAMES[1:-1]:
        assert (await alice.refused(event, {"conversationId": conversation}))["details"][0]["path"] == "callId"
        assert (await alice.refused(event, there))["code"] == "not_found"
    assert (await _call(alice, conversation, data="x" * 65000))["callId"]


async def test_signed_in_users_get_the_ice_servers(quick: World) -> None:
    answer = await quick.request("GET", "/api/v1/calls/ice-servers", by="alice")
    assert answer.json() == {
        "iceServers": [
            {"urls": "stun:stun.example.com"},
            {"urls": "turn:turn.example.com:3478?transport=udp", "username": "chat", "credential": "p@ss"},
        ]
    }
