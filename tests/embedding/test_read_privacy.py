"""The preference `readReceipts: false` over sockets, in dialects that publish receipts in different ways."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from talkwire import Talkwire
from talkwire.core.commands.members import AddMembers
from talkwire.core.commands.preferences import SetPreferences
from talkwire.core.domain.model import Actor, Preferences
from talkwire.testing.client import Client
from talkwire.testing.server import TemporaryServer
from tests.embedding.conftest import Serve

JOIN = {
    "talks": ("join-conversation", {"conversationId": "talk"}),
    "whatsapp": ("conversation:join", {"conversationId": "talk"}),
}
RECEIPTS = {"messenger": "message:read:receipt", "talks": "read", "whatsapp": "message:status"}
MESSAGES = {"messenger": "message:new", "talks": "new-message", "whatsapp": "message:new"}


async def _joined(clients: AsyncExitStack, server: TemporaryServer, user_id: str, dialect: str) -> Client:
    client = await clients.enter_async_context(server.client(user_id, dialect=dialect))
    if dialect != "messenger":
        await client.call(*JOIN[dialect])
    return client


def _is_read(receipt: object) -> bool:
    return not isinstance(receipt, dict) or receipt.get("status") in {None, "read"}


@pytest.mark.parametrize("dialect", RECEIPTS)
async def test_no_socket_of_another_user_learns_what_was_read(chat: Talkwire, serve: Serve, dialect: str) -> None:
    server = await serve(chat)
    await chat.execute(AddMembers("talk", ("carol",)))
    async with AsyncExitStack() as clients:
        alice = await _joined(clients, server, "alice", dialect)
        bob, tablet = [await _joined(clients, server, "bob", "messenger") for _ in range(2)]
        carol = await _joined(clients, server, "carol", "messenger")
        await chat.execute(SetPreferences(Preferences(read_receipts=False)), Actor("bob", "bob"))
        await chat.send_message("talk", sender="alice", content="hello")
        await bob.call("message:read", {"conversationId": "talk"})
        assert (await tablet.wait_for("message:read:receipt"))["userId"] == "bob"
        await carol.call("message:read", {"conversationId": "talk"})
        receipt = await alice.wait_for(RECEIPTS[dialect], _is_read)
        assert "bob" not in str(receipt)
        assert "carol" in str(receipt)
        await chat.send_message("talk", sender="carol", content="the end")
        await tablet.wait_for("message:new", lambda message: message["content"] == "the end")
        receipts = [args for name, args in [*tablet.waiting, *bob.waiting] if name == "message:read:receipt"]
        assert "carol" not in str(receipts), "who does not share sees nothing either"
