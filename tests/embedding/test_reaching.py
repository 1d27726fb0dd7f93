"""Sending events and messages from an application, and finding out who is connected."""

from __future__ import annotations

import pytest

from talkwire import Actor, Message, Refused, Talkwire
from talkwire.commands import GetConversation
from tests.embedding.conftest import Serve


@pytest.mark.parametrize("data", [{"order": 7}, "a text", 7, [1, 2], None])
async def test_an_event_reaches_all_sockets_of_a_user_in_every_dialect(
    chat: Talkwire, serve: Serve, data: object
) -> None:
    server = await serve(chat)
    async with (
        server.client("alice") as one,
        server.client("alice", namespace="/talks") as two,
        server.client("alice", namespace="/messages") as three,
        server.client("alice", namespace="/chat") as four,
        server.client("alice", namespace="/gateway") as five,
        server.client("bob") as bob,
    ):
        sockets = (one, two, three, four, five)
        assert await chat.send_to_user("alice", "alert", data) == len(sockets)
        for socket in sockets:
            assert await socket.wait_for("alert") == data
        assert await chat.send_to_user("bob", "hello", 1) == 1
        await bob.wait_for("hello")
        assert "alert" not in [name for name, _ in bob.waiting]


async def test_an_offline_user_is_reached_at_no_socket(chat: Talkwire, serve: Serve) -> None:
    await serve(chat)
    assert await chat.send_to_user("alice", "alert", {}) == 0
    assert await chat.send_to_user("nobody-knows-them", "alert", {}) == 0


async def test_a_broadcast_reaches_sockets_that_follow_the_conversation(chat: Talkwire, serve: Serve) -> None:
    server = await serve(chat)
    async with (
        server.client("alice") as alice,
        server.client("bob", namespace="/talks") as outside,
        server.client("bob", namespace="/talks") as inside,
        server.client("carol") as carol,
    ):
        await inside.call("join-conversation", {"conversationId": "talk"})
        await chat.broadcast_to_conversation("talk", "update", {"n": 1})
        for socket in (alice, inside):
            assert await socket.wait_for("update") == {"n": 1}
        for socket, user_id in ((outside, "bob"), (carol, "carol")):
            await chat.send_to_user(user_id, "behind", 1)
            await socket.wait_for("behind")
            assert "update" not in [name for name, _ in socket.waiting]


@pytest.mark.parametrize("name", ["connect", "disconnect", "connect_error", ""])
async def test_events_with_reserved_names_are_refused(chat: Talkwire, serve: Serve, name: str) -> None:
    await serve(chat)
    with pytest.raises(Refused) as one:
        await chat.send_to_user("alice", name, {})
    with pytest.raises(Refused) as other:
        await chat.broadcast_to_conversation("talk", name, {})
    assert (one.value.code, other.value.code) == ("invalid_request", "invalid_request")


async def test_a_message_is_sent_in_a_members_name_once(chat: Talkwire, serve: Serve) -> None:
    server = await serve(chat)
    async with server.client("bob") as bob:
        message = await chat.send_message(
            "talk", sender="alice", content="Hello!", client_message_id="m1", metadata={"order": 7}
        )
        received = await bob.wait_for("message:new")
    assert isinstance(message, Message)
    assert (received["id"], received["senderId"], received["content"]) == (str(message.id), "alice", "Hello!")
    assert received["metadata"] == {"order": 7}
    again = await chat.send_message(
        "talk", sender="alice", content="Hello!", client_message_id="m1", metadata={"order": 7}
    )
    assert again == message
    reply = await chat.send_message("talk", sender="bob", content="Yes?", reply_to_id=str(message.id))
    assert reply.reply_to is not None
    assert reply.reply_to.id == message.id


async def test_only_members_send_messages(chat: Talkwire, serve: Serve) -> None:
    await serve(chat)
    for conversation_id, code, message in (
        ("talk", "forbidden", "carol is not a member of talk."),
        ("nowhere", "not_found", "There is no conversation nowhere."),
    ):
        with pytest.raises(Refused) as refused:
            await chat.send_message(conversation_id, sender="carol", content="Hello!")
        assert refused.value.code == code
        assert refused.value.message.startswith(message)


async def test_connected_users_are_found_by_their_sockets(chat: Talkwire, serve: Serve) -> None:
    server = await serve(chat)
    assert (await chat.get_active_users(), await chat.get_active_users_count()) == ([], 0)
    assert await chat.is_user_online("alice") is False
    async with server.client("alice") as one, server.client("alice", namespace="/gateway") as two:
        await one.call("presence:set", {"status": "invisible"})
        async with server.client("bob"):
            assert await chat.get_active_users() == ["alice", "bob"]
            assert await chat.get_active_users_count() == 2
        assert await chat.is_user_online("alice") is True
        assert set(await chat.get_user_sockets("alice")) == {one.id, two.id}
        assert await chat.get_user_sockets("carol") == []


async def test_any_command_can_be_executed(chat: Talkwire, serve: Serve) -> None:
    await serve(chat)
    view = await chat.execute(GetConversation("talk"), actor=Actor("alice", "Alice"))
    assert [each.member.user_id for each in view.members or ()] == ["alice", "bob"]
    with pytest.raises(Refused):
        await chat.execute(GetConversation("talk"), actor=Actor("carol", "Carol"))


async def test_a_stopped_talkwire_raises(chat: Talkwire) -> None:
    with pytest.raises(RuntimeError, match="is not running"):
        await chat.is_user_online("alice")
