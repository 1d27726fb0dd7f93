"""Stops streams: asks the authors of messages that are being written to end them.

The request is stored with the stream, so that its author receives it with the next answer, whichever node gives that.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.streams.storing import STREAM_TIMER, MarkStopped
from talkwire.core.domain.access import is_owner_or_admin
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.parts.streams import Stream
from talkwire.core.features.agents.turns import askers_of, stop_turns
from talkwire.core.features.messages.messages import existing_message, need_message, visible_message
from talkwire.core.features.streams.ends import record_end
from talkwire.core.features.streams.streams import ended
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Prefetch, Transaction


def needs_of_stop(actor: Actor, command: MarkStopped, needs: Prefetch) -> None:
    need_message(needs, command.message_id)
    need_message(needs, command.reply_to_id)


def check_stop(command: MarkStopped) -> None:
    if (command.message_id is None) == (command.reply_to_id is None):
        raise invalid("messageId", "give either messageId or replyToId")


def mark_stopped(tx: Transaction, actor: Actor, command: MarkStopped) -> Sequence[Stream]:
    """Stores that a stream is to stop, or those that answer a message. Returns those that are to stop and that their
    authors still write. An interrupted one ends at once.

    Raises `forbidden` if the actor may not stop it, and `conflict` if the stream has ended.
    """
    if command.message_id is not None:
        message = _visible(tx, actor, command.message_id)
        stream = tx.streams.find(message.id)
        if stream is None:
            raise ended(message)
        _must_be_able_to_stop(tx, actor, message, asker_ids=_asker_ids(tx, message), author_id=stream.author_id)
        found = [stream]
    else:
        assert command.reply_to_id is not None, "the command was checked"
        message = _visible(tx, actor, command.reply_to_id)
        _must_be_able_to_stop(tx, actor, message, asker_ids={message.sender_id})
        tx.streams.stop_answers(message.id, actor.user_id)
        stop_turns(tx, message.id, actor.user_id)
        found = [*tx.streams.answers(message)]
    return [stopped for each in found if (stopped := _mark(tx, actor, each)) is not None]


def _visible(tx: Transaction, actor: Actor, message_id: str) -> Message:
    if actor.is_trusted:
        return existing_message(tx, message_id)
    message, _ = visible_message(tx, actor.user_id, message_id)
    return message


def _asker_ids(tx: Transaction, message: Message) -> set[str]:
    """Returns the sender of the message that a message answers; without one, of those that its turn answers; without a
    turn, of the thread's first message."""
    if message.reply_to is not None:
        return {message.reply_to.sender_id}
    if message.cause is not None and message.cause.turn_id is not None:
        return askers_of(tx, message.cause.turn_id)
    root = None if message.thread_id is None else tx.message(message.thread_id)
    return set() if root is None else {root.sender_id}


def _must_be_able_to_stop(
    tx: Transaction, actor: Actor, message: Message, *, asker_ids: Collection[str], author_id: str | None = None
) -> None:
    """Raises `forbidden` unless the actor may stop the stream `message`, by `author_id`, or those that answer it."""
    if actor.is_trusted or actor.user_id in asker_ids:
        return
    conversation = tx.conversation(message.conversation_id)
    if conversation is not None and conversation.kind == "direct":
        return
    author = None if author_id is None else tx.user(author_id)
    if author is not None and actor.user_id == author.owner_id:
        return
    if not is_owner_or_admin(tx.member(message.conversation_id, actor.user_id)):
        raise ChatError(
            "forbidden",
            "Only the user who is answered, the agent's owner, and the conversation's owner and admins can stop this.",
            cause="not_manager",
        )


def _mark(tx: Transaction, actor: Actor, stream: Stream) -> Stream | None:
    """Stores that a stream is to stop, and returns it; ends an interrupted one, and returns None."""
    message = tx.message(stream.message_id)
    assert message is not None, "a deleted message has no stream"
    stopped = stream
    if stream.stop is None:
        stopped = replace(stream, stopped_by=actor.user_id, stopped_ms=tx.now_ms)
    if message.state != "streaming":
        record_end(tx, stopped, message)
        return None
    tx.streams.put(stopped)
    tx.timers.set(STREAM_TIMER, str(stream.message_id), stopped.ends_ms)
    return stopped


CHANGES: Changes = MappingProxyType({MarkStopped: ChangeHandler(mark_stopped, check_stop, needs_of_stop)})
