"""What former and new members can read: it depends on their current membership, whatever cursor or reply they use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from talkwire.core.domain.model import LARGE_CONVERSATION
from talkwire.dialects.built_in import DIALECTS
from tests.chat.access.readings import LISTS, READINGS, by_recovery, text_of
from tests.chat.conftest import World
from tests.chat.returner import Returner
from tests.chat.test_notifications import stored
from tests.chat.test_recovery_property import OPENING

SECRET = "a secret"

ENDS: Mapping[str, tuple[str, str, str, set[str]]] = {
    "removed": ("alice", "DELETE", "/members/{bob}", {"member:removed"}),
    "left": ("bob", "DELETE", "/members/{bob}", {"member:removed"}),
    "banned": ("alice", "PUT", "/bans/{bob}", {"member:removed", "member:restricted"}),
    "deleted": ("alice", "DELETE", "", {"conversation:deleted"}),
}
"""The ways in which a membership ends: who ends it, how, and which events the former member receives."""


async def group(world: World, *names: str, **rules: str) -> str:
    ids = [world.id_of(name) for name in names]
    body = {"kind": "group", "memberIds": ids, "ownerId": ids[0], **rules}
    return str((await world.service("POST", "/api/v1/conversations", body))["id"])


async def send(world: World, conversation: str, sender: str, content: str, **further: str) -> str:
    body = {"conversationId": conversation, "content": content, "senderId": world.id_of(sender), **further}
    return str((await world.service("POST", "/api/v1/messages", body))["id"])


async def offer(world: World, conversation: str, title: str) -> str:
    body = {"title": title, "amount": 1, "currency": "EUR", "senderId": world.id_of("alice")}
    return str((await world.service("POST", f"/api/v1/conversations/{conversation}/offers", body))["id"])


async def cursor_of(world: World, name: str) -> str:
    return str((await world.request("GET", "/api/v1/sync", by=name)).json()["cursor"])


# --- former members -------------------------------------------------------------------------------------------------


async def _notified_and_ended(world: World, how: str) -> tuple[list[str], Returner]:
    """Bob receives events, disconnects, and loses the membership; the data that he knew then changes.

    Returns cursors from before and during the membership and a made-up one, and Bob's client.
    """
    by, method, path, _ = ENDS[how]
    conversation = await group(world, "alice", "bob", "carol")
    bob = Returner(world, "bob")
    await bob.come()
    old = await cursor_of(world, "bob")
    message = await send(world, conversation, "alice", SECRET)
    await offer(world, conversation, SECRET)
    await world.service("PATCH", f"/api/v1/conversations/{conversation}", {"name": SECRET})
    between = await cursor_of(world, "bob")
    await bob.cut()
    address = f"/api/v1/conversations/{conversation}{path.format(bob=world.id_of('bob'))}"
    answer = await world.request(method, address, by=by, json={} if method == "PUT" else None)
    assert answer.is_success, answer.text
    if how != "deleted":
        await world.service("PATCH", f"/api/v1/messages/{message}", {"content": f"{SECRET}, later"})
        await send(world, conversation, "alice", f"{SECRET}, later")
    epoch, _, pos = old.rpartition("-")
    return [old, between, f"{epoch}-0", f"{epoch}-{int(pos) // 2}"], bob


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("way", READINGS)
async def test_any_cursor_of_a_former_member_shows_only_the_end_of_the_membership(
    world: World, way: str, how: str
) -> None:
    cursors, _ = await _notified_and_ended(world, how)
    for cursor in cursors:
        shown = await READINGS[way](world, "bob", cursor)
        assert SECRET not in text_of(shown), cursor
        assert {each["event"] for each in shown} <= {*ENDS[how][3]}, cursor
        assert shown, cursor


@pytest.mark.parametrize("how", ENDS)
async def test_any_offset_of_a_former_member_recovers_only_the_end_of_the_membership(world: World, how: str) -> None:
    cursors, bob = await _notified_and_ended(world, how)
    for offset in (*cursors, f"{cursors[0]}.0", f"{cursors[2]}.5"):
        shown = await by_recovery(bob, offset)
        assert SECRET not in text_of(shown), offset
        assert {each["event"] for each in shown} <= {*ENDS[how][3]}, offset
        assert shown, offset
        bob.socket.connection.transport.abort()
        await bob.socket.wait_closed()


async def test_another_users_cursor_shows_the_same_as_an_own_one(world: World) -> None:
    await group(world, "alice", "bob")
    cursor = await cursor_of(world, "alice")
    await send(world, await group(world, "alice", "carol"), "alice", SECRET)
    await send(world, await group(world, "alice", "bob"), "alice", "for bob")
    for read in READINGS.values():
        assert text_of(await read(world, "bob", cursor)).count("for bob") == 1
        assert SECRET not in text_of(await read(world, "bob", cursor))


async def test_a_former_members_retry_with_a_key_is_refused(world: World) -> None:
    conversation = await group(world, "alice", "bob", "carol")
    source = await send(world, conversation, "alice", SECRET)
    path, body = f"/api/v1/messages/{source}/forward", {"conversationIds": [conversation]}
    headers = {"idempotency-key": "once"}
    first = await world.request("POST", path, by="bob", json=body, headers=headers)
    assert first.status_code == 201
    again = await world.request("POST", path, by="bob", json=body, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    await world.service("DELETE", f"/api/v1/messages/{first.json()['items'][0]['id']}")
    deleted = await world.request("POST", path, by="bob", json=body, headers=headers)
    assert deleted.status_code == 201
    assert SECRET not in deleted.text
    await world.service("DELETE", f"/api/v1/conversations/{conversation}/members/{world.id_of('bob')}")
    refused = await world.request("POST", path, by="bob", json=body, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")


# --- new members ----------------------------------------------------------------------------------------------------


async def _with_a_past(world: World) -> tuple[str, str, str]:
    """Returns a group whose history begins with joining, with an earlier message and an earlier offer."""
    conversation = await group(world, "alice", "bob", history="from-join")
    old = await send(world, conversation, "alice", SECRET)
    return conversation, old, await offer(world, conversation, SECRET)


async def _talk_about_it(world: World, conversation: str, old: str, old_offer: str) -> str:
    """Returns the id of a reply. The message that it quotes and the offer change after the reply."""
    reply = await send(world, conversation, "bob", "about that", replyToId=old)
    await world.service("PATCH", f"/api/v1/messages/{old}", {"content": f"{SECRET}, later"})
    await world.service("PATCH", f"/api/v1/messages/{reply}", {"content": "about that, I mean"})
    await world.service("PUT", f"/api/v1/messages/{reply}/pin")
    answer = await world.request("POST", f"/api/v1/offers/{old_offer}/reject", by="bob")
    assert answer.is_success, answer.text
    await send(world, conversation, "alice", "the end")
    return reply


async def _let_in(world: World, conversation: str, name: str) -> None:
    await world.service("POST", f"/api/v1/conversations/{conversation}/members", {"userIds": [world.id_of(name)]})


async def test_no_route_shows_a_new_member_an_earlier_message_in_a_quote(world: World) -> None:
    conversation, old, old_offer = await _with_a_past(world)
    await _let_in(world, conversation, "carol")
    reply = await _talk_about_it(world, conversation, old, old_offer)
    await world.request("PUT", f"/api/v1/messages/{reply}/reactions/👍", by="carol")
    ids = {"conversation": conversation, "reply": reply}
    for route in LISTS:
        answer = await world.request("GET", route.format(**ids), by="carol")
        assert answer.is_success, route
        assert SECRET not in answer.text, route
        assert old not in answer.text, route
    seen = (await world.request("GET", f"/api/v1/messages/{reply}", by="alice")).json()
    assert seen["replyTo"]["content"] == f"{SECRET}, later"
    for method, path in (("GET", ""), ("POST", "/accept")):
        answer = await world.request(method, f"/api/v1/offers/{old_offer}{path}", by="carol")
        assert answer.status_code == 403, path


@pytest.mark.parametrize("way", READINGS)
async def test_no_cursor_shows_a_new_member_earlier_messages(world: World, way: str) -> None:
    conversation, old, old_offer = await _with_a_past(world)
    before = await cursor_of(world, "carol")
    await _let_in(world, conversation, "carol")
    await _talk_about_it(world, conversation, old, old_offer)
    for cursor in (before, f"{before.rpartition('-')[0]}-0"):
        shown = text_of(await READINGS[way](world, "carol", cursor))
        assert SECRET not in shown
        assert old not in shown
        assert "about that, I mean" in shown


@pytest.mark.parametrize("name", DIALECTS)
async def test_a_new_member_receives_nothing_of_earlier_messages_live_or_by_recovery(world: World, name: str) -> None:
    conversation, old, old_offer = await _with_a_past(world)
    dialect = DIALECTS[name]
    phone, laptop = Returner(world, "carol", dialect), Returner(world, "carol", dialect)
    await _let_in(world, conversation, "carol")
    for device in (phone, laptop):
        await device.come()
        if name in OPENING:
            await device.socket.call(OPENING[name][0], {OPENING[name][2]: conversation})
    await send(world, conversation, "alice", "the beginning")
    await phone.cut()
    await laptop.notified()
    await _talk_about_it(world, conversation, old, old_offer)
    await phone.come()
    for device in (phone, laptop):
        notified = text_of([(event, payload) for event, payload, _ in await device.notified()])
        assert "about that" in notified
        assert SECRET not in notified
        assert old not in notified
        assert old_offer not in notified


async def test_earlier_members_see_a_quote_that_new_members_do_not(world: World) -> None:
    """In one room and at once: each member sees what is visible to them, in the same order."""
    conversation, old, _ = await _with_a_past(world)
    alice = await world.connect("alice")
    await _let_in(world, conversation, "carol")
    carol, tablet = await world.connect("carol"), await world.connect("carol")
    middle = await send(world, conversation, "alice", "for all")
    await send(world, conversation, "bob", "about before", replyToId=old)
    await send(world, conversation, "bob", "about now", replyToId=middle)
    quotes: dict[str, list[Any]] = {}
    for who, client in (("alice", alice), ("carol", carol), ("tablet", tablet)):
        notified = [data for event, data in await client.pending("message:new")]
        quotes[who] = [(data["content"], data.get("replyTo", {}).get("content")) for data in notified]
    assert quotes["alice"] == [("for all", None), ("about before", SECRET), ("about now", "for all")]
    assert quotes["carol"] == [("for all", None), ("about before", None), ("about now", "for all")]
    assert quotes["tablet"] == quotes["carol"]


async def test_a_new_member_of_a_large_group_receives_replies_without_quotes(world: World) -> None:
    names = ["alice", "bob", *(f"guest{number}" for number in range(LARGE_CONVERSATION))]
    conversation = await group(world, *names, history="from-join")
    old = await send(world, conversation, "alice", SECRET)
    await _let_in(world, conversation, "carol")
    carol, guest = await world.connect("carol"), await world.connect("guest7")
    await send(world, conversation, "bob", "about before", replyToId=old)
    assert "replyTo" not in await carol.next("message:new")
    assert (await guest.next("message:new"))["replyTo"]["content"] == SECRET


async def test_a_returned_member_does_not_see_own_earlier_messages(world: World) -> None:
    conversation = await group(world, "alice", "bob", "carol", history="from-join")
    own = await send(world, conversation, "carol", SECRET, clientMessageId="1")
    await world.service("DELETE", f"/api/v1/conversations/{conversation}/members/{world.id_of('carol')}")
    await _let_in(world, conversation, "carol")
    carol = await world.connect("carol")
    again = {"conversationId": conversation, "content": SECRET, "clientMessageId": "1"}
    assert (await carol.refused("message:send", again))["code"] == "forbidden"
    await send(world, conversation, "alice", "to whom?", replyToId=own)
    assert "replyTo" not in await carol.next("message:new")
    assert await carol.pending("notification") == []


async def test_stored_notifications_are_limited_to_what_the_user_may_see_now(world: World) -> None:
    conversation = await group(world, "alice", "bob", history="from-join")
    await offer(world, conversation, SECRET)
    await stored(world, "bob", 1)
    await world.service("DELETE", f"/api/v1/conversations/{conversation}/members/{world.id_of('bob')}")
    await stored(world, "bob", 0)
    await _let_in(world, conversation, "bob")
    await stored(world, "bob", 0)


# --- deleted messages -----------------------------------------------------------------------------------------------


async def test_a_quote_of_a_deleted_message_has_no_text(world: World) -> None:
    """From memory as well as from the log."""
    conversation = await group(world, "alice", "bob")
    bob = Returner(world, "bob")
    await bob.come()
    old = await send(world, conversation, "alice", SECRET)
    await bob.notified()
    await bob.cut()
    reply = await send(world, conversation, "alice", "about that", replyToId=old)
    await world.service("DELETE", f"/api/v1/messages/{old}")
    await bob.come()
    (notified,) = [payload for event, payload, _ in await bob.notified() if event == "message:new"]
    assert notified["id"] == reply
    assert notified["replyTo"] == {"id": old, "senderId": world.id_of("alice"), "content": ""}
