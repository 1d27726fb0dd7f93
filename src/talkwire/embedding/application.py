"""Talkwire as a part of a Python program: the one class that such a program needs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, overload

import structlog

from talkwire.app import AsgiApp, Embedding, Node
from talkwire.core.commands.command import Command
from talkwire.core.commands.custom_events import IsConnected, ListConnected, SendToConversation, SendToUsers
from talkwire.core.commands.messages import AttachmentRef, SendMessage
from talkwire.core.domain.actors import BACKEND
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.times import ms_of_datetime
from talkwire.core.engine.hooks import Hook
from talkwire.datafolder import reachable_url
from talkwire.dialects.dialect import Dialect
from talkwire.embedding.asgi import NOT_RUNNING, AsgiChat, running, serve_lifespan
from talkwire.embedding.names import commands_named, events_named
from talkwire.logs import configure_logs, hand_over_logs
from talkwire.realtime.chat.custom_handlers import CustomHandlers
from talkwire.realtime.serving.server import EmbeddedServer, listen
from talkwire.settings import Settings, SettingsError
from talkwire.settings.policy import served_by_another
from talkwire.settings.rules import Problem
from talkwire.settings.sources import settings_from_environment

R = TypeVar("R")
C = TypeVar("C", bound=Command[Any])
F = TypeVar("F", bound=Callable[..., Any])

UNUSED_S = 5.0
"""When a program that a server has loaded is warned that it does not serve its chat."""

SERVERS = frozenset({"daphne", "fastapi", "granian", "gunicorn", "hypercorn", "uvicorn"})
"""Commands that serve an object of the program."""

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Where a server answers: `url`, such as `http://127.0.0.1:3000`, is for HTTP and for Socket.IO clients."""

    url: str


class Talkwire:
    """A chat server within a Python program.

    `settings` are taken as they are; without them they are `settings_from_environment()`. `app` is an ASGI application
    that shares the port: it gets every request
    that is not for one of Talkwire's own paths (see `Settings.prefix`), all WebSockets but Socket.IO's, and its
    lifespan, which begins after Talkwire's and ends before it. `dialects` are vocabularies of the program's own.

    Raises SettingsError, and ValueError for a dialect whose name is taken.
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
            # A program and its functions cannot be started several times from here.
            raise SettingsError([Problem("workers", "only `talkwire serve` has them; run your program several times")])
        self._dialects = tuple(dialects)
        self._embedding = Embedding(handlers=CustomHandlers(self._dialect_with), application=app)
        self._node = Node(self.settings, self._dialects, self._embedding)
        self._in_use = self._was_used = False
        self._asgi: AsgiChat | None = None
        if _is_loaded_by_a_server():
            # `uvicorn shop:app` would serve the application without the chat.
            timer = threading.Timer(UNUSED_S, _warn_if_unused, (weakref.ref(self),))
            timer.daemon = True
            timer.start()

    # --- what clients and the chat have to say ----------------------------------------------------------------------

    def on(self, event: str) -> Callable[[F], F]:
        """Registers `(socket, data) -> answer`, plain or async, for an event of the program's own. Clients of every
        dialect may send it, in every namespace.

        `socket` is a `ClientSocket`; `data` is the event's first argument, None without one. The answer is the
        acknowledgement, JSON or bytes; `{"success": true}` for None. `Refused` is told in the dialect's way, with an
        acknowledgement or without; any other error is logged and told as `unavailable`. One connection's events are
        handled one after the other.

        Raises ValueError for a name that a dialect, Socket.IO itself or another handler has.
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
        """Registers `(actor, command) -> changed command | None`, plain or async, to be asked before a command is
        carried out, whichever dialect or route it came by. It refuses by raising `Refused`.

        `command` is a name of the messenger vocabulary (`message:send`) or a type of `talkwire.commands`. Commands are
        frozen; `msgspec.structs.replace` makes a changed one, which is checked like any other. One that fails, answers
        something else or takes longer than 30 s has the command refused as `unavailable`. A retry of what was carried
        out before is answered without asking again; one that comes while the first is being asked about may ask twice.

        Raises ValueError for a name that stands for no command.
        """
        found = commands_named(command)

        def register(hook: Any) -> Any:  # noqa: ANN401 (see the overloads)
            for named in found:
                self._embedding.hooks.add(named.command_type, hook, named.when)
            return hook

        return register

    def after(self, *events: str | type) -> Callable[[F], F]:
        """Registers `(event) -> None`, plain or async, to be told what has happened: each durable event once on this
        node, after its commit, in the order of the log.

        `events` are names of the messenger vocabulary (`message:new`) or types of `talkwire.events`. Each function has
        a queue, so that a slow one holds up nobody else; beyond 10,000 events it misses some, and the log says how
        many. What it raises is logged. What happens while the program does not run is not told later.

        Raises ValueError for a name that stands for no event.
        """
        found = events_named(events)

        def register(function: F) -> F:
            self._embedding.observers.add(found, function)
            return function

        return register

    # --- what the program has to say --------------------------------------------------------------------------------

    async def send_to_user(self, user_id: str, event: str, data: object) -> int:
        """Sends an event to all sockets of a user, in whatever rooms they are and on all nodes, and answers how many
        there are; a node that does not answer within a second is not counted. Nothing is stored. Raises Refused:
        `invalid_request` for a name of Socket.IO's own or what is no JSON."""
        report = await self.execute(SendToUsers((user_id,), event, data))
        return report.sockets

    async def broadcast_to_conversation(self, conversation_id: str, event: str, data: object) -> None:
        """Sends an event to all sockets that follow a conversation. Raises as `send_to_user`."""
        await self.execute(SendToConversation(conversation_id, event, data))

    async def send_message(  # noqa: PLR0913 (what a message has)
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
    ) -> Message:
        """Sends a message in the name of a member, and returns it as it is stored. With the same `client_message_id`
        again it is the same message. With `created_at` it imports a message that was sent then (docs/back-end.md).
        Raises Refused, as for any sender: `forbidden` for one who is no member."""
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
        )
        return await self.execute(command)

    async def execute(self, command: Command[R], actor: Actor = BACKEND) -> R:
        """Carries out any command of `talkwire.commands`, as the program's backend or as another actor, hooks included
        and beyond all rate limits. Raises Refused."""
        return await self._started.chat.execute(actor, command)

    # --- who is there -----------------------------------------------------------------------------------------------

    async def is_user_online(self, user_id: str) -> bool:
        """Whether a user has a socket on any node, visible to others or not. Of a node that does not answer the
        database says who was there last."""
        return await self.execute(IsConnected(user_id))

    async def get_active_users(self) -> list[str]:
        """The ids of all users who have a socket, in their order; of those on other nodes, as the database has it,
        which is a moment behind."""
        return list(await self.execute(ListConnected()))

    async def get_active_users_count(self) -> int:
        """How many users have a socket."""
        return len(await self.get_active_users())

    async def get_user_sockets(self, user_id: str) -> list[str]:
        """The ids of a user's sockets on all nodes that answer within a second, as the clients know them
        (`socket.id`)."""
        return await self._started.sockets_of(user_id)

    # --- serving ----------------------------------------------------------------------------------------------------

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        """The chat as an ASGI application, with the application beside it: `uvicorn shop:chat`. The scope `lifespan`
        starts and stops it. Raises RuntimeError for a request while the chat does not run."""
        if scope["type"] == "lifespan":
            await serve_lifespan(self.lifespan, self._embedding.application, scope, receive, send)
        elif self._asgi is not None:
            await self._asgi(scope, receive, send)
        else:
            raise RuntimeError(NOT_RUNNING)

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncIterator[None]:
        """Runs the chat for another ASGI server until the block ends, for an application that has it mounted:
        `app = FastAPI(lifespan=chat.lifespan); app.mount("/", chat)`. The setting `host` does not count then: accounts
        need an invitation by default, and with `insecure_dev_auth` or `demo` only this machine is served. Raises as
        `run`."""
        hand_over_logs()
        with self._use(served_by_another(self.settings)) as node:
            async with running(node, self._embedding.application) as asgi:
                self._asgi = asgi
                try:
                    yield
                finally:
                    self._asgi = None

    def run(self, *, host: str | None = None, port: int | None = None) -> None:
        """Serves until SIGTERM or Ctrl-C, on the settings' address unless another is given. Logs as `talkwire serve`
        does, unless the program has set up logging itself.

        Raises OSError for an address that cannot be listened on, DataFolderError for a data folder that cannot be used
        or that another server has, SQLAlchemyError for a database that does not answer, NewerTablesError for one that a
        newer version has, and ApplicationFailed when the application beside it does not start.
        """
        if not logging.getLogger().handlers:
            configure_logs(self.settings.log_level, self.settings.log_format)
        hand_over_logs()
        with self._use(self._at(host, port)) as node:
            node.on_begun = lambda url: _logger.info("the chat is up", url=url)
            node.run()

    @contextlib.asynccontextmanager
    async def serving(
        self, *, host: str | None = None, port: int | None = None, settings: Settings | None = None
    ) -> AsyncIterator[RunningServer]:
        """Serves within a running event loop, until the block ends; signals are left to the program. Port 0 takes any
        that is free. `settings` take the place of the others, for tests. It logs to the standard library's loggers
        `talkwire.…`. Raises as `run`."""
        hand_over_logs()
        with self._use(settings or self._at(host, port)) as node:
            listening = listen(node.settings.host, node.settings.port)
            try:
                async with node.started():
                    server = node.server(EmbeddedServer)
                    serving = asyncio.create_task(node.serve(listening, server))
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
        """A node of these settings, which everything that is asked goes to."""
        if self._in_use:
            raise RuntimeError("this Talkwire serves already")
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
        return replace(settings, host=host or settings.host, port=settings.port if port is None else port)

    @property
    def _started(self) -> Node:
        if not self._in_use:
            raise RuntimeError(NOT_RUNNING)
        return self._node

    def _dialect_with(self, event: str) -> str | None:
        """The dialect that has an event of this name."""
        return next((dialect.name for dialect in self._node.dialects if event in dialect.inbound), None)


def _is_loaded_by_a_server() -> bool:
    """Whether the program was started by the command of an ASGI server."""
    program = Path(sys.argv[0] if sys.argv else "")
    return (program.parent.name if program.stem == "__main__" else program.stem) in SERVERS


def _warn_if_unused(reference: weakref.ref[Talkwire]) -> None:
    chat = reference()
    if chat is not None and not chat._was_used:
        hand_over_logs()
        _logger.warning("the chat is not served", advice=NOT_RUNNING)
