"""Offers, over sockets and REST."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chat.chat_server import running_chat
from tests.chat.conftest import World, world_at
from tests.waiting import until_asked

BICYCLE = {"title": "A bicycle", "amount": 12_000, "currency": "EUR"}


def in_s(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def test_everyone_sees_an_offer_made_countered_and_accepted(world: World) -> None:
    conversation = await world.conversation("alice", "bob", "carol")
    alice, bob, carol = [await world.connect(name) for name in ("alice", "bob", "carol")]
    payload = {"conversationId": conversation, "description": "Red", "metadata": {"sku": 1}, **BICYCLE}
    offer = (await alice.done("offer:create", payload))["offer"]
    assert (offer["status"], offer["amount"], offer["currency"], offer["authorId"]) == (
        "pending",
        12_000,
        "EUR",
        world.id_of("alice"),
    )
    for client in (alice, bob, carol):
        assert await client.next("offer:new") == offer
    counter = (await bob.done("offer:counter", {"offerId": offer["id"], "amount": 9_000}))["offer"]
    assert (counter["counterOf"], counter["amount"], counter["title"]) == (offer["id"], 9_000, "A bicycle")
    for client in (alice, bob, carol):
        closed = await client.next("offer:updated")
        assert (closed["id"], closed["status"]) == (offer["id"], "countered")
        assert await client.next("offer:new") == counter
    accepted = (await alice.done("offer:update", {"offerId": counter["id"], "status": "accepted"}))["offer"]
    assert [(step["status"], step["by"]) for step in accepted["history"]] == [
        ("pending", world.id_of("bob")),
        ("accepted", world.id_of("alice")),
    ]
    assert await carol.next("offer:updated") == accepted
    refused = await carol.refused("offer:update", {"offerId": counter["id"], "status": "rejected"})
    assert (refused["code"], refused["details"]) == ("conflict", {"status": "accepted"})
    listed = await carol.done("offers:list", {"conversationId": conversation})
    assert [each["id"] for each in listed["offers"]] == [counter["id"], offer["id"]]


async def test_offers_over_rest_reach_the_sockets(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    bob = await world.connect("bob")
    path = f"/api/v1/conversations/{conversation}/offers"
    made = await world.request("POST", path, by="alice", json=BICYCLE, headers={"Idempotency-Key": "k"})
    assert made.status_code == 201, made.text
    offer = made.json()
    again = await world.request("POST", path, by="alice", json=BICYCLE, headers={"Idempotency-Key": "k"})
    assert again.json() == offer
    assert await bob.next("offer:new") == offer
    assert (await world.request("GET", f"/api/v1/offers/{offer['id']}", by="bob")).json() == offer
    assert (await world.request("GET", path, by="bob")).json() == {"items": [offer], "next": None}
    for action, by, status in (("withdraw", "bob", 403), ("accept", "alice", 403), ("accept", "mallory", 403)):
        answer = await world.request("POST", f"/api/v1/offers/{offer['id']}/{action}", by=by)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, "forbidden")
    counter = await world.request("POST", f"/api/v1/offers/{offer['id']}/counter", by="bob", json={"amount": 1})
    assert counter.status_code == 201
    rejected = await world.request("POST", f"/api/v1/offers/{counter.json()['id']}/reject", by="alice")
    assert (rejected.status_code, rejected.json()["status"]) == (200, "rejected")
    third = (await world.request("POST", path, by="alice", json=BICYCLE)).json()
    withdrawn = await world.request("POST", f"/api/v1/offers/{third['id']}/withdraw", by="alice")
    assert withdrawn.json()["status"] == "withdrawn"
    fourth = (await world.request("POST", path, by="alice", json=BICYCLE)).json()
    body = {"status": "accepted", "senderId": world.id_of("bob")}
    patched = await world.request("PATCH", f"/api/v1/offers/{fourth['id']}", by="shop", role="service", json=body)
    assert patched.json()["status"] == "accepted"
    again = await world.request("POST", f"/api/v1/offers/{fourth['id']}/accept", by="bob")
    assert (again.status_code, again.json()) == (200, patched.json())
    late = await world.request("POST", f"/api/v1/offers/{fourth['id']}/reject", by="bob")
    assert (late.status_code, late.json()["error"]["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"amount": 1.5}, "amount"),
        ({"amount": "12000"}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": 2**53}, "amount"),
        ({"amount": None}, "amount"),
        ({"currency": "euro"}, "currency"),
        ({"currency": "XYZ"}, "currency"),
        ({"title": ""}, "title"),
        ({"title": " "}, "title"),
        ({"expiresAt": "tomorrow"}, "expiresAt"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "9999-12-31T23:59:59-23:59"}, "expiresAt"),
        ({"metadata": {"n": [2**53]}}, "metadata"),
    ],
)
async def test_an_invalid_offer_is_refused_with_its_path(world: World, wrong: dict[str, Any], path: str) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    error = await alice.refused("offer:create", {"conversationId": conversation, **BICYCLE, **wrong})
    assert error["code"] == "invalid_request"
    assert [detail["path"] for detail in error["details"]] == [path]
    answer = await world.request(
        "POST", f"/api/v1/conversations/{conversation}/offers", by="alice", json={**BICYCLE, **wrong}
    )
    assert answer.status_code == 422
    assert [detail["path"] for detail in answer.json()["error"]["details"]] == [path]
    assert (await alice.done("offers:list", {"conversationId": conversation}))["offers"] == []


async def expiring_offer(world: World, path: str) -> Any:  # noqa: ANN401 (JSON)
    """Makes an offer that expires soon. Tries again if that time has passed before the server reads it."""

    async def made() -> httpx.Response | None:
        answer = await world.request("POST", path, by="alice", json={**BICYCLE, "expiresAt": in_s(0.5)})
        return answer if answer.status_code == 201 else None

    answer = await until_asked(made)
    assert answer is not None
    return answer.json()


async def test_an_offer_expires_by_itself(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    bob = await world.connect("bob")
    path = f"/api/v1/conversations/{conversation}/offers"
    later = (await world.request("POST", path, by="alice", json={**BICYCLE, "expiresAt": in_s(3600)})).json()
    offer = await expiring_offer(world, path)
    expired = await bob.next("offer:updated")
    assert (expired["id"], expired["status"], expired["history"][1]["by"]) == (offer["id"], "expired", None)
    assert expired["updatedAt"] >= offer["expiresAt"]
    assert (await world.request("GET", f"/api/v1/offers/{later['id']}", by="bob")).json()["status"] == "pending"


async def test_an_offer_expires_even_if_the_server_was_killed(tmp_path: Path) -> None:
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            conversation = await world.conversation("alice", "bob")
            path = f"/api/v1/conversations/{conversation}/offers"
            offer = await expiring_offer(world, path)
            server.process.kill()
            server.process.wait()
            suffix = world.id_of("")
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            world._suffix = suffix.removeprefix("-")
            bob = await world.connect("bob")
            found = (await world.request("GET", f"/api/v1/offers/{offer['id']}", by="bob")).json()
            if found["status"] == "pending":
                found = await bob.next("offer:updated")
            assert (found["id"], found["status"]) == (offer["id"], "expired")


async def test_an_offer_whose_author_is_gone_cannot_be_accepted(world: World) -> None:
    conversation = await world.conversation("alice", "bob", "carol")
    path, alice = f"/api/v1/conversations/{conversation}", world.id_of("alice")
    offer = (await world.request("POST", f"{path}/offers", by="alice", json=BICYCLE)).json()

    async def answer(how: str, by: str) -> tuple[int, str | None]:
        body = {"amount": 9_000} if how == "counter" else {}
        answer = await world.request("POST", f"/api/v1/offers/{offer['id']}/{how}", by=by, json=body)
        return answer.status_code, answer.json().get("error", {}).get("code")

    await world.service("DELETE", f"{path}/members/{alice}")
    assert await answer("accept", "bob") == (409, "conflict")
    assert await answer("counter", "bob") == (409, "conflict")
    await world.service("POST", f"{path}/members", {"userIds": [alice]})
    assert await answer("accept", "bob") == (200, None)
    await world.service("DELETE", f"{path}/members/{alice}")
    assert await answer("accept", "bob") == (200, None), "the same decision again"
    assert await answer("reject", "carol") == (409, "conflict")


async def test_a_muted_member_can_only_withdraw_their_own_offers(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    path = f"/api/v1/conversations/{conversation}"
    offers = [
        (await world.request("POST", f"{path}/offers", by=name, json=BICYCLE)).json() for name in ("alice", "bob")
    ]
    await world.service("PUT", f"{path}/mutes/{world.id_of('bob')}", {})
    for how in ("accept", "reject"):
        refused = await world.request("POST", f"/api/v1/offers/{offers[0]['id']}/{how}", by="bob", json={})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "muted")
    withdrawn = await world.request("POST", f"/api/v1/offers/{offers[1]['id']}/withdraw", by="bob", json={})
    assert withdrawn.json()["status"] == "withdrawn"
