"""Opens, stores and ends streams: messages that are written while others read them.

What is here runs in the writer. The home of a stream, which executes the commands of authors, is in
`core/signals/streams/`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from talkwire.core.commands.messages import AttachmentRef, SendMessage
from talkwire.core.commands.streams.storing import (
    STREAM,
    AdoptStream,
    BeginStream,
    BegunStream,
    EndLostStreams,
    EndStream,
    FindStream,
    FoundStream,
    KeepCheckpoints,
    KeptStreams,
)
from talkwire.core.domain.access import acting_as, may_post, may_take_part, must_be_operator, require
from talkwire.core.domain.access_policy import may_stream
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import StreamStateChanged
from talkwire.core.domain.model import MESSAGE_ID_BASE, Actor, Conversation, Message, User
from talkwire.core.domain.parts.checks import check_parts
from talkwire.core.domain.parts.message_parts import content_of, file_ids_of, simplified, whole_parts, without_blanks
from talkwire.core.domain.parts.streams import CONTINUABLE_MS, LEASE_MAX_S, LEASE_MIN_S, Stream
from talkwire.core.domain.texts import check_text
from talkwire.core.features.messages.edits import record_deletion, tombstone
from talkwire.core.features.messages.link_previews import kept_previews
from talkwire.core.features.messages.sending import (
    attachments_of,
    check_attachment_count,
    check_attachments,
    check_send,
    hash_of,
    mentioned,
    needs_of_send,
    send_message,
)
from talkwire.core.features.notifying.listing import list_members
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Prefetch, Snapshot, Transaction

_OF_STREAM = 0x5354_5245_414D
"""Makes the hash of the command that opens a stream another one than that of the same message, sent at once."""


def needs_of_begin(actor: Actor, command: BeginStream, needs: Prefetch) -> None:
    needs_of_send(actor, command.send, needs)


def check_begin(command: BeginStream) -> None:
    check_send(command.send, may_be_empty=True)
    if not LEASE_MIN_S * 1000 <= command.lease_ms <= LEASE_MAX_S * 1000:
        raise invalid("leaseS", f"must be between {LEASE_MIN_S} and {LEASE_MAX_S}")


def begin_stream(tx: Transaction, actor: Actor, command: BeginStream) -> BegunStream:
    """Stores an empty message that is being written, or takes over the stream of the message that the same command has
    opened before. Raises what `send_message` raises, and `forbidden` if the sender may not write streams."""
    sender = tx.user(acting_as(actor, command.send.sender_id))
    if sender is not None:
        _must_stream(tx, actor, sender, command.send)
    sent = replace(command.send, sent_hash=hash_of(command.send) ^ _OF_STREAM)
    pos = tx.next_pos()
    message = send_message(tx, actor, sent, {"state": "streaming", "first_end_pos": 0})
    conversation = tx.conversation(message.conversation_id)
    assert conversation is not None, "the message is in it"
    if message.id == MESSAGE_ID_BASE + pos:
        by = None if message.reply_to is None else tx.streams.answers_stopped_by(message.reply_to.id)
        stream = Stream(
            message_id=message.id,
            conversation_id=message.conversation_id,
            author_id=message.sender_id,
            attempt=1,
            node_id=command.node_id,
            lease_ms=command.lease_ms,
            until_ms=tx.now_ms + command.lease_ms,
            stopped_by=by,
            stopped_ms=None if by is None else tx.now_ms,
        )
    else:
        before = tx.streams.find(message.id)
        if before is None or (message.state == "interrupted" and before.until_ms <= tx.now_ms):
            return BegunStream(message, None)
        require(_may_write(tx, conversation, message.sender_id))
        stream = replace(
            before,
            attempt=before.attempt + 1,
            node_id=command.node_id,
            lease_ms=command.lease_ms,
            until_ms=tx.now_ms + command.lease_ms,
        )
        message = _continued(tx, message)
    _put(tx, stream)
    return BegunStream(message, stream, conversation.member_count)


def _must_stream(tx: Transaction, actor: Actor, sender: User, send: SendMessage) -> None:
    """Raises `forbidden` for a sender who may not write streams, and `conflict` for one who writes too many now."""
    if not may_stream(actor, sender, tx.policy):
        raise ChatError(
            "forbidden",
            "Streams are off here." if tx.policy.streams == "off" else "Only agents and the back end stream messages.",
            {"setting": "streams"},
            cause="server_policy",
        )
    assert send.client_message_id is not None, "the command that opens a stream has one"
    first = tx.sent_message(send.conversation_id, sender.id, send.client_message_id)
    if first is not None and first.state != "interrupted":
        return
    most = tx.policy.open_agent_streams if sender.kind == "agent" else tx.policy.open_streams
    if tx.streams.count_open(sender.id) >= most:
        message = f"This user writes {most} streams, which is the maximum. End one of them first."
        raise ChatError("conflict", message, {"reason": "too_many", "limit": most}, cause="too_many")


def _may_write(tx: Transaction, conversation: Conversation, author_id: str) -> ChatError | None:
    """Returns the refusal of an author who may not write in the conversation any more, else None. Slow mode limits new
    messages only."""
    member = tx.member(conversation.id, author_id)
    if member is None:
        return forbidden("not_member")
    refusal = may_take_part(tx.user(author_id), member)
    return refusal or may_post(replace(conversation, slow_mode_s=0), member, tx.now_ms)


def _continued(tx: Transaction, message: Message) -> Message:
    """Returns the message of a stream that another attempt writes from now on, and records that if the stream was
    interrupted."""
    if message.state == "streaming":
        return message
    message = replace(message, state="streaming", parts=whole_parts(message.parts, message.content))
    tx.record(StreamStateChanged(tx.next_pos(), tx.now_ms, message))
    return message


def _put(tx: Transaction, stream: Stream) -> None:
    tx.streams.put(stream)
    tx.timers.set(STREAM, str(stream.message_id), stream.ends_ms)


def adopt_stream(tx: Transaction, actor: Actor, command: AdoptStream) -> BegunStream:
    must_be_operator(actor)
    message, stream = _open(tx, command.message_id)
    conversation = tx.conversation(message.conversation_id)
    assert conversation is not None, "the message is in it"
    if stream.node_id == command.former_id:
        stream = replace(stream, node_id=command.node_id, until_ms=tx.now_ms + stream.lease_ms)
        _put(tx, stream)
    return BegunStream(message, stream, conversation.member_count)


def keep_checkpoints(tx: Transaction, actor: Actor, command: KeepCheckpoints) -> KeptStreams:
    must_be_operator(actor)
    return tx.streams.keep(command.node_id, command.checkpoints)


def needs_of_end(actor: Actor, command: EndStream, needs: Prefetch) -> None:
    needs.messages.add(command.message_id)


def check_end(command: EndStream) -> None:
    if command.parts:
        check_parts(command.parts, may_be_empty=True)
    if command.attachments:
        check_attachments(command.attachments)
    if command.error is not None:
        check_text("error.code", command.error.code)
        check_text("error.message", command.error.message)


def end_stream(tx: Transaction, actor: Actor, command: EndStream) -> Message:
    """Ends a stream and returns the message. Raises `conflict` if another attempt writes the message or the stream has
    ended, `forbidden` for others than its author and the back end, and `invalid_request` if the message would be
    empty."""
    message, stream = _open(tx, command.message_id)
    if not actor.is_service and actor.user_id != stream.author_id:
        raise forbidden("not_author")
    if (stream.attempt, stream.node_id) != (command.attempt, command.node_id):
        raise superseded()
    sources = [AttachmentRef(id_) for id_ in file_ids_of(command.parts, [ref.id for ref in command.attachments])]
    attached = (*command.attachments, *sources)
    check_attachment_count(len(attached))
    attachments = attachments_of(tx, {stream.author_id, actor.user_id}, attached)
    if not content_of(command.parts).strip() and not attachments and command.state == "done" and stream.stop is None:
        raise invalid("parts", "must have a part with a text, a name or a title, other than reasoning")
    written = replace(message, parts=command.parts, attachments=attachments, state=command.state, error=command.error)
    return record_end(tx, stream, written)


def _open(tx: Transaction, message_id: int) -> tuple[Message, Stream]:
    """Returns a message that is being written, and its stream. Raises `forbidden` if there is no such message, and
    `conflict` if it is not being written."""
    found = find_stream(tx, NODE, FindStream(message_id))
    if found.message is None:
        raise forbidden("not_found")
    if found.stream is None or found.message.state != "streaming":
        raise ended(found.message)
    return found.message, found.stream


def record_end(tx: Transaction, stream: Stream, written: Message) -> Message:
    """Records that a stream has ended with the parts and the state of the message `written`, or as `stopped` if it was
    to stop, and returns the message. An interrupted one can be continued for a while."""
    content = content_of(written.parts)
    mentions = mentioned(tx, written.conversation_id, content)
    pos = tx.next_pos()
    message = replace(
        written,
        content=content,
        parts=simplified(written.parts),
        mentions=mentions.user_ids,
        mentions_all=mentions.everyone,
        first_end_pos=written.first_end_pos if stream.has_ended else pos,
        previews=kept_previews(written, content),
        state=written.state if stream.stop is None else "stopped",
    )
    tx.record(StreamStateChanged(pos, tx.now_ms, message, is_first=not stream.has_ended))
    if message.state == "interrupted":
        _put(tx, replace(stream, node_id="", has_ended=True, until_ms=tx.now_ms + CONTINUABLE_MS))
    else:
        tx.streams.drop(stream.message_id)
        tx.timers.set(STREAM, str(stream.message_id), None)
    conversation = tx.conversation(message.conversation_id)
    if conversation is not None and conversation.team_ids:
        list_members(tx, conversation.notes_of or conversation.id, message.mentions)
    return message


def look_at_lease(tx: Transaction, key: str) -> int | None:
    """Ends a stream whose lease has ended or whose author was asked to stop long enough ago, and drops one that can no
    longer be continued. Returns when to look again, in milliseconds since 1970; None if there is nothing to look at."""
    stream = tx.streams.find(int(key))
    if stream is None:
        return None
    message = _still_open(tx, stream)
    due_ms = stream.until_ms if message is None else stream.ends_ms
    if due_ms > tx.now_ms:
        return due_ms
    if message is not None:
        return _interrupt(tx, stream, message)
    tx.streams.drop(stream.message_id)
    return None


def _still_open(tx: Transaction, stream: Stream) -> Message | None:
    """Returns the message of a stream if it is being written, in a conversation that is not deleted."""
    message = find_stream(tx, NODE, FindStream(stream.message_id)).message
    return message if message is not None and message.state == "streaming" else None


def _interrupt(tx: Transaction, stream: Stream, message: Message) -> int | None:
    """Ends a stream that its author does not end. One that has only blank parts or none is deleted, unless it was to
    stop. Returns until when it can be continued, in milliseconds since 1970; None if it cannot."""
    if stream.stop is None and not without_blanks(message.parts):
        record_deletion(tx, tombstone(message, tx.now_ms, message.sender_id))
        return None
    left = record_end(tx, stream, replace(message, state="interrupted"))
    return tx.now_ms + CONTINUABLE_MS if left.state == "interrupted" else None


def end_lost_streams(tx: Transaction, actor: Actor, command: EndLostStreams) -> None:
    """Interrupts those of the streams whose authors may not write in their conversations any more."""
    must_be_operator(actor)
    for message_id in command.message_ids:
        stream = tx.streams.find(message_id)
        message = None if stream is None else _still_open(tx, stream)
        conversation = None if message is None else tx.conversation(message.conversation_id)
        if stream is None or message is None or conversation is None:
            continue
        if _may_write(tx, conversation, stream.author_id) is not None:
            _interrupt(tx, stream, message)


def find_stream(snapshot: Snapshot | Transaction, actor: Actor, query: FindStream) -> FoundStream:
    must_be_operator(actor)
    message = snapshot.message(query.message_id)
    conversation = None if message is None else snapshot.conversation(message.conversation_id)
    if conversation is None or conversation.deleted_ms is not None:
        return FoundStream(None, None)
    return FoundStream(message, snapshot.streams.find(query.message_id))


def superseded() -> ChatError:
    return ChatError(
        "conflict", "Another attempt writes this message now.", {"reason": "superseded"}, cause="state_changed"
    )


def ended(message: Message) -> ChatError:
    """Returns the refusal of a write to a message whose stream has ended, or that never was a stream."""
    if message.state is None and message.deleted_ms is None:
        return ChatError("conflict", "This message is no stream.", {"reason": "no_stream"}, cause="state_changed")
    details: dict[str, Any] = (
        {"reason": "ended"} if message.state is None else {"reason": "ended", "state": message.state}
    )
    return ChatError("conflict", "The stream of this message has ended.", details, cause="state_changed")


CHANGES: Changes = MappingProxyType(
    {
        BeginStream: ChangeHandler(begin_stream, check_begin, needs_of_begin),
        AdoptStream: ChangeHandler(adopt_stream),
        KeepCheckpoints: ChangeHandler(keep_checkpoints),
        EndLostStreams: ChangeHandler(end_lost_streams),
        EndStream: ChangeHandler(end_stream, check_end, needs_of_end),
    }
)

QUERIES: Queries = MappingProxyType({FindStream: find_stream})
