"""Custom signals: who may send them, what they may contain, and that nothing of them is stored."""

from __future__ import annotations

import pytest

from talkwire.core.commands.accounts import BanUser
from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation, UpdateConversation
from talkwire.core.commands.members import RemoveMember
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.commands.typing import SendSignal
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import SignalSent
from talkwire.core.domain.model import Actor
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Node

PING = SendSignal("c", "ping")


def _nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


def _signals(node: Node) -> list[SignalSent]:
    return [event for event in node.events if isinstance(event, SignalSent)]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a", None, None),
        ("cursor.move:1_x-Y", {"x": 1, "y": [None, True, "ä"]}, None),
        ("x" * 64, "y" * 4094, None),
        ("ping", _nested(64), None),
        ("", None, "invalid_request"),
        ("x" * 65, None, "invalid_request"),
        ("a b", None, "invalid_request"),
        ("ping\n", None, "invalid_request"),
        ("pïng", None, "invalid_request"),
        ("ping", _nested(66), "invalid_request"),
        ("ping", "\ud800", "invalid_request"),
        ("ping", "y" * 4095, "payload_too_large"),
        ("ping", "ä" * 2048, "payload_too_large"),
    ],
)
async def test_a_signal_has_a_short_name_and_little_data(node: Node, name: str, data: object, code: str | None) -> None:
    await node.group("c", ALICE, BOB)
    command = SendSignal("c", name, data, source="socket")
    if code is not None:
        assert await node.refusal(ALICE, command) == code
        assert _signals(node) == []
        return
    pos = node.chat.pos
    await node.do(ALICE, command)
    assert _signals(node) == [SignalSent("c", "alice", name, data, "socket")]
    assert node.chat.pos == pos, "the log has nothing of it"


async def test_members_who_may_write_may_send_signals(node: Node) -> None:
    await node.users(ALICE, BOB, CAROL, MALLORY)
    await node.group("c", ALICE, BOB, CAROL)
    assert await node.refusal(MALLORY, PING) == "forbidden"
    assert await node.refusal(OPERATOR, PING) == "forbidden"
    assert await node.refusal(ALICE, SendSignal("unknown", "ping")) == "forbidden"
    await node.do(ALICE, UpdateConversation("c", slow_mode_s=60))
    await node.send(BOB, "the next message has to wait, but no signal")
    for _ in range(2):
        await node.do(BOB, PING)
    await node.do(ALICE, RestrictMember("c", "bob", "mute"))
    assert await node.refusal(BOB, PING) == "muted"
    await node.do(ALICE, RemoveMember("c", "bob"))
    assert await node.refusal(BOB, PING) == "forbidden"
    await node.do(OPERATOR, BanUser("carol"))
    assert await node.refusal(CAROL, PING) == "banned"
    await node.do(ALICE, PING)
    await node.do(ALICE, DeleteConversation("c"))
    assert await node.refusal(ALICE, PING) == "forbidden"
    assert await node.refusal(BACKEND, PING) == "not_found"
    assert [signal.user_id for signal in _signals(node)] == ["bob", "bob", "alice"]


async def test_signals_do_not_cross_a_block_in_a_direct_conversation(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.do(BACKEND, CreateConversation("direct", ("alice", "bob"), id="c"))
    await node.do(ALICE, BlockUser("bob"))
    for actor in (ALICE, BOB):
        assert await node.refusal(actor, PING) == "blocked"
    await node.do(BACKEND, PING)


async def test_in_a_channel_only_the_owner_and_admins_send_signals(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.do(BACKEND, CreateConversation("channel", ("alice", "bob"), id="c", owner_id="alice", name="News"))
    await node.do(ALICE, PING)
    assert await node.refusal(BOB, PING) == "forbidden"


@pytest.mark.parametrize(
    ("actor", "sender_id", "outcome"),
    [
        (BACKEND, None, "backend"),
        (BACKEND, "alice", "alice"),
        (ALICE, "alice", "alice"),
        (BACKEND, "mallory", ChatError("forbidden", "")),
        (BACKEND, "nobody", ChatError("forbidden", "")),
        (ALICE, "bob", ChatError("forbidden", "")),
        (OPERATOR, "alice", ChatError("forbidden", "")),
    ],
)
async def test_the_back_end_sends_signals_of_its_own_and_for_members(
    node: Node, actor: Actor, sender_id: str | None, outcome: str | ChatError
) -> None:
    await node.users(MALLORY)
    await node.group("c", ALICE, BOB)
    command = SendSignal("c", "ping", sender_id=sender_id)
    if isinstance(outcome, ChatError):
        assert await node.refusal(actor, command) == outcome.code
    else:
        await node.do(actor, command)
        assert [signal.user_id for signal in _signals(node)] == [outcome]
