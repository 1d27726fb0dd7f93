"""Carries out the events that chat clients send, each in its connection's order, and replies to them. The client's
dialect (event vocabulary) turns an event into a command of the chat.

packet -> dialect (command) -> Chat.execute -> acknowledgement
"""

from __future__ import annotations

import asyncio
import inspect
from functools import partial
from typing import Any

from talkwire.core.commands.agents.turns import ClaimTurns
from talkwire.core.commands.command import Change, Command, Query
from talkwire.core.commands.server.retries import AnswerRetry
from talkwire.core.domain.errors import ChatError, did_you_mean
from talkwire.core.domain.events import CustomEvent
from talkwire.core.engine.chat import settle
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.core.engine.limits import Kind, RateLimited, kind_of
from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.dialect import Dialect
from talkwire.operations.socket_commands import SocketCommand
from talkwire.payloads.named_conversation import conversation_in
from talkwire.realtime.chat.custom_handlers import DONE, ClientSocket, Handler
from talkwire.realtime.chat.requests import EventReplies, EventRequest
from talkwire.realtime.chat.services import NamespaceServices
from talkwire.realtime.chat.socket_commands import Now, SocketCommands
from talkwire.realtime.clients.chat_client import ChatClient
from talkwire.realtime.socketio.socketio_socket import Socket
from talkwire.wire import LocalProtocolError

_UNKNOWN = "unknown"
"""The name in logs for an event that neither the client's dialect nor the application has."""


class EventHandling:
    """Handles the events that clients send to one chat namespace: turns them into commands, carries these out, and
    replies.
    """

    def __init__(self, services: NamespaceServices, replies: EventReplies, commands: SocketCommands) -> None:
        self._chat = services.chat
        self._limits = services.limits
        self._limited_chat = LimitedChat(services.chat, services.limits, services.server.now)
        self._handlers = services.handlers
        self._now = services.server.now
        self._metrics = services.server.metrics
        self._report = services.server.report
        self._replies = replies
        self._outcomes = services.outcomes
        self._commands = commands

    def receive(self, socket: Socket, args: list[Any], ack_id: int | None) -> None:
        """Handles one event: finds its definition in the client's dialect (event vocabulary), parses its command, and
        queues that in the connection's lane, which keeps the order. Refuses invalid events, and commands beyond the
        rate limits, with a reply.
        """
        self._metrics.events_received += 1
        client: ChatClient = socket.data
        name = args[0]
        inbound = client.dialect.inbound.get(name) if isinstance(name, str) else None
        if inbound is None:
            self._receive_other(socket, args, ack_id)
            return
        request = EventRequest(socket, name, ack_id, inbound, raw=_raw(args))
        try:
            payload = inbound.payload_of(request.raw)
            if inbound.echo is not None:
                request.payload = payload
            command = inbound.to_command(payload)
        except ChatError as error:
            self._refuse_invalid(request, error)
            return
        request.command_type = type(command)
        request.began_ns = self._outcomes.begin()
        if self._limits is not None:
            wait_s = self._limits.take_for(client.actor, kind_of(type(command)), self._now())
            if wait_s:
                self._answer_retry(request, command, wait_s)
                return
        start = partial(self._start, request, command)
        # A command with a hook is queued only when that has responded, and the next one must not overtake it.
        pipelined = isinstance(command, Change) and not self._chat.is_hooked(command)
        socket.connection.lane.enter(start, pipelined=pipelined)

    def receive_unreadable(self, socket: Socket, name: str | float, ack_id: int | None, flaw: str) -> None:
        """Refuses an event whose payload could not be decoded, with a reply that contains the reason `flaw`. `name` is
        the event's name.
        """
        request = EventRequest(socket, str(name)[:64], ack_id, None)
        self._refuse_invalid(request, ChatError("invalid_request", f"The payload cannot be taken: {flaw}"))

    # --- commands ---------------------------------------------------------------------------------------------------

    def _start(self, request: EventRequest, command: Command[Any] | SocketCommand) -> bool:
        """Called by the connection's lane (its queue of events) when it is the command's turn: starts the command.
        Returns True if the command is still running; `lane.finished` is then called at its end. Returns False if it has
        finished.
        """
        client: ChatClient = request.socket.data
        try:
            if isinstance(command, Change):
                self._chat.submit(client.actor, command, partial(self._finish, request))
                return True
            result = self._commands.run(request.socket, command)
            if isinstance(result, Now):
                self._replies.answer(request, result.result)
                self._outcomes.succeeded(type(command), request.began_ns)
                return False
            running = asyncio.ensure_future(result)
            if isinstance(command, ClaimTurns) and command.wait:
                running.add_done_callback(partial(self._settle_apart, request))
                return False
            if running.done() and request.inbound is not None and request.inbound.follow_up is None:
                self._answer(request, running.result())
                return False
        except Exception as error:  # noqa: BLE001 (the client gets a reply even if a dialect fails)
            self._refuse(request, error)
            return False
        if isinstance(command, Query):
            request.socket.connection.lane.query = running
        running.add_done_callback(partial(self._settle, request))
        return True

    def _settle(self, request: EventRequest, running: asyncio.Future[Any]) -> None:
        """Finishes a request whose command is no change. Does not reply if its connection has closed meanwhile."""
        connection = request.socket.connection
        if running.cancelled() and connection.session.closed:
            connection.lane.finished()
        else:
            settle(partial(self._finish, request), running)

    def _settle_apart(self, request: EventRequest, running: asyncio.Future[Any]) -> None:
        """Replies to a request that may wait for long, so that other events of its connection do not wait for it. Does
        not reply if the connection has closed meanwhile.
        """
        if not running.cancelled():
            settle(partial(self._reply, request), running)

    def _finish(self, request: EventRequest, result: object, error: Exception | None) -> None:
        """Replies to a request whose command has finished. If the acknowledgement needs further data, first runs the
        query that the client's dialect (event vocabulary) defines for that.
        """
        then = request.inbound.follow_up if request.inbound is not None and error is None else None
        if then is None or request.ack_id is None:
            self._end(request, result, error)
            return
        try:
            asked = asyncio.ensure_future(self._chat.execute(request.socket.data.actor, then(result)))
        except Exception as failure:  # noqa: BLE001 (the lane must be notified)
            self._end(request, result, failure)
            return
        asked.add_done_callback(partial(settle, lambda found, error: self._end(request, (result, found), error)))

    def _end(self, request: EventRequest, result: object, error: Exception | None) -> None:
        try:
            self._reply(request, result, error)
        except Exception as failure:  # noqa: BLE001 (others get their replies in the same turn)
            self._report(failure)
        finally:
            request.socket.connection.lane.finished()

    def _reply(self, request: EventRequest, result: object, error: Exception | None) -> None:
        if error is None:
            self._answer(request, result)
        else:
            self._refuse(request, error)

    def _answer(self, request: EventRequest, result: object) -> None:
        try:
            self._replies.answer(request, result)
        except Exception as error:  # noqa: BLE001 (whatever the dialect's functions raise)
            self._refuse(request, error)
            return
        if request.command_type is not None:
            self._outcomes.succeeded(request.command_type, request.began_ns)

    def _refuse(self, request: EventRequest, error: Exception) -> None:
        """Replies with a refusal. An error other than ChatError is a bug: logs it, and replies with the code
        `unavailable`.
        """
        if not isinstance(error, ChatError):
            self._report(error)
            error = ChatError("unavailable", "An internal error occurred.")
        self._send_refusal(request, error)

    def _send_refusal(self, request: EventRequest, error: ChatError) -> None:
        client: ChatClient = request.socket.data
        # What a client calls an event that does not exist may be a message's text.
        name = _UNKNOWN if request.inbound is None else request.name
        error.conversation_id = error.conversation_id or conversation_in(request.raw)
        self._outcomes.refused(client.actor, request.command_type, error, request.began_ns, name)
        self._replies.refuse(request, error)

    # --- refusals ---------------------------------------------------------------------------------------------------

    def _answer_retry(self, request: EventRequest, command: Command[Any] | SocketCommand, wait_s: float) -> None:
        """Refuses a command that exceeds a rate limit, unless it repeats a command that was carried out before: then
        replies with the earlier result. `wait_s` is after how many seconds the limit allows the command.
        """
        if not isinstance(command, Command) or not AnswerRetry(command).is_possible:
            self._send_refusal(request, RateLimited(wait_s))
            return
        client: ChatClient = request.socket.data

        def start() -> bool:
            found = asyncio.ensure_future(self._limited_chat.answer_retry(client.actor, command, wait_s))
            found.add_done_callback(partial(settle, partial(self._finish, request)))
            return True

        request.socket.connection.lane.enter(start, pipelined=False)

    def _refuse_invalid(self, request: EventRequest, error: ChatError) -> None:
        if not self._is_limited(request):
            self._send_refusal(request, error)

    def _is_limited(self, request: EventRequest) -> bool:
        """Counts an event that has not become a command (an invalid or unknown one, or one of the application's own)
        against the user's rate limit for signals. If the limit is exceeded, refuses the event and returns True, else
        False.
        """
        if self._limits is None:
            return False
        wait_s = self._limits.take_for(request.socket.data.actor, Kind.SIGNALS, self._now())
        if wait_s:
            self._send_refusal(request, RateLimited(wait_s))
        return wait_s > 0

    # --- the application's own events -------------------------------------------------------------------------------

    def _receive_other(self, socket: Socket, args: list[Any], ack_id: int | None) -> None:
        """Handles an event that is not in the client's dialect (event vocabulary): queues the application's handler for
        it, or refuses an event without a handler.
        """
        handler = self._handlers.get(args[0])
        if handler is None:
            request = EventRequest(socket, str(args[0])[:64], ack_id, None, raw=_raw(args))
            if not self._is_limited(request):
                hint = _hint(request.name, socket.data.dialect)
                self._send_refusal(request, ChatError("invalid_request", f"No such event: {request.name}{hint}"))
            return
        request = EventRequest(socket, args[0], ack_id, None, raw=_raw(args), command_type=CustomEvent)
        if self._is_limited(request):
            return
        start = partial(self._start_handler, request, handler, request.raw)
        request.socket.connection.lane.enter(start, pipelined=False)

    def _start_handler(self, request: EventRequest, handler: Handler, data: object) -> bool:
        """Calls the application's handler of a custom event. Returns True if the handler is still running; the lane's
        `finished` is then called at its end. Returns False if it has finished.
        """
        try:
            answer = handler(ClientSocket(request.socket, lambda: self._chat.cursor), data)
        except Exception as error:  # noqa: BLE001 (whatever the application's code raises)
            self._answer_for_handler(request, None, error)
            return False
        if inspect.isawaitable(answer):
            asyncio.ensure_future(answer).add_done_callback(partial(settle, partial(self._finish_handler, request)))
            return True
        self._answer_for_handler(request, answer, None)
        return False

    def _finish_handler(self, request: EventRequest, answer: object, error: Exception | None) -> None:
        try:
            self._answer_for_handler(request, answer, error)
        finally:
            request.socket.connection.lane.finished()

    def _answer_for_handler(self, request: EventRequest, answer: object, error: Exception | None) -> None:
        """Replies with the value that a handler returned or the error that it raised. A value that cannot be sent as
        JSON is a bug of the application, and is refused as one.
        """
        if error is None:
            try:
                self._replies.acknowledge(request, DONE if answer is None else answer)
                self._outcomes.succeeded(CustomEvent)
            except LocalProtocolError as no_json:
                error = no_json
        if error is not None:
            self._refuse(request, error)


def _raw(args: list[Any]) -> object:
    """Returns an event's payload as the client sent it; None if it has none."""
    return args[1] if len(args) > 1 else None


def _hint(event: str, dialect: Dialect) -> str:
    """Returns a text to append to the refusal of an event that `dialect` does not have: which other dialects have
    it, else the most similar event of `dialect`; empty if there is none."""
    others = [name for name, other in DIALECTS.items() if event in other.inbound]
    if not others:
        return did_you_mean(event, dialect.inbound)
    return f"; it is one of the dialect {' and of '.join(others)}, and this connection speaks {dialect.name}"
