"""Ends the streams that their authors do not end: after the lease, after a request to stop, and when the author may not
write any more.

Where the application is asked before messages are sent (hooks and callbacks), it is asked before such an end too. That
takes time, so the writer then only says which streams are to be ended: the node asks, and has them ended by
`EndOverdue`. The timer of a stream that is being asked about fires again after a minute, in case the node has gone.
"""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.streams.storing import EndLostStreams, EndOverdue, FindStream
from talkwire.core.domain.access import must_be_operator
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError, forbidden
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.parts.checks import check_parts
from talkwire.core.domain.parts.message_parts import without_blanks
from talkwire.core.domain.parts.streams import CONTINUABLE_MS, Stream
from talkwire.core.features.streams.ends import block, discard, is_discarded, record_end
from talkwire.core.features.streams.streams import find_stream, may_still_write
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Transaction

ASKING_MS = 60_000
"""Milliseconds after which the application is asked about the end of a stream again, if the node that has asked has
gone."""


def look_at_lease(tx: Transaction, key: str) -> int | None:
    """Ends a stream whose lease has ended or whose author was asked to stop long enough ago, and drops one that can no
    longer be continued. Returns when to look again, in milliseconds since 1970; None if there is nothing to look at."""
    stream = tx.streams.find(int(key))
    if stream is None:
        return None
    message = _open_message(tx, stream)
    due_ms = stream.until_ms if message is None else stream.ends_ms
    if due_ms > tx.now_ms:
        return due_ms
    if message is not None:
        return _interrupt(tx, stream, message)
    tx.streams.drop(stream.message_id)
    return None


def is_to_be_asked_about(tx: Transaction, key: str) -> bool:
    """Returns whether `look_at_lease` would end a stream that has a text."""
    stream = tx.streams.find(int(key))
    message = None if stream is None else _open_message(tx, stream)
    if stream is None or message is None or stream.ends_ms > tx.now_ms:
        return False
    return bool(without_blanks(message.parts))


def end_lost_streams(tx: Transaction, actor: Actor, command: EndLostStreams) -> tuple[int, ...]:
    """Interrupts those of the streams whose authors may not write in their conversations any more. Returns the ids of
    those about which the application is to be asked first."""
    must_be_operator(actor)
    asked: list[int] = []
    for message_id in command.message_ids:
        stream = tx.streams.find(message_id)
        message = None if stream is None else _open_message(tx, stream)
        if stream is None or message is None or _may_write(tx, stream) is None:
            continue
        if command.is_asked and without_blanks(message.parts):
            asked.append(message_id)
        else:
            _interrupt(tx, stream, message)
    return tuple(asked)


def end_overdue(tx: Transaction, actor: Actor, command: EndOverdue) -> None:
    """Ends a stream with what the application has approved, or blocks its message. Does nothing if the author has
    written meanwhile."""
    must_be_operator(actor)
    stream = tx.streams.find(command.message_id)
    message = None if stream is None else _open_message(tx, stream)
    if stream is None or message is None or stream.attempt != command.attempt:
        return
    if stream.ends_ms > tx.now_ms and _may_write(tx, stream) is None:
        return
    if command.is_blocked:
        block(tx, message)
    else:
        _interrupt(tx, stream, replace(message, parts=command.parts, metadata=command.metadata))


def check_overdue(command: EndOverdue) -> None:
    if command.parts:
        check_parts(command.parts, may_be_empty=True)


def _open_message(tx: Transaction, stream: Stream) -> Message | None:
    """Returns the message of a stream if it is being written, in a conversation that is not deleted."""
    message = find_stream(tx, NODE, FindStream(stream.message_id)).message
    return message if message is not None and message.state == "streaming" else None


def _interrupt(tx: Transaction, stream: Stream, message: Message) -> int | None:
    """Ends a stream that its author does not end. One that has only blank parts or none is deleted, unless it was to
    stop. Returns until when it can be continued, in milliseconds since 1970; None if it cannot."""
    if is_discarded(stream, message.parts):
        discard(tx, message)
        return None
    left = record_end(tx, stream, replace(message, state="interrupted"))
    return tx.now_ms + CONTINUABLE_MS if left.state == "interrupted" else None


def _may_write(tx: Transaction, stream: Stream) -> ChatError | None:
    conversation = tx.conversation(stream.conversation_id)
    return forbidden("not_found") if conversation is None else may_still_write(tx, conversation, stream.author_id)


CHANGES: Changes = MappingProxyType(
    {
        EndLostStreams: ChangeHandler(end_lost_streams),
        EndOverdue: ChangeHandler(end_overdue, check_overdue),
    }
)
