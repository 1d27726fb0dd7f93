"""Servers that last as long as a test, and the tokens that they take."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import tempfile
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from talkwire.embedding.application import Talkwire
from talkwire.identity.issuer import TokenIssuer
from talkwire.settings import Settings
from talkwire.settings.policy import access_policy
from talkwire.testing.client import Client, connected

R = TypeVar("R")

START_S = 60.0


@dataclass(frozen=True, slots=True)
class TemporaryServer:
    """A server at `url`, and the `chat` that it serves."""

    url: str
    chat: Talkwire
    secret: str

    def token(
        self,
        user_id: str,
        *,
        name: str | None = None,
        role: str | None = None,
        ttl_s: float = 3600,
        claims: Mapping[str, object] | None = None,
    ) -> str:
        """A token for any user; the role `service` is the application's backend, `admin` moderates."""
        return TokenIssuer(self.secret).issue(user_id, ttl_s=ttl_s, name=name, role=role, claims=claims)

    def headers(self, user_id: str, *, role: str | None = None) -> dict[str, str]:
        """What a REST request of this user's carries."""
        return {"Authorization": f"Bearer {self.token(user_id, role=role)}"}

    def client(
        self, user_id: str, *, namespace: str = "/", role: str | None = None, **auth: object
    ) -> AbstractAsyncContextManager[Client]:
        """A connected client of this user's. `auth` are further members of the auth payload, such as `dialect`."""
        return connected(self.url, {"token": self.token(user_id, role=role), **auth}, namespace=namespace)


@contextlib.asynccontextmanager
async def temporary_server(chat: Talkwire | None = None, **settings: Any) -> AsyncIterator[TemporaryServer]:  # noqa: ANN401
    """Serves on a free port, with SQLite in a temporary folder and a secret of its own, until the block ends.

    `chat` keeps its handlers, hooks, application and settings otherwise, but has no rate limits. `settings` are further
    ones, by name. Raises as `Talkwire.serving`; SettingsError.
    """
    chat = Talkwire(Settings()) if chat is None else chat
    secret = secrets.token_urlsafe(32)
    with tempfile.TemporaryDirectory(prefix="talkwire-") as folder:
        async with chat.serving(settings=_within(Path(folder), chat.settings, secret, settings)) as server:
            yield TemporaryServer(server.url, chat, secret)


def _within(folder: Path, settings: Settings, secret: str, further: Mapping[str, Any]) -> Settings:
    """Returns the settings for a server that nobody else knows of. Its secret is the test's, so what the access policy
    is without one stays as it is."""
    policy = access_policy(settings)
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": 0,
        "data": folder,
        "database": None,
        "redis": None,
        "files": None,
        "jwt_secret": secret,
        "jwt_public_key": None,
        "jwt_jwks_url": None,
        "rate_limits": False,
        "accounts": policy.accounts,
        "directory": policy.directory,
        "create_channel": policy.create_channel,
    }
    return replace(settings, **{**values, **further})


class ThreadedServer:
    """As `TemporaryServer`, for tests without an event loop."""

    def __init__(self, server: TemporaryServer, loop: asyncio.AbstractEventLoop) -> None:
        self.url = server.url
        self.token = server.token
        self.headers = server.headers
        self.client = server.client
        self._loop = loop

    def run(self, coroutine: Coroutine[Any, Any, R], timeout_s: float = 30.0) -> R:
        """What a coroutine answers on the server's loop: `server.run(chat.send_message(…))`. Raises TimeoutError."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout_s)


@contextlib.contextmanager
def threaded_server(chat: Talkwire | None = None, **settings: Any) -> Iterator[ThreadedServer]:  # noqa: ANN401
    """`temporary_server` in a thread of its own."""
    running = _Thread(chat, settings)
    running.thread.start()
    try:
        yield running.wait_started()
    finally:
        running.stop()


class _Thread:
    """A thread with a loop with a server."""

    def __init__(self, chat: Talkwire | None, settings: Mapping[str, Any]) -> None:
        self.thread = threading.Thread(target=self._run, args=(chat, settings), name="talkwire-server", daemon=True)
        self._ready = threading.Event()
        self._server: ThreadedServer | None = None
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None

    def wait_started(self) -> ThreadedServer:
        """Raises what kept the server from starting."""
        if not self._ready.wait(START_S):
            raise TimeoutError("the server did not start")
        if self._error is not None:
            raise self._error
        assert self._server is not None
        return self._server

    def stop(self) -> None:
        if self._loop is not None and self._ended is not None and self.thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it ended by itself
                self._loop.call_soon_threadsafe(self._ended.set)
        self.thread.join()

    def _run(self, chat: Talkwire | None, settings: Mapping[str, Any]) -> None:
        try:
            asyncio.run(self._serve(chat, settings))
        except BaseException as error:  # noqa: BLE001 (told in the test's thread)
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self, chat: Talkwire | None, settings: Mapping[str, Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        async with temporary_server(chat, **settings) as server:
            self._server = ThreadedServer(server, self._loop)
            self._ready.set()
            await self._ended.wait()
