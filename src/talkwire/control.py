"""The endpoint through which the command line's operator commands reach a running server on the same machine.

    POST /internal/commands    Authorization: Bearer <the lock file's token>
                               a command as JSON → 200 and its result as JSON, or the usual error body
    POST /internal/snapshot    the same header → 200 and {path} of a new file: a copy of the SQLite database, which
                               the caller reads and removes

The token is in the lock file, which only its owner can read. A user that can read it could open the database as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from hmac import compare_digest
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast

import msgspec

from talkwire.core.commands.accounts import (
    BanUser,
    EraseUser,
    GetUser,
    ListUsers,
    PutUser,
    RegisterAccount,
    SetPassword,
    UnbanUser,
)
from talkwire.core.commands.command import Command, Page
from talkwire.core.commands.conversations import ConversationView, CreateConversation, ListConversations
from talkwire.core.commands.integration.webhooks import (
    CreatedWebhook,
    CreateWebhook,
    DeleteWebhook,
    GetWebhook,
    GetWebhookSigning,
    ListWebhookAttempts,
    ListWebhooks,
    RewindWebhook,
    RotateWebhookSecret,
    UpdateWebhook,
    WebhookView,
)
from talkwire.core.commands.invitations import CreatedInvitation, CreateInvitation, EnsureFirstInvitation
from talkwire.core.commands.members import AddedMembers, AddMembers, RemovedMember, RemoveMember
from talkwire.core.commands.moderation.audit import RecordExport
from talkwire.core.commands.server.erasure import IsErased
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.integration.webhooks import WebhookAttempt, WebhookSigning
from talkwire.core.domain.model import Actor, User
from talkwire.core.engine.chat import Chat
from talkwire.core.ports.webhooks import WebhookProbe
from talkwire.identity.address import is_forwarded

CONTROL_PATH = "/internal/commands"
SNAPSHOT_PATH = "/internal/snapshot"

BODY_MAX_BYTES = 4 * 1024 * 1024
"""Largest body of a request to a running server's control endpoint, in bytes."""


class CheckWebhookUrl(Command[None], frozen=True, tag="CheckWebhookUrl"):
    """A command of the command line that raises `invalid_request` for a URL that a webhook may not have.

    The running server executes it (see `carry_out`), and not its chat, since the server's own settings decide.
    """

    url: str


class SendWebhookTest(Command[WebhookAttempt], frozen=True, tag="SendWebhookTest"):
    """A command of the command line that sends a test event to a webhook now, and returns the attempt.

    The running server executes it (see `carry_out`), and not its chat.
    """

    webhook_id: str


class CheckToken(Command[str], frozen=True, tag="CheckToken"):
    """A command of the command line that verifies an access token like a client's, and returns the role in it. It
    creates no user.

    The running server's `ControlEndpoint` executes it, and not its chat, since the server's own settings decide.
    """

    token: str


OperatorCommand = (
    RegisterAccount
    | SetPassword
    | BanUser
    | UnbanUser
    | EraseUser
    | RecordExport
    | IsErased
    | GetUser
    | PutUser
    | ListUsers
    | CreateConversation
    | AddMembers
    | RemoveMember
    | ListConversations
    | EnsureFirstInvitation
    | CreateInvitation
    | CreateWebhook
    | ListWebhooks
    | GetWebhook
    | ListWebhookAttempts
    | GetWebhookSigning
    | RewindWebhook
    | UpdateWebhook
    | RotateWebhookSecret
    | DeleteWebhook
    | CheckWebhookUrl
    | SendWebhookTest
    | CheckToken
)

COMMAND_RESULTS: Mapping[type[Command[Any]], Any] = MappingProxyType(
    {
        RegisterAccount: User,
        SetPassword: None,
        BanUser: User,
        UnbanUser: User,
        EraseUser: None,
        RecordExport: None,
        IsErased: bool,
        GetUser: User,
        PutUser: User,
        ListUsers: Page[User],
        CreateConversation: ConversationView,
        AddMembers: AddedMembers,
        RemoveMember: RemovedMember,
        ListConversations: Page[ConversationView],
        CreateInvitation: CreatedInvitation,
        EnsureFirstInvitation: CreatedInvitation | None,
        CreateWebhook: CreatedWebhook,
        ListWebhooks: Page[WebhookView],
        GetWebhook: WebhookView,
        ListWebhookAttempts: Page[WebhookAttempt],
        GetWebhookSigning: WebhookSigning,
        RewindWebhook: WebhookView,
        UpdateWebhook: WebhookView,
        RotateWebhookSecret: CreatedWebhook,
        DeleteWebhook: None,
        CheckWebhookUrl: None,
        SendWebhookTest: WebhookAttempt,
        CheckToken: str,
    }
)
"""Types of the commands' results, by the command's type, to decode the response."""

# A user id has no `/`, so no user can be this actor, and it cannot be a member of a conversation.
_OPERATOR_ID = "talkwire/operator"

R = TypeVar("R")

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]
Scope = Mapping[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_commands = msgspec.json.Decoder(OperatorCommand)


def operator_for(command: Command[Any]) -> Actor:
    """Returns the actor (user id, name and role) as which an operator's command is executed.

    Creating conversations, members and invitations is done with the role of the application's backend (`service`),
    which may choose ids and creates users by naming them. All other commands have the role `admin`.
    """
    if isinstance(command, CreateConversation | AddMembers | CreateInvitation):
        return Actor(_OPERATOR_ID, "Operator", "service")
    return Actor(_OPERATOR_ID, "Operator", "admin")


async def carry_out(chat: Chat, webhooks: WebhookProbe, command: Command[R]) -> R:
    """Executes an operator's command from the command line and returns its result: commands about sending webhook
    requests with `webhooks`, all others in the chat. Raises ChatError if the chat, or the check of a webhook's
    URL, refuses the command.
    """
    operator = operator_for(command)
    match command:
        case CheckWebhookUrl():
            return cast("R", await webhooks.check_url(command.url))
        case SendWebhookTest():
            signing = await chat.execute(operator, GetWebhookSigning(command.webhook_id))
            return cast("R", await webhooks.test(command.webhook_id, signing))
        case _:
            return await chat.execute(operator, command)


class CopyRequest(msgspec.Struct, frozen=True):
    """The response to a snapshot request: the path of a copy of the SQLite database, which the caller reads and
    removes.
    """

    path: str


class ControlEndpoint:
    """An ASGI application that executes operator commands at `CONTROL_PATH`, and copies the SQLite database at
    `SNAPSHOT_PATH`.

    `webhooks` sends requests to webhooks. `role_of` verifies an access token and returns its role. `token` is the lock
    file's token, which requests must contain. `copy_database` returns the path of a new copy; it blocks until the copy
    is complete.
    """

    def __init__(
        self,
        chat: Chat,
        webhooks: WebhookProbe,
        role_of: Callable[[str], Awaitable[str]],
        token: str,
        copy_database: Callable[[], Path],
    ) -> None:
        self._chat = chat
        self._webhooks = webhooks
        self._role_of = role_of
        self._expected = f"Bearer {token}".encode()
        self._copy_database = copy_database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._authorize(scope)
            await _answer(send, 200, await self._carry_out(scope["path"], await _body(receive)))
        except ChatError as error:
            await _answer(send, _status_of(error), {"error": _error(error)})

    async def _carry_out(self, path: str, body: bytes) -> object:
        if path == SNAPSHOT_PATH:
            return await self._snapshot()
        command = _decode(body)
        if isinstance(command, CheckToken):
            return await self._role_of(command.token)
        return await carry_out(self._chat, self._webhooks, command)

    async def _snapshot(self) -> CopyRequest:
        try:
            return CopyRequest(str(await asyncio.to_thread(self._copy_database)))
        except OSError as error:
            raise ChatError("unavailable", f"The database could not be copied: {error.strerror or error}") from error

    def _authorize(self, scope: Scope) -> None:
        """Raises `unauthenticated` for a request that is not a POST, has a wrong token, or was forwarded by a proxy,
        since it may then come from another machine.
        """
        headers: dict[bytes, bytes] = dict(scope["headers"])
        forwarded = is_forwarded({name.decode("latin-1"): "" for name in headers})
        given = headers.get(b"authorization", b"")
        if not compare_digest(given, self._expected) or forwarded or scope["method"] != "POST":
            raise ChatError("unauthenticated", "This is for the command line of the server's own machine.")


def with_control(endpoint: ControlEndpoint, app: AsgiApp) -> AsgiApp:
    """Returns an ASGI application that serves the control endpoint at its two paths, and `app` at all others."""

    async def application(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        inner = endpoint if scope["type"] == "http" and scope["path"] in {CONTROL_PATH, SNAPSHOT_PATH} else app
        await inner(scope, receive, send)

    return application


def _decode(body: bytes) -> OperatorCommand:
    try:
        command: OperatorCommand = _commands.decode(body)
        return command
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ChatError("invalid_request", f"This server does not know the command: {error}") from None


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    more = True
    while more:  # Suspends: the server returns each part of a body once, when it arrives.
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ChatError("invalid_request", "The request was not sent to its end.")
        body += message.get("body", b"")
        if len(body) > BODY_MAX_BYTES:
            raise ChatError("payload_too_large", f"At most {BODY_MAX_BYTES} bytes.")
        more = message.get("more_body", False)
    return bytes(body)


def _status_of(error: ChatError) -> int:
    """Returns the HTTP status for a chat error: 401, 503 or 422. The command line only reads the error code in the
    body.
    """
    return {"unauthenticated": 401, "unavailable": 503}.get(error.code, 422)


def _error(error: ChatError) -> dict[str, object]:
    body: dict[str, object] = {"code": error.code, "message": error.message}
    return body if error.details is None else {**body, "details": error.details}


async def _answer(send: Send, status: int, content: object) -> None:
    body = msgspec.json.encode(content)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
