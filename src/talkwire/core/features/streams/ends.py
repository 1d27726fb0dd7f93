"""Ends streams: what the end does to the message, by its author or by the server."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from msgspec import UNSET
from msgspec.structs import replace

from talkwire.core.commands.messages import AttachmentRef
from talkwire.core.commands.streams.storing import STREAM_TIMER, EndStream
from talkwire.core.domain.errors import forbidden, invalid
from talkwire.core.domain.events import StreamStateChanged
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.parts.checks import check_parts
from talkwire.core.domain.parts.message_parts import (
    MessagePart,
    content_of,
    file_ids_of,
    simplified,
    without_blanks,
)
from talkwire.core.domain.parts.streams import CONTINUABLE_MS, Stream
from talkwire.core.domain.texts import check_metadata, check_text
from talkwire.core.features.agents.turns import stream_ended
from talkwire.core.features.agents.work import add_work
from talkwire.core.features.messages.edits import record_deletion, tombstone
from talkwire.core.features.messages.link_previews import kept_previews
from talkwire.core.features.messages.sending import (
    attachments_of,
    check_attachment_count,
    check_attachments,
    mentioned,
)
from talkwire.core.features.notifying.listing import list_members
from talkwire.core.features.streams.streams import open_stream, put_stream, superseded
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Prefetch, Transaction


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
    if command.metadata is not UNSET and command.metadata is not None:
        check_metadata("metadata", command.metadata)


def end_stream(tx: Transaction, actor: Actor, command: EndStream) -> Message:
    """Ends a stream and returns the message, of which nothing is left if the application has refused it.

    Raises `conflict` if another attempt writes the message or the stream has ended, `forbidden` for others than its
    author and the back end, and `invalid_request` if the message would be empty.
    """
    message, stream = open_stream(tx, command.message_id)
    if not actor.is_service and actor.user_id != stream.author_id:
        raise forbidden("not_author")
    if (stream.attempt, stream.node_id) != (command.attempt, command.node_id):
        raise superseded()
    if command.state == "blocked":
        return block(tx, message)
    if command.state == "interrupted" and is_discarded(stream, command.parts):
        return discard(tx, message)
    sources = [AttachmentRef(id_) for id_ in file_ids_of(command.parts, [ref.id for ref in command.attachments])]
    attached = (*command.attachments, *sources)
    check_attachment_count(len(attached))
    attachments = attachments_of(tx, {stream.author_id, actor.user_id}, attached)
    if not content_of(command.parts).strip() and not attachments and command.state == "done" and stream.stop is None:
        raise invalid("parts", "must have a part with a text, a name or a title, other than reasoning")
    written = replace(message, parts=command.parts, attachments=attachments, state=command.state, error=command.error)
    if command.metadata is not UNSET:
        written = replace(written, metadata=command.metadata)
    return record_end(tx, stream, written, more=command.more)


def record_end(tx: Transaction, stream: Stream, written: Message, *, more: bool | None = None) -> Message:
    """Records that a stream has ended with the parts and the state of the message `written`, or as `stopped` if it was
    to stop, and returns the message. An interrupted one can be continued for a while. `more` is that of `EndStream`."""
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
    assert message.state is not None, "it is a stream"
    if message.state == "interrupted":
        put_stream(tx, replace(stream, node_id="", has_ended=True, until_ms=tx.now_ms + CONTINUABLE_MS))
    else:
        tx.streams.drop(stream.message_id)
        tx.timers.set(STREAM_TIMER, str(stream.message_id), None)
    conversation = tx.conversation(message.conversation_id)
    if conversation is not None and conversation.team_ids:
        list_members(tx, conversation.notes_of or conversation.id, message.mentions)
    if message.cause is not None:
        stream_ended(tx, message, message.state, more=more)
    if conversation is not None and conversation.has_agents and not stream.has_ended:
        add_work(tx, conversation, message)
    return message


def is_discarded(stream: Stream, parts: Sequence[MessagePart]) -> bool:
    """Returns whether nothing is left of a message that is interrupted with these parts: none, or blank ones. A stream
    that was to stop ends as `stopped`, and its message stays."""
    return stream.stop is None and not without_blanks(parts)


def discard(tx: Transaction, message: Message) -> Message:
    """Deletes a message that was interrupted before it had any part, and returns what is left."""
    if message.cause is not None:
        stream_ended(tx, message, "interrupted", is_left=False)
    left = tombstone(message, tx.now_ms, message.sender_id)
    record_deletion(tx, left)
    return left


def block(tx: Transaction, message: Message) -> Message:
    """Deletes a message whose text the application has refused, and returns what is left."""
    if message.cause is not None:
        stream_ended(tx, message, "blocked", is_left=False)
    left = replace(tombstone(message, tx.now_ms, message.sender_id), state="blocked")
    record_deletion(tx, left)
    return left


CHANGES: Changes = MappingProxyType({EndStream: ChangeHandler(end_stream, check_end, needs_of_end)})
