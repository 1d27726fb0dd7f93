"""Who handles a conversation, over sockets and REST: what staff, customers and the backend receive."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.dialects.talks.vocabulary import TALKS
from tests.chat.conftest import World
from tests.chat.returner import Returner

EVENTS = {"conversation:handling", "desk:conversation"}


@pytest.fixture
async def desk(world: World) -> str:
    """Returns a conversation of the customer Alice with a team of Bob and Carol."""
    team = world.id_of("support")
    members = [world.id_of("bob"), world.id_of("carol")]
    await world.service("PUT", f"/api/v1/teams/{team}", {"name": "Support", "memberIds": members})
    body = {"kind": "group", "id": world.id_of("order"), "memberIds": [world.id_of("alice")], "teamIds": [team]}
    return str((await world.service("POST", "/api/v1/conversations", body))["id"])


async def shown(world: World, conversation: str, by: str, role: str | None = None) -> dict[str, Any]:
    """Returns the members of the conversation about its handling, in the list and alone, which must be the same."""
    names = ("handler", "state", "waitingSince", "notesId")
    one = (await world.request("GET", f"/api/v1/conversations/{conversation}", by=by, role=role)).json()
    found = {name: one[name] for name in names if name in one}
    listed = (await world.request("GET", "/api/v1/conversations?limit=100", by=by, role=role)).json()["items"]
    for each in listed:
        if each["id"] == conversation:
            assert {name: each[name] for name in names if name in each} == found
    return found


async def test_staff_and_customers_receive_what_they_may_see(world: World, desk: str) -> None:
    alice, bob, carol = [await world.connect(name) for name in ("alice", "bob", "carol")]
    after = (await world.request("GET", "/api/v1/sync", by="alice")).json()["cursor"]
    log_end = (await world.request("GET", "/api/v1/events", by="backend", role="service")).json()["cursor"]
    sent = await alice.send_message(desk, "Where is it?")
    team = world.id_of("support")
    waiting = {
        "conversationId": desk,
        "waitingSince": sent["createdAt"],
        "notesId": None,
        "teamIds": [team],
        "by": world.id_of("alice"),
    }
    for client in (bob, carol):
        assert await client.next("desk:conversation") == waiting
    claimed = await bob.done("conversation:claim", {"conversationId": desk})
    handler = {"conversationId": desk, "handler": world.id_of("bob"), "state": "open"}
    assert claimed["handling"] == handler
    for client in (alice, bob, carol):
        assert await client.next("conversation:handling") == handler | {"by": world.id_of("bob")}
    refused = await carol.refused("conversation:claim", {"conversationId": desk})
    assert (refused["code"], refused["details"]) == ("conflict", {"handler": world.id_of("bob")})
    note = {"conversationId": desk, "to": world.id_of("carol"), "note": "She is in a hurry"}
    assert (await bob.done("conversation:handoff", note))["handling"]["handler"] == world.id_of("carol")
    assert (await carol.next("desk:conversation"))["note"] == "She is in a hurry"
    public = {"handler": world.id_of("carol"), "state": "open"}
    notes = (await shown(world, desk, "bob"))["notesId"]
    private = {"waitingSince": sent["createdAt"], "notesId": notes}
    assert await shown(world, desk, "alice") == public
    assert await shown(world, desk, "carol") == public | private
    assert await shown(world, desk, "backend", "service") == public | private
    assert await shown(world, desk, "admin", "admin") == public | private
    await carol.done("conversation:close", {"conversationId": desk})
    assert await shown(world, desk, "alice") == {"handler": None, "state": "closed"}
    await alice.next("conversation:handling")

    # Nothing of the desk is for the customer: live, in `sync`, or in another dialect.
    assert await alice.pending("desk:conversation", "desk:updated") == []
    page = (await world.request("GET", f"/api/v1/sync?after={after}", by="alice")).json()
    assert {event["event"] for event in page["events"]} & EVENTS == {"conversation:handling"}
    assert "hurry" not in str(page)
    for_staff = (await world.request("GET", f"/api/v1/sync?after={after}", by="bob")).json()
    assert {event["event"] for event in for_staff["events"]} >= EVENTS
    page = (await world.request("GET", f"/api/v1/events?after={log_end}", by="backend", role="service")).json()
    logged = [event for event in page["items"] if event["type"] in EVENTS and event["conversationId"] == desk]
    assert [event["type"] for event in logged] == [
        "desk:conversation",
        "conversation:handling",
        "conversation:handling",
        "desk:conversation",
        "conversation:handling",
        "desk:conversation",
    ]


async def test_the_routes_do_the_same(world: World, desk: str) -> None:
    there = f"/api/v1/conversations/{desk}"
    as_bob, bob = {"senderId": world.id_of("bob")}, world.id_of("bob")
    handling = {"conversationId": desk, "handler": bob, "state": "open"}
    assert (await world.request("POST", f"{there}/claim", by="bob")).json() == handling
    conflict = await world.request("POST", f"{there}/claim", by="carol", json={"if": world.id_of("alice")})
    assert (conflict.status_code, conflict.json()["error"]["details"]) == (409, {"handler": bob})
    assert (await world.request("POST", f"{there}/claim", by="alice")).status_code == 403
    taken = await world.request("POST", f"{there}/claim", by="carol", json={"if": bob})
    assert taken.json() == handling | {"handler": world.id_of("carol")}
    assert await world.service("POST", f"{there}/release") == handling | {"handler": None}
    assert await world.service("POST", f"{there}/claim", as_bob) == handling
    nameless = await world.request("POST", f"{there}/claim", by="backend", role="service")
    assert (nameless.status_code, nameless.json()["error"]["details"][0]["path"]) == (422, "senderId")
    assert (await world.service("POST", f"{there}/handoff", {"to": world.id_of("carol")}))["handler"] != bob
    assert await world.service("POST", f"{there}/close", as_bob) == handling | {"handler": None, "state": "closed"}


async def test_a_message_depends_on_the_handler(world: World, desk: str) -> None:
    carol = await world.connect("carol")
    await world.service("POST", f"/api/v1/conversations/{desk}/claim", {"senderId": world.id_of("bob")})
    draft = {"conversationId": desk, "content": "Hello", "ifHandler": None}
    refused = await carol.refused("message:send", draft)
    assert refused["details"] == {"reason": "changed", "lastSeq": 0, "messages": [], "handler": world.id_of("bob")}
    by_rest = await world.request("POST", "/api/v1/messages", by="carol", json=draft)
    assert (by_rest.status_code, by_rest.json()["error"]) == (409, refused)
    await carol.done("message:send", draft | {"ifHandler": world.id_of("bob")})


async def test_a_customer_and_staff_recover_what_they_may_see(world: World, desk: str) -> None:
    clients = [Returner(world, name) for name in ("alice", "bob")]
    for client in clients:
        await client.come()
    await clients[1].socket.next("connected")
    await world.service("POST", "/api/v1/messages", _from_alice(world, desk))
    for client in clients:
        await client.socket.next("message:new")
        await client.cut()
    await world.service("POST", f"/api/v1/conversations/{desk}/claim", {"senderId": world.id_of("carol")})
    note = {"to": world.id_of("bob"), "note": "She is in a hurry"}
    await world.service("POST", f"/api/v1/conversations/{desk}/handoff", note)
    received = []
    for client in clients:
        assert await client.come()
        for _ in range(2):
            await client.socket.next("conversation:handling")
        received.append({name for name, _ in await client.socket.pending()})
    assert "desk:conversation" not in received[0]
    assert "desk:conversation" in received[1]


async def test_connected_members_of_the_team_receive_its_numbers(world: World, desk: str) -> None:
    alice, bob = await world.connect("alice"), await world.connect("bob")
    talks = await world.connect("bob", dialect=TALKS)
    sent = await alice.send_message(desk, "Where is it?")
    numbers = {"teamId": world.id_of("support"), "open": 1, "unhandled": 1, "waiting": 1}
    numbers |= {"oldestWaitingSince": sent["createdAt"]}
    assert await bob.next("desk:updated") == numbers
    await world.request("POST", f"/api/v1/conversations/{desk}/claim", by="bob")
    assert await bob.next("desk:updated") == numbers | {"unhandled": 0}
    assert await alice.pending("desk:updated") == []
    assert [name for name, _ in await talks.pending() if name.startswith("desk")] == []


def _from_alice(world: World, conversation: str) -> dict[str, str]:
    return {"conversationId": conversation, "senderId": world.id_of("alice"), "content": "Where is it?"}
