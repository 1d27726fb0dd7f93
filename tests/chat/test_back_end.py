"""What the application's backend may do over REST, and what other users see of it."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.messenger import MESSENGER
from tests.chat.conftest import World

OLD = "2020-01-31T12:00:00.000Z"


def _code(answer: Any) -> tuple[int, str]:  # noqa: ANN401 (httpx's)
    return answer.status_code, answer.json()["error"]["code"]


# --- users ----------------------------------------------------------------------------------------------------------


async def test_the_back_end_creates_and_updates_users(world: World) -> None:
    path = f"/api/v1/users/{world.id_of('alice')}"
    body = {"name": "Alice", "email": "alice@example.com", "text": "Hello", "metadata": {"crm": 7}}
    created = await world.service("PUT", path, body)
    kept = {"id": world.id_of("alice"), "createdAt": created["createdAt"], "kind": "person", "banned": False}
    assert created == kept | body
    changed = await world.service("PUT", path, {"name": "Alicia", "text": None})
    assert (changed["name"], changed["metadata"]) == ("Alicia", {"crm": 7})
    assert "text" not in changed
    own = (await world.request("GET", "/api/v1/users/me", by="alice")).json()
    assert (own["name"], own["email"]) == ("Alicia", "alice@example.com")
    assert "metadata" not in own


async def test_contacts_learn_what_the_back_end_changes(world: World) -> None:
    await world.conversation("alice", "bob")
    bob, stranger = await world.connect("bob"), await world.connect("carol")
    body = {"name": "Alicia", "email": "alice@example.com", "metadata": {"crm": 7}}
    await world.service("PUT", f"/api/v1/users/{world.id_of('alice')}", body)
    received = await bob.next("user:updated")
    assert (received["id"], received["name"]) == (world.id_of("alice"), "Alicia")
    assert not {"email", "metadata", "banned"} & received.keys()
    assert await stranger.pending("user:updated") == []


async def test_a_batch_is_all_or_nothing(world: World) -> None:
    ids = [world.id_of(name) for name in ("alice", "bob")]
    users = [{"id": id_, "name": id_.upper()} for id_ in ids]
    answer = await world.service("POST", "/api/v1/users/batch", {"users": users})
    assert [user["name"] for user in answer["items"]] == [id_.upper() for id_ in ids]
    assert answer["next"] is None
    bad = [{"id": world.id_of("carol")}, {"id": world.id_of("dave"), "email": "nothing"}]
    refused = await world.request("POST", "/api/v1/users/batch", by="backend", role="service", json={"users": bad})
    assert refused.json()["error"]["details"] == [{"path": "users[1].email", "message": "must be an e-mail address"}]
    missing = await world.request("GET", f"/api/v1/users/{world.id_of('carol')}", by="backend", role="service")
    assert _code(missing) == (404, "not_found")


async def test_the_back_end_bans_and_sees_who_is_banned(world: World) -> None:
    path = f"/api/v1/users/{world.id_of('alice')}"
    await world.service("PUT", path, {})
    await world.service("PUT", f"{path}/ban")
    assert (await world.service("GET", path))["banned"] is True
    assert _code(await world.request("GET", "/api/v1/users/me", by="alice")) == (403, "banned")
    await world.service("DELETE", f"{path}/ban")
    assert (await world.service("GET", path))["banned"] is False


async def test_strangers_are_neither_found_nor_shown(world: World) -> None:
    """The server has a key for tokens, so users find only their contacts."""
    await world.conversation("alice", "bob")
    await world.service("PUT", f"/api/v1/users/{world.id_of('mallory')}", {"name": world.id_of("mallory")})

    async def found(by: str, query: str) -> list[str]:
        answer = await world.request("GET", f"/api/v1/users?query={query}", by=by)
        return [user["id"] for user in answer.json()["items"]]

    assert await found("alice", world.id_of("bob")) == [world.id_of("bob")]
    assert await found("alice", world.id_of("mallory")) == []
    refused = await world.request("GET", f"/api/v1/users/{world.id_of('mallory')}", by="alice")
    assert _code(refused) == (403, "forbidden")
    everybody = await world.service("GET", f"/api/v1/users?query={world.id_of('mallory')}")
    assert [user["id"] for user in everybody["items"]] == [world.id_of("mallory")]
    body = {"kind": "direct", "memberIds": [world.id_of("mallory")]}
    assert (await world.request("POST", "/api/v1/conversations", by="alice", json=body)).status_code == 201
    assert await found("alice", world.id_of("mallory")) == [world.id_of("mallory")]


async def test_the_back_end_lists_conversations_and_searches_messages(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    await world.conversation("carol", "dave")
    word = world.id_of("needle").replace("-", "")
    sent = {"conversationId": talk, "content": word}
    assert (await world.request("POST", "/api/v1/messages", by="alice", json=sent)).status_code == 201
    page = await world.service("GET", f"/api/v1/conversations?memberId={world.id_of('bob')}")
    assert [each["id"] for each in page["items"]] == [talk]
    first = await world.service("GET", "/api/v1/conversations?limit=1")
    second = await world.service("GET", f"/api/v1/conversations?limit=1&cursor={first['next']}")
    assert first["items"][0]["id"] < second["items"][0]["id"]
    found: list[Any] = []
    while not found:  # the search index is updated shortly after the message
        found = (await world.service("GET", f"/api/v1/search?q={word}"))["items"]
    assert [message["content"] for message in found] == [word]
    refused = await world.request("GET", f"/api/v1/conversations?memberId={world.id_of('bob')}", by="alice")
    assert _code(refused) == (403, "forbidden")


@pytest.mark.parametrize("role", ["service", "admin"])
async def test_clients_list_their_own_conversations_whatever_their_role(world: World, role: str) -> None:
    """Even tokens of these roles list only their own conversations in clients, so that an admin's client shows nothing
    private."""
    await world.conversation("alice", "bob")
    own = await world.conversation("moderator", "bob")
    client = await world.open(dialect=MESSENGER)
    await client.sign_in({"token": world.server.token(world.id_of("moderator"), role=role)})
    await client.next("connected")
    listed = (await client.done("conversations:list"))["conversations"]
    assert [each["id"] for each in listed] == [own]
    assert "GET /api/v1/events" in (await client.refused("sync"))["message"]
    assert _code(await world.request("GET", "/api/v1/sync", by="moderator", role=role)) == (403, "forbidden")
    talks = (await world.request("GET", "/api/v1/talks", by="moderator", role=role)).json()["items"]
    assert [each["id"] for each in talks] == [own]
    everything = (await world.request("GET", "/api/v1/conversations?limit=2", by="moderator", role=role)).json()
    assert len(everything["items"]) == 2


# --- history --------------------------------------------------------------------------------------------------------


async def test_an_imported_message_has_its_own_time_everywhere_and_is_not_unread(world: World) -> None:
    talk = await world.conversation(*DIALECTS)
    clients = {name: await world.connect(name, dialect=dialect) for name, dialect in DIALECTS.items()}
    await clients["talks"].done("join-conversation", {"conversationId": talk})
    await clients["whatsapp"].done("conversation:join", {"conversationId": talk})
    await clients["crm"].done("joinChat", {"chatId": talk})
    body = {
        "conversationId": talk,
        "senderId": world.id_of("messenger"),
        "content": f"@{world.id_of('talks')} from long ago",
        "createdAt": "2020-01-31T13:00:00+01:00",
    }
    sent = await world.service("POST", "/api/v1/messages", body)
    assert (sent["createdAt"], sent["imported"]) == (OLD, True)
    names = {"messenger": "message:new", "talks": "message", "whatsapp": "message:received", "crm": "newMessage"}
    for dialect, name in names.items():
        received = await clients[dialect].next(name)
        message = received["message"] if dialect == "crm" else received
        assert message["createdAt"] == OLD, dialect
    for dialect, client in clients.items():
        assert await client.pending("notification") == [], dialect
    for name in DIALECTS:
        view = (await world.request("GET", f"/api/v1/conversations/{talk}", by=name)).json()
        assert (view.get("unreadCount", 0), view.get("mentionCount", 0)) == (0, 0)
        assert view["lastMessage"]["createdAt"] == OLD
        stored = (await world.request("GET", "/api/v1/notifications", by=name)).json()
        assert stored["items"] == []
    late = await world.connect("talks", dialect=DIALECTS["gateway"])
    assert await late.pending("notification") == []


async def test_an_imported_message_brings_reactions_an_edit_and_a_pin(world: World) -> None:
    alice, bob = world.id_of("alice"), world.id_of("bob")
    talk = f"{alice}-old"
    group = {"kind": "group", "id": talk, "memberIds": [alice, bob], "name": "Old", "createdAt": OLD}
    assert (await world.service("POST", "/api/v1/conversations", group))["createdAt"] == OLD
    body: dict[str, Any] = {
        "conversationId": talk,
        "senderId": bob,
        "content": "Old",
        "createdAt": OLD,
        "editedAt": "2020-02-01T12:00:00.000Z",
        "reactions": [{"emoji": "👍", "userIds": [bob, alice]}],
        "pinned": True,
    }
    await world.service("POST", "/api/v1/messages", body)
    (seen,) = (await world.request("GET", f"/api/v1/conversations/{talk}/messages", by="alice")).json()["items"]
    assert (seen["editedAt"], seen["pinned"]) == (body["editedAt"], True)
    assert seen["reactions"] == [{"emoji": "👍", "count": 2, "userIds": [bob, alice]}]
    timeless = {**body, "createdAt": None}
    refused = await world.request("POST", "/api/v1/messages", by="backend", role="service", json=timeless)
    assert (refused.status_code, refused.json()["error"]["details"][0]["path"]) == (422, "createdAt")
    own = {"kind": "group", "memberIds": [alice], "createdAt": OLD}
    refused = await world.request("POST", "/api/v1/conversations", by="alice", json=own)
    assert _code(refused) == (403, "forbidden")


async def test_a_system_message_has_no_member_as_its_sender(world: World) -> None:
    talk = await world.conversation(*DIALECTS)
    clients = {name: await world.connect(name, dialect=dialect) for name, dialect in DIALECTS.items()}
    await clients["talks"].done("join-conversation", {"conversationId": talk})
    await clients["whatsapp"].done("conversation:join", {"conversationId": talk})
    await clients["crm"].done("joinChat", {"chatId": talk})
    content = f"Shipped to @{world.id_of('messenger')}"
    body = {"conversationId": talk, "content": content, "type": "system", "clientMessageId": "m"}
    sent = await world.service("POST", "/api/v1/messages", body)
    assert (sent["type"], sent["senderId"], sent["sender"]["id"]) == ("system", *[world.id_of("backend")] * 2)
    assert await world.service("POST", "/api/v1/messages", body) == sent
    for dialect, event in {"messenger": "message:new", "talks": "message", "crm": "newMessage"}.items():
        assert "Shipped" in str(await clients[dialect].next(event))
    assert "Shipped" in str(await clients["whatsapp"].next("message:received"))
    assert (await clients["messenger"].next("notification"))["body"].startswith("Shipped")
    view = (await world.request("GET", f"/api/v1/conversations/{talk}", by="messenger")).json()
    assert (view["unreadCount"], view["mentionCount"], view["lastMessage"]) == (1, 1, sent)
    assert world.id_of("backend") not in {member["userId"] for member in view["members"]}
    edited = await world.service("PATCH", f"/api/v1/messages/{sent['id']}", {"content": "Shipped today"})
    assert (edited["type"], edited["content"]) == ("system", "Shipped today")
    plain = await world.request(
        "POST", "/api/v1/messages", by="backend", role="service", json={**body, "type": "text", "clientMessageId": "n"}
    )
    assert _code(plain) == (422, "invalid_request")


async def test_a_system_message_may_be_in_the_name_of_any_user(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    body = {"conversationId": talk, "content": "Carol has paid", "type": "system"}
    await world.service("PUT", f"/api/v1/users/{world.id_of('carol')}", {"name": "Carol"})
    sent = await world.service("POST", "/api/v1/messages", {**body, "senderId": world.id_of("carol")})
    assert (sent["type"], sent["sender"]["name"]) == ("system", "Carol")
    old = await world.service(
        "POST", "/api/v1/messages", {**body, "conversationId": await world.conversation("bob"), "createdAt": OLD}
    )
    assert (old["type"], old["imported"], old["createdAt"]) == ("system", True, OLD)
    unknown = {**body, "senderId": world.id_of("dave")}
    refused = await world.request("POST", "/api/v1/messages", by="backend", role="service", json=unknown)
    assert _code(refused) == (422, "invalid_request")
    assert _code(await world.request("POST", "/api/v1/messages", by="alice", json=body)) == (403, "forbidden")
    nowhere = {**body, "conversationId": "nowhere"}
    refused = await world.request("POST", "/api/v1/messages", by="backend", role="service", json=nowhere)
    assert _code(refused) == (404, "not_found")


async def test_history_may_be_imported_over_a_socket(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    backend = await world.open(dialect=MESSENGER)
    await backend.sign_in({"token": world.server.token(world.id_of("backend"), role="service")})
    await backend.next("connected")
    payload = {"conversationId": talk, "senderId": world.id_of("bob"), "content": "Old", "createdAt": OLD}
    assert (await backend.done("message:send", payload))["message"]["createdAt"] == OLD


@pytest.mark.parametrize(
    ("created_at", "message"),
    [
        ("2019-01-01T00:00:00Z", f"must not be before the newest message of the conversation, {OLD}"),
        ("2999-01-01T00:00:00Z", "must not be in the future: at most "),
        ("2020-02-01T00:00:00", "must be a time with an offset, such as Z or +01:00"),
        ("yesterday", "must be a time in ISO 8601, such as 2030-01-31T12:00:00.000Z"),
    ],
)
async def test_an_invalid_time_is_refused_with_the_allowed_range(world: World, created_at: str, message: str) -> None:
    talk = await world.conversation("alice", "bob")
    body = {"conversationId": talk, "senderId": world.id_of("bob"), "content": "Old", "createdAt": OLD}
    await world.service("POST", "/api/v1/messages", body)
    refused = await world.request(
        "POST", "/api/v1/messages", by="backend", role="service", json={**body, "createdAt": created_at}
    )
    assert _code(refused) == (422, "invalid_request")
    (detail,) = refused.json()["error"]["details"]
    assert detail["path"] == "createdAt"
    assert detail["message"].startswith(message)
    by_user = await world.request("POST", "/api/v1/messages", by="bob", json={**body, "senderId": None})
    assert _code(by_user) == (403, "forbidden")


# --- refusals -------------------------------------------------------------------------------------------------------


async def test_refusals_are_readable_sentences(world: World) -> None:
    talk = await world.conversation("alice", "bob")

    async def message(method: str, path: str, body: object = None) -> str:
        answer = await world.request(method, path, by="alice", json=body)
        return str(answer.json()["error"]["message"])

    sent = {"conversationId": talk, "content": "Hello"}
    for_bob = {**sent, "senderId": world.id_of("bob")}
    for_another = await message("POST", "/api/v1/messages", for_bob)
    assert for_another == "Only the application's backend may act for another user."
    misspelt = {"conversationId": talk, "contents": "Hello"}
    expected = "contents: is not a field here; did you mean content?"
    assert await message("POST", "/api/v1/messages", misspelt) == expected
    alice = await world.connect("alice")
    refused = await alice.call("message:send", misspelt)
    assert refused["error"]["message"] == expected
    page = f"/api/v1/conversations/{talk}/messages?limit="
    assert await message("GET", f"{page}1000") == "limit: must be between 1 and 100"
    assert await message("GET", f"{page}x") == "limit: must be between 1 and 100"
    assert await message("POST", "/api/v1/conversations", {"kind": "room", "memberIds": []}) == (
        "kind: must be one of channel, direct, group"
    )
