"""Payloads of messages that are written while others read them."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from talkwire.core.commands.streams.writing import Appended, Kept, OpenedStream, PartProgress, Rewound
from talkwire.core.domain.events import MessageDelta, StreamStopped
from talkwire.core.domain.parts.growing_parts import GrowingType
from talkwire.core.domain.parts.message_parts import MessagePart
from talkwire.core.domain.parts.streams import StopRequest
from talkwire.core.domain.times import iso
from talkwire.payloads.messages import MessagePayload, message_payload
from talkwire.payloads.payload import Payload


class StopMark(Payload, frozen=True):
    """The user `by` has asked the author to stop."""

    by: str
    at: str


class StreamStoppedPayload(StopMark, frozen=True, kw_only=True):
    """The user `by` has asked this user to stop writing a message. The server ends it 10 seconds later."""

    message_id: str
    conversation_id: str


class OpenedStreamPayload(Payload, frozen=True):
    """A message that its author may write now, with the number of this `attempt`. `parts` says how long each part is,
    and how much of it is stored: of a text in UTF-16 code units, of others 1 or 0. Without `attempt`, the stream has
    ended for good."""

    message: MessagePayload
    attempt: int | UnsetType = UNSET
    parts: tuple[PartProgress, ...] | UnsetType = UNSET
    stop: StopMark | UnsetType = UNSET


class AppendedPayload(Payload, frozen=True):
    """The length of the part, which the next append gives as `at`, and how much of it is stored. With `stop`, the
    author is to end the stream."""

    length: int
    stored: int
    stop: StopMark | UnsetType = UNSET


class RewoundPayload(Payload, frozen=True):
    """The parts of the message that are left, with their lengths. With `stop`, the author is to end the stream."""

    parts: tuple[PartProgress, ...]
    stop: StopMark | UnsetType = UNSET


class KeptPayload(Payload, frozen=True):
    """The author still has the lease. With `stop`, the author is to end the stream."""

    stop: StopMark | UnsetType = UNSET


class MessageDeltaPayload(Payload, frozen=True):
    """What is new in one part of a message that is being written. A `text` is to be added at `at`, the length of the
    part before it in UTF-16 code units; `set` is the new value of a part that is no text. With `replace`, the part is
    `text` or `set` alone, whatever was there. With `drop`, the message has no parts after this one any more, and
    without `text` and `set` not this one either."""

    message_id: str
    conversation_id: str
    part: int
    at: int | UnsetType = UNSET
    text: str | UnsetType = UNSET
    set: MessagePart | UnsetType = UNSET
    type: GrowingType | None = None
    replace: bool = False
    drop: bool = False


def opened_stream_payload(opened: OpenedStream) -> OpenedStreamPayload:
    message = message_payload(opened.message)
    if opened.attempt is None:
        return OpenedStreamPayload(message)
    return OpenedStreamPayload(message, opened.attempt, opened.parts, stop_mark(opened.stop))


def appended_payload(appended: Appended) -> AppendedPayload:
    return AppendedPayload(appended.length, appended.stored, stop_mark(appended.stop))


def rewound_payload(rewound: Rewound) -> RewoundPayload:
    return RewoundPayload(rewound.parts, stop_mark(rewound.stop))


def kept_payload(kept: Kept) -> KeptPayload:
    return KeptPayload(stop_mark(kept.stop))


def stop_mark(stop: StopRequest | None) -> StopMark | UnsetType:
    return UNSET if stop is None else StopMark(stop.by, iso(stop.at_ms))


def stream_stopped_payload(event: StreamStopped) -> StreamStoppedPayload:
    return StreamStoppedPayload(
        event.by, iso(event.at_ms), message_id=str(event.message_id), conversation_id=event.conversation_id
    )


def delta_payload(event: MessageDelta) -> MessageDeltaPayload:
    change = event.change
    return MessageDeltaPayload(
        str(event.message_id),
        event.conversation_id,
        change.part,
        UNSET if change.text is None else change.at,
        UNSET if change.text is None else change.text,
        UNSET if change.value is None else change.value,
        change.kind,
        change.replace,
        change.drop,
    )
