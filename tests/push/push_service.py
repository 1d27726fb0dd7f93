"""A push service as a test says: it decrypts what it receives with the private key of the browser that subscribed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from secrets import token_bytes, token_hex
from typing import Any

import http_ece
import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from talkwire.core.domain.base64url import to_base64url
from talkwire.testing.server import TemporaryServer
from tests.egress.receiver import ReceivedRequest, Receiver, receiver, response
from tests.http_client import AsyncHttpClient
from tests.waiting import deadline


class Browser:
    """A browser with a subscription of its own at the push service."""

    def __init__(self, service: PushService) -> None:
        self._private_key = ec.generate_private_key(ec.SECP256R1())
        self._auth = token_bytes(16)
        self.path = f"/push/{token_hex(8)}"
        self.endpoint = f"{service.url}{self.path}"
        public = self._private_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.keys = {"p256dh": to_base64url(public), "auth": to_base64url(self._auth)}
        self._service = service

    @property
    def subscription(self) -> dict[str, Any]:
        return {"endpoint": self.endpoint, "keys": self.keys}

    @property
    def requests(self) -> list[ReceivedRequest]:
        return [each for each in self._service.received.requests if each.line.split(" ")[1] == self.path]

    @property
    def pushes(self) -> list[dict[str, Any]]:
        """The decrypted messages, in the order of their arrival."""
        return [self.decrypt(each.body) for each in self.requests]

    def decrypt(self, body: bytes) -> dict[str, Any]:
        plain = http_ece.decrypt(body, private_key=self._private_key, auth_secret=self._auth, version="aes128gcm")
        found: dict[str, Any] = json.loads(plain)
        return found

    async def next(self, number: int = 1) -> dict[str, Any]:
        """Returns the message with this number, once it has arrived."""
        await self._service.until(lambda: len(self.requests) >= number)
        return self.pushes[number - 1]


@dataclass
class PushService:
    """`respond` is the status and further header lines of the next responses. With `held` set, requests wait for it."""

    received: Receiver
    respond: tuple[str, ...] = ("201 Created",)
    body: bytes = b"{}"
    held: asyncio.Event | None = None
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.received.port}"

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits for requests until the condition holds."""
        async with deadline(), self.arrived:
            await self.arrived.wait_for(condition)


@contextlib.asynccontextmanager
async def push_service() -> AsyncIterator[PushService]:
    async def answer(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        async with service.arrived:
            service.arrived.notify_all()
        if service.held is not None:
            await service.held.wait()
        status, *headers = service.respond
        await response(status, service.body, *headers)(request, writer)

    async with receiver(answer) as received:
        service = PushService(received)
        yield service


class Rest:
    """REST requests to a temporary server."""

    def __init__(self, server: TemporaryServer, client: httpx.AsyncClient) -> None:
        self.server = server
        self.client = client

    async def __call__(self, method: str, path: str, by: str, status: int = 200, **options: Any) -> Any:  # noqa: ANN401 (JSON)
        """Returns the JSON of a response. `by` is a user id, or an access token."""
        headers = {"Authorization": f"Bearer {by}"} if "." in by else self.server.headers(by)
        answer = await self.client.request(method, f"{self.server.url}/api/v1/{path}", headers=headers, **options)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def raw(self, method: str, path: str) -> httpx.Response:
        return await self.client.request(method, f"{self.server.url}{path}")

    async def subscribe(self, by: str, browser: Browser, **more: object) -> dict[str, Any]:
        found: dict[str, Any] = await self("PUT", "users/me/push", by, json=browser.subscription | more)
        return found


@contextlib.asynccontextmanager
async def rest_of(server: TemporaryServer) -> AsyncIterator[Rest]:
    async with AsyncHttpClient() as client:
        yield Rest(server, client)
