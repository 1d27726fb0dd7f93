"""Opens, stores and ends streams: messages that are written while others read them.

What is here runs in the writer. The home of a stream, which executes the commands of authors, is in
`core/signals/streams/`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.streams.storing import (
    STREAM_TIMER,
    AdoptStream,
    BeginStream,
    BegunStream,
    FindStream,
    FoundStream,
    KeepCheckpoints,
    KeptStreams,
)
from talkwire.core.domain.access import acting_as, may_post, may_take_part, must_be_operator, require
from talkwire.core.domain.access_policy import may_stream
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.agents.turns import superseded_turn
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import StreamStateChanged
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import Actor, Conversation, Message, User
from talkwire.core.domain.nodes.peer import AGENTS_KNOWN, not_known_to_all
from talkwire.core.domain.parts.message_parts import whole_parts
from talkwire.core.domain.parts.streams import LEASE_MAX_S, LEASE_MIN_S, Stream
from talkwire.core.features.agents.turns import answered, current_turn, turn_to_answer
from talkwire.core.features.messages.sending import (
    check_send,
    hash_of,
    needs_of_send,
    send_message,
)
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Prefetch, Snapshot, Transaction

_OF_STREAM = 0x5354_5245_414D
"""Number that makes the hash of the command that opens a stream another one than that of the same message, sent at
once."""


def needs_of_begin(actor: Actor, command: BeginStream, needs: Prefetch) -> None:
    needs_of_send(actor, command.send, needs)


def check_begin(command: BeginStream) -> None:
    check_send(command.send, may_be_empty=True)
    if command.send.client_message_id is None and command.send.turn is None:
        raise invalid("clientMessageId", "must be set, unless the stream is written in a turn")
    if not LEASE_MIN_S * 1000 <= command.lease_ms <= LEASE_MAX_S * 1000:
        raise invalid("leaseS", f"must be between {LEASE_MIN_S} and {LEASE_MAX_S}")


def as_stream(send: SendMessage) -> SendMessage:
    """Returns the command by which the message `send` is stored as a stream. It is not a retry of `send` itself."""
    return replace(send, sent_hash=hash_of(send) ^ _OF_STREAM)


def begin_stream(tx: Transaction, actor: Actor, command: BeginStream) -> BegunStream:
    """Stores an empty message that is being written, or takes over the stream of the message that the same command has
    opened before. Raises what `send_message` raises, `forbidden` if the sender may not write streams, and
    `unavailable` while a node of an older version runs."""
    if tx.has_nodes_before(AGENTS_KNOWN):
        raise not_known_to_all("streams")
    sender = tx.user(acting_as(actor, command.send.sender_id))
    send = command.send
    if sender is not None:
        send = _with_id(tx, sender, send)
        _must_stream(tx, actor, sender, send)
    pos = tx.next_pos()
    message = send_message(tx, actor, as_stream(send), {"state": "streaming", "first_end_pos": 0})
    conversation = tx.conversation(message.conversation_id)
    assert conversation is not None, "the message is in it"
    if message.id == id_at(pos):
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
        require(may_still_write(tx, conversation, message.sender_id))
        _take_up_turn(tx, message, conversation, send)
        stream = replace(
            before,
            attempt=before.attempt + 1,
            node_id=command.node_id,
            lease_ms=command.lease_ms,
            until_ms=tx.now_ms + command.lease_ms,
        )
        message = _continued(tx, message)
    put_stream(tx, stream)
    return BegunStream(message, stream, conversation.member_count)


def _with_id(tx: Transaction, sender: User, send: SendMessage) -> SendMessage:
    """Returns the command with a client message id. If it has none, it opens the stream of its turn: the one that was
    interrupted, or a new one."""
    if send.client_message_id is not None or send.turn is None:
        return send
    turn = current_turn(tx, sender.id, send.turn)
    begun = None if turn.stream_id is None else tx.message(turn.stream_id)
    stream = None if begun is None else tx.streams.find(begun.id)
    is_continuable = stream is not None and (stream.node_id or stream.until_ms > tx.now_ms)
    if begun is not None and begun.client_message_id is not None and is_continuable:
        return replace(send, client_message_id=begun.client_message_id)
    id_ = f"turn:{turn.id}"
    if tx.sent_message(send.conversation_id, sender.id, id_) is not None:
        id_ = f"{id_}:{tx.next_pos()}"
    return replace(send, client_message_id=id_)


def _take_up_turn(tx: Transaction, message: Message, conversation: Conversation, send: SendMessage) -> None:
    """Lets the attempt of a turn that the command names continue a message that was begun in the turn. Raises
    `conflict` without that attempt: another process may have the turn."""
    if message.cause is None or message.cause.turn_id is None:
        return
    if send.turn is None:
        raise superseded_turn()
    turn = turn_to_answer(tx, message.sender_id, send.turn, conversation)
    if turn.id != message.cause.turn_id:
        raise superseded_turn()
    answered(tx, turn, replace(message, state="streaming"), more=send.more)


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


def may_still_write(tx: Transaction, conversation: Conversation, author_id: str) -> ChatError | None:
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
    tx.record(StreamStateChanged(tx.next_pos(), tx.now_ms, message, continues=True))
    return message


def put_stream(tx: Transaction, stream: Stream) -> None:
    tx.streams.put(stream)
    tx.timers.set(STREAM_TIMER, str(stream.message_id), stream.ends_ms)


def adopt_stream(tx: Transaction, actor: Actor, command: AdoptStream) -> BegunStream:
    must_be_operator(actor)
    message, stream = open_stream(tx, command.message_id)
    conversation = tx.conversation(message.conversation_id)
    assert conversation is not None, "the message is in it"
    if stream.node_id == command.former_id:
        stream = replace(stream, node_id=command.node_id, until_ms=tx.now_ms + stream.lease_ms)
        put_stream(tx, stream)
    return BegunStream(message, stream, conversation.member_count)


def keep_checkpoints(tx: Transaction, actor: Actor, command: KeepCheckpoints) -> KeptStreams:
    must_be_operator(actor)
    return tx.streams.keep(command.node_id, command.checkpoints)


def find_stream(snapshot: Snapshot | Transaction, actor: Actor, query: FindStream) -> FoundStream:
    must_be_operator(actor)
    message = snapshot.message(query.message_id)
    conversation = None if message is None else snapshot.conversation(message.conversation_id)
    if conversation is None or conversation.deleted_ms is not None:
        return FoundStream(None, None)
    return FoundStream(message, snapshot.streams.find(query.message_id))


def open_stream(tx: Transaction, message_id: int) -> tuple[Message, Stream]:
    """Returns a message that is being written, and its stream. Raises `forbidden` if there is no such message, and
    `conflict` if it is not being written."""
    found = find_stream(tx, NODE, FindStream(message_id))
    if found.message is None:
        raise forbidden("not_found")
    if found.stream is None or found.message.state != "streaming":
        raise ended(found.message)
    return found.message, found.stream


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
    }
)

QUERIES: Queries = MappingProxyType({FindStream: find_stream})
