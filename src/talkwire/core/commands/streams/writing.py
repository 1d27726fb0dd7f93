"""Commands of authors who write a message while others read it: they open a stream, append to its parts and finish it.

The node that is the stream's home executes them, and stores what it has to with the commands of `storing.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from talkwire.core.commands.command import Signal, SocketSignal
from talkwire.core.commands.messages import AttachmentRef, BehalfOf, GivenGenerated, InTurn, More
from talkwire.core.domain.model import Message
from talkwire.core.domain.parts.growing_parts import GrowingType
from talkwire.core.domain.parts.message_parts import DataPart, MessagePart, PlanPart, SourcePart, ToolPart
from talkwire.core.domain.parts.streams import LEASE_MAX_S, LEASE_MIN_S, StopRequest, StreamError

Lease = Annotated[
    int,
    Meta(
        description="Seconds without a write after which the stream is interrupted; by default 15 for a stream that is "
        "opened by a socket, and 60 over REST",
        ge=LEASE_MIN_S,
        le=LEASE_MAX_S,
    ),
]

MoreAfter = Annotated[
    bool | None,
    Meta(description="Whether the agent keeps the turn after this message; by default as its opening has said"),
]

Attempt = Annotated[int, Meta(description="The number of the attempt that the opening of the stream has returned")]

At = Annotated[
    int, Meta(description="The length of the part before the text, in UTF-16 code units: that of the last answer", ge=0)
]

SetPart = ToolPart | SourcePart | PlanPart | DataPart
"""Part of a message that is replaced as a whole."""


PartType = Literal["text", "reasoning", "tool", "source", "plan", "data"]


class PartProgress(msgspec.Struct, frozen=True, rename="camel"):
    """How long a part of a message is that is being written, and how much of it is stored: for a text in UTF-16 code
    units, for others 1 or 0."""

    type: PartType
    length: int
    stored: int


class OpenedStream(msgspec.Struct, frozen=True):
    """A message that the author may write now, in the attempt `attempt`, and its parts so far. `attempt` is None for a
    stream that has ended for good. `stop` says who has asked the author to stop."""

    message: Message
    attempt: int | None = None
    parts: tuple[PartProgress, ...] = ()
    stop: StopRequest | None = None


class Appended(msgspec.Struct, frozen=True):
    """The length of the part after an append, and how much of it is stored, as in `PartProgress`."""

    length: int
    stored: int
    stop: StopRequest | None = None


class StreamMessage(SocketSignal[OpenedStream], frozen=True, kw_only=True, tag="StreamMessage"):
    """Opens a stream: an empty message, which the author then writes. The same command again takes the stream over,
    with the next attempt. Raises `conflict` if the `client_message_id` is that of another message. In a `turn`, it may
    be left out: then the next attempt of the turn continues the same message."""

    conversation_id: str
    client_message_id: str | None = None
    reply_to_id: str | None = None
    thread_id: str | None = None
    metadata: dict[str, object] | None = None
    lease_s: Lease | None = None
    if_last_seq: int | None = None
    if_handler: Annotated[
        str | UnsetType | None,
        Meta(description="The stream is opened only if this user handles the conversation then, or nobody for null"),
    ] = UNSET
    generated: GivenGenerated | None = None
    on_behalf_of: BehalfOf | None = None
    turn: InTurn | None = None
    more: More = False
    sender_id: str | None = None


class AppendToMessage(SocketSignal[Appended], frozen=True, kw_only=True, tag="AppendToMessage"):
    """Appends `text` to a part of a message that is being written, or sets a part that is no text. `part` is its index;
    the number of parts makes a new one, of the `type`.

    `at` is the length of the part before the text. What is there already changes nothing. Raises `conflict` if other
    text is there or the text does not follow what is there.
    """

    message_id: str
    attempt: Attempt
    part: Annotated[int, Meta(description="The index of the part; the number of parts makes a new one", ge=0)]
    text: str | None = None
    type: GrowingType | None = None
    at: At | None = None
    set: SetPart | None = None


class Rewound(msgspec.Struct, frozen=True):
    """The parts of a message after it was rewound."""

    parts: tuple[PartProgress, ...]
    stop: StopRequest | None = None


class RewindMessage(Signal[Rewound], frozen=True, kw_only=True, tag="RewindMessage"):
    """Removes what was written last: keeps `at` units of the part, or without `at` removes it too, and removes all
    later parts. Returns when that is stored."""

    message_id: str
    attempt: Attempt
    part: Annotated[int, Meta(description="The index of the part", ge=0)]
    at: (
        Annotated[
            int,
            Meta(
                description="How much of the part stays, in UTF-16 code units; without it, the part is removed too",
                ge=0,
            ),
        ]
        | None
    ) = None


class Kept(msgspec.Struct, frozen=True):
    """The author still has the lease."""

    stop: StopRequest | None = None


class KeepStream(Signal[Kept], frozen=True, kw_only=True, tag="KeepStream"):
    """Renews the author's lease, as each write does."""

    message_id: str
    attempt: Attempt


class FinishMessage(Signal[Message], frozen=True, kw_only=True, tag="FinishMessage"):
    """Ends the stream of a message and returns the message. `parts` replace all that was written, and `attachments` are
    added. `interrupted` is for the server, which ends a stream so when the request that writes it breaks off."""

    message_id: str
    attempt: Attempt
    state: Literal["done", "failed", "interrupted"] = "done"
    parts: tuple[MessagePart, ...] | None = None
    attachments: tuple[AttachmentRef, ...] = ()
    error: StreamError | None = None
    more: MoreAfter = None


class StopMessage(Signal[None], frozen=True, kw_only=True, tag="StopMessage"):
    """Asks the author of a stream to stop: each answer to the author says so, and after ten seconds the server ends the
    stream. With `reply_to_id`, asks that of each stream that answers this message now or begins to within an hour.

    Raises `forbidden` for others than the user who is answered, moderators, the owner of the agent that writes, in a
    direct conversation both, and the application's backend.
    """

    message_id: str | None = None
    reply_to_id: Annotated[
        str | None,
        Meta(
            description="Instead of `messageId`: stops each stream that answers this message now, or begins to within "
            "an hour"
        ),
    ] = None
