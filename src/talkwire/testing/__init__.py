"""Helpers for testing programs that use Talkwire: a server on a free port with a temporary data folder, and a client.

    async def test_a_curse_is_starred() -> None:
        async with temporary_server(chat) as server:
            await chat.execute(CreateConversation("group", ("alice", "bob"), id="talk-123"))
            async with server.client("alice") as alice, server.client("bob") as bob:
                await alice.call("message:send", {"conversationId": "talk-123", "content": "damn"})
                assert (await bob.wait_for("message:new"))["content"] == "****"

Tests without an event loop use `threaded_server`, which runs the server in its own thread.
"""

from __future__ import annotations

from talkwire.testing.client import Client, Rejected
from talkwire.testing.server import TemporaryServer, ThreadedServer, temporary_server, threaded_server

__all__ = ["Client", "Rejected", "TemporaryServer", "ThreadedServer", "temporary_server", "threaded_server"]
