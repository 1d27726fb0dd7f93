"""Adding a sixth dialect takes one file, and its name where the server is created."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from talkwire.app import Node
from talkwire.settings import Settings
from tests.chat.chat_client import ChatClient, Payload
from tests.chat.chat_server import SECRET, serving
from tests.chat.conftest import World, world_at
from tests.dialects import rocket
from tests.dialects.rocket import ROCKET


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    node = Node(Settings(data=tmp_path / "data", jwt_secret=SECRET, rate_limits=False), [ROCKET])
    async with serving(node) as server, world_at(server) as world:
        yield world


async def both(world: World) -> tuple[str, ChatClient, ChatClient]:
    """Returns a conversation of rachel, who uses the sixth dialect, and mike, who uses the messenger dialect, with
    their clients."""
    conversation = await world.conversation("mike", "rachel")
    rachel, mike = await world.connect("rachel", dialect=ROCKET), await world.connect("mike")
    await rachel.done("openRoom", {"rid": conversation})
    return conversation, rachel, mike


async def send(rachel: ChatClient, conversation: str, text: str) -> Payload:
    answer = await rachel.done("sendMessage", {"rid": conversation, "msg": text})
    message = answer["message"]
    assert isinstance(message, dict)
    return message


def test_a_sixth_dialect_takes_fewer_than_200_lines() -> None:
    assert len(Path(rocket.__file__).read_text(encoding="utf-8").splitlines()) < 200


async def test_a_message_of_the_sixth_dialect_reaches_the_first(world: World) -> None:
    conversation, rachel, mike = await both(world)
    sent = await send(rachel, conversation, "Hello from the sixth")
    assert (sent["rid"], sent["msg"], sent["u"]["_id"]) == (conversation, "Hello from the sixth", world.id_of("rachel"))
    received = await mike.next("message:new")
    assert (received["id"], received["content"], received["senderId"]) == (
        sent["_id"],
        sent["msg"],
        world.id_of("rachel"),
    )
    assert await rachel.next("room-message") == sent


async def test_a_message_of_the_first_dialect_reaches_the_sixth(world: World) -> None:
    conversation, rachel, mike = await both(world)
    sent = await mike.send_message(conversation, "Hello from the first")
    received = await rachel.next("room-message")
    assert (received["_id"], received["msg"], received["u"]["_id"]) == (
        sent["id"],
        sent["content"],
        world.id_of("mike"),
    )


async def test_edits_go_both_ways(world: World) -> None:
    conversation, rachel, mike = await both(world)
    own = await send(rachel, conversation, "colour")
    await rachel.done("updateMessage", {"messageId": own["_id"], "msg": "color"})
    edited = await mike.next("message:updated")
    assert (edited["id"], edited["content"]) == (own["_id"], "color")
    other = await mike.send_message(conversation, "grey")
    await mike.done("message:edit", {"messageId": other["id"], "content": "gray"})
    texts = [(await rachel.next("room-message"))["msg"] for _ in range(4)]
    assert texts == ["colour", "color", "grey", "gray"]


async def test_deletions_go_both_ways(world: World) -> None:
    conversation, rachel, mike = await both(world)
    own, other = await send(rachel, conversation, "mine"), await mike.send_message(conversation, "his")
    await rachel.done("deleteMessage", {"messageId": own["_id"]})
    assert (await mike.next("message:deleted"))["messageId"] == own["_id"]
    assert await rachel.next("delete-message") == {"rid": conversation, "uid": world.id_of("rachel"), "mid": own["_id"]}
    await mike.done("message:delete", {"messageId": other["id"]})
    assert await rachel.next("delete-message") == {"rid": conversation, "uid": world.id_of("mike"), "mid": other["id"]}


async def test_reactions_go_both_ways(world: World) -> None:
    conversation, rachel, mike = await both(world)
    sent = await mike.send_message(conversation, "React to this")
    assert "reactions" not in await rachel.next("room-message")
    await rachel.done("setReaction", {"messageId": sent["id"], "emoji": "👍"})
    notified = await mike.next("message:reaction")
    assert (notified["userId"], notified["emoji"], notified["action"]) == (world.id_of("rachel"), "👍", "added")
    assert (await rachel.next("room-message"))["reactions"] == {"👍": [world.id_of("rachel")]}
    await rachel.done("setReaction", {"messageId": sent["id"], "emoji": "👍", "shouldReact": False})
    assert (await mike.next("message:reaction"))["action"] == "removed"
    assert "reactions" not in await rachel.next("room-message")


async def test_typing_goes_both_ways(world: World) -> None:
    conversation, rachel, mike = await both(world)
    for typing in (True, False):
        await rachel.done("typing", {"rid": conversation, "typing": typing})
        notified = await mike.next("typing:user")
        assert (notified["userId"], notified["isTyping"]) == (world.id_of("rachel"), typing)
    for event, activities in (("typing:start", ["user-typing"]), ("typing:stop", [])):
        await mike.done(event, {"conversationId": conversation})
        notified = await rachel.next("user-activity")
        assert notified == {"rid": conversation, "uid": world.id_of("mike"), "activities": activities}


async def test_reading_goes_both_ways(world: World) -> None:
    conversation, rachel, mike = await both(world)
    sent = await mike.send_message(conversation, "Read this")
    await rachel.done("readMessages", {"rid": conversation})
    receipt = await mike.next("message:read:receipt")
    assert (receipt["userId"], receipt["messageId"]) == (world.id_of("rachel"), sent["id"])
    own = await send(rachel, conversation, "And this")
    await mike.done("message:read", {"conversationId": conversation})
    assert await rachel.next("messages-read") == {"rid": conversation, "uid": world.id_of("mike"), "mid": own["_id"]}
    # The sixth dialect does not say who has read a message.
    assert await rachel.pending("messages-read") == []


async def test_a_socket_outside_a_room_receives_only_new_messages(world: World) -> None:
    conversation, rachel, mike = await both(world)
    await rachel.done("closeRoom", {"rid": conversation})
    sent = await mike.send_message(conversation, "Are you there?")
    assert (await rachel.next("subscription-changed"))["_id"] == sent["id"]
    await mike.done("typing:start", {"conversationId": conversation})
    await mike.done("message:edit", {"messageId": sent["id"], "content": "Hello?"})
    assert await rachel.pending() == []


async def test_opening_and_closing_a_room_sends_events_in_the_sixth_dialect(world: World) -> None:
    conversation, rachel, _ = await both(world)
    other = await world.connect("mike", dialect=ROCKET)
    await other.done("openRoom", {"rid": conversation})
    assert await rachel.next("user-joined") == {"rid": conversation, "uid": world.id_of("mike")}
    await other.close()
    assert await rachel.next("user-left") == {"rid": conversation, "uid": world.id_of("mike")}


async def test_refusals_have_the_format_of_the_sixth_dialect(world: World) -> None:
    _, rachel, _ = await both(world)
    foreign = await world.conversation("mike", "carol")
    refused = await rachel.call("sendMessage", {"rid": foreign, "msg": "Let me in"})
    assert (refused["success"], refused["error"]) == (False, "forbidden")
    await rachel.emit("sendMessage", {"rid": foreign})
    assert (await rachel.next("error"))["error"] == "invalid_request"


async def test_a_client_of_the_root_namespace_may_select_the_sixth_dialect(world: World) -> None:
    conversation = await world.conversation("mike", "rachel")
    rachel = await world.open(dialect=ROCKET, namespace="/")
    await rachel.sign_in({"token": world.server.token(world.id_of("rachel")), "dialect": "rocket"})
    assert (await rachel.next("connected"))["user"]["_id"] == world.id_of("rachel")
    await rachel.done("openRoom", {"rid": conversation})


async def test_the_reference_describes_the_sixth_dialect(world: World) -> None:
    described = (await world.request("GET", "/asyncapi.json")).json()
    assert described["channels"]["rocket"]["address"] == "/rocket"
    assert {"in.sendMessage", "out.room-message"} <= described["channels"]["rocket"]["messages"].keys()


def test_a_dialect_cannot_take_the_name_of_another(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="crm"):
        Node(Settings(data=tmp_path), [replace(ROCKET, name="crm")])
