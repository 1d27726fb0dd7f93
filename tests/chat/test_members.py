"""Membership, roles and moderation take effect for connected sockets at once."""

from __future__ import annotations

from tests.chat.chat_client import ChatClient
from tests.chat.conftest import World


async def _channel(world: World, owner: ChatClient, name: str) -> str:
    """Creates a public channel and returns its id."""
    payload = {"kind": "channel", "name": name, "memberIds": [], "public": True}
    opened = (await owner.done("conversation:create", payload))["conversation"]
    await owner.next("conversation:new")
    return str(opened["id"])


async def test_an_added_member_receives_everything_from_then_on(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, carol = await world.connect("alice"), await world.connect("carol")
    answer = await world.request(
        "POST", f"/api/v1/conversations/{conversation}/members", by="alice", json={"userIds": [world.id_of("carol")]}
    )
    assert answer.status_code == 200, answer.text
    for client in (alice, carol):
        added = await client.next("member:added")
        assert added["conversationId"] == conversation
        assert [member["userId"] for member in added["members"]] == [world.id_of("carol")]
    await alice.send_message(conversation, "welcome")
    assert (await carol.next("message:new"))["content"] == "welcome"
    await carol.done("typing:start", {"conversationId": conversation})


async def test_a_removed_member_is_notified_and_receives_nothing_more(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    path = f"/api/v1/conversations/{conversation}/members/{world.id_of('bob')}"
    assert (await world.request("DELETE", path, by="alice")).status_code == 204
    received = {"conversationId": conversation, "userId": world.id_of("bob"), "by": world.id_of("alice")}
    for client in (alice, bob):
        assert await client.next("member:removed") == received
    removal = await bob.next("notification")
    assert (removal["type"], removal["outcome"], removal["conversationId"]) == ("moderation", "remove", conversation)
    await alice.send_message(conversation, "he is gone")
    assert await bob.pending() == []
    assert (await bob.refused("message:send", {"conversationId": conversation, "content": "x"}))["code"] == "forbidden"
    assert (await bob.refused("conversation:join", {"conversationId": conversation}))["code"] == "forbidden"
    assert (await bob.refused("typing:start", {"conversationId": conversation}))["code"] == "forbidden"


async def test_a_public_channel_is_found_and_joined_by_a_socket(world: World) -> None:
    alice, bob, carol = [await world.connect(name) for name in ("alice", "bob", "carol")]
    word = world.id_of("news")
    channel = await _channel(world, alice, f"{word} today")
    (found,) = (await bob.done("conversations:list", {"query": word}))["conversations"]
    assert (found["id"], found["kind"], found["public"]) == (channel, "channel", True)
    assert "unreadCount" not in found
    assert (await bob.refused("conversation:join", {"conversationId": channel}))["code"] == "forbidden"
    await bob.done("member:add", {"conversationId": channel, "userIds": [world.id_of("bob")]})
    for client in (alice, bob):
        added = await client.next("member:added")
        assert [(member["userId"], member["role"]) for member in added["members"]] == [(world.id_of("bob"), "member")]
    await alice.send_message(channel, "headline")
    assert (await bob.next("message:new"))["content"] == "headline"
    error = await bob.refused("message:send", {"conversationId": channel, "content": "me too"})
    assert error["code"] == "forbidden"
    assert await carol.pending() == []


async def test_leaving_is_sent_to_every_device_of_the_member(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, phone, desktop = [await world.connect(name) for name in ("alice", "bob", "bob")]
    await phone.done("member:remove", {"conversationId": conversation, "userId": world.id_of("bob")})
    for client in (alice, phone, desktop):
        assert await client.next("member:removed") == {"conversationId": conversation, "userId": world.id_of("bob")}
    await alice.send_message(conversation, "bye")
    assert await phone.pending("message:new") == await desktop.pending("message:new") == []


async def test_ownership_passes_on_and_the_last_member_deletes_the_conversation(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    path = f"/api/v1/conversations/{conversation}/members/me"
    assert (await world.request("DELETE", path, by="alice")).status_code == 204
    await bob.next("member:removed")
    assert await bob.next("member:updated") == {
        "conversationId": conversation,
        "userId": world.id_of("bob"),
        "role": "owner",
    }
    await alice.next("member:removed")
    assert await alice.pending("member:updated") == []
    await bob.done("member:remove", {"conversationId": conversation, "userId": world.id_of("bob")})
    await bob.next("member:removed")
    assert (await bob.refused("conversation:join", {"conversationId": conversation}))["code"] == "forbidden"


async def test_all_members_see_a_changed_role(world: World) -> None:
    conversation = await world.conversation("alice", "bob", "carol")
    alice, bob, carol = [await world.connect(name) for name in ("alice", "bob", "carol")]
    payload = {"conversationId": conversation, "userId": world.id_of("bob"), "role": "admin"}
    assert (await bob.refused("member:update", payload))["code"] == "forbidden"
    await alice.done("member:update", payload)
    for client in (alice, bob, carol):
        assert await client.next("member:updated") == payload
    await bob.done("member:remove", {"conversationId": conversation, "userId": world.id_of("carol")})
    path = f"/api/v1/conversations/{conversation}/members/{world.id_of('bob')}"
    answer = await world.request("PATCH", path, by="alice", json={"role": "owner"})
    assert (answer.json()["role"], answer.json()["name"]) == ("owner", world.id_of("bob").title())
    received = [await bob.next("member:updated") for _ in range(2)]
    assert [(each["userId"], each["role"]) for each in received] == [
        (world.id_of("alice"), "admin"),
        (world.id_of("bob"), "owner"),
    ]
    refused = await bob.refused("member:update", {**payload, "role": "king"})
    assert refused["code"] == "invalid_request"


async def test_a_banned_member_is_removed_at_once_with_the_reason(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    path = f"/api/v1/conversations/{conversation}/bans/{world.id_of('bob')}"
    body = {"until": "2100-01-01T00:00:00Z", "reason": "spam"}
    answer = await world.request("PUT", path, by="alice", json=body)
    assert answer.status_code == 200, answer.text
    received = await bob.next("member:restricted")
    assert received == {
        "conversationId": conversation,
        "userId": world.id_of("bob"),
        "kind": "ban",
        "until": "2100-01-01T00:00:00.000Z",
        "reason": "spam",
    }
    assert answer.json() == {**received, "by": world.id_of("alice")}
    for client in (alice, bob):
        assert (await client.next("member:removed"))["by"] == world.id_of("alice")
    await alice.send_message(conversation, "quiet now")
    await alice.next("message:new")
    assert await bob.pending("message:new") == []
    assert await alice.pending("member:restricted") == []
    listed = (await world.request("GET", f"/api/v1/conversations/{conversation}/bans", by="alice")).json()
    assert listed == {"items": [answer.json()], "next": None}
    added = {"conversationId": conversation, "userIds": [world.id_of("bob")]}
    assert (await alice.refused("member:add", added))["code"] == "banned"
    assert (await world.request("DELETE", path, by="alice")).status_code == 204
    assert (await bob.next("member:unrestricted"))["kind"] == "ban"
    await alice.done("member:add", added)
    await bob.next("member:added")


async def test_a_muted_member_receives_but_cannot_write(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    path = f"/api/v1/conversations/{conversation}/mutes/{world.id_of('bob')}"
    assert (await world.request("PUT", path, by="bob")).status_code == 403
    answer = await world.request("PUT", path, by="alice")
    assert answer.status_code == 200, answer.text
    assert await bob.next("member:restricted") == {
        "conversationId": conversation,
        "userId": world.id_of("bob"),
        "kind": "mute",
    }
    error = await bob.refused("message:send", {"conversationId": conversation, "content": "x"})
    assert (error["code"], error["details"]) == ("muted", {"until": None})
    await alice.send_message(conversation, "listen")
    assert (await bob.next("message:new"))["content"] == "listen"
    assert (await world.request("DELETE", path, by="alice")).status_code == 204
    assert (await bob.next("member:unrestricted"))["kind"] == "mute"
    await bob.send_message(conversation, "thanks")


async def test_a_restriction_ends_at_a_time_that_can_be_shown(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    for kind in ("mutes", "bans"):
        path = f"/api/v1/conversations/{conversation}/{kind}/{world.id_of('bob')}"
        for until in ("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00Z"):
            refused = await world.request("PUT", path, by="alice", json={"until": until})
            assert refused.status_code == 422
            assert [detail["path"] for detail in refused.json()["error"]["details"]] == ["until"]
    path = f"/api/v1/conversations/{conversation}/mutes/{world.id_of('bob')}"
    muted = await world.request("PUT", path, by="alice", json={"until": "9999-12-31T23:59:59.9999Z"})
    assert muted.json()["until"] == "9999-12-31T23:59:59.999Z"


async def test_a_block_is_sent_to_own_devices_only_and_applies_at_once(world: World) -> None:
    conversation = await world.conversation("alice", "bob", kind="direct")
    phone, desktop, bob = [await world.connect(name) for name in ("alice", "alice", "bob")]
    path = f"/api/v1/users/me/blocks/{world.id_of('bob')}"
    assert (await world.request("PUT", path, by="alice")).status_code == 204
    for device in (phone, desktop):
        assert await device.next("user:blocked") == {"userId": world.id_of("bob")}
    for client in (phone, bob):
        for event, further in (("message:send", {"content": "x"}), ("typing:start", {})):
            error = await client.refused(event, {"conversationId": conversation, **further})
            assert error["code"] == "blocked"
    listed = (await world.request("GET", "/api/v1/users/me/blocks", by="alice")).json()
    assert [user["id"] for user in listed["items"]] == [world.id_of("bob")]
    assert await bob.pending("user:blocked", "typing:user", "message:new") == []
    assert (await world.request("DELETE", path, by="alice")).status_code == 204
    assert await desktop.next("user:unblocked") == {"userId": world.id_of("bob")}
    await bob.send_message(conversation, "hello again")
    assert (await phone.next("message:new"))["content"] == "hello again"


async def test_a_stranger_learns_nothing_by_asking_for_changes(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    direct = await world.conversation("alice", "bob", kind="direct")
    mallory = await world.connect("mallory")
    bob = world.id_of("bob")
    there = (conversation, direct, "there-is-no-such-conversation")
    seen = [
        await mallory.refused(event, {"conversationId": conversation_id, **further})
        for conversation_id in there
        for event, further in (
            ("conversation:update", {"name": "x"}),
            ("conversation:delete", {}),
            ("member:add", {"userIds": [bob]}),
            ("member:remove", {"userId": bob}),
            ("member:update", {"userId": bob, "role": "member"}),
        )
    ]
    for conversation_id in there:
        base = f"/api/v1/conversations/{conversation_id}"
        for method, path in (
            ("PUT", f"mutes/{bob}"),
            ("DELETE", f"mutes/{bob}"),
            ("GET", "bans"),
            ("PUT", f"bans/{bob}"),
            ("DELETE", f"bans/{bob}"),
        ):
            answer = await world.request(method, f"{base}/{path}", by="mallory")
            assert answer.status_code == 403
            seen.append(answer.json()["error"])
    assert seen == [{"code": "forbidden", "message": "You have no access to this."}] * len(seen)
