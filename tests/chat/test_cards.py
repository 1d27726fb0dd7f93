"""Cards through a real server: what the members' sockets receive, the REST routes, and what hooks see."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.chat.chat_client import Payload
from tests.chat.conftest import World

PROGRAM = Path("docs/cards.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
ASKED: Payload = {
    "title": "Refund order 7?",
    "fields": [{"label": "Amount", "value": "10.50 EUR"}],
    "actions": [
        {"id": "approve", "label": "Approve", "style": "primary"},
        {"id": "decline", "label": "Decline", "style": "danger"},
    ],
    "decide": {"approve": 2, "decline": 1},
    "subject": {"order": 7, "amount": 10.5},
}
POLL: Payload = {
    "title": "Lunch?",
    "actions": [{"id": "pizza", "label": "Pizza"}, {"id": "soup", "label": "Soup"}],
    "decide": "poll",
}


async def _card(world: World, message_id: str, by: str, body: Payload | None = None, route: str = "") -> Any:  # noqa: ANN401 (JSON)
    method = "GET" if body is None else "POST"
    answer = await world.request(method, f"/api/v1/messages/{message_id}/card{route}", by=by, json=body or None)
    return answer.json() if answer.status_code == 200 else answer.json()["error"]


async def test_two_of_three_approve_and_all_receive_the_decision(world: World) -> None:
    group = await world.conversation("alice", "bob", "carol", "dave")
    alice, bob, carol = [await world.connect(name) for name in ("alice", "bob", "carol")]
    phone = await world.connect("bob")
    cursor = (await world.service("GET", "/api/v1/events"))["cursor"]
    sent = (await alice.done("message:send", {"conversationId": group, "card": ASKED}))["message"]
    shown = {**ASKED, "state": "open", "counts": {"approve": 0, "decline": 0}, "digest": sent["card"]["digest"]}
    assert sent["card"] == shown
    assert sent["content"] == "Refund order 7?\n\nAmount: 10.50 EUR\n\n- Approve\n- Decline"
    assert (await bob.next("message:new"))["card"] == shown

    first = (await bob.done("card:act", {"messageId": sent["id"], "actionIds": ["approve"], "comment": "Lost"}))["card"]
    assert first["counts"] == {"approve": 1, "decline": 0}
    assert (first["mine"]["actionIds"], first["mine"]["comment"]) == (["approve"], "Lost")
    acted = {"messageId": sent["id"], "conversationId": group, "userId": world.id_of("bob"), "actionIds": ["approve"]}
    for socket in (bob, phone):
        assert await socket.next("card:acted") == acted
    for socket in (alice, carol):
        counts = {"messageId": sent["id"], "conversationId": group, "counts": {"approve": 1, "decline": 0}}
        assert await socket.next("card:updated") == counts

    last = await _card(world, sent["id"], "carol", {"actionIds": ["approve"]})
    assert (last["state"], last["outcome"], last["actionId"]) == ("decided", "decided", "approve")
    assert last["decidedBy"] == [world.id_of("bob"), world.id_of("carol")]
    assert [each["userId"] for each in last["choices"]] == last["decidedBy"]
    for socket in (alice, bob, phone, carol):
        decided = await socket.next("card:decided")
        assert decided["content"].endswith("- Decline\n\nDecided: Approve")
        named = ("messageId", "digest", "state", "outcome", "actionId", "decidedBy", "counts")
        assert {name: decided[name] for name in named} == {
            "messageId": sent["id"],
            **{name: last[name] for name in named if name != "messageId"},
        }
    assert await alice.pending("card:acted") == []

    late = await _card(world, sent["id"], "dave", {"actionIds": ["decline"]})
    assert late["code"] == "conflict"
    assert late["details"] == {"state": "decided", "outcome": "decided", "actionId": "approve"}
    events = (await world.service("GET", f"/api/v1/events?after={cursor}&limit=100"))["items"]
    named_events = [(each["type"], each.get("actorId")) for each in events if each["type"].startswith("card:")]
    assert named_events == [
        ("card:acted", world.id_of("bob")),
        ("card:acted", world.id_of("carol")),
        ("card:decided", None),
    ]
    synced = (await world.request("GET", f"/api/v1/sync?after={cursor}", by="dave")).json()["events"]
    assert [each["event"] for each in synced if each["event"].startswith("card:")] == ["card:decided"]


async def test_a_poll_counts_until_its_author_closes_it(world: World) -> None:
    group = await world.conversation("alice", "bob", "carol")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    hidden = {**POLL, "names": "hidden", "results": "closed", "max": 2}
    cursor = (await world.service("GET", "/api/v1/events"))["cursor"]
    sent = (await alice.done("message:send", {"conversationId": group, "card": hidden}))["message"]
    assert "counts" not in sent["card"]
    for by, chosen in (("alice", ["pizza", "soup"]), ("bob", ["pizza"]), ("bob", []), ("carol", ["soup"])):
        card = await _card(world, sent["id"], by, {"actionIds": chosen})
        assert (card.get("mine", {}).get("actionIds", []), "counts" in card, "choices" in card) == (
            chosen,
            False,
            False,
        )
    assert (await _card(world, sent["id"], "bob", {}, "/close"))["code"] == "forbidden"
    closed = await _card(world, sent["id"], "alice", {}, "/close")
    assert (closed["state"], closed["counts"], closed.get("choices")) == ("closed", {"pizza": 1, "soup": 2}, None)
    assert (await bob.next("card:decided"))["counts"] == {"pizza": 1, "soup": 2}
    assert await bob.pending("card:updated") == []
    events = (await world.service("GET", f"/api/v1/events?after={cursor}&limit=100"))["items"]
    assert [each["type"] for each in events if each["type"].startswith("card:")] == ["card:decided"]


async def test_a_decision_is_in_the_audit_log_with_what_was_decided(world: World) -> None:
    group = await world.conversation("alice", "bob", "carol")
    sent = await world.service(
        "POST", "/api/v1/messages", {"conversationId": group, "senderId": world.id_of("alice"), "card": ASKED}
    )
    await _card(world, sent["id"], "bob", {"actionIds": ["decline"], "comment": "Not lost"})
    audit = await world.request("GET", f"/api/v1/audit?targetId={sent['id']}", by="operator", role="admin")
    assert [
        {name: each.get(name) for name in ("action", "actorId", "targetId", "conversationId", "digest", "reason")}
        for each in audit.json()["items"]
    ] == [
        {
            "action": "card-decide",
            "actorId": world.id_of("bob"),
            "targetId": sent["id"],
            "conversationId": group,
            "digest": sent["card"]["digest"],
            "reason": None,
        }
    ]


async def test_who_asks_waits_for_the_decision_and_verifies_its_receipt(world: World) -> None:
    group = await world.conversation("alice", "bob", "carol")
    body = {"conversationId": group, "senderId": world.id_of("alice"), "card": ASKED}
    sent = await world.service("POST", "/api/v1/messages", body)
    there = f"/api/v1/messages/{sent['id']}/card"
    early = await world.request("GET", f"{there}/receipt", by="alice")
    assert (early.status_code, early.json()["error"]["details"]) == (409, {"state": "open"})
    waiting = asyncio.ensure_future(world.request("GET", f"{there}?wait=60", by="alice"))
    assert (await world.request("GET", "/api/v1/cards?open=mine", by="bob")).json()["count"] == 1
    await _card(world, sent["id"], "bob", {"actionIds": ["decline"]})
    card = (await waiting).json()
    assert (card["state"], card["actionId"], "mine" in card) == ("decided", "decline", False)
    assert (await world.request("GET", f"{there}?wait=60", by="alice")).json() == card  # at once
    assert (await world.request("GET", "/api/v1/cards", by="carol")).json() == {"items": [], "count": 0}

    keys = (await world.http.get("/.well-known/talkwire-receipts.json")).json()
    for by, role in (("alice", None), ("carol", None), ("backend", "service")):
        receipt = (await world.request("GET", f"{there}/receipt", by=by, role=role)).json()["receipt"]
        key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(receipt)["kid"]]
        claims = jwt.decode(receipt, key, algorithms=["ES256"])
        assert isinstance(claims.pop("pos"), int)
        assert isinstance(claims.pop("iat"), int)
        assert claims == {
            "iss": world.server.url,
            "sub": sent["id"],
            "digest": sent["card"]["digest"],
            "outcome": "decided",
            "actionId": "decline",
            "by": [{"userId": world.id_of("bob"), "at": card["endedAt"]}],
        }
    refused = await world.request("GET", f"{there}/receipt", by="eve")
    assert refused.status_code == 403


async def test_the_documented_program_verifies_a_receipt(world: World) -> None:
    group = await world.conversation("alice", "bob")
    body = {"conversationId": group, "senderId": world.id_of("alice"), "card": {**ASKED, "decide": "first"}}
    sent = await world.service("POST", "/api/v1/messages", body)
    await _card(world, sent["id"], "bob", {"actionIds": ["approve"]})
    receipt = (await world.service("GET", f"/api/v1/messages/{sent['id']}/card/receipt"))["receipt"]
    program = PROGRAM.replace("https://chat.example.com", world.server.url)
    given = {"receipt": receipt, "digest_of_what_was_asked": sent["card"]["digest"]}
    await asyncio.to_thread(exec, program, given)
    with pytest.raises(AssertionError):
        await asyncio.to_thread(exec, program, {**given, "digest_of_what_was_asked": "another"})


async def test_a_card_is_not_edited_and_only_its_text_is_forwarded(world: World) -> None:
    group = await world.conversation("alice", "bob")
    other = await world.conversation("bob", "carol")
    alice = await world.connect("alice")
    sent = (await alice.done("message:send", {"conversationId": group, "card": POLL}))["message"]
    edited = await world.request("PATCH", f"/api/v1/messages/{sent['id']}", by="alice", json={"content": "Dinner?"})
    assert (edited.status_code, edited.json()["error"]["code"]) == (409, "conflict")
    forwarded = await world.request(
        "POST", f"/api/v1/messages/{sent['id']}/forward", by="bob", json={"conversationIds": [other]}
    )
    (copy,) = forwarded.json()["items"] if isinstance(forwarded.json(), dict) else forwarded.json()
    assert copy["content"] == "Lunch?\n\n- Pizza\n- Soup"
    assert "card" not in copy
