"""What the sockets of a member through a team do not receive until the member is listed: the rows of the table in
`docs/desk.md` that delivery decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from talkwire.dialects.dialect import Dialect
from talkwire.dialects.gateway.vocabulary import GATEWAY
from talkwire.dialects.messenger import MESSENGER
from talkwire.dialects.talks.vocabulary import TALKS
from talkwire.realtime.delivery.delivery_proofs import recipients_in
from tests.chat.chat_client import ChatClient
from tests.chat.chat_server import in_process, serving
from tests.chat.conftest import World, world_at
from tests.chat.returner import Returner
from tests.contracts.test_listed import ROWS as STORED_ROWS

PAGE = Path(__file__).parents[2] / "docs" / "desk.md"

MEMBERS = ("bob", "carol", "dave")
"""Bob is there through the team and has done nothing, so he is not listed. Carol is there through it and has written,
dave is a member in his own right."""


async def desk(world: World) -> str:
    """Creates a conversation of a customer and a team, and returns its id."""
    body = {"name": "Support", "memberIds": [world.id_of("bob"), world.id_of("carol")]}
    await world.service("PUT", f"/api/v1/teams/{world.id_of('support')}", body)
    conversation = world.id_of("order")
    body = {"kind": "group", "id": conversation, "memberIds": [world.id_of("alice"), world.id_of("dave")]}
    await world.service("POST", "/api/v1/conversations", {**body, "teamIds": [world.id_of("support")]})
    await say(world, "carol", conversation, "May I help you?")
    return conversation


async def say(world: World, name: str, conversation: str, content: str) -> str:
    body = {"conversationId": conversation, "content": content}
    answer = await world.request("POST", "/api/v1/messages", by=name, json=body)
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


# --- what delivery decides --------------------------------------------------------------------------------------------


async def _type(world: World, alice: ChatClient, conversation: str) -> None:
    await alice.done("typing:start", {"conversationId": conversation})


async def _signal(world: World, alice: ChatClient, conversation: str) -> None:
    await alice.done("signal:send", {"conversationId": conversation, "name": "cursor"})


async def _message(world: World, alice: ChatClient, conversation: str) -> None:
    await say(world, "alice", conversation, "My order is late")


async def _mention_all(world: World, alice: ChatClient, conversation: str) -> None:
    await say(world, "alice", conversation, "@all My order is late")


async def _offer(world: World, alice: ChatClient, conversation: str) -> None:
    body = {"title": "A bicycle", "amount": 1, "currency": "EUR"}
    answer = await world.request("POST", f"/api/v1/conversations/{conversation}/offers", by="alice", json=body)
    assert answer.is_success, answer.text


async def _delete(world: World, alice: ChatClient, conversation: str) -> None:
    message = await say(world, "alice", conversation, "My order is late")
    assert (await world.request("DELETE", f"/api/v1/messages/{message}", by="alice")).is_success


async def _call(world: World, alice: ChatClient, conversation: str) -> None:
    await alice.done("call:invite", {"conversationId": conversation})


Act = Callable[[World, ChatClient, str], Awaitable[None]]

ROWS: Mapping[str, tuple[tuple[Dialect, str, Act], ...]] = MappingProxyType(
    {
        "typing": ((MESSENGER, "typing:user", _type),),
        "custom signals": ((MESSENGER, "signal", _signal),),
        "live notifications": ((MESSENGER, "notification", _mention_all), (MESSENGER, "notification", _offer)),
        "changed unread counts": ((MESSENGER, "conversation:unread", _delete),),
        "the ringing of calls": ((MESSENGER, "call:invite", _call),),
        "events in dialects for conversations that are not open": (
            (GATEWAY, "notification", _message),
            (TALKS, "new-message", _message),
            (TALKS, "new-offer", _offer),
        ),
    }
)
"""Rows of the page's table: by which dialect's events they are seen, and what causes them."""


@pytest.mark.parametrize(("row", "index"), [(row, index) for row in ROWS for index in range(len(ROWS[row]))])
async def test_sockets_of_listed_members_alone_receive(world: World, row: str, index: int) -> None:
    dialect, event, act = ROWS[row][index]
    conversation = await desk(world)
    alice = await world.connect("alice")
    clients = {name: await world.connect(name, dialect=dialect) for name in MEMBERS}
    await act(world, alice, conversation)
    for name in ("carol", "dave"):
        await clients[name].next(event)
    assert await clients["bob"].pending(event) == []


def test_each_row_of_the_page_is_tested() -> None:
    section = PAGE.read_text().split("## What a member through a team does not get")[1].split("\n## ")[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in section.splitlines() if line.startswith("| ")]
    assert sorted(rows[1:]) == sorted({*ROWS, *STORED_ROWS})


async def test_messages_and_other_durable_events_come_to_all(world: World) -> None:
    conversation = await desk(world)
    bob = await world.connect("bob")
    message = await say(world, "alice", conversation, "My order is late")
    assert (await bob.next("message:new"))["id"] == message
    await world.request("PATCH", f"/api/v1/messages/{message}", by="alice", json={"content": "It is late"})
    assert (await bob.next("message:updated"))["content"] == "It is late"
    assert await bob.pending("conversation:listed") == []


async def test_no_heartbeat_has_to_prove_what_came_to_a_member_who_is_not_listed(tmp_path: Path) -> None:
    node = in_process(tmp_path)
    async with serving(node) as server, world_at(server) as world:
        conversation = await desk(world)
        for name in MEMBERS:
            await world.connect(name)
        recipients = recipients_in(node.engine.hub, node.chat.directory.memberships, conversation)
        assert sorted(each.actor.user_id for each in recipients) == [world.id_of("carol"), world.id_of("dave")]


# --- joining and leaving ----------------------------------------------------------------------------------------------


async def receive_signals(alice: ChatClient, conversation: str, *sockets: ChatClient) -> list[bool]:
    """Lets alice send a signal, and returns for each socket whether it has received it."""
    await alice.done("signal:send", {"conversationId": conversation, "name": "cursor"})
    found = [len(await socket.pending("signal")) for socket in sockets]
    for socket in sockets:
        socket.events.clear()
    return [count == 1 for count in found]


async def receives_messages(world: World, bob: ChatClient, conversation: str) -> bool:
    await say(world, "alice", conversation, "Hello?")
    found = await bob.pending("message:new")
    bob.events.clear()
    return len(found) == 1


async def test_a_socket_receives_signals_while_it_has_joined(world: World) -> None:
    conversation = await desk(world)
    here = {"conversationId": conversation}
    alice, phone, desktop = [await world.connect(name) for name in ("alice", "bob", "bob")]
    await phone.done("conversation:join", here)
    assert await receive_signals(alice, conversation, phone, desktop) == [True, False]
    await phone.done("conversation:leave", here)
    assert await receive_signals(alice, conversation, phone, desktop) == [False, False]
    assert await receives_messages(world, phone, conversation)
    await say(world, "bob", conversation, "I am here")
    assert await phone.next("conversation:listed") == {**here, "listed": True, "userIds": [world.id_of("bob")]}
    assert await alice.pending("conversation:listed") == []
    assert await receive_signals(alice, conversation, phone, desktop) == [True, True]


async def test_what_a_socket_has_joined_is_known_when_it_resumes(world: World) -> None:
    conversation, other = await desk(world), await world.conversation("alice", "bob")
    here = {"conversationId": conversation}
    alice, bob = await world.connect("alice"), Returner(world, "bob")
    await bob.come()
    for act, expected in (("conversation:join", True), ("conversation:leave", False)):
        await bob.socket.done(act, here)
        await say(world, "alice", other, "for an offset")
        await bob.cut()
        assert await bob.come()
        bob.socket.events.clear()
        assert await receive_signals(alice, conversation, bob.socket) == [expected]
        assert await receives_messages(world, bob.socket, conversation)


async def test_a_removed_member_receives_nothing_of_what_they_had_joined(world: World) -> None:
    conversation = await desk(world)
    alice, bob = await world.connect("alice"), await world.connect("bob")
    await bob.done("conversation:join", {"conversationId": conversation})
    body = {"name": "Support", "memberIds": [world.id_of("carol")]}
    await world.service("PUT", f"/api/v1/teams/{world.id_of('support')}", body)
    await bob.next("member:removed")
    bob.events.clear()
    assert await receive_signals(alice, conversation, bob) == [False]
    assert not await receives_messages(world, bob, conversation)


async def test_members_who_follow_rooms_see_nobody_enter_or_leave_who_joins_for_signals(world: World) -> None:
    """Users enter and leave rooms of dialects that follow what is opened."""
    conversation = await desk(world)
    here = {"conversationId": conversation}
    dave = await world.connect("dave", dialect=GATEWAY)
    await dave.done("joinRoom", here)
    bob = await world.connect("bob")
    await bob.done("conversation:join", here)
    await bob.done("conversation:leave", here)
    await bob.done("conversation:join", here)
    gateway = await world.connect("bob", dialect=GATEWAY)
    await gateway.done("joinRoom", here)
    assert (await dave.next("userJoined"))["userId"] == world.id_of("bob")
    await gateway.done("leaveRoom", here)
    assert (await dave.next("userLeft"))["userId"] == world.id_of("bob")
    await bob.close()
    assert await dave.pending("userJoined", "userLeft") == []


@pytest.mark.parametrize("dialect", [GATEWAY, TALKS], ids=lambda dialect: dialect.name)
async def test_a_socket_that_resumes_is_sent_nothing_of_a_conversation_that_is_not_listed(
    world: World, dialect: Dialect
) -> None:
    conversation, other = await desk(world), await world.conversation("alice", *MEMBERS)
    returners = [Returner(world, name, dialect) for name in MEMBERS]
    for returner in returners:
        await returner.come()
    await say(world, "alice", other, "for an offset")
    for returner in returners:
        await returner.cut()
    await say(world, "alice", conversation, "My order is late")
    found = []
    for returner in returners:
        assert await returner.come()
        found.append("My order is late" in str(await returner.notified()))
    assert found == [False, True, True]


async def test_a_conversation_says_whether_its_reader_has_it_in_their_list(world: World) -> None:
    conversation = await desk(world)
    for name in ("alice", *MEMBERS):
        found = (await world.request("GET", f"/api/v1/conversations/{conversation}", by=name)).json()
        assert found.get("listed") is (False if name == "bob" else None), name


async def test_the_list_of_another_dialect_leaves_the_conversation_out(world: World) -> None:
    conversation = await desk(world)
    for name in MEMBERS:
        answer = await world.request("GET", "/api/v1/talks", by=name)
        assert answer.is_success, answer.text
        assert (conversation in answer.text) is (name != "bob"), name
