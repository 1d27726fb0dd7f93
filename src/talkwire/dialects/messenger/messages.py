"""Events of the messenger dialect about messages, reactions, pins, saved messages, search, typing and
custom signals."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, UnsetType
from msgspec.structs import asdict

from talkwire.core.commands.command import Page
from talkwire.core.commands.messages import MessagePage
from talkwire.core.commands.streams.rating import MessageRating
from talkwire.core.commands.streams.writing import Appended, Kept, OpenedStream, PartProgress, Rewound
from talkwire.core.domain.events import (
    CardActed,
    CardDecided,
    CardUpdated,
    Event,
    LinkPreviewsChanged,
    MessageDeleted,
    MessageDelta,
    MessageEdited,
    MessageEvent,
    MessageMetadataChanged,
    MessagePinned,
    MessageRated,
    MessageReacted,
    MessageSent,
    MessageUnpinned,
    SavedChanged,
    SignalSent,
    StreamStateChanged,
    StreamStopped,
    ThreadUpdated,
    TypingChanged,
)
from talkwire.core.domain.model import Message, SavedMessage
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.messenger.connection import SignalPayload
from talkwire.dialects.operation_events import events_of
from talkwire.operations.messages import cards, messages, ratings, saved, search, signals, streams, typing
from talkwire.payloads.cards.cards import card_acted_payload, card_decided_payload, card_updated_payload
from talkwire.payloads.messages import (
    MessagePayload,
    ReactionPayload,
    SavedMessagePayload,
    message_payload,
    message_rated_payload,
    reaction_changed_payload,
    reaction_payloads,
    saved_message_payload,
    short_payload,
)
from talkwire.payloads.payload import Payload, iso
from talkwire.payloads.replies import Reply, done
from talkwire.payloads.streams import StopMark, delta_payload, opened_stream_payload, stop_mark, stream_stopped_payload
from talkwire.payloads.threads import thread_updated_payload


class FoundMessagesReply(Reply, frozen=True, kw_only=True, rename="camel"):
    """The messages that a search found, newest first. `cursor` selects the next page; null on the last page."""

    messages: tuple[MessagePayload, ...]
    cursor: str | None


class ForwardedReply(Reply, frozen=True, kw_only=True, rename="camel"):
    messages: tuple[MessagePayload, ...]


class OpenedStreamReply(Reply, frozen=True, kw_only=True, rename="camel"):
    """A message that its author may write now, in this `attempt`; without `attempt`, the stream has ended for good."""

    message: MessagePayload
    attempt: int | UnsetType = UNSET
    parts: tuple[PartProgress, ...] | UnsetType = UNSET
    stop: StopMark | UnsetType = UNSET


class KeptReply(Reply, frozen=True, kw_only=True, rename="camel"):
    stop: StopMark | UnsetType = UNSET


class AppendedReply(KeptReply, frozen=True, kw_only=True, rename="camel"):
    length: int
    stored: int


class RewoundReply(KeptReply, frozen=True, kw_only=True, rename="camel"):
    parts: tuple[PartProgress, ...]


class ReactionsReply(Reply, frozen=True, kw_only=True, rename="camel"):
    reactions: tuple[ReactionPayload, ...]


class RatingReply(Reply, frozen=True, kw_only=True, rename="camel"):
    """The user's rating of a message of an agent, and for those who see them, how many users have rated it so."""

    mine: int
    comment: str | UnsetType = UNSET
    up: int | UnsetType = UNSET
    down: int | UnsetType = UNSET


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


class CustomSignalPayload(Payload, frozen=True):
    """A signal of the application's own that the user `userId` sent to the conversation. `data` is missing if the
    sender gave none, or null."""

    conversation_id: str
    user_id: str
    name: str
    data: object = None


def _opened_reply(opened: OpenedStream) -> OpenedStreamReply:
    payload = opened_stream_payload(opened)
    return OpenedStreamReply(message=payload.message, attempt=payload.attempt, parts=payload.parts, stop=payload.stop)


def _appended_reply(appended: Appended) -> AppendedReply:
    return AppendedReply(length=appended.length, stored=appended.stored, stop=stop_mark(appended.stop))


def _rewound_reply(rewound: Rewound) -> RewoundReply:
    return RewoundReply(parts=rewound.parts, stop=stop_mark(rewound.stop))


def _kept_reply(kept: Kept) -> KeptReply:
    return KeptReply(stop=stop_mark(kept.stop))


def _forwarded_reply(messages: Sequence[Message]) -> ForwardedReply:
    return ForwardedReply(messages=tuple(map(message_payload, messages)))


def _reactions_reply(message: Message) -> ReactionsReply:
    return ReactionsReply(reactions=reaction_payloads(message))


def _rating_reply(rating: MessageRating) -> RatingReply:
    shown = {name: value for name, value in asdict(rating).items() if value is not None and name != "conversation_id"}
    return RatingReply(**shown)


def _messages_reply(page: MessagePage) -> MessagesReply:
    return MessagesReply(messages=tuple(map(message_payload, page.items)), has_more=page.has_more)


def _found_reply(page: Page[Message]) -> FoundMessagesReply:
    return FoundMessagesReply(messages=tuple(map(short_payload, page.items)), cursor=page.next)


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


def _signal(event: SignalSent) -> CustomSignalPayload:
    return CustomSignalPayload(event.conversation_id, event.user_id, event.name, event.data)


INBOUND = events_of(
    (
        *messages.TEXTS,
        *messages.MARKS,
        *saved.OPERATIONS,
        *ratings.OPERATIONS,
        *cards.OPERATIONS,
        messages.LIST_MESSAGES,
        search.SEARCH_MESSAGES,
        *typing.EVENTS,
        signals.SIGNAL,
        *streams.OPERATIONS,
    ),
    payloads=dict.fromkeys(("typing:start", "typing:stop"), SignalPayload),
    replies={
        "message:stream": _opened_reply,
        "message:append": _appended_reply,
        "message:rewind": _rewound_reply,
        "message:keep": _kept_reply,
        "message:forward": _forwarded_reply,
        "message:react": _reactions_reply,
        "message:unreact": _reactions_reply,
        "message:rate": _rating_reply,
        "message:pin": done,
        "message:unpin": done,
        "message:save": _saved_reply,
        "saved:list": _saved_list_reply,
        "messages:list": _messages_reply,
        "messages:search": _found_reply,
    },
)

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    MessageSent: (
        Outbound("message:new", _message, summary="A message was sent. The sender's sockets receive this event too."),
    ),
    MessageEdited: (Outbound("message:updated", _message, summary="A message was edited."),),
    MessageMetadataChanged: (
        Outbound("message:updated", _message, summary="The metadata of a message changed, and its text did not."),
    ),
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
    MessageRated: (
        Outbound(
            "message:rated",
            message_rated_payload,
            summary="A message of an agent was rated. This user has rated it, wrote it, or owns the agent.",
        ),
    ),
    CardActed: (
        Outbound(
            "card:acted",
            card_acted_payload,
            summary="This user has chosen actions of a card, or taken the choice in a poll back, on any device.",
        ),
    ),
    CardDecided: (Outbound("card:decided", card_decided_payload, summary="The decision about a card has ended."),),
    MessagePinned: (Outbound("message:pinned", _pin_changed, summary="A message was pinned."),),
    MessageUnpinned: (Outbound("message:unpinned", _pin_changed, summary="A message was unpinned."),),
    SavedChanged: (
        Outbound(
            "saved:changed",
            _saved_changed,
            summary="This user saved a message, or removed it from their saved messages, on any device.",
        ),
    ),
    StreamStateChanged: (
        Outbound(
            "message:updated",
            _message,
            summary="The stream of a message has ended, or an interrupted one is continued.",
        ),
    ),
    MessageDelta: (
        Outbound(
            "message:delta",
            delta_payload,
            summary="A message that is being written has changed, at most 20 times a second.",
        ),
    ),
    CardUpdated: (
        Outbound(
            "card:updated",
            card_updated_payload,
            summary="Members have chosen actions of a card. Sent at most twice a second for a card.",
        ),
    ),
    StreamStopped: (
        Outbound(
            "message:stop",
            stream_stopped_payload,
            summary="Somebody has asked this user to stop writing a message (stream).",
        ),
    ),
    SignalSent: (
        Outbound(
            "signal",
            _signal,
            summary="Another member, another device of this user, or the back end sent a custom signal.",
        ),
    ),
    TypingChanged: (Outbound("typing:user", _typing, summary="Another user started or stopped typing."),),
}
