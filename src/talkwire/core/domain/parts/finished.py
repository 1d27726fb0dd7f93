"""What readers receive who want messages only once they are finished, such as clients that know no streams: a message
that is written while others read it is new at its first end, and edited at each later one."""

from __future__ import annotations

from talkwire.core.domain.events import Durable, MessageEvent, MessageSent, StreamStateChanged


def finished_version(event: Durable) -> Durable | None:
    """Returns an event for a reader that wants finished messages only: the first end of a stream as a new message at
    the position of that end, and None for an event that the reader does not receive. These are the opening of a stream,
    its continuation, and all other events about its message before the first end."""
    match event:
        case MessageSent():
            return event if is_no_stream(event) else None
        case StreamStateChanged() if is_first_end(event):
            return MessageSent(event.pos, event.at_ms, event.message)
        case StreamStateChanged():
            return event if is_later_end(event) else None
        case MessageEvent():
            return event if is_after_first_end(event) else None
        case _:
            return event


def is_no_stream(event: MessageSent) -> bool:
    return event.message.first_end_pos is None


def is_first_end(event: StreamStateChanged) -> bool:
    return event.is_first


def is_later_end(event: StreamStateChanged) -> bool:
    return not event.is_first and not event.continues


def is_after_first_end(event: MessageEvent) -> bool:
    """Returns whether an event happened after the first end of its message's stream, or is about no stream."""
    # In an event that was read from the log, the message is as it is now, and may have ended later.
    end_pos = event.message.first_end_pos
    return end_pos is None or 0 < end_pos < event.pos
