"""A back end with callbacks, and servers that ask it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from standardwebhooks import Webhook

from talkwire import Settings, Talkwire
from talkwire.commands import CreateConversation
from talkwire.testing import TemporaryServer, temporary_server
from tests.egress.receiver import ReceivedRequest, Receiver, receiver

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

Decide = Callable[[dict[str, Any]], "Awaitable[Any] | Any"]


@dataclass
class BackEnd:
    """An application's back end. `decide` returns what it responds to a callback: JSON, or bytes of a whole response.

    It verifies each signature and keeps what it was asked.
    """

    decide: Decide = lambda _: {}
    asked: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    server: Receiver | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.port}/callback"

    async def respond(self, request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        payload = Webhook(SECRET).verify(request.body, request.headers)
        assert request.headers["content-type"] == "application/json"
        self.asked.append(payload)
        self.ids.append(request.headers["webhook-id"])
        self.arrived.set()
        decision = self.decide(payload)
        if isinstance(decision, Awaitable):
            decision = await decision
        if not isinstance(decision, bytes):
            body = msgspec.json.encode(decision)
            decision = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        writer.write(decision)
        await writer.drain()


Serve = Callable[..., Awaitable[TemporaryServer]]


@pytest.fixture
async def back_end() -> AsyncIterator[BackEnd]:
    made = BackEnd()
    async with receiver(made.respond) as made.server:
        yield made


@pytest.fixture
async def serve(back_end: BackEnd) -> AsyncIterator[Serve]:
    """Returns a function `(names…, settings…)` that serves a chat which asks the back end, until the test ends. It has
    the conversation `talk` of alice and bob."""
    async with AsyncExitStack() as servers:

        async def serve(*names: str, chat: Talkwire | None = None, **settings: Any) -> TemporaryServer:  # noqa: ANN401
            chat = chat or Talkwire(Settings())
            asking = {
                "callbacks": tuple(f"{name}={back_end.url}" for name in names),
                "callback_secret": SECRET,
                "callback_timeout_s": 20.0,
                "webhook_allow": ("127.0.0.0/8",),
            }
            server = await servers.enter_async_context(temporary_server(chat, **{**asking, **settings}))
            await chat.execute(CreateConversation("group", ("alice", "bob"), name="Talk", id="talk", owner_id="alice"))
            await chat.execute(CreateConversation("group", ("alice", "bob"), name="Other", id="other"))
            return server

        yield serve
