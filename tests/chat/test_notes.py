"""Notes of a desk, over sockets and REST: what staff, customers and the backend receive."""

from __future__ import annotations

import pytest

from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.dialect import Dialect
from tests.chat.conftest import World


@pytest.fixture
async def desk(world: World) -> str:
    """Returns a conversation of the customer Alice with a team of Bob and Carol."""
    team = world.id_of("support")
    members = [world.id_of("bob"), world.id_of("carol")]
    await world.service("PUT", f"/api/v1/teams/{team}", {"name": "Support", "memberIds": members})
    body = {"kind": "group", "id": world.id_of("order"), "memberIds": [world.id_of("alice")], "teamIds": [team]}
    return str((await world.service("POST", "/api/v1/conversations", body))["id"])


async def test_staff_receive_notes_and_customers_nothing(world: World, desk: str) -> None:
    alice, bob, carol = [await world.connect(name) for name in ("alice", "bob", "carol")]
    log_end = (await world.request("GET", "/api/v1/events", by="backend", role="service")).json()["cursor"]
    before = {name for name, _ in await alice.pending()}
    mention = f"@{world.id_of('carol')} a regular customer"
    sent = (await bob.done("note:send", {"conversationId": desk, "content": mention}))["message"]
    notes = sent["conversationId"]
    assert (sent["notesOf"], sent["mentions"]) == (desk, [world.id_of("carol")])
    shown = await carol.next("desk:conversation")
    assert (shown["conversationId"], shown["notesId"]) == (desk, notes)
    assert await carol.next("message:new") == sent
    listed = {"conversationId": desk, "listed": True, "userIds": [world.id_of("carol")]}
    assert await carol.next("conversation:listed") == listed
    notification = await carol.next("notification")
    assert (notification["type"], notification["conversationId"], notification["notesOf"]) == ("mention", notes, desk)

    # Everything else is done in the conversation with the notes.
    opened = (await world.request("GET", f"/api/v1/conversations/{notes}", by="carol")).json()
    assert (opened["notesOf"], opened["listed"], opened["teamIds"]) == (desk, False, [world.id_of("support")])
    assert {"handler", "state", "waitingSince", "notesId"}.isdisjoint(opened)
    await carol.done("message:react", {"messageId": sent["id"], "emoji": "👍"})
    await bob.next("message:reaction")
    await carol.done("typing:start", {"conversationId": notes})
    assert await bob.pending("typing:user") == []
    await bob.done("conversation:join", {"conversationId": notes})
    await carol.done("typing:stop", {"conversationId": notes})
    await carol.done("typing:start", {"conversationId": notes})
    assert (await bob.next("typing:user"))["conversationId"] == notes

    # Nothing of it is for the customer.
    await alice.done("message:send", {"conversationId": desk, "content": "Hello?"})
    assert {name for name, _ in await alice.pending()} == before | {"message:new"}
    for path in (f"conversations/{notes}", f"conversations/{notes}/messages", f"messages/{sent['id']}"):
        unknown = "/api/v1/conversations/there-is-none"
        error = (await world.request("GET", f"/api/v1/{path}", by="alice")).json()
        assert error == (await world.request("GET", unknown, by="alice")).json()
    own = (await world.request("GET", f"/api/v1/conversations/{desk}", by="alice")).json()
    assert "notesId" not in own
    page = (await world.request("GET", f"/api/v1/events?after={log_end}", by="backend", role="service")).json()
    noted = [each["type"] for each in page["items"] if each.get("conversationId") == notes]
    assert {"member:added", "message:new", "message:reaction"} <= {*noted}


async def test_the_route_sends_a_note_once(world: World, desk: str) -> None:
    there = f"/api/v1/conversations/{desk}/notes"
    body = {"content": "Paid twice", "metadata": {"order": 17}}
    headers = {"Idempotency-Key": "note-1"}
    first = await world.request("POST", there, by="bob", json=body, headers=headers)
    assert first.status_code == 201
    assert (first.json()["notesOf"], first.json()["clientMessageId"]) == (desk, "note-1")
    assert (await world.request("POST", there, by="bob", json=body, headers=headers)).json() == first.json()
    other = await world.request("POST", there, by="bob", json={"content": "Other"}, headers=headers)
    assert other.status_code == 409
    named = await world.service("POST", there, {"content": "By the back end", "senderId": world.id_of("carol")})
    assert (named["senderId"], named["seq"]) == (world.id_of("carol"), 2)
    nameless = await world.request("POST", there, by="backend", role="service", json={"content": "x"})
    assert (nameless.status_code, nameless.json()["error"]["details"][0]["path"]) == (422, "senderId")
    unknown = await world.request("POST", there, by="bob", json={"content": "x", "createdAt": "2026-01-01T00:00:00Z"})
    assert unknown.status_code == 422


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
async def test_a_customers_client_receives_nothing_of_notes(world: World, desk: str, dialect: Dialect) -> None:
    alice = await world.connect("alice", dialect=dialect)
    before = await alice.pending()
    sent = await world.request("POST", f"/api/v1/conversations/{desk}/notes", by="bob", json={"content": "A note"})
    assert sent.is_success
    answered = ("pong", "error")
    assert [event for event in await alice.pending() if event[0] not in answered] == before
