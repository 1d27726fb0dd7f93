"""Messages and who is typing."""

from __future__ import annotations

from typing import Any

from talkwire.core.commands.messages import ListMessages, MessagePage, SendMessage
from talkwire.core.commands.typing import SetTyping
from talkwire.core.events import Event, MessageSent, TypingChanged
from talkwire.core.model import Message
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.messenger.connection import ConversationIdPayload
from talkwire.dialects.messenger.replies import Reply
from talkwire.dialects.payloads.messages import MessagePayload, message_payload
from talkwire.dialects.payloads.payload import Payload


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


class MessageReply(Reply, frozen=True, kw_only=True, rename="camel"):
    message: MessagePayload


class MessagesReply(Reply, frozen=True, kw_only=True, rename="camel"):
    messages: tuple[MessagePayload, ...]
    has_more: bool


class TypingPayload(Payload, frozen=True):
    conversation_id: str
    user_id: str
    user_name: str
    is_typing: bool


def _message_reply(message: Message) -> MessageReply:
    return MessageReply(message=message_payload(message))


def _messages_reply(page: MessagePage) -> MessagesReply:
    return MessagesReply(messages=tuple(map(message_payload, page.items)), has_more=page.has_more)


def _typing(event: TypingChanged) -> TypingPayload:
    return TypingPayload(event.conversation_id, event.user_id, event.user_name, event.is_typing)


INBOUND = {
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
}

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    MessageSent: (Outbound("message:new", lambda event: message_payload(event.message)),),
    TypingChanged: (Outbound("typing:user", _typing),),
}
