"""Routes of the operators' console that list users with their devices, conversations, connections and refused requests,
and that end sign-ins and connections."""

from __future__ import annotations

from typing import Annotated, cast

import msgspec
from litestar import get
from litestar.params import FromPath, FromQuery, QueryParameter

from talkwire.api.http.bodies import ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat, GivenConsole
from talkwire.api.operation_routes import Limit
from talkwire.api.resources.admin.access import NodesListAnswer, must_read
from talkwire.console.connections import ConnectionKey, ConnectionRecord, WantedConnections
from talkwire.console.nodes import RefusalKey, WantedRefusals, refusal_key
from talkwire.core.commands.command import Page
from talkwire.core.commands.server.console import (
    BrowseConversations,
    BrowseUsers,
    ConversationRecord,
    EndConnection,
    ListLoginsOf,
    UserRecord,
)
from talkwire.core.domain.errors import ChatError, RefusalCause
from talkwire.core.domain.model import ConversationKind, LoginSession, User
from talkwire.core.domain.pages import key_of_cursor, list_cursor
from talkwire.core.domain.texts import check_text
from talkwire.core.domain.times import iso, iso_or_none
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.identity.callers import Caller
from talkwire.observability.recent_refusals import RecentRefusal, RefusalKind
from talkwire.payloads.users import SessionPayload, session_payload

_UserId = Annotated[str | None, QueryParameter(name="userId", description="Only those of this user")]


# --- users ----------------------------------------------------------------------------------------------------------


class BanAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The ban of a user from the server. `until` is null for a ban without an end."""

    reason: str | None
    until: str | None


class AdminUserAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A user as the operators' console shows them. `online`: others see the user online, or would if the user were not
    invisible. `backend`: the user stands for the application's backend, and searches do not offer it to users.
    `connections` is the number of the user's sockets on all nodes that answered. An erased user is neither banned nor
    online."""

    id: str
    name: str
    handle: str | None
    email: str | None
    created_at: str
    last_seen_at: str | None
    online: bool
    banned: BanAnswer | None
    erased: bool
    backend: bool
    connections: int


def _user_answer(record: UserRecord, connections: int) -> AdminUserAnswer:
    user = record.user
    return AdminUserAnswer(
        id=user.id,
        name=user.name,
        handle=user.handle,
        email=user.email,
        created_at=iso(user.created_ms),
        last_seen_at=iso_or_none(record.last_seen_ms),
        online=record.online or connections > 0,
        banned=_ban_answer(user) if user.banned and not user.erased else None,
        erased=user.erased is not None,
        backend=user.backend,
        connections=connections,
    )


def _ban_answer(user: User) -> BanAnswer:
    return BanAnswer(user.ban_reason, iso_or_none(user.ban_until_ms))


async def users_found(
    page: Page[UserRecord], _: BrowseUsers, __: Caller, ___: LimitedChat, console: GivenConsole
) -> NodesListAnswer[AdminUserAnswer]:
    counts = await console.nodes.count_connections([record.user.id for record in page.items])
    items = (
        _user_answer(record, sum(each.get(record.user.id, 0) for each in counts.by_node.values()))
        for record in page.items
    )
    return NodesListAnswer(tuple(items), page.next, counts.silent)


async def sessions_found(
    sessions: tuple[LoginSession, ...], _: ListLoginsOf, caller: Caller, __: LimitedChat
) -> ListAnswer[SessionPayload]:
    return ListAnswer(tuple(session_payload(each, current=each.id == caller.session_id) for each in sessions), None)


# --- conversations --------------------------------------------------------------------------------------------------


class AdminConversationAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A conversation as the operators' console shows it. `messageCount` includes deleted messages."""

    id: str
    name: str | None
    kind: ConversationKind
    member_count: int
    message_count: int
    last_message_at: str | None
    created_at: str


def _conversation_answer(record: ConversationRecord) -> AdminConversationAnswer:
    conversation = record.conversation
    return AdminConversationAnswer(
        id=conversation.id,
        name=conversation.name,
        kind=conversation.kind,
        member_count=conversation.member_count,
        message_count=conversation.last_seq,
        last_message_at=iso_or_none(record.last_message_ms),
        created_at=iso(conversation.created_ms),
    )


async def conversations_found(
    page: Page[ConversationRecord], _: BrowseConversations, __: Caller, ___: LimitedChat
) -> ListAnswer[AdminConversationAnswer]:
    return ListAnswer(tuple(map(_conversation_answer, page.items)), page.next)


# --- connections ----------------------------------------------------------------------------------------------------


class ConnectionAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A connected socket of a signed-in user, as the operators' console shows it. `id` is the socket id, which log
    lines contain too."""

    id: str
    user_id: str
    transport: str
    dialect: str
    node: str
    address: str
    connected_at: str


def _connection_answer(record: ConnectionRecord) -> ConnectionAnswer:
    return ConnectionAnswer(
        id=record.id,
        user_id=record.user_id,
        transport=record.transport,
        dialect=record.dialect,
        node=record.node_id,
        address=record.address,
        connected_at=iso(record.connected_ms),
    )


@get(
    "/connections", operation_id="listAdminConnections", summary="List the open connections on all nodes, newest first"
)
async def list_connections(  # noqa: PLR0913, PLR0917 (Litestar passes them by name)
    caller: GivenCaller,
    chat: GivenChat,
    console: GivenConsole,
    dialect: FromQuery[str | None] = None,
    node: FromQuery[str | None] = None,
    user_id: _UserId = None,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> NodesListAnswer[ConnectionAnswer]:
    must_read(caller, chat)
    before = None if cursor is None else key_of_cursor(cursor, ConnectionKey)
    page = await console.nodes.connections(WantedConnections(limit, dialect, user_id, before), node)
    next_ = list_cursor(page.items[-1].key) if page.more else None
    return NodesListAnswer(tuple(map(_connection_answer, page.items)), next_, page.silent)


async def end_admin_connection(
    connection_id: FromPath[str], caller: GivenCaller, chat: GivenChat, console: GivenConsole
) -> None:
    must_read(caller, chat)
    check_text("id", connection_id)
    record = await console.nodes.connection(connection_id)
    if record is None:
        raise _no_connection()
    await chat.execute(caller.actor, EndConnection(record.user_id, record.id))
    if not await console.nodes.end_connection(connection_id):
        raise _no_connection()


def _no_connection() -> ChatError:
    return ChatError("not_found", "There is no such connection.")


# --- refusals -------------------------------------------------------------------------------------------------------


class RefusalAnswer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A request, event or connection that the server refused to one client. `reason` is the reason in the log line, or
    the error code that the client received; `cause` tells refusals of one code apart, and `conversationId` is the
    conversation that the command concerned. `count` is how often the same refusal occurred on the
    node while it was kept among the newest ones; `at` is the time of the last one."""

    at: str
    kind: RefusalKind
    reason: str
    node: str
    count: int
    cause: RefusalCause | None = None
    conversation_id: str | None = None
    command: str | None = None
    limit: str | None = None
    method: str | None = None
    detail: str | None = None
    user_id: str | None = None
    address: str | None = None
    origin: str | None = None
    namespace: str | None = None


def _refusal_answer(node_id: str, refusal: RecentRefusal) -> RefusalAnswer:
    return RefusalAnswer(
        at=iso(refusal.at_ms),
        kind=refusal.kind,
        reason=refusal.reason,
        node=node_id,
        count=refusal.count,
        cause=cast("RefusalCause | None", refusal.cause),
        conversation_id=refusal.conversation_id,
        command=refusal.command,
        limit=refusal.limit,
        method=refusal.method,
        detail=refusal.detail,
        user_id=refusal.user_id,
        address=refusal.address,
        origin=refusal.origin,
        namespace=refusal.namespace,
    )


@get(
    "/refusals",
    operation_id="listAdminRefusals",
    summary="List refused connections, sign-ins and commands, newest first",
    description="Each node keeps the newest 500 of each kind in memory, until it stops.",
)
async def list_refusals(  # noqa: PLR0913, PLR0917 (Litestar passes them by name)
    caller: GivenCaller,
    chat: GivenChat,
    console: GivenConsole,
    kind: FromQuery[RefusalKind | None] = None,
    user_id: _UserId = None,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> NodesListAnswer[RefusalAnswer]:
    must_read(caller, chat)
    before = None if cursor is None else key_of_cursor(cursor, RefusalKey)
    page = await console.nodes.refusals(WantedRefusals(limit, kind, user_id, before))
    next_ = list_cursor(refusal_key(*page.items[-1])) if page.more else None
    return NodesListAnswer(tuple(_refusal_answer(*item) for item in page.items), next_, page.silent)
