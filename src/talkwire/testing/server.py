"""Starts temporary Talkwire servers for tests, and issues tokens for their users."""

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
"""Longest time that a test server may take to start, in seconds."""


@dataclass(frozen=True, slots=True)
class TemporaryServer:
    """A running test server at `url`. `chat` is the `Talkwire` object that it serves; `secret` signs its tokens."""

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
        """Returns an access token for a user id, valid for `ttl_s` seconds. The user need not exist.

        The role `service` is the application's backend; `admin` moderates the whole server.
        """
        return TokenIssuer(self.secret).issue(user_id, ttl_s=ttl_s, name=name, role=role, claims=claims)

    def headers(self, user_id: str, *, role: str | None = None) -> dict[str, str]:
        """Returns the HTTP headers that authenticate a REST request as this user."""
        return {"Authorization": f"Bearer {self.token(user_id, role=role)}"}

    def client(
        self, user_id: str, *, namespace: str = "/", role: str | None = None, **auth: object
    ) -> AbstractAsyncContextManager[Client]:
        """Returns a context manager that connects a Socket.IO test client as this user, and closes it at the end.

        `auth` has further members of the auth payload, such as `dialect`. Entering raises the errors of `connected`.
        """
        return connected(self.url, {"token": self.token(user_id, role=role), **auth}, namespace=namespace)


@contextlib.asynccontextmanager
async def temporary_server(chat: Talkwire | None = None, **settings: Any) -> AsyncIterator[TemporaryServer]:  # noqa: ANN401
    """Serves on a free port until the block ends, with SQLite in a temporary folder and a random token secret.

    `chat` keeps its handlers, hooks, application and settings, except for addresses, storage, token keys, callbacks,
    OpenID and traces (none) and rate limits (off). `settings` override single settings by name. Raises SettingsError,
    and the exceptions of `Talkwire.serving`.
    """
    chat = Talkwire(Settings()) if chat is None else chat
    secret = secrets.token_urlsafe(32)
    with tempfile.TemporaryDirectory(prefix="talkwire-") as folder:
        async with chat.serving(settings=_isolated(Path(folder), chat.settings, secret, settings)) as server:
            yield TemporaryServer(server.url, chat, secret)


def _isolated(folder: Path, settings: Settings, secret: str, further: Mapping[str, Any]) -> Settings:
    """Returns `settings` for a test server that only this machine can reach: with its own database and files in
    `folder`, the token secret `secret`, and no callbacks, OpenID provider, traces or rate limits. `further` overrides
    single settings.

    The defaults of some settings depend on whether there is a token secret. These are copied from the original access
    policy, since the test server has a secret even if `settings` have none.
    """
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
        "oidc_issuer": None,
        "otlp_endpoint": None,
        "rate_limits": False,
        "callbacks": (),
        "accounts": policy.accounts,
        "directory": policy.directory,
        "create_channel": policy.create_channel,
    }
    return replace(settings, **{**values, **further})


class ThreadedServer:
    """A running test server like `TemporaryServer`, with an event loop in its own thread: for tests without an event
    loop. `run` executes coroutines on that loop.
    """

    def __init__(self, server: TemporaryServer, loop: asyncio.AbstractEventLoop) -> None:
        self.url = server.url
        self.token = server.token
        self.headers = server.headers
        self.client = server.client
        self._loop = loop

    def run(self, coroutine: Coroutine[Any, Any, R], timeout_s: float = 30.0) -> R:
        """Runs a coroutine on the server's event loop and returns its result: `server.run(chat.send_message(…))`.

        Raises TimeoutError after `timeout_s` seconds.
        """
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout_s)


@contextlib.contextmanager
def threaded_server(chat: Talkwire | None = None, **settings: Any) -> Iterator[ThreadedServer]:  # noqa: ANN401
    """Runs a temporary server (see `temporary_server`) in its own thread until the block ends."""
    running = _Thread(chat, settings)
    running.thread.start()
    try:
        yield running.wait_started()
    finally:
        running.stop()


class _Thread:
    def __init__(self, chat: Talkwire | None, settings: Mapping[str, Any]) -> None:
        self.thread = threading.Thread(target=self._run, args=(chat, settings), name="talkwire-server", daemon=True)
        self._ready = threading.Event()
        self._server: ThreadedServer | None = None
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None

    def wait_started(self) -> ThreadedServer:
        """Waits until the server has started, and returns it.

        Raises the exception that prevented the start, or TimeoutError.
        """
        if not self._ready.wait(START_S):
            raise TimeoutError("the server did not start")
        if self._error is not None:
            raise self._error
        assert self._server is not None
        return self._server

    def stop(self) -> None:
        if self._loop is not None and self._ended is not None and self.thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop has already ended
                self._loop.call_soon_threadsafe(self._ended.set)
        self.thread.join()

    def _run(self, chat: Talkwire | None, settings: Mapping[str, Any]) -> None:
        try:
            asyncio.run(self._serve(chat, settings))
        except BaseException as error:  # noqa: BLE001 (raised again in the test's thread)
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
