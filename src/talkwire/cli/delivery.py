"""Executes chat commands for the command line, in a running server or on the database itself.

On SQLite, one process owns the database. While a server runs, commands are sent to it; otherwise this process takes the
lock and opens the database itself. On PostgreSQL it always opens the database, since locks in the database order all
writers.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import httpx
import msgspec

from talkwire.cli.database import database_failures, url_of
from talkwire.cli.failures import Failure, connection_cause
from talkwire.control import COMMAND_RESULTS, CONTROL_PATH, SNAPSHOT_PATH, CheckToken, CopyRequest, carry_out
from talkwire.core.commands.command import Command
from talkwire.core.commands.server.erasure import IsErased
from talkwire.core.domain.errors import ChatError, ErrorCode
from talkwire.core.domain.integration.webhooks import WebhookAttempt, WebhookSigning
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.eraser import Eraser
from talkwire.datafolder import FolderInUse, FolderLock, Holder, find_holder, prepare_folder
from talkwire.egress import AddressRules, Egress
from talkwire.files.service import FileService
from talkwire.files.uploads import UploadLimits
from talkwire.logs import configure_logs
from talkwire.settings import Settings
from talkwire.settings.policy import access_policy
from talkwire.settings.secrets import secret_values
from talkwire.storage.scrub import scrub_file
from talkwire.store import opened_chat
from talkwire.webhooks.service import send_test

R = TypeVar("R")
T = TypeVar("T")

COMMAND_TIMEOUT_S = 30.0
"""Longest time that a running server may take to answer a command, in seconds."""

SNAPSHOT_TIMEOUT_S = 3600.0
"""Longest time that a running server may take to copy its database, in seconds: a file of many gigabytes takes a
while."""


ERASING_TIMEOUT_S = 600.0
"""Longest time that a command waits for the end of an erasure, in seconds."""

ERASING_POLL_S = 0.2
"""Seconds between two looks whether an erasure has ended."""


class Operator(Protocol):
    """The interface for executing chat commands with an operator's rights."""

    async def execute(self, command: Command[R]) -> R:
        """Executes a chat command and returns its result.

        Raises ChatError if the chat refuses the command, and Failure if the command cannot be executed.
        """
        ...

    async def finish_erasure(self, user_id: str) -> None:
        """Waits until all data of an erased user has been removed.

        Raises ChatError if the chat refuses, and Failure if the erasure cannot be completed.
        """
        ...


def run_as_operator(settings: Settings, job: Callable[[Operator], Awaitable[T]], *, may_create: bool = False) -> T:
    """Calls `job` with an `Operator`, which executes chat commands with an operator's rights, and returns the job's
    result. Commands run in the server that has the SQLite database open, or else in this process.

    If `may_create` is true, a missing SQLite database is created; otherwise it is a Failure.
    """

    async def run() -> T:
        async with _operator(settings, may_create=may_create) as operator:
            return await job(operator)

    return asyncio.run(run())


@contextlib.asynccontextmanager
async def _operator(settings: Settings, *, may_create: bool) -> AsyncIterator[Operator]:
    if settings.lock_file is None:
        async with _opened(settings) as operator:
            yield operator
        return
    if may_create:
        prepare_folder(settings.data)
    elif settings.sqlite_file is not None and not settings.sqlite_file.exists():
        raise Failure(f"{settings.sqlite_file}: database not found")
    try:
        lock = await asyncio.to_thread(FolderLock.acquire, settings.lock_file)
    except FolderInUse as error:
        if error.holder.url is None:
            raise
        async with _connected(error.holder) as operator:
            yield operator
        return
    try:
        async with _opened(settings) as operator:
            yield operator
    finally:
        lock.release()


class _ChatOperator:
    """Executes an operator's chat commands in this process, on a database that this process has opened."""

    def __init__(self, chat: Chat, settings: Settings) -> None:
        self._chat = chat
        self._settings = settings

    async def execute(self, command: Command[R]) -> R:
        return await carry_out(self._chat, WebhookRequests(self._settings), command)

    async def finish_erasure(self, user_id: str) -> None:  # noqa: ARG002 (finishes all of them)
        await Eraser(self._chat, self._scrub).finish()

    async def _scrub(self) -> bool:
        """Removes the bytes of deleted files that this process can reach, and deleted data from SQLite's file. Returns
        True: this process has nothing left to remove. Raises Failure if SQLite's file cannot be vacuumed."""
        settings = self._settings
        limits = UploadLimits(settings.max_file_size, settings.upload_ttl.total_seconds(), settings.user_storage)
        await FileService(self._chat, settings.data, settings.files, limits).sweeper.sweep()
        if settings.sqlite_file is not None:
            try:
                await asyncio.to_thread(scrub_file, str(settings.sqlite_file))
            except sqlite3.Error as error:
                raise Failure(f"{settings.sqlite_file}: cannot be vacuumed: {error}") from None
        return True


class WebhookRequests:
    """Sends requests to webhooks from this process, to the addresses that its settings allow. Implements
    `core.ports.webhooks.WebhookProbe`."""

    def __init__(self, settings: Settings) -> None:
        self._rules = AddressRules.of(settings.webhook_allow, loopback=settings.demo)

    async def check_url(self, url: str) -> None:
        with contextlib.closing(Egress(self._rules)) as egress:
            await egress.check_url(url)

    async def test(self, webhook_id: str, signing: WebhookSigning) -> WebhookAttempt:
        with contextlib.closing(Egress(self._rules)) as egress:
            return await send_test(egress, webhook_id, signing)


class _ServerOperator:
    """Executes an operator's chat commands by sending them to a running server on this machine."""

    def __init__(self, client: httpx.AsyncClient, pid: int) -> None:
        self._client = client
        self._pid = pid

    async def execute(self, command: Command[R]) -> R:
        result: R = await self._ask(CONTROL_PATH, msgspec.json.encode(command), COMMAND_RESULTS[type(command)])
        return result

    async def finish_erasure(self, user_id: str) -> None:
        try:
            async with asyncio.timeout(ERASING_TIMEOUT_S):
                while not await self.execute(IsErased(user_id)):  # noqa: ASYNC110 (another process works)
                    await asyncio.sleep(ERASING_POLL_S)
        except TimeoutError:
            raise Failure(f"{user_id} is erased, but the server is still deleting messages or files.") from None

    async def snapshot(self) -> Path:
        """Lets the server copy its SQLite database into a new file, and returns the path of the file. Raises Failure if
        the server does not respond, and ChatError if it refuses."""
        found: CopyRequest = await self._ask(SNAPSHOT_PATH, b"", CopyRequest)
        return Path(found.path)

    async def _ask(self, path: str, body: bytes, expected: Any) -> Any:  # noqa: ANN401 (a type, and one of it)
        try:
            response = await self._client.post(path, content=body)
        except httpx.TransportError as error:
            raise Failure(f"{self._server} does not respond: {connection_cause(error)}") from None
        try:
            if response.status_code != httpx.codes.OK:
                raise _refusal(response.content)
            return msgspec.json.decode(response.content, type=expected)
        except msgspec.DecodeError:
            raise Failure(f"{self._server} sent a response that is not Talkwire's") from None

    @property
    def _server(self) -> str:
        return f"the server with process id {self._pid} at {self._client.base_url}"


class _RefusalDetails(msgspec.Struct):
    code: ErrorCode
    message: str


class _RefusalBody(msgspec.Struct):
    error: _RefusalDetails


def _refusal(body: bytes) -> ChatError:
    error = msgspec.json.decode(body, type=_RefusalBody).error
    return ChatError(error.code, error.message)


def server_snapshot(holder: Holder) -> Path:
    """Lets `holder`, a running server, copy its SQLite database into a new file, and returns the file's path. The
    caller removes the file. Raises Failure if the server does not respond, and ChatError if it refuses.
    """

    async def ask() -> Path:
        async with _connected(holder, SNAPSHOT_TIMEOUT_S) as server:
            return await server.snapshot()

    return asyncio.run(ask())


def role_at_server(settings: Settings, token: str) -> str | None:
    """Asks the server that has the data folder open to verify an access token, and returns the token's role. Returns
    None if the token has no role, if no server has the folder open, or if that server is too old for the question.

    Raises Failure if the server does not accept the token.
    """
    holder = None if settings.lock_file is None else find_holder(settings.lock_file)
    if holder is None or holder.url is None:
        return None

    async def ask() -> str | None:
        async with _connected(holder) as server:
            try:
                return await server.execute(CheckToken(token))
            except ChatError as error:
                if error.code == "invalid_request":
                    return None
                raise Failure(
                    f"the server with process id {holder.pid} at {holder.url} does not accept this token: "
                    f"{error.message} Give this command the keys and rules that the server has, such as JWT_SECRET."
                ) from None

    return asyncio.run(ask())


@contextlib.asynccontextmanager
async def _connected(holder: Holder, timeout_s: float = COMMAND_TIMEOUT_S) -> AsyncIterator[_ServerOperator]:
    headers = {"authorization": f"Bearer {holder.token}", "content-type": "application/json"}
    # The token must not reach a proxy from the environment.
    async with httpx.AsyncClient(
        base_url=holder.url or "", headers=headers, timeout=timeout_s, trust_env=False
    ) as client:
        yield _ServerOperator(client, holder.pid)


@contextlib.asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Operator]:
    # Errors are printed in the command's one line; the log repeats them only at level debug.
    level = "debug" if settings.log_level == "debug" else "critical"
    configure_logs(level, settings.log_format, secrets=secret_values(settings))
    with database_failures(settings):
        async with opened_chat(url_of(settings), access_policy(settings)) as chat:
            yield _ChatOperator(chat, settings)
