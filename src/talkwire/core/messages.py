"""Sending messages and reading them back."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from types import MappingProxyType

import msgspec

from talkwire.core.access import acting_as, may_take_part
from talkwire.core.commands.messages import GetMessage, ListMessages, MessagePage, SendMessage
from talkwire.core.errors import ChatError, forbidden, invalid
from talkwire.core.events import MessageSent
from talkwire.core.handler import ChangeHandler, Changes, Queries
from talkwire.core.model import MESSAGE_ID_BASE, Actor, Message
from talkwire.core.texts import METADATA_MAX_BYTES, check_content, check_id, check_json, check_name
from talkwire.core.transaction import Needs, Snapshot, Transaction

PAGE_MAX = 100
PAGE_MAX_BYTES = 256 * 1024

_encoder = msgspec.json.Encoder(order="deterministic")


def check_send(command: SendMessage) -> None:
    """Refuses at the door what could not be stored."""
    check_id("conversationId", command.conversation_id)
    check_content("content", command.content)
    if command.client_message_id is not None:
        check_name("clientMessageId", command.client_message_id, 128)
    if command.sender_id is not None:
        check_id("senderId", command.sender_id)
    if command.metadata is not None:
        check_json("metadata", command.metadata)
        if len(_encoder.encode(command.metadata)) > METADATA_MAX_BYTES:
            raise invalid("metadata", f"must be at most {METADATA_MAX_BYTES} bytes of JSON")


def needs_of_send(actor: Actor, command: SendMessage, needs: Needs) -> None:
    """Names what `send_message` will look up."""
    sender_id = command.sender_id or actor.user_id
    needs.members.add((command.conversation_id, sender_id))
    if command.client_message_id is not None:
        needs.sent_messages.add((command.conversation_id, sender_id, command.client_message_id))


def send_message(tx: Transaction, actor: Actor, command: SendMessage) -> Message:
    """Stores a message once: the same client message id again is answered with the first one."""
    sender_id = acting_as(actor, command.sender_id)
    sender = tx.user(sender_id)
    refusal = may_take_part(sender, tx.member(command.conversation_id, sender_id))
    if refusal is not None:
        raise refusal
    conversation = tx.conversation(command.conversation_id)
    if conversation is None or sender is None:
        raise forbidden()
    command_hash = None
    if command.client_message_id is not None:
        command_hash = hash_of(command)
        first = tx.sent_message(conversation.id, sender_id, command.client_message_id)
        if first is not None:
            return _the_same(first, command_hash)
    pos = tx.next_pos()
    message = Message(
        id=MESSAGE_ID_BASE + pos,
        conversation_id=conversation.id,
        seq=conversation.last_seq + 1,
        sender_id=sender_id,
        sender_name=sender.name,
        sender_avatar=sender.avatar,
        content=command.content,
        created_ms=tx.now_ms,
        client_message_id=command.client_message_id,
        metadata=command.metadata,
        command_hash=command_hash,
    )
    tx.record(MessageSent(pos, tx.now_ms, message))
    return message


def hash_of(command: SendMessage) -> int:
    """63 bits over what was sent, to tell a retry from a different message under the same client message id."""
    body = _encoder.encode((command.content, command.metadata))
    return int.from_bytes(blake2b(body, digest_size=8).digest()) >> 1


def _the_same(first: Message, command_hash: int) -> Message:
    if first.command_hash != command_hash:
        raise ChatError("conflict", "This clientMessageId was used for another message.")
    return first


def get_message(snapshot: Snapshot, actor: Actor, query: GetMessage) -> Message:
    """One message that the actor may see."""
    message = find_message(snapshot, query.message_id)
    if message is None:
        raise forbidden()
    require_member(snapshot, actor, message.conversation_id)
    return message


def list_messages(snapshot: Snapshot, actor: Actor, query: ListMessages) -> MessagePage:
    """One page of a conversation's history."""
    if sum(anchor is not None for anchor in (query.before, query.after, query.around)) > 1:
        raise invalid("before", "give only one of before, after and around")
    check_id("conversationId", query.conversation_id)
    require_member(snapshot, actor, query.conversation_id)
    limit = max(1, min(query.limit, PAGE_MAX))
    if query.around is not None:
        return _around(snapshot, query.conversation_id, _seq_of(snapshot, query, query.around), limit)
    if query.after is not None:
        return _after(snapshot, query.conversation_id, _seq_of(snapshot, query, query.after), limit)
    before_seq = None if query.before is None else _seq_of(snapshot, query, query.before)
    return _before(snapshot, query.conversation_id, before_seq, limit)


def require_member(snapshot: Snapshot, actor: Actor, conversation_id: str) -> None:
    """Raises unless the actor may read the conversation: its members, the application's backend and operators."""
    if actor.role != "user" and snapshot.conversation(conversation_id) is not None:
        return
    refusal = may_take_part(snapshot.user(actor.user_id), snapshot.member(conversation_id, actor.user_id))
    if refusal is not None:
        raise refusal


def find_message(snapshot: Snapshot, message_id: str) -> Message | None:
    """A message by its id as clients write it; None too for a text that is no message id."""
    if not (message_id.isascii() and message_id.isdigit() and len(message_id) < 19):
        return None
    return snapshot.message(int(message_id))


def _seq_of(snapshot: Snapshot, query: ListMessages, message_id: str) -> int:
    """The place of a page's anchor, which has to lie in the conversation that was asked for."""
    message = find_message(snapshot, message_id)
    if message is None or message.conversation_id != query.conversation_id:
        raise forbidden()
    return message.seq


def _before(
    snapshot: Snapshot, conversation_id: str, seq: int | None, limit: int, max_bytes: int = PAGE_MAX_BYTES
) -> MessagePage:
    found = snapshot.messages(conversation_id, before_seq=seq, limit=limit + 1)
    items = _within_bytes(found[::-1][:limit], max_bytes)[::-1]
    has_more = len(items) < len(found)
    return MessagePage(tuple(items), has_more, str(items[0].id) if has_more else None)


def _after(snapshot: Snapshot, conversation_id: str, seq: int, limit: int) -> MessagePage:
    found = snapshot.messages(conversation_id, after_seq=seq, limit=limit + 1)
    items = _within_bytes(found[:limit], PAGE_MAX_BYTES)
    has_more = len(items) < len(found)
    return MessagePage(tuple(items), has_more, str(items[-1].id) if has_more else None)


def _around(snapshot: Snapshot, conversation_id: str, seq: int, limit: int) -> MessagePage:
    """The anchor and what stands around it, half of it older; the page goes on among the older ones."""
    older_limit = limit // 2
    newer = _within_bytes(
        snapshot.messages(conversation_id, after_seq=seq - 1, limit=limit - older_limit), PAGE_MAX_BYTES // 2
    )
    # Where only the anchor was asked for, nothing older fits beside it, but whether there is something still counts.
    older = _before(snapshot, conversation_id, seq, max(1, older_limit), PAGE_MAX_BYTES // 2)
    if older_limit:
        return MessagePage((*older.items, *newer), older.has_more, older.next)
    return MessagePage(tuple(newer), bool(older.items), str(newer[0].id) if older.items else None)


def _within_bytes(messages: Sequence[Message], max_bytes: int) -> Sequence[Message]:
    """As many from the front as fit a page, one at least: a page of the largest messages would fill a socket."""
    size = 0
    for index, message in enumerate(messages):
        size += _size_of(message)
        if size > max_bytes and index:
            return messages[:index]
    return messages


def _size_of(message: Message) -> int:
    """About as many bytes as the message takes as JSON."""
    metadata = 0 if message.metadata is None else len(_encoder.encode(message.metadata))
    return len(message.content.encode()) + metadata + 300


CHANGES: Changes = MappingProxyType(
    {
        SendMessage: ChangeHandler(send_message, check_send, needs_of_send),
    }
)


QUERIES: Queries = MappingProxyType(
    {
        GetMessage: get_message,
        ListMessages: list_messages,
    }
)
