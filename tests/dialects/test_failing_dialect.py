"""A dialect with a bug: clients of other dialects are not affected, and sockets that must be closed are closed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from talkwire.app import Node
from talkwire.core.domain.events import Event, MemberRemoved, MessageEdited, TypingChanged
from talkwire.dialects.dialect import Outbound, OutboundEntry, PersonalOutbound, To
from talkwire.settings import Settings
from tests.chat.chat_client import ChatClient
from tests.chat.chat_server import SECRET, serving
from tests.chat.conftest import World, world_at
from tests.dialects.rocket import OUTBOUND, ROCKET, RoomNews


def fail(*_: object) -> NoReturn:
    raise RuntimeError("a bug")


BROKEN = Outbound("broken", fail, struct=RoomNews, summary="Never sent.")
BROKEN_OUTBOUND: dict[type[Event], tuple[OutboundEntry, ...]] = {
    **OUTBOUND,
    MessageEdited: (PersonalOutbound("broken", fail, RoomNews, "Never sent."), replace(BROKEN, to=To.OTHERS), BROKEN),
    MemberRemoved: (BROKEN,),
    TypingChanged: (BROKEN,),
}
FAILING = replace(
    ROCKET,
    outbound=BROKEN_OUTBOUND,
    silent=ROCKET.silent - {MemberRemoved},
    inbound={
        **ROCKET.inbound,
        "readMessages": replace(ROCKET.inbound["readMessages"], reply=fail, answer=RoomNews),
        "typing": replace(ROCKET.inbound["typing"], follow_up=fail),
        "closeRoom": replace(ROCKET.inbound["closeRoom"], reply=fail, answer=RoomNews),
    },
    # Generating the API documentation calls this with another reason.
    goodbye=lambda reason, _: fail() if reason == "banned" else None,
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    node = Node(Settings(data=tmp_path / "data", jwt_secret=SECRET, rate_limits=False), [FAILING])
    async with serving(node) as server, world_at(server) as world:
        yield world


async def three(world: World) -> tuple[str, ChatClient, ChatClient]:
    """Returns a conversation of rachel, mike and carol, and the clients of rachel and mike. Rachel uses the failing
    dialect and connects first, so that the server notifies her first."""
    conversation = await world.conversation("mike", "rachel", "carol")
    rachel = await world.connect("rachel", dialect=FAILING)
    mike = await world.connect("mike")
    await rachel.done("openRoom", {"rid": conversation})
    return conversation, rachel, mike


async def test_other_dialects_receive_an_event_that_one_dialect_fails_to_build(world: World) -> None:
    conversation, _, mike = await three(world)
    carol = await world.connect("carol")
    sent = await carol.send_message(conversation, "colour")
    await carol.done("message:edit", {"messageId": sent["id"], "content": "color"})
    await carol.done("typing:start", {"conversationId": conversation})
    assert (await mike.next("message:updated"))["content"] == "color"
    assert (await mike.next("typing:user"))["isTyping"] is True


async def test_a_removed_member_receives_nothing_more_even_if_the_event_failed(world: World) -> None:
    conversation, rachel, mike = await three(world)
    path = f"/api/v1/conversations/{conversation}/members/{world.id_of('rachel')}"
    await world.service("DELETE", path)
    await mike.send_message(conversation, "Is she gone?")
    assert await rachel.pending() == []


async def test_a_banned_user_is_disconnected_even_if_the_goodbye_failed(world: World) -> None:
    _, rachel, _ = await three(world)
    path = f"/api/v1/users/{world.id_of('rachel')}/ban"
    assert (await world.request("PUT", path, by="backend", role="admin")).is_success
    await rachel.wait_disconnected()


@pytest.mark.parametrize(("event", "members"), [("readMessages", {}), ("typing", {"typing": True}), ("closeRoom", {})])
async def test_an_acknowledgement_that_fails_becomes_a_refusal(
    world: World, event: str, members: dict[str, object]
) -> None:
    conversation, rachel, mike = await three(world)
    await mike.send_message(conversation, "Read this")
    refused = await rachel.call(event, {"rid": conversation, **members})
    assert (refused["success"], refused["error"]) == (False, "unavailable")
    await rachel.done("sendMessage", {"rid": conversation, "msg": "Still here"})
    assert (await rachel.done("openRoom", {"rid": conversation}))["success"] is True
