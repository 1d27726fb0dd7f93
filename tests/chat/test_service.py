"""The role `service`, with which the application's backend signs in."""

from __future__ import annotations

from tests.chat.conftest import World


async def test_the_backend_creates_a_conversation_of_a_thousand_and_sends_for_one(world: World) -> None:
    names = [f"user{number}" for number in range(1000)]
    first, last = await world.connect(names[0]), await world.connect(names[999])
    conversation = await world.conversation(*names)
    assert (await first.next("conversation:new"))["memberCount"] == 1000
    body = {"conversationId": conversation, "content": "hello, all", "senderId": world.id_of(names[500])}
    message = await world.service("POST", "/api/v1/messages", body)
    assert message["senderId"] == world.id_of(names[500])
    for client in (first, last):
        assert await client.next("message:new") == message
    one = await world.service("GET", f"/api/v1/conversations/{conversation}")
    assert len(one["members"]) == 1000


async def test_the_backend_is_no_member_of_conversations_that_it_creates(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    one = await world.service("GET", f"/api/v1/conversations/{conversation}")
    assert [member["userId"] for member in one["members"]] == [world.id_of("alice"), world.id_of("bob")]
    body = {"conversationId": conversation, "content": "who am I?"}
    answer = await world.request("POST", "/api/v1/messages", by="backend", role="service", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")


async def test_the_backend_is_not_offered_until_a_person_signs_in_under_its_id(world: World) -> None:
    shop = world.id_of("shop")
    for role, is_offered in (("service", False), ("service", False), (None, True), ("service", True)):
        assert (await world.request("GET", "/api/v1/users/me", by="shop", role=role)).status_code == 200
        await world.conversation("alice", "shop")
        answer = await world.request("GET", f"/api/v1/users?query={shop}", by="alice")
        assert [user["id"] for user in answer.json()["items"]] == ([shop] if is_offered else [])
        assert (await world.service("GET", f"/api/v1/users/{shop}")).get("backend", False) is not is_offered
        listed = await world.service("GET", f"/api/v1/admin/users?q={shop}")
        assert [user["backend"] for user in listed["items"]] == [not is_offered]


async def test_the_backend_sends_for_members_only(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    for sender in (world.id_of("carol"), "nobody-at-all"):
        body = {"conversationId": conversation, "content": "x", "senderId": sender}
        answer = await world.request("POST", "/api/v1/messages", by="backend", role="service", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


async def test_the_backend_reacts_and_decides_for_members_in_requests_without_a_body(world: World) -> None:
    conversation, bob = await world.conversation("alice", "bob"), world.id_of("bob")
    of_alice = {"conversationId": conversation, "content": "x", "senderId": world.id_of("alice")}
    message = await world.service("POST", "/api/v1/messages", of_alice)
    reaction = f"/api/v1/messages/{message['id']}/reactions/👍"
    reacted = await world.service("PUT", f"{reaction}?senderId={bob}")
    assert reacted["reactions"] == [{"emoji": "👍", "count": 1, "userIds": [bob]}]
    assert "reactions" not in await world.service("DELETE", f"{reaction}?senderId={bob}")
    offer = {"title": "Bike", "amount": 5000, "currency": "EUR", "senderId": world.id_of("alice")}
    for act, by, status in (("accept", bob, "accepted"), ("reject", bob, "rejected"), ("withdraw", None, "withdrawn")):
        made = await world.service("POST", f"/api/v1/conversations/{conversation}/offers", offer)
        path = f"/api/v1/offers/{made['id']}/{act}?senderId={by or world.id_of('alice')}"
        assert (await world.service("POST", path))["status"] == status
    foreign = await world.request("PUT", f"{reaction}?senderId={bob}", by="alice")
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (403, "forbidden")


async def test_a_user_cannot_send_for_others(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    body = {"conversationId": conversation, "content": "x", "senderId": world.id_of("bob")}
    answer = await world.request("POST", "/api/v1/messages", by="alice", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    own = {**body, "senderId": world.id_of("alice")}
    assert (await world.request("POST", "/api/v1/messages", by="alice", json=own)).status_code == 201


async def test_a_user_cannot_choose_ids_or_create_users(world: World) -> None:
    body = {"kind": "group", "memberIds": [], "id": world.id_of("mine")}
    answer = await world.request("POST", "/api/v1/conversations", by="alice", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    unknown = {"kind": "group", "memberIds": ["nobody-at-all"]}
    answer = await world.request("POST", "/api/v1/conversations", by="alice", json=unknown)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")


async def test_over_a_socket_only_the_backend_sends_for_others(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, backend = await world.connect("alice"), await world.open()
    await backend.sign_in({"token": world.server.token(world.id_of("backend"), role="service")})
    for_bob = {"senderId": world.id_of("bob")}
    sent = await backend.send_message(conversation, "as bob", **for_bob)
    assert sent["senderId"] == world.id_of("bob")
    await backend.done("message:edit", {"messageId": sent["id"], "content": "as bob still", **for_bob})
    await backend.done("message:react", {"messageId": sent["id"], "emoji": "👍", **for_bob})
    assert (await alice.next("message:reaction"))["userId"] == world.id_of("bob")
    own = await alice.send_message(conversation, "as myself", senderId=world.id_of("alice"))
    for event, payload in (
        ("message:send", {"conversationId": conversation, "content": "x"}),
        ("message:edit", {"messageId": own["id"], "content": "x"}),
        ("message:react", {"messageId": own["id"], "emoji": "👍"}),
        ("message:unreact", {"messageId": sent["id"], "emoji": "👍"}),
        ("message:forward", {"messageId": own["id"], "conversationIds": [conversation]}),
    ):
        assert (await alice.refused(event, {**payload, **for_bob}))["code"] == "forbidden"


async def test_a_user_cannot_set_members_of_the_server(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    for field, value in (("ownerId", world.id_of("alice")), ("id", "x"), ("kind", "channel"), ("memberCount", 5)):
        payload = {"conversationId": conversation, "name": "x", field: value}
        assert (await alice.refused("conversation:update", payload))["code"] == "invalid_request"
        answer = await world.request(
            "PATCH", f"/api/v1/conversations/{conversation}", by="alice", json={"name": "x", field: value}
        )
        assert answer.status_code == 422
        answer = await world.request("PATCH", "/api/v1/users/me", by="alice", json={"name": "x", field: value})
        assert answer.status_code == 422
