"""Events of the messenger dialect about messages, reactions, pins, saved messages, search and typing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from talkwire.core.commands.command import Page
from talkwire.core.commands.messages import (
    DeleteMessage,
    EditMessage,
    ForwardMessage,
    ListMessages,
    ListSaved,
    MessagePage,
    PinMessage,
    React,
    SaveMessage,
    SendMessage,
    UnpinMessage,
    Unreact,
    UnsaveMessage,
)
from talkwire.core.domain.events import (
    Event,
    LinkPreviewsChanged,
    MessageDeleted,
    MessageEdited,
    MessageEvent,
    MessagePinned,
    MessageReacted,
    MessageSent,
    MessageUnpinned,
    SavedChanged,
    ThreadUpdated,
    TypingChanged,
)
from talkwire.core.domain.model import Message, SavedMessage
from talkwire.core.domain.times import ms_of
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.messenger.connection import SignalPayload
from talkwire.dialects.operation_events import events_of
from talkwire.operations import search, typing
from talkwire.payloads.messages import (
    AttachmentBody,
    MessagePayload,
    ReactionPayload,
    SavedMessagePayload,
    attachment_refs,
    message_payload,
    reaction_changed_payload,
    reaction_payloads,
    saved_message_payload,
)
from talkwire.payloads.payload import Payload, iso
from talkwire.payloads.replies import Reply, done
from talkwire.payloads.threads import thread_updated_payload


class SendPayload(Payload, frozen=True):
    """A message to send. `content` may be empty if there are attachments. Only callers with the role `service` set
    `senderId`, to the user who sends the message. Callers with the role `service` or `admin` may set `createdAt` to
    import a message from another system, which was sent at that time."""

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
    """The new text of a message. Only callers with the role `service` set `senderId`, to the author of the message."""

    message_id: str
    content: str
    sender_id: str | None = None


class ForwardPayload(Payload, frozen=True):
    """A message to forward, and the conversations to copy it to. Only callers with the role `service` set `senderId`,
    to the user who forwards the message."""

    message_id: str
    conversation_ids: tuple[str, ...]
    sender_id: str | None = None


class ReactPayload(Payload, frozen=True):
    """A reaction to add to a message or to remove from it. Only callers with the role `service` set `senderId`, to the
    user who reacts."""

    message_id: str
    emoji: str
    sender_id: str | None = None


class ListMessagesPayload(Payload, frozen=True):
    """Selects a page of a conversation's messages: those `before`, `after` or `around` a message id or around the
    number `aroundSeq`, or the newest messages if none of these is set. With `threads: "collapsed"`, replies in threads
    are left out."""

    conversation_id: str
    before: str | None = None
    after: str | None = None
    around: str | None = None
    limit: int = 50
    around_seq: int | None = None
    threads: Literal["collapsed"] | None = None


class FoundMessagesReply(Reply, frozen=True, kw_only=True, rename="camel"):
    """The messages that a search found, newest first. `cursor` selects the next page; null on the last page."""

    messages: tuple[MessagePayload, ...]
    cursor: str | None


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


class PinChangedPayload(Payload, frozen=True):
    message_id: str
    conversation_id: str
    user_id: str
    pinned_at: str | None = None


class ListSavedPayload(Payload, frozen=True):
    """Selects a page of the messages that the user has saved; with `conversationId`, only messages of that
    conversation."""

    cursor: str | None = None
    limit: int = 50
    conversation_id: str | None = None


class SavedReply(Reply, frozen=True, kw_only=True, rename="camel"):
    saved_at: str
    message: MessagePayload


class SavedListReply(Reply, frozen=True, kw_only=True, rename="camel"):
    saved: tuple[SavedMessagePayload, ...]
    cursor: str | None = None


class SavedChangedPayload(Payload, frozen=True):
    """A message that the user has just saved for later, or removed from the saved messages."""

    message_id: str
    conversation_id: str
    saved: bool
    saved_at: str | None = None


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


def _found_reply(page: Page[Message]) -> FoundMessagesReply:
    return FoundMessagesReply(messages=tuple(map(message_payload, page.items)), cursor=page.next)


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


def _list(p: ListMessagesPayload) -> ListMessages:
    collapsed = p.threads is not None
    return ListMessages(p.conversation_id, p.before, p.after, p.around, p.limit, p.around_seq, collapsed)


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


def _pin_changed(event: MessagePinned | MessageUnpinned) -> PinChangedPayload:
    message = event.message
    return PinChangedPayload(
        message_id=str(message.id),
        conversation_id=message.conversation_id,
        user_id=event.user_id,
        pinned_at=iso(event.at_ms) if isinstance(event, MessagePinned) else None,
    )


def _saved_reply(saved: SavedMessage) -> SavedReply:
    return SavedReply(saved_at=iso(saved.saved_ms), message=message_payload(saved.message))


def _saved_list_reply(page: Page[SavedMessage]) -> SavedListReply:
    return SavedListReply(saved=tuple(map(saved_message_payload, page.items)), cursor=page.next)


def _saved_changed(event: SavedChanged) -> SavedChangedPayload:
    return SavedChangedPayload(
        message_id=str(event.message_id),
        conversation_id=event.conversation_id,
        saved=event.saved,
        saved_at=iso(event.at_ms) if event.saved else None,
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
    "message:save": Inbound(
        MessageIdPayload,
        lambda p: SaveMessage(p.message_id),
        _saved_reply,
        summary="Save a message for later. Only the user sees what they have saved.",
    ),
    "message:unsave": Inbound(
        MessageIdPayload,
        lambda p: UnsaveMessage(p.message_id),
        done,
        summary="Remove a message from the user's saved messages.",
    ),
    "saved:list": Inbound(
        ListSavedPayload,
        lambda p: ListSaved(p.cursor, p.limit, p.conversation_id),
        _saved_list_reply,
        summary="List the messages that the user has saved and may see now, last saved first.",
    ),
    "messages:list": Inbound(
        ListMessagesPayload,
        _list,
        _messages_reply,
        summary="List messages of a conversation, oldest first: the newest ones, or those around a message or `seq`.",
    ),
    **events_of([search.MESSAGES], replies={"messages:search": _found_reply}),
    **events_of(typing.EVENTS, payloads=dict.fromkeys(("typing:start", "typing:stop"), SignalPayload)),
}

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    MessageSent: (
        Outbound("message:new", _message, summary="A message was sent. The sender's sockets receive this event too."),
    ),
    MessageEdited: (Outbound("message:updated", _message, summary="A message was edited."),),
    MessageDeleted: (
        Outbound(
            "message:deleted",
            _deleted,
            summary="A message was deleted. `threadId` is set if it was a reply in a thread.",
        ),
    ),
    ThreadUpdated: (
        Outbound(
            "thread:updated",
            thread_updated_payload,
            summary="A reply was deleted from a thread. The payload is the new summary of its replies.",
        ),
    ),
    LinkPreviewsChanged: (
        Outbound("message:updated", _message, summary="The previews of a message's links are ready, or were removed."),
    ),
    MessageReacted: (
        Outbound("message:reaction", reaction_changed_payload, summary="A reaction to a message was added or removed."),
        Outbound(
            "message:reaction:new",
            reaction_changed_payload,
            summary="A reaction was added or removed. The server sends this event in addition to `message:reaction`.",
        ),
    ),
    MessagePinned: (Outbound("message:pinned", _pin_changed, summary="A message was pinned."),),
    MessageUnpinned: (Outbound("message:unpinned", _pin_changed, summary="A message was unpinned."),),
    SavedChanged: (
        Outbound(
            "saved:changed",
            _saved_changed,
            summary="This user saved a message, or removed it from their saved messages, on any device.",
        ),
    ),
    TypingChanged: (Outbound("typing:user", _typing, summary="Another user started or stopped typing."),),
}
