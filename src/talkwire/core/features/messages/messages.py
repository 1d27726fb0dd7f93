"""Reads messages: decides which ones a user may see, and returns pages of messages, threads, pins and versions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import MappingProxyType

import msgspec

from talkwire.core.commands.command import Page
from talkwire.core.commands.messages import (
    DeleteMessage,
    EditMessage,
    GetMessage,
    GetThread,
    ListMessages,
    ListPins,
    ListVersions,
    MessagePage,
    MessageVersion,
    PinMessage,
    React,
    RemoveLinkPreviews,
    Thread,
    ThreadMark,
    UnpinMessage,
    Unreact,
)
from talkwire.core.domain.access import history_for, may_act, may_take_part, messages_for_reader, must_be_visible
from talkwire.core.domain.errors import forbidden, invalid
from talkwire.core.domain.model import SEQ_MAX, Actor, Conversation, HistoryStart, Member, Message, User, message_number
from talkwire.core.domain.pages import PAGE_MAX, PAGE_MAX_BYTES, within_bytes
from talkwire.core.domain.texts import check_id
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.transaction import Prefetch, Snapshot, Transaction

_encoder = msgspec.json.Encoder()


MessageChange = EditMessage | DeleteMessage | React | Unreact | PinMessage | UnpinMessage | RemoveLinkPreviews


class Participation(msgspec.Struct, frozen=True):
    """A user's participation in a conversation: the user, the membership, and the conversation."""

    user: User
    member: Member
    conversation: Conversation


def need_message(needs: Prefetch, message_id: str | None) -> None:
    """Adds a message's id to `needs`, the keys of rows that the writer fetches for a whole batch of commands before it
    executes them. Ignores None and invalid ids."""
    number = None if message_id is None else message_number(message_id)
    if number is not None:
        needs.messages.add(number)


def needs_of_change(actor: Actor, command: MessageChange, needs: Prefetch) -> None:
    """Adds the id of the message that a command changes to `needs`, the keys of rows that the writer fetches for a
    whole batch of commands before it executes them."""
    need_message(needs, command.message_id)


def participation_of(tx: Transaction, user_id: str, conversation_id: str) -> Participation:
    """Returns the user, their membership and the conversation. Raises `banned` for a banned user, and `forbidden` for a
    user who is not a member."""
    user, member = tx.user(user_id), tx.member(conversation_id, user_id)
    refusal = may_take_part(user, member)
    conversation = tx.conversation(conversation_id)
    if refusal is not None or user is None or member is None or conversation is None:
        raise refusal or forbidden("not_found")
    return Participation(user, member, conversation)


def existing_message(tx: Transaction, message_id: str) -> Message:
    """Returns the message with an id that a client sent.

    Raises `forbidden` for an unknown or invalid id, and for a message of a deleted conversation.
    """
    number = message_number(message_id)
    message = None if number is None else tx.message(number)
    conversation = None if message is None else tx.conversation(message.conversation_id)
    if message is None or conversation is None or conversation.deleted_ms is not None:
        raise forbidden("not_found")
    return message


def visible_message(tx: Transaction, user_id: str, message_id: str) -> tuple[Message, Participation]:
    """Returns a message that a user may see as a member, and the user's participation in its conversation. The message
    is complete as stored, so what it quotes may be hidden from the user.

    Raises `forbidden` if the user may not see the message, and `banned` for a banned user.
    """
    message = existing_message(tx, message_id)
    part = participation_of(tx, user_id, message.conversation_id)
    must_be_visible(message, part.member.history)
    return message, part


def must_not_be_deleted(message: Message, path: str = "messageId") -> None:
    """Raises `invalid_request` for a deleted message. `path` names the field of the command in the error."""
    if message.deleted_ms is not None:
        raise invalid(path, "this message was deleted")


def get_message(snapshot: Snapshot, actor: Actor, query: GetMessage) -> Message:
    """Returns one message as the actor may see it. Raises `forbidden` if the actor may not see it."""
    message, _ = _visible(snapshot, actor, query.message_id)
    return message


def _visible(snapshot: Snapshot, actor: Actor, message_id: str) -> tuple[Message, HistoryStart]:
    """Returns a message as the actor may see it, and the point from which the actor sees its conversation.

    Raises `forbidden` for a message that does not exist or that the actor may not see, and `banned` for a banned user.
    """
    number = message_number(message_id)
    message = None if number is None else snapshot.message(number)
    if message is None:
        raise may_act(snapshot.user(actor.user_id)) or forbidden("not_found")
    history = history_for(snapshot, actor, message.conversation_id)
    return must_be_visible(message, history), history


def list_messages(snapshot: Snapshot, actor: Actor, query: ListMessages) -> MessagePage:
    """Returns a page of the messages of a conversation that the actor may see: before, after or around a message, or
    the newest ones. Raises `invalid_request` if the query sets more than one of these, and `forbidden` for a
    conversation that the actor may not read."""
    _check_one_anchor(query.before, query.after, query.around, query.around_seq)
    check_id("conversationId", query.conversation_id)
    history = history_for(snapshot, actor, query.conversation_id)
    timeline = _FinishedTimeline if query.finished_only else _Timeline
    seen = timeline(snapshot, query.conversation_id, history, without_replies=query.without_replies)
    limit = _limit(query.limit)
    if query.around is not None:
        return _around(seen, seen.seq_of(query.around), limit)
    if query.around_seq is not None:
        return _around(seen, _seq(query.around_seq), limit)
    if query.after is not None:
        return _after(seen, seen.seq_of(query.after), limit)
    return _before(seen, None if query.before is None else seen.seq_of(query.before), limit)


def get_thread(snapshot: Snapshot, actor: Actor, query: GetThread) -> Thread:
    """Returns the thread that contains the message `query.message_id`: its first message (root), a page of its replies,
    and the actor's read position in it. Raises `forbidden` if the actor may not see the root."""
    _check_one_anchor(query.before, query.after)
    root, history = _visible(snapshot, actor, query.message_id)
    if root.thread_id is not None:
        root, history = _visible(snapshot, actor, str(root.thread_id))
    replies = _Timeline(snapshot, root.conversation_id, history, root.id)
    limit = _limit(query.limit)
    if query.after is not None:
        page = _after(replies, replies.seq_of(query.after), limit)
    else:
        page = _before(replies, None if query.before is None else replies.seq_of(query.before), limit)
    return Thread(root, page, place_in_thread(root, snapshot.threads.mark(root.id, actor.user_id)))


def place_in_thread(root: Message, mark: ThreadMark | None) -> ThreadMark:
    """Returns a user's state in a thread. `mark` is the stored state, or None if there is none: then the user does not
    follow the thread. For a user who does not follow it, nothing is unread."""
    if mark is not None and mark.following:
        return mark
    read_seq = root.seq if mark is None else mark.read_seq
    return ThreadMark(root.conversation_id, root.id, following=False, read_seq=read_seq, unread_count=0)


def list_pins(snapshot: Snapshot, actor: Actor, query: ListPins) -> Page[Message]:
    """Returns a page of a conversation's pinned messages that the actor may see, the most recently pinned first. Raises
    `forbidden` unless the actor may read the conversation."""
    check_id("conversationId", query.conversation_id)
    history = history_for(snapshot, actor, query.conversation_id)
    before = None
    if query.before is not None:
        anchor, _ = _visible(snapshot, actor, query.before)
        if anchor.conversation_id != query.conversation_id:
            raise forbidden("not_found")
        if anchor.pinned_ms is None:
            raise invalid("before", "this message is not pinned any more")
        before = (anchor.pinned_ms, anchor.id)
    pinned = snapshot.parts.pinned(query.conversation_id, history.seq, before, _limit(query.limit) + 1)
    found = messages_for_reader(pinned, history)
    items = within_bytes(found[: _limit(query.limit)], size_of)
    return Page(tuple(items), str(items[-1].id) if len(items) < len(found) else None)


def list_versions(snapshot: Snapshot, actor: Actor, query: ListVersions) -> Page[MessageVersion]:
    """Returns a page of the versions of a message's text, from older to newer: the newest ones with the current text,
    or those before the number `query.before`. The page is empty for a deleted message. Raises `forbidden` if the actor
    may not see the message."""
    message, _ = _visible(snapshot, actor, query.message_id)
    if message.deleted_ms is not None:
        return Page((), None)
    limit = _limit(query.limit)
    before = _version_number(query.before)
    found = list(snapshot.parts.versions(message.id, before, limit + 1))
    if before is None:
        number = found[-1].number + 1 if found else 1
        written_ms = message.edited_ms or message.created_ms
        found.append(MessageVersion(number, message.content, written_ms, message.parts))
    items = within_bytes(found[: -limit - 1 : -1], _size_of_version)
    return Page(tuple(items[::-1]), str(items[-1].number) if len(items) < len(found) else None)


def _size_of_version(version: MessageVersion) -> int:
    size = len(version.content.encode()) + 100
    return size + len(_encoder.encode(version.parts)) if version.parts else size


def _version_number(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise invalid("before", "must be the number of a version")
    return int(text)


def _check_one_anchor(*anchors: str | int | None) -> None:
    if sum(anchor is not None for anchor in anchors) > 1:
        raise invalid("before", "only one of before, after, around and aroundSeq can be set")


def _seq(asked: int) -> int:
    if not 0 <= asked <= SEQ_MAX:
        raise invalid("aroundSeq", f"must be between 0 and {SEQ_MAX}")
    return asked


def _limit(asked: int) -> int:
    return max(1, min(asked, PAGE_MAX))


class _Timeline:
    """Reads pages of the messages of a conversation, or of one thread in it, that a reader may see."""

    __slots__ = ("_conversation_id", "_history", "_root_id", "_snapshot", "_without_replies")

    def __init__(
        self,
        snapshot: Snapshot,
        conversation_id: str,
        history: HistoryStart,
        root_id: int | None = None,
        *,
        without_replies: bool = False,
    ) -> None:
        self._snapshot = snapshot
        self._conversation_id = conversation_id
        self._history = history
        self._root_id = root_id
        self._without_replies = without_replies

    def seq_of(self, message_id: str) -> int:
        """Returns the number (`seq`) of the message at which a page starts. Raises `forbidden` for a message of another
        conversation, and for one that the reader may not see."""
        number = message_number(message_id)
        message = None if number is None else self._snapshot.message(number)
        if message is None or message.conversation_id != self._conversation_id:
            raise forbidden("not_found")
        return must_be_visible(message, self._history).seq

    def before(self, seq: int | None, limit: int) -> Sequence[Message]:
        """Returns the last `limit` messages before the number `seq`, or the newest ones for None, in ascending
        order."""
        return self._read(before_seq=seq, limit=limit)

    def after(self, seq: int, limit: int) -> Sequence[Message]:
        """Returns the first `limit` messages after the number `seq`, in ascending order."""
        return self._read(after_seq=seq, limit=limit)

    def _read(self, *, after_seq: int | None = None, before_seq: int | None = None, limit: int) -> Sequence[Message]:
        if self._root_id is not None:
            read = partial(self._snapshot.parts.replies, self._root_id)
        else:
            pages = self._snapshot.parts.without_replies if self._without_replies else self._snapshot.messages
            read = partial(pages, self._conversation_id)
        found = read(after_seq=after_seq, before_seq=before_seq, history_seq=self._history.seq, limit=limit)
        return messages_for_reader(found, self._history)


class _FinishedTimeline(_Timeline):
    """The same without streams that have not ended once. Reads on until a page is full, so that its size still says
    whether there are further messages."""

    __slots__ = ()

    def before(self, seq: int | None, limit: int) -> Sequence[Message]:
        finished: list[Message] = []
        while True:
            found = super().before(seq, limit)
            finished[:0] = [message for message in found if not message.is_unfinished]
            if len(found) < limit or len(finished) >= limit:
                return finished[-limit:]
            seq = found[0].seq

    def after(self, seq: int, limit: int) -> Sequence[Message]:
        finished: list[Message] = []
        while True:
            found = super().after(seq, limit)
            finished += [message for message in found if not message.is_unfinished]
            if len(found) < limit or len(finished) >= limit:
                return finished[:limit]
            seq = found[-1].seq


def _before(seen: _Timeline, seq: int | None, limit: int, max_bytes: int = PAGE_MAX_BYTES) -> MessagePage:
    found = seen.before(seq, limit + 1)
    items = within_bytes(found[::-1][:limit], size_of, max_bytes)[::-1]
    has_more = len(items) < len(found)
    return MessagePage(tuple(items), has_more, str(items[0].id) if has_more else None)


def _after(seen: _Timeline, seq: int, limit: int) -> MessagePage:
    found = seen.after(seq, limit + 1)
    items = within_bytes(found[:limit], size_of)
    has_more = len(items) < len(found)
    return MessagePage(tuple(items), has_more, str(items[-1].id) if has_more else None)


def _around(seen: _Timeline, seq: int, limit: int) -> MessagePage:
    """Returns a page of the messages around the number `seq`, half of them older, including the message with that
    number.

    `next` and `has_more` of the page refer to the older messages.
    """
    older_limit = limit // 2
    newer = within_bytes(seen.after(seq - 1, limit - older_limit), size_of, PAGE_MAX_BYTES // 2)
    # With a limit of one message the page has no older ones, but `has_more` still needs to know of them.
    older = _before(seen, seq, max(1, older_limit), PAGE_MAX_BYTES // 2)
    if older_limit or not newer:
        return MessagePage((*older.items, *newer), older.has_more, older.next)
    return MessagePage(tuple(newer), bool(older.items), str(newer[0].id) if older.items else None)


def size_of(message: Message) -> int:
    """Returns approximately how many bytes a message has as JSON."""
    content = message.content
    size = 300 + (len(content) if content.isascii() else len(content.encode()))
    if message.metadata is None and not (message.attachments or message.reactions or message.mentions or message.parts):
        return size
    rest = message.metadata, message.attachments, message.reactions, message.mentions, message.parts
    return size + len(_encoder.encode(rest))


QUERIES: Queries = MappingProxyType(
    {
        GetMessage: get_message,
        ListMessages: list_messages,
        GetThread: get_thread,
        ListPins: list_pins,
        ListVersions: list_versions,
    }
)
