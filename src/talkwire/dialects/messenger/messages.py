"""Events about messages, reactions, pins and typing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from talkwire.core.commands.messages import (
    DeleteMessage,
    EditMessage,
    ForwardMessage,
    ListMessages,
    MessagePage,
    PinMessage,
    React,
    SendMessage,
    UnpinMessage,
    Unreact,
)
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.events import (
    Event,
    MessageDeleted,
    MessageEdited,
    MessageEvent,
    MessagePinned,
    MessageReacted,
    MessageSent,
    MessageUnpinned,
    TypingChanged,
)
from talkwire.core.domain.model import Message
from talkwire.core.domain.times import ms_of
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.messenger.connection import ConversationIdPayload
from talkwire.dialects.payload import Payload, iso
from talkwire.dialects.payloads.messages import (
    AttachmentBody,
    MessagePayload,
    ReactionPayload,
    attachment_refs,
    message_payload,
    reaction_payloads,
)
from talkwire.dialects.replies import Reply, done


class SendPayload(Payload, frozen=True):
    """A message to send. `content` may be empty if there are attachments. Only the role `service` sets `senderId`: the
    user who sends the message. The roles `service` and `admin` may set `createdAt` to import a message that was sent at
    that time."""

    conversation_id: str
    content: str = ""
    client_message_id: str | None = None
    metadata: dict[str, Any] | None = None
    attachments: tuple[AttachmentBody, ...] | None = None
    reply_to_id: str | None = None
    thread_id: str | None = None
    sender_id: str | None = None
    created_at: str | None = None


class MessageIdPayload(Payload, frozen=True):
    message_id: str


class EditPayload(Payload, frozen=True):
    """The new text of a message. Only the role `service` sets `senderId`: the author of the message."""

    message_id: str
    content: str
    sender_id: str | None = None


class ForwardPayload(Payload, frozen=True):
    """The conversations to copy a message to. Only the role `service` sets `senderId`: the user who forwards."""

    message_id: str
    conversation_ids: tuple[str, ...]
    sender_id: str | None = None


class ReactPayload(Payload, frozen=True):
    """A reaction to add or remove. Only the role `service` sets `senderId`: the user who reacts."""

    message_id: str
    emoji: str
    sender_id: str | None = None


class ListMessagesPayload(Payload, frozen=True):
    conversation_id: str
    before: str | None = None
    after: str | None = None
    around: str | None = None
    limit: int = 50
    around_seq: int | None = None


class MessageReply(Reply, frozen=True, kw_only=True, rename="camel"):
    message: MessagePayload


class ForwardedReply(Reply, frozen=True, kw_only=True, rename="camel"):
    messages: tuple[MessagePayload, ...]


class ReactionsReply(Reply, frozen=True, kw_only=True, rename="camel"):
    reactions: tuple[ReactionPayload, ...]


class MessagesReply(Reply, frozen=True, kw_only=True, rename="camel"):
    messages: tuple[MessagePayload, ...]
    has_more: bool


class MessageDeletedPayload(Payload, frozen=True):
    message_id: str
    conversation_id: str
    deleted_at: str
    deleted_by: str
    thread_id: str | None = None


class ReactionChangedPayload(Payload, frozen=True):
    """A reaction that was added or removed, and all current reactions to the message."""

    message_id: str
    conversation_id: str
    user_id: str
    emoji: str
    action: Literal["added", "removed"]
    reactions: tuple[ReactionPayload, ...]


class PinChangedPayload(Payload, frozen=True):
    message_id: str
    conversation_id: str
    user_id: str
    pinned_at: str | None = None


class TypingPayload(Payload, frozen=True):
    conversation_id: str
    user_id: str
    user_name: str
    is_typing: bool


def _message_reply(message: Message) -> MessageReply:
    return MessageReply(message=message_payload(message))


def _forwarded_reply(messages: Sequence[Message]) -> ForwardedReply:
    return ForwardedReply(messages=tuple(map(message_payload, messages)))


def _reactions_reply(message: Message) -> ReactionsReply:
    return ReactionsReply(reactions=reaction_payloads(message))


def _messages_reply(page: MessagePage) -> MessagesReply:
    return MessagesReply(messages=tuple(map(message_payload, page.items)), has_more=page.has_more)


def _send(payload: SendPayload) -> SendMessage:
    return SendMessage(
        conversation_id=payload.conversation_id,
        content=payload.content,
        client_message_id=payload.client_message_id,
        metadata=payload.metadata,
        attachments=attachment_refs(payload.attachments) if payload.attachments else (),
        reply_to_id=payload.reply_to_id,
        thread_id=payload.thread_id,
        sender_id=payload.sender_id,
        created_ms=None if payload.created_at is None else ms_of("createdAt", payload.created_at),
    )


def _message(event: MessageEvent) -> MessagePayload:
    return message_payload(event.message)


def _deleted(event: MessageDeleted) -> MessageDeletedPayload:
    message = event.message
    return MessageDeletedPayload(
        message_id=str(message.id),
        conversation_id=message.conversation_id,
        deleted_at=iso(message.deleted_ms or event.at_ms),
        deleted_by=message.deleted_by or message.sender_id,
        thread_id=None if message.thread_id is None else str(message.thread_id),
    )


def _reacted(event: MessageReacted) -> ReactionChangedPayload:
    message = event.message
    return ReactionChangedPayload(
        message_id=str(message.id),
        conversation_id=message.conversation_id,
        user_id=event.user_id,
        emoji=event.emoji,
        action="added" if event.added else "removed",
        reactions=reaction_payloads(message),
    )


def _pin_changed(event: MessagePinned | MessageUnpinned) -> PinChangedPayload:
    message = event.message
    return PinChangedPayload(
        message_id=str(message.id),
        conversation_id=message.conversation_id,
        user_id=event.user_id,
        pinned_at=iso(event.at_ms) if isinstance(event, MessagePinned) else None,
    )


def _typing(event: TypingChanged) -> TypingPayload:
    return TypingPayload(event.conversation_id, event.user_id, event.user_name, event.is_typing)


INBOUND = {
    "message:send": Inbound(
        SendPayload,
        _send,
        _message_reply,
        summary="Send a message. A retry with the same `clientMessageId` returns the stored message.",
    ),
    "message:edit": Inbound(
        EditPayload,
        lambda p: EditMessage(p.message_id, p.content, p.sender_id),
        _message_reply,
        summary="Edit a message, as its author. Its history keeps the earlier versions.",
    ),
    "message:delete": Inbound(
        MessageIdPayload,
        lambda p: DeleteMessage(p.message_id),
        done,
        summary="Delete a message, as its author or a moderator. An empty placeholder remains in its place.",
    ),
    "message:forward": Inbound(
        ForwardPayload,
        lambda p: ForwardMessage(p.message_id, p.conversation_ids, p.sender_id),
        _forwarded_reply,
        summary="Forward a message to up to 20 conversations: to all of them, or to none on failure.",
    ),
    "message:react": Inbound(
        ReactPayload,
        lambda p: React(p.message_id, p.emoji, p.sender_id),
        _reactions_reply,
        summary="Add a reaction to a message: an emoji, or a custom emoji as `:name:`.",
    ),
    "message:unreact": Inbound(
        ReactPayload,
        lambda p: Unreact(p.message_id, p.emoji, p.sender_id),
        _reactions_reply,
        summary="Remove a reaction from a message.",
    ),
    "message:pin": Inbound(
        MessageIdPayload,
        lambda p: PinMessage(p.message_id),
        done,
        summary="Pin a message, as a moderator; in a direct conversation, as either member.",
    ),
    "message:unpin": Inbound(MessageIdPayload, lambda p: UnpinMessage(p.message_id), done, summary="Unpin a message."),
    "messages:list": Inbound(
        ListMessagesPayload,
        lambda p: ListMessages(p.conversation_id, p.before, p.after, p.around, p.limit, p.around_seq),
        _messages_reply,
        summary="List messages of a conversation, oldest first: the newest ones, or those around a message or `seq`.",
    ),
    "typing:start": Inbound(
        ConversationIdPayload,
        lambda p: SetTyping(p.conversation_id, is_typing=True),
        done,
        summary="Announce that the user started typing. Typing ends automatically after 5 s.",
    ),
    "typing:stop": Inbound(
        ConversationIdPayload,
        lambda p: SetTyping(p.conversation_id, is_typing=False),
        done,
        summary="Announce that the user stopped typing.",
    ),
}

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    MessageSent: (
        Outbound("message:new", _message, summary="A message was sent. The sender's sockets receive it too."),
    ),
    MessageEdited: (Outbound("message:updated", _message, summary="A message was edited."),),
    MessageDeleted: (
        Outbound(
            "message:deleted",
            _deleted,
            summary="A message was deleted. `threadId` is set if it was a reply in a thread.",
        ),
    ),
    MessageReacted: (
        Outbound("message:reaction", _reacted, summary="A reaction to a message was added or removed."),
        Outbound(
            "message:reaction:new",
            _reacted,
            summary="A reaction changed. The server sends it in addition to `message:reaction`.",
        ),
    ),
    MessagePinned: (Outbound("message:pinned", _pin_changed, summary="A message was pinned."),),
    MessageUnpinned: (Outbound("message:unpinned", _pin_changed, summary="A message was unpinned."),),
    TypingChanged: (Outbound("typing:user", _typing, summary="Another user started or stopped typing."),),
}
