"""What the dialects that know no streams send for messages that are written while others read them: at the first end a
new message, and at each later one an edit. Until the first end they send nothing about the message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from talkwire.core.domain.errors import forbidden
from talkwire.core.domain.events import (
    CardDecided,
    Event,
    MessageDeleted,
    MessageEdited,
    MessageReacted,
    MessageSent,
    StreamStateChanged,
)
from talkwire.core.domain.model import Message
from talkwire.core.domain.parts.finished import is_after_first_end, is_first_end, is_later_end, is_no_stream
from talkwire.dialects.dialect import Outbound


def whole_messages(
    sent: tuple[Outbound, ...],
    edited: tuple[Outbound, ...],
    others: Mapping[type[MessageDeleted | MessageReacted], tuple[Outbound, ...]],
) -> Mapping[type[Event], tuple[Outbound, ...]]:
    """Returns the rows of a dialect that sends `sent` for a new message and `edited` for an edited one. `others` are
    its rows for other events about a message, which it sends only once the message has ended for the first time."""
    ends = [*(_when(each, is_first_end) for each in sent), *(_when(each, is_later_end) for each in edited)]
    return {
        MessageSent: tuple(_when(each, is_no_stream) for each in sent),
        MessageEdited: edited,
        CardDecided: edited,
        StreamStateChanged: tuple(ends),
        **{kind: tuple(_when(each, is_after_first_end) for each in entries) for kind, entries in others.items()},
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
