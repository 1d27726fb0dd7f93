"""Commands with which the home of a stream (the node that holds its newest text) stores the stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from talkwire.core.commands.command import Change, Query
from talkwire.core.commands.messages import AttachmentRef, SendMessage
from talkwire.core.domain.model import Message
from talkwire.core.domain.parts.message_parts import MessagePart
from talkwire.core.domain.parts.streams import StopRequest, Stream, StreamError

STREAM_TIMER = "stream"
"""Kind of the timers that look whether a stream's lease has ended, or the time in which it can be continued. The key is
the message's id."""


class BegunStream(NamedTuple):
    """A message and its stream, which is None if it has ended for good. `member_count` is that of the conversation."""

    message: Message
    stream: Stream | None
    member_count: int = 0


class BeginStream(Change[BegunStream], frozen=True, tag="BeginStream"):
    """Stores the message `send` as a stream whose home is the node `node_id`, or takes the stream over if it is open or
    interrupted."""

    send: SendMessage
    node_id: str
    lease_ms: int


class AdoptStream(Change[BegunStream], frozen=True, tag="AdoptStream"):
    """Makes the node `node_id` the home of a stream in the place of `former_id`, which is gone. Its stream is the same
    attempt. Returns the stream as it is then, which may have another home. Only for nodes."""

    message_id: int
    node_id: str
    former_id: str


class Checkpoint(msgspec.Struct, frozen=True):
    """The parts of a message that is being written, to be stored in place of those that are."""

    message_id: int
    attempt: int
    parts: tuple[MessagePart, ...]


class KeptStreams(msgspec.Struct, frozen=True):
    """What became of checkpoints: the ids of messages whose stream has ended or has another attempt or home (`lost`),
    of which nothing is stored, and the streams that are to stop, by message id."""

    lost: tuple[int, ...] = ()
    stops: dict[int, StopRequest] = msgspec.field(default_factory=dict)


class KeepCheckpoints(Change[KeptStreams], frozen=True, tag="KeepCheckpoints"):
    """Stores checkpoints of the streams of a node, and renews their leases. Only for nodes."""

    node_id: str
    checkpoints: tuple[Checkpoint, ...]


class EndStream(Change[Message], frozen=True, kw_only=True, tag="EndStream"):
    """Ends a stream with these parts, and returns the message. `more`: whether its turn goes on, None for what the
    opening has said. `blocked`: the application has refused it, and nothing
    is left of it. `interrupted`: the author may continue it, and without any part nothing is left of it. Raises
    `conflict` if the stream has ended or has another attempt or home, and then changes nothing.
    """

    message_id: int
    attempt: int
    node_id: str
    state: Literal["done", "failed", "interrupted", "blocked"]
    parts: tuple[MessagePart, ...]
    attachments: tuple[AttachmentRef, ...] = ()
    error: StreamError | None = None
    metadata: dict[str, object] | UnsetType | None = UNSET
    more: bool | None = None


class EndLostStreams(Change[tuple[int, ...]], frozen=True, tag="EndLostStreams"):
    """Interrupts those of the streams whose authors may no longer write them. With `is_asked`, the application is asked
    about messages: then those that have a text are not ended, but returned. Only for nodes."""

    message_ids: tuple[int, ...]
    is_asked: bool = False


class EndOverdue(Change[None], frozen=True, kw_only=True, tag="EndOverdue"):
    """Ends a stream that its author does not end with the `parts` and `metadata` that the application has approved, or
    deletes the message if that has refused it (`is_blocked`). Only for nodes."""

    message_id: int
    attempt: int
    parts: tuple[MessagePart, ...] = ()
    metadata: dict[str, object] | None = None
    is_blocked: bool = False


class MarkStopped(Change[Sequence[Stream]], frozen=True, kw_only=True, tag="MarkStopped"):
    """Stores that a stream is to stop, or each that answers the message `reply_to_id` now or begins to within an hour.
    Returns the streams that are to stop."""

    message_id: str | None = None
    reply_to_id: str | None = None


class FoundStream(NamedTuple):
    """A message and its stream; each is None if there is none, or its conversation was deleted."""

    message: Message | None
    stream: Stream | None


class FindStream(Query[FoundStream], frozen=True, tag="FindStream"):
    """Finds a message that may be one that is being written. Only for nodes."""

    message_id: int
