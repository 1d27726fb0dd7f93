"""The `Talkwire` class, which runs a chat server inside a Python program."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, overload

import structlog

from talkwire.app import AsgiApp, Embedding, Node
from talkwire.core.commands.command import Command
from talkwire.core.commands.integration.custom_events import IsConnected, ListConnected, SendToConversation, SendToUsers
from talkwire.core.commands.messages import AttachmentRef, SendMessage
from talkwire.core.domain.actors import BACKEND
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.times import ms_of_datetime
from talkwire.core.engine.hooks import Hook
from talkwire.datafolder import reachable_url
from talkwire.dialects.dialect import Dialect
from talkwire.embedding.asgi import NOT_RUNNING, AsgiChat, running, serve_lifespan
from talkwire.embedding.names import events_named
from talkwire.logs import configure_logs, hand_over_logs
from talkwire.operations.names import commands_named
from talkwire.realtime.chat.custom_handlers import CustomHandlers
from talkwire.realtime.serving.server import EmbeddedServer, listen
from talkwire.running import run, serve
from talkwire.settings import Settings, SettingsError
from talkwire.settings.policy import served_by_another
from talkwire.settings.rules import Problem
from talkwire.settings.secrets import secret_values
from talkwire.settings.sources import settings_from_environment

R = TypeVar("R")
C = TypeVar("C", bound=Command[Any])
F = TypeVar("F", bound=Callable[..., Any])

UNUSED_WARNING_S = 5.0
"""Seconds after which a `Talkwire` object that was loaded by an ASGI server, but never started, is logged as a
warning."""

SERVERS = frozenset({"daphne", "fastapi", "granian", "gunicorn", "hypercorn", "uvicorn"})
"""Names of the commands that load and serve a program's ASGI application."""

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RunningServer:
    """The address of a running server. HTTP and Socket.IO clients connect to `url`, such as `http://127.0.0.1:3000`."""

    url: str


class Talkwire:
    """A chat server inside a Python program.

    `settings` default to `settings_from_environment()`. `app` is an ASGI application that shares the port: it receives
    every request whose path is not one of Talkwire's (see `Settings.prefix`) and every WebSocket that is not
    Socket.IO's. Its lifespan starts after Talkwire has started and ends before Talkwire stops. `dialects` are the
    program's own dialects (event names and payloads for its clients), in addition to the built-in ones.

    Raises SettingsError for invalid settings, and ValueError for a dialect whose name is already taken.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        app: AsgiApp | None = None,
        dialects: Sequence[Dialect] = (),
    ) -> None:
        self.settings = settings_from_environment() if settings is None else settings
        if self.settings.workers > 1:
            # A program's functions cannot be sent to other processes, so there is one worker.
            raise SettingsError(
                [Problem("workers", "must be 1 in an embedding program; start the program several times instead")]
            )
        self._dialects = tuple(dialects)
        self._embedding = Embedding(handlers=CustomHandlers(self._dialect_with), application=app)
        self._node = Node(self.settings, self._dialects, self._embedding)
        self._in_use = self._was_used = False
        self._asgi: AsgiChat | None = None
        if _is_loaded_by_a_server():
            # `uvicorn shop:app` serves only the application; `uvicorn shop:chat` also serves the chat.
            timer = threading.Timer(UNUSED_WARNING_S, _warn_if_unused, (weakref.ref(self),))
            timer.daemon = True
            timer.start()

    # --- handlers, hooks and observers ------------------------------------------------------------------------------

    def on(self, event: str) -> Callable[[F], F]:
        """Registers a handler `(socket, data) -> answer`, sync or async, for a custom event (one that the application
        defines). Clients of every dialect (a kind of client with its own event names) and in every namespace may send
        the event.

        `socket` is a `ClientSocket`; `data` is the event's first argument, or None. The returned value, JSON or bytes,
        is the acknowledgement; None is sent as `{"success": true}`. A `Refused` that the handler raises is sent to the
        client in its dialect's format. Any other exception is logged, and the client receives `unavailable`. Events of
        one connection are handled one after the other.

        Raises ValueError for an event name that a dialect, Socket.IO itself or another handler uses.
        """

        def register(handler: F) -> F:
            self._embedding.handlers.add(event, handler)
            return handler

        return register

    @overload
    def before(self, command: type[C]) -> Callable[[Hook[C]], Hook[C]]: ...
    @overload
    def before(self, command: str) -> Callable[[F], F]: ...
    def before(self, command: str | type[Command[Any]]) -> Callable[[Any], Any]:
        """Registers a hook `(actor, command) -> changed command | None`, sync or async, which runs before a command is
        executed, whether a client of any dialect (set of event names) or a REST route issued it. A hook refuses the
        command by raising `Refused`.

        `command` is an event name of the messenger dialect (`message:send`) or a class of `talkwire.commands`. Commands
        are frozen: `msgspec.structs.replace` makes a changed copy, which is validated like the original. When a hook
        fails, returns a wrong type or takes longer than 30 s, the command is refused as `unavailable`. A retry of a
        command that was executed earlier does not run the hook again; a retry that arrives while the hook runs may run
        it twice.

        Raises ValueError for a name that stands for no command.
        """
        found = commands_named(command)

        def register(hook: Any) -> Any:  # noqa: ANN401 (see the overloads)
            for named in found:
                self._embedding.hooks.add(named.command_type, hook, named.when)
            return hook

        return register

    def after(self, *events: str | type) -> Callable[[F], F]:
        """Registers an observer `(event) -> None`, sync or async. This node calls it once for each durable event (an
        event that is stored in the log), after the commit, in the order of the log.

        `events` are names of the messenger dialect (`message:new`) or classes of `talkwire.events`. Each observer has
        its own queue, so a slow one does not delay others. When more than 10,000 events wait, further ones are dropped,
        and their number is logged. Exceptions are logged. Events that happen while the program is stopped are not
        delivered later.

        Raises ValueError for a name that stands for no event.
        """
        found = events_named(events)

        def register(function: F) -> F:
            self._embedding.observers.add(found, function)
            return function

        return register

    # --- sending ----------------------------------------------------------------------------------------------------

    async def send_to_user(self, user_id: str, event: str, data: object) -> int:
        """Sends an event to all sockets of a user on all nodes (server processes), and returns the number of sockets.

        Sockets of a node that does not reply within a second are not counted. The event is not stored.

        Raises Refused with `invalid_request` for an event name that Socket.IO reserves or for data that is not JSON.
        """
        report = await self.execute(SendToUsers((user_id,), event, data))
        return report.sockets

    async def broadcast_to_conversation(self, conversation_id: str, event: str, data: object) -> None:
        """Sends an event to all sockets that follow a conversation, i.e. receive its events. The event is not stored.

        Raises Refused with `invalid_request` for an event name that Socket.IO reserves or for data that is not JSON.
        """
        await self.execute(SendToConversation(conversation_id, event, data))

    async def send_message(  # noqa: PLR0913 (each is a member of a message)
        self,
        conversation_id: str,
        *,
        sender: str,
        content: str = "",
        attachments: Sequence[AttachmentRef] = (),
        reply_to_id: str | None = None,
        thread_id: str | None = None,
        client_message_id: str | None = None,
        metadata: dict[str, object] | None = None,
        created_at: datetime | None = None,
        system: bool = False,
    ) -> Message:
        """Sends a message as the user `sender`, and returns the stored message. Calling again with the same
        `client_message_id` returns the message that exists.

        With `created_at` it imports a message that was sent at that time. A `system` message is a notice of the
        application, whose sender need not be a member (docs/back-end.md). `thread_id` is the id of the message whose
        thread the message is sent to.

        Raises Refused, for example with `forbidden` when the sender is not a member.
        """
        command = SendMessage(
            conversation_id,
            content,
            client_message_id=client_message_id,
            metadata=metadata,
            sender_id=sender,
            attachments=tuple(attachments),
            reply_to_id=reply_to_id,
            thread_id=thread_id,
            created_ms=None if created_at is None else ms_of_datetime("created_at", created_at),
            system=system,
        )
        return await self.execute(command)

    async def execute(self, command: Command[R], actor: Actor = BACKEND) -> R:
        """Executes a command of `talkwire.commands` and returns its result. Hooks apply, rate limits do not.

        The actor (who issues the command) is the application's backend unless another one is passed. Raises Refused,
        and RuntimeError while the chat is not running.
        """
        return await self._started.chat.execute(actor, command)

    # --- connected users --------------------------------------------------------------------------------------------

    async def is_user_online(self, user_id: str) -> bool:
        """Returns whether a user has a socket on any node (server process), even if the user is invisible to others.

        If a node does not reply, the database's record of the users last connected to that node is used.
        """
        return await self.execute(IsConnected(user_id))

    async def get_active_users(self) -> list[str]:
        """Returns the sorted ids of all users that have a socket on any node (server process).

        Users on other nodes are read from the database, which may be a moment behind.
        """
        return list(await self.execute(ListConnected()))

    async def get_active_users_count(self) -> int:
        """Returns the number of users that have a socket on any node (server process)."""
        return len(await self.get_active_users())

    async def get_user_sockets(self, user_id: str) -> list[str]:
        """Returns the ids of a user's sockets, as clients know them (`socket.id`).

        The sockets are those of all nodes (server processes) that reply within a second.
        """
        return await self._started.user_sockets.find(user_id)

    # --- serving ----------------------------------------------------------------------------------------------------

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        """Serves the chat and the application beside it as one ASGI application: `uvicorn shop:chat`. The scope
        `lifespan` starts and stops both. Raises RuntimeError for a request while the chat is not running."""
        if scope["type"] == "lifespan":
            await serve_lifespan(self.lifespan, self._embedding.application, scope, receive, send)
        elif self._asgi is not None:
            await self._asgi(scope, receive, send)
        else:
            raise RuntimeError(NOT_RUNNING)

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncIterator[None]:
        """Runs the chat until the block ends, for an application that mounts it in another ASGI server: `app =
        FastAPI(lifespan=chat.lifespan); app.mount("/", chat)`.

        The setting `host` is ignored, since the other server owns the port. So registering needs an invitation by
        default, and with `insecure_dev_auth` or `demo` only requests from this machine are served. Raises the same
        errors as `run`.
        """
        hand_over_logs(secret_values(self.settings))
        with self._use(served_by_another(self.settings)) as node:
            async with running(node, self._embedding.application) as asgi:
                self._asgi = asgi
                try:
                    yield
                finally:
                    self._asgi = None

    def run(self, *, host: str | None = None, port: int | None = None) -> None:
        """Serves until SIGTERM or Ctrl-C, at the settings' address unless `host` or `port` is given. Logs like
        `talkwire serve`, unless the program has configured logging itself.

        Raises OSError when the address cannot be used, DataFolderError when the data folder cannot be used or another
        server uses it, SQLAlchemyError when the database does not respond, NewerTablesError when a newer version of
        Talkwire created the database, UnsuitableDatabaseError when PostgreSQL cannot be used as it is, and
        ApplicationFailed when the application beside the chat does not start.
        """
        if not logging.getLogger().handlers:
            secrets = secret_values(self.settings)
            configure_logs(self.settings.log_level, self.settings.log_format, secrets=secrets)
        hand_over_logs(secret_values(self.settings))
        with self._use(self._at(host, port)) as node:
            listening = listen(node.settings.host, node.settings.port)
            url = reachable_url(listening)
            run(node, listening, lambda: _logger.info("listening", url=url))

    @contextlib.asynccontextmanager
    async def serving(
        self, *, host: str | None = None, port: int | None = None, settings: Settings | None = None
    ) -> AsyncIterator[RunningServer]:
        """Serves in the running event loop until the block ends. The program handles signals itself. Port 0 picks a
        free port. `settings` replace the settings of this object, for tests. Logs to the standard library's loggers
        `talkwire.…`. Raises the same errors as `run`.
        """
        hand_over_logs(secret_values(self.settings))
        with self._use(settings or self._at(host, port)) as node:
            listening = listen(node.settings.host, node.settings.port)
            try:
                async with node.started():
                    server = node.server(EmbeddedServer)
                    serving = asyncio.create_task(serve(node, listening, server))
                    try:
                        await server.has_begun(serving)
                        yield RunningServer(reachable_url(listening))
                    finally:
                        server.should_exit = True
                        await asyncio.wait([serving])
                        await serving
            finally:
                listening.close()

    @contextlib.contextmanager
    def _use(self, settings: Settings) -> Iterator[Node]:
        """Makes a node with these settings and yields it. Until the block ends, the methods of this object use this
        node.

        Raises RuntimeError if this object already runs a node.
        """
        if self._in_use:
            raise RuntimeError("this Talkwire object is already running")
        self._node = Node(settings, self._dialects, self._embedding)
        self._in_use = self._was_used = True
        try:
            yield self._node
        finally:
            self._in_use = False

    def _at(self, host: str | None, port: int | None) -> Settings:
        settings = self.settings
        if host is None and port is None:
            return settings
        return settings.changed(host=host or settings.host, port=settings.port if port is None else port)

    @property
    def _started(self) -> Node:
        if not self._in_use:
            raise RuntimeError(NOT_RUNNING)
        return self._node

    def _dialect_with(self, event: str) -> str | None:
        """Returns the name of the dialect whose clients can send an event of this name; None if there is none."""
        return next((dialect.name for dialect in self._node.dialects if event in dialect.inbound), None)


def _is_loaded_by_a_server() -> bool:
    """Returns whether the program was started by the command of an ASGI server, such as `uvicorn`."""
    program = Path(sys.argv[0] if sys.argv else "")
    return (program.parent.name if program.stem == "__main__" else program.stem) in SERVERS


def _warn_if_unused(reference: weakref.ref[Talkwire]) -> None:
    chat = reference()
    if chat is not None and not chat._was_used:
        hand_over_logs(secret_values(chat.settings))
        _logger.warning("not_served", advice=NOT_RUNNING)
