"""Messages that are stored only if nothing new has come, over sockets and REST."""

from __future__ import annotations

import json

from tests.chat.conftest import World

MESSAGES = "/api/v1/messages"


async def test_a_refused_message_says_what_has_come(world: World) -> None:
    """The same over sockets, with and without an acknowledgement, and over REST."""
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    question = await alice.send_message(conversation, "Who can help?", ifLastSeq=0)
    answer = await bob.send_message(conversation, f"@{world.id_of('alice')}: I can.", ifLastSeq=question["seq"])
    late = {"conversationId": conversation, "content": "Anybody?", "ifLastSeq": question["seq"]}
    refused = await alice.refused("message:send", late)
    assert refused == {
        "code": "conflict",
        "message": "The conversation has newer messages: its last seq is 2.",
        "details": {"reason": "changed", "lastSeq": 2, "messages": [answer]},
    }
    await alice.emit("message:send", late)
    assert await alice.next("error") == refused | {"event": "message:send"}
    by_rest = await world.request("POST", MESSAGES, by="alice", json=late)
    assert (by_rest.status_code, by_rest.json()) == (409, {"error": refused})
    ahead = await world.request("POST", MESSAGES, by="alice", json=late | {"ifLastSeq": 3})
    assert (ahead.status_code, ahead.json()["error"]["details"][0]["path"]) == (422, "ifLastSeq")
    repeated = await world.request(
        "POST", MESSAGES, by="alice", json=late | {"ifLastSeq": 2}, headers={"Idempotency-Key": "k1"}
    )
    again = await world.request("POST", MESSAGES, by="alice", json=late, headers={"Idempotency-Key": "k1"})
    assert (repeated.status_code, again.json()) == (201, repeated.json())


async def test_a_batch_says_of_each_message_what_has_come(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    message = {"conversationId": conversation, "senderId": world.id_of("bob")}
    bodies = [message | {"content": str(number), "ifLastSeq": 0} for number in range(2)]
    answer = await world.service("POST", f"{MESSAGES}/batch", {"messages": bodies})
    first, second = answer["items"]
    assert second["error"]["details"] == {"reason": "changed", "lastSeq": 1, "messages": [first["message"]]}
    lines = "".join(f"{json.dumps(body | {'clientMessageId': 'late'})}\n" for body in bodies)
    refused = await world.request(
        "POST",
        f"{MESSAGES}/batch",
        by="backend",
        role="service",
        content=lines,
        headers={"content-type": "application/x-ndjson"},
    )
    assert (refused.status_code, refused.json()["error"]["details"]) == (
        409,
        {"line": 1, "stored": 0, "details": second["error"]["details"]},
    )
