"""What the dialects that know no streams send for messages that are written while others read them: at the first end a
new message, and at each later one an edit. Until the first end they send nothing about the message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from talkwire.core.domain.errors import forbidden
from talkwire.core.domain.events import (
    Event,
    MessageDeleted,
    MessageEdited,
    MessageEvent,
    MessageReacted,
    MessageSent,
    StreamStateChanged,
)
from talkwire.core.domain.model import Message
from talkwire.dialects.dialect import Outbound


def whole_messages(
    sent: tuple[Outbound, ...],
    edited: tuple[Outbound, ...],
    others: Mapping[type[MessageDeleted | MessageReacted], tuple[Outbound, ...]],
) -> Mapping[type[Event], tuple[Outbound, ...]]:
    """Returns the rows of a dialect that sends `sent` for a new message and `edited` for an edited one. `others` are
    its rows for other events about a message, which it sends only once the message has ended for the first time."""
    ends = [*(_when(each, _is_first_end) for each in sent), *(_when(each, _is_later_end) for each in edited)]
    return {
        MessageSent: tuple(_when(each, _is_no_stream) for each in sent),
        MessageEdited: edited,
        StreamStateChanged: tuple(ends),
        **{kind: tuple(_when(each, _is_after_first_end) for each in entries) for kind, entries in others.items()},
    }


def must_be_whole(message: Message) -> Message:
    """Returns the message. Raises `forbidden`, as for an unknown message, for a stream that has not ended once."""
    if message.is_unfinished:
        raise forbidden("not_found")
    return message


def _when(entry: Outbound, condition: Callable[[Any], bool]) -> Outbound:
    """Returns the entry with a further condition."""
    own = entry.when
    return replace(entry, when=condition if own is None else lambda event: condition(event) and own(event))


def _is_no_stream(event: MessageSent) -> bool:
    return event.message.first_end_pos is None


def _is_first_end(event: StreamStateChanged) -> bool:
    # Of a message that was erased since, only `MessageSent` is sent: it has become a tombstone like any other.
    return event.is_first and event.message.first_end_pos is not None


def _is_later_end(event: StreamStateChanged) -> bool:
    return not event.is_first and event.message.state != "streaming"


def _is_after_first_end(event: MessageEvent) -> bool:
    # In an event that was read from the log, the message is as it is now, and may have ended later.
    end_pos = event.message.first_end_pos
    return end_pos is None or 0 < end_pos < event.pos
