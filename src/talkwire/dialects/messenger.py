"""Our own vocabulary, on the namespace `/` (contract, section 4); the first seed's, extended."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from talkwire.core.commands import (
    ConversationView,
    CreateConversation,
    ListConversations,
    ListMessages,
    MessagePage,
    Page,
    SendMessage,
    SetTyping,
)
from talkwire.core.errors import ChatError
from talkwire.core.events import (
    ConversationCreated,
    LoginEnded,
    LoginOpened,
    MemberAdded,
    MemberRemoved,
    MessageSent,
    TypingChanged,
    UserBanned,
    UserCreated,
    UserRenamed,
    UserUnbanned,
)
from talkwire.core.model import Message, User
from talkwire.dialects.dialect import CloseRoom, Dialect, Inbound, OpenRoom, Outbound, TellTime
from talkwire.dialects.payloads import (
    ConversationPayload,
    MessagePayload,
    Payload,
    conversation_payload,
    iso,
    message_payload,
    shared_conversation_payload,
)

# --- what clients send ----------------------------------------------------------------------------------------------


class ConversationIdPayload(Payload, frozen=True):
    conversation_id: str


class SendPayload(Payload, frozen=True):
    """`attachments`, `replyToId` and `threadId` may be sent empty: nothing that was sent is dropped in silence."""

    conversation_id: str
    content: str
    client_message_id: str | None = None
    metadata: dict[str, Any] | None = None
    attachments: tuple[()] | None = None
    reply_to_id: None = None
    thread_id: None = None


class ListMessagesPayload(Payload, frozen=True):
    conversation_id: str
    before: str | None = None
    after: str | None = None
    around: str | None = None
    limit: int = 50


class ListConversationsPayload(Payload, frozen=True):
    cursor: str | None = None
    limit: int = 50


class CreateConversationPayload(Payload, frozen=True):
    kind: Literal["direct", "group"]
    member_ids: tuple[str, ...]
    name: str | None = None
    id: str | None = None


# --- what acknowledgements say ----------------------------------------------------------------------------------------


class Reply(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    success: bool = True


class RoomReply(Reply, frozen=True, kw_only=True, rename="camel"):
    conversation_id: str


class MessageReply(Reply, frozen=True, kw_only=True, rename="camel"):
    message: MessagePayload


class MessagesReply(Reply, frozen=True, kw_only=True, rename="camel"):
    messages: tuple[MessagePayload, ...]
    has_more: bool


class ConversationReply(Reply, frozen=True, kw_only=True, rename="camel"):
    conversation: ConversationPayload


class ConversationsReply(Reply, frozen=True, kw_only=True, rename="camel"):
    conversations: tuple[ConversationPayload, ...]
    cursor: str | None = None


class PongReply(Reply, frozen=True, kw_only=True, rename="camel"):
    pong: int


class ErrorBody(Payload, frozen=True):
    code: str
    message: str
    details: Any = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    success: bool = False
    error: ErrorBody


def _message_reply(message: Message) -> MessageReply:
    return MessageReply(message=message_payload(message))


def _messages_reply(page: MessagePage) -> MessagesReply:
    return MessagesReply(messages=tuple(map(message_payload, page.items)), has_more=page.has_more)


def _conversation_reply(view: ConversationView) -> ConversationReply:
    return ConversationReply(conversation=conversation_payload(view))


def _conversations_reply(page: Page[ConversationView]) -> ConversationsReply:
    return ConversationsReply(conversations=tuple(map(conversation_payload, page.items)), cursor=page.next)


# --- what clients are sent --------------------------------------------------------------------------------------------


class ConnectedPayload(Payload, frozen=True):
    message: str
    user_id: str
    socket_id: str
    cursor: str


class TypingPayload(Payload, frozen=True):
    conversation_id: str
    user_id: str
    user_name: str
    is_typing: bool


class AddedMemberPayload(Payload, frozen=True):
    user_id: str
    role: str
    joined_at: str


class MembersAddedPayload(Payload, frozen=True):
    conversation_id: str
    members: tuple[AddedMemberPayload, ...]


class MemberRemovedPayload(Payload, frozen=True):
    conversation_id: str
    user_id: str


class ErrorPayload(Payload, frozen=True):
    code: str
    message: str
    event: str
    details: Any = None


class EndingPayload(Payload, frozen=True):
    reason: str
    reconnect: bool


def _welcome(user: User, socket_id: str, cursor: str) -> Outbound:
    payload = ConnectedPayload(f"Connected as {user.name}", user.id, socket_id, cursor)
    return Outbound("connected", lambda _: payload)


def _typing(event: TypingChanged) -> TypingPayload:
    return TypingPayload(event.conversation_id, event.user_id, event.user_name, event.is_typing)


def _members_added(event: MemberAdded) -> MembersAddedPayload:
    members = (AddedMemberPayload(member.user_id, member.role, iso(member.joined_ms)) for member in event.members)
    return MembersAddedPayload(event.conversation_id, tuple(members))


def _refusal(error: ChatError) -> Refusal:
    return Refusal(error=ErrorBody(error.code, error.message, error.details))


def _error(error: ChatError, event: str) -> tuple[str, ErrorPayload]:
    return "error", ErrorPayload(error.code, error.message, event, error.details)


def _goodbye(reason: str, reconnect: bool) -> tuple[str, EndingPayload]:  # noqa: FBT001
    return "session:ending", EndingPayload(reason, reconnect)


MESSENGER = Dialect(
    name="messenger",
    namespace="/",
    inbound={
        "message:send": Inbound(
            SendPayload,
            lambda p: SendMessage(p.conversation_id, p.content, p.client_message_id, p.metadata),
            _message_reply,
        ),
        "messages:list": Inbound(
            ListMessagesPayload,
            lambda p: ListMessages(p.conversation_id, p.before, p.after, p.around, p.limit),
            _messages_reply,
        ),
        "typing:start": Inbound(
            ConversationIdPayload, lambda p: SetTyping(p.conversation_id, is_typing=True), lambda _: Reply()
        ),
        "typing:stop": Inbound(
            ConversationIdPayload, lambda p: SetTyping(p.conversation_id, is_typing=False), lambda _: Reply()
        ),
        "conversation:join": Inbound(
            ConversationIdPayload, lambda p: OpenRoom(p.conversation_id), lambda id_: RoomReply(conversation_id=id_)
        ),
        "conversation:leave": Inbound(
            ConversationIdPayload, lambda p: CloseRoom(p.conversation_id), lambda id_: RoomReply(conversation_id=id_)
        ),
        "conversation:create": Inbound(
            CreateConversationPayload,
            lambda p: CreateConversation(p.kind, p.member_ids, p.name, p.id),
            _conversation_reply,
        ),
        "conversations:list": Inbound(
            ListConversationsPayload, lambda p: ListConversations(p.cursor, p.limit), _conversations_reply
        ),
        "ping": Inbound(None, lambda _: TellTime(), lambda ms: PongReply(pong=ms)),
    },
    outbound={
        MessageSent: (Outbound("message:new", lambda event: message_payload(event.message)),),
        TypingChanged: (Outbound("typing:user", _typing),),
        ConversationCreated: (
            Outbound("conversation:new", lambda event: shared_conversation_payload(event.conversation)),
        ),
        MemberAdded: (Outbound("member:added", _members_added),),
        MemberRemoved: (
            Outbound("member:removed", lambda event: MemberRemovedPayload(event.conversation_id, event.user_id)),
        ),
    },
    silent=frozenset({UserCreated, UserRenamed, UserBanned, UserUnbanned, LoginOpened, LoginEnded}),
    welcome=_welcome,
    refusal=_refusal,
    error=_error,
    goodbye=_goodbye,
)
