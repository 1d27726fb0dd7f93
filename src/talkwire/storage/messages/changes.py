"""Messages in a transaction: looking them up, staging new ones, and what events do to them.

New messages are staged in the workspace and written together. Whatever has to find them in the database calls
`write_messages` first.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Sequence
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from talkwire.core.domain.events import (
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessageReacted,
    MessageSent,
    MessageUnpinned,
)
from talkwire.core.domain.model import MESSAGE_ID_BASE, Conversation, Message
from talkwire.storage.messages.attachments import insert_links
from talkwire.storage.messages.imports import write_run
from talkwire.storage.messages.messages import (
    Extra,
    add_replies,
    extra_of,
    insert_messages,
    insert_texts,
    is_text,
    message_values,
    messages_by_id,
    messages_sent,
    named_by,
    places_by_id,
    sent_ms,
    text_values,
    to_extra,
)
from talkwire.storage.messages.search import WordTable
from talkwire.storage.schema import file_links, mentions, message_versions, messages, reactions, tombstones
from talkwire.storage.sql.batch import Write, insert_rows, write, write_with_commit
from talkwire.storage.sql.keys import keys_parameter
from talkwire.storage.tables.conversations import find_conversation, take_moved_conversations
from talkwire.storage.tables.files import make_due
from talkwire.storage.tables.members import take_moved_members
from talkwire.storage.tables.projection import Projections
from talkwire.storage.tables.users import write_new_users
from talkwire.storage.workspace import Changes, ImportedRun, MessagePlace, StagedMessages, Workspace

_insert_mentions = insert_rows(mentions, ("conversation_id", "user_id", "seq", "sender_id"))

# --- looking up -------------------------------------------------------------------------------------------------------


class MessageLookups(Changes):
    """The part of `core.ports.transaction.Transaction` that is about messages."""

    def message(self, message_id: int) -> Message | None:
        found = self._workspace.messages
        if message_id not in found:
            fetch_messages(self._workspace, (message_id,))
        return self._workspace.messages[message_id]

    def seq_of(self, conversation: Conversation, message_id: int) -> int | None:
        if _is_newest(conversation, message_id):
            return conversation.last_seq
        place = _place_of(self._workspace, message_id)
        return None if place is None or place.conversation_id != conversation.id else place.seq

    def sent_message(self, conversation_id: str, sender_id: str, client_message_id: str) -> Message | None:
        key = (conversation_id, sender_id, client_message_id)
        if key not in self._workspace.sent:
            fetch_sent(self._workspace, (key,))
        return self._workspace.sent[key]

    def newest_message_ms(self, conversation: Conversation) -> int | None:
        if not conversation.last_seq:
            return None
        for message in reversed(self._workspace.staged.messages):
            if message.conversation_id == conversation.id:
                return message.created_ms
        return sent_ms(self._workspace.connection, MESSAGE_ID_BASE + conversation.active_pos)


def fetch_messages(workspace: Workspace, message_ids: Collection[int]) -> None:
    """Reads messages by id."""
    write_messages(workspace)
    workspace.messages.update(dict.fromkeys(message_ids))
    workspace.messages.update(messages_by_id(workspace.connection, message_ids))


def fetch_marked(workspace: Workspace, asked: Collection[tuple[str, int]]) -> None:
    """Reads where messages are, by (conversation id, message id), except each conversation's newest message: receipts
    usually name that one, and the conversation says where it is."""
    known = ((find_conversation(workspace, conversation_id), id_) for conversation_id, id_ in asked)
    ids = {id_ for conversation, id_ in known if conversation is not None and not _is_newest(conversation, id_)}
    if ids:
        _fetch_places(workspace, ids)


def _is_newest(conversation: Conversation, message_id: int) -> bool:
    return bool(conversation.last_seq) and message_id == MESSAGE_ID_BASE + conversation.active_pos


def _place_of(workspace: Workspace, message_id: int) -> MessagePlace | None:
    staged = workspace.staged.messages  # by ascending ids
    index = bisect_left(staged, message_id, key=attrgetter("id"))
    if index < len(staged) and staged[index].id == message_id:
        return MessagePlace(staged[index].conversation_id, staged[index].seq)
    if message_id not in workspace.places:
        _fetch_places(workspace, (message_id,))
    return workspace.places[message_id]


def _fetch_places(workspace: Workspace, message_ids: Collection[int]) -> None:
    workspace.places.update(dict.fromkeys(message_ids))
    keys = keys_parameter([(str(id_),) for id_ in message_ids])
    for id_, conversation_id, seq in workspace.connection.execute(places_by_id, keys):
        workspace.places[id_] = MessagePlace(conversation_id, seq)


def fetch_sent(workspace: Workspace, asked: Collection[tuple[str, str, str]]) -> None:
    """Reads messages by (conversation id, sender id, client message id)."""
    write_messages(workspace)
    workspace.sent.update(dict.fromkeys(asked))
    for message in messages_sent(workspace.connection, asked):
        assert message.client_message_id is not None
        workspace.sent[message.conversation_id, message.sender_id, message.client_message_id] = message


# --- staging and writing ----------------------------------------------------------------------------------------------


def _sent(workspace: Workspace, event: MessageSent) -> None:
    """Stages a new message, and moves its conversation and its sender's counts."""
    message, staged = event.message, workspace.staged
    conversation_id, sender_id = message.conversation_id, message.sender_id
    staged.messages.append(message)
    conversation = workspace.conversations.get(conversation_id) or workspace.view.conversations[conversation_id]
    workspace.conversations[conversation_id] = replace(
        conversation, last_seq=message.seq, last_pos=event.pos, active_pos=event.pos
    )
    workspace.moved_conversations.add(conversation_id)
    if message.imported:
        _stage_import(staged, message)
    else:
        key = (conversation_id, sender_id)
        member = workspace.members.get(key) or workspace.view.members[key]
        workspace.members[key] = replace(member, sent_count=member.sent_count + 1, last_sent_ms=event.at_ms)
        workspace.moved_members.add(key)
    if message.client_message_id is not None:
        workspace.sent[conversation_id, sender_id, message.client_message_id] = message
    if workspace.messages:
        workspace.messages.pop(message.id, None)
    if workspace.places:
        workspace.places.pop(message.id, None)
    if not is_text(message):
        _stage_parts(workspace, event)


def _stage_parts(workspace: Workspace, event: MessageSent) -> None:
    """Stages what a message that is more than a text has beside itself."""
    message, staged = event.message, workspace.staged
    staged.only_texts = False
    _stage_mentions(staged, message)
    staged.links += [
        (attachment.id, message.id, message.conversation_id, message.seq)
        for attachment in message.attachments
        if attachment.id is not None
    ]
    if message.reply_to is not None or message.mentions or message.mentions_all:
        staged.references.append(event)
    if message.thread_id is not None:
        staged.replies[message.thread_id] += 1
        root = workspace.messages.get(message.thread_id)
        if root is not None:
            workspace.put_message(replace(root, reply_count=root.reply_count + 1))


def _stage_import(staged: StagedMessages, message: Message) -> None:
    """Stages that a message was imported: in a run with the one before it, if that was imported too."""
    runs = staged.runs.setdefault(message.conversation_id, [])
    if runs and runs[-1].to_seq == message.seq - 1:
        runs[-1] = runs[-1]._replace(to_seq=message.seq)
    else:
        runs.append(ImportedRun(message.conversation_id, message.seq, message.seq, message.created_ms))


def _stage_mentions(staged: StagedMessages, message: Message) -> None:
    """Stages whom a message names. An imported one calls for nobody's attention."""
    if not message.imported:
        staged.mentions += [(message.conversation_id, id_, message.seq, message.sender_id) for id_ in named_by(message)]


def write_messages(workspace: Workspace) -> None:
    """Writes staged messages, and the users that sent them."""
    _write(workspace, [])


def flush(workspace: Workspace, *more: Write, at_commit: bool = False) -> None:
    """Writes everything that was staged, and `more`. `at_commit`: nothing follows but COMMIT, with which the writes may
    go."""
    moved = [*take_moved_members(workspace), *take_moved_conversations(workspace), *more]
    _write(workspace, moved, at_commit=at_commit)


def _write(workspace: Workspace, more: Sequence[Write], *, at_commit: bool = False) -> None:
    write_new_users(workspace)
    staged = workspace.staged
    is_last = at_commit and not staged.runs and not staged.replies
    (write_with_commit if is_last else write)(workspace.connection, [*_take_messages(staged), *more])
    for runs in staged.runs.values():
        for run in runs:
            write_run(workspace.connection, run)
    staged.runs.clear()
    if staged.replies:
        # Not together with the messages, as a reply may be to one of them.
        rows = [(count, root_id) for root_id, count in staged.replies.items()]
        write(workspace.connection, [Write(add_replies, rows)])
        staged.replies.clear()


def _take_messages(staged: StagedMessages) -> list[Write]:
    writes: list[Write] = []
    if staged.messages:
        if staged.only_texts:
            writes.append(Write(insert_texts, [text_values(message) for message in staged.messages]))
        else:
            writes.append(Write(insert_messages, [message_values(message) for message in staged.messages]))
        staged.messages = []
        staged.only_texts = True
    if staged.links:
        writes.append(Write(insert_links, staged.links))
        staged.links = []
    if staged.mentions:
        writes.append(Write(_insert_mentions, staged.mentions))
        staged.mentions = []
    return writes


# --- events -----------------------------------------------------------------------------------------------------------


def _edited(workspace: Workspace, event: MessageEdited) -> None:
    message = event.message
    write_messages(workspace)
    _keep_version(workspace.connection, message)
    _forget_mentions(workspace.connection, message, _stored_extra(workspace.connection, message))
    workspace.forget_message(message.id)
    _change(workspace, message, content=message.content, extra=extra_of(message), edited_ms=message.edited_ms)
    _stage_mentions(workspace.staged, message)


def _keep_version(connection: Connection, message: Message) -> None:
    """Stores what the message said before it was edited, and since when."""
    before = connection.execute(
        select(messages.c.content, messages.c.created_ms, messages.c.edited_ms).where(messages.c.id == message.id)
    ).one()
    last = connection.execute(
        select(func.max(message_versions.c.version)).where(message_versions.c.message_id == message.id)
    ).scalar()
    version = {
        "message_id": message.id,
        "version": (last or 0) + 1,
        "content": before.content,
        "written_ms": before.edited_ms or before.created_ms,
    }
    connection.execute(insert(message_versions), version)


_CLEARED = {
    "content": "",
    "extra": None,
    "metadata": None,
    "reply_to_id": None,
    "reaction_count": 0,
    "pinned_ms": None,
    "edited_ms": None,
}
"""The columns of a tombstone."""


def _deleted(workspace: Workspace, event: MessageDeleted) -> None:
    """Removes what was said from every table."""
    message, connection = event.message, workspace.connection
    write_messages(workspace)
    extra = _stored_extra(connection, message)
    workspace.forget_message(message.id)
    _change(workspace, message, **_CLEARED, deleted_ms=message.deleted_ms, deleted_by=message.deleted_by)
    _forget_mentions(connection, message, extra)
    _forget_links(connection, message, extra, event.at_ms)
    if not extra.imported:
        tombstone = {"conversation_id": message.conversation_id, "seq": message.seq, "sender_id": message.sender_id}
        connection.execute(insert(tombstones), tombstone)
    connection.execute(delete(message_versions).where(message_versions.c.message_id == message.id))
    connection.execute(delete(reactions).where(reactions.c.message_id == message.id))
    if message.thread_id is not None:
        workspace.forget_message(message.thread_id)
        connection.execute(
            update(messages).where(messages.c.id == message.thread_id).values(reply_count=messages.c.reply_count - 1)
        )


def _reacted(workspace: Workspace, event: MessageReacted) -> None:
    write_messages(workspace)
    connection, message = workspace.connection, event.message
    if event.added:
        given = {"message_id": message.id, "emoji": event.emoji, "user_id": event.user_id, "pos": event.pos}
        connection.execute(insert(reactions), given)
    else:
        connection.execute(
            delete(reactions).where(
                reactions.c.message_id == message.id,
                reactions.c.emoji == event.emoji,
                reactions.c.user_id == event.user_id,
            )
        )
    _change(workspace, message, reaction_count=sum(reaction.count for reaction in message.reactions))


def _pinned(workspace: Workspace, event: MessagePinned | MessageUnpinned) -> None:
    write_messages(workspace)
    _change(workspace, event.message, pinned_ms=event.message.pinned_ms)


def _change(workspace: Workspace, message: Message, **values: Any) -> None:  # noqa: ANN401 (columns)
    workspace.connection.execute(update(messages).where(messages.c.id == message.id).values(**values))
    workspace.put_message(message)


def _stored_extra(connection: Connection, message: Message) -> Extra:
    """Returns what the message had until now, by which the rows of its mentions and links are found."""
    row = connection.execute(select(messages.c.extra).where(messages.c.id == message.id)).one()
    return to_extra(row.extra)


def _forget_mentions(connection: Connection, message: Message, extra: Extra) -> None:
    user_ids = named_by(extra)
    if user_ids:
        connection.execute(
            delete(mentions).where(
                mentions.c.conversation_id == message.conversation_id,
                mentions.c.user_id.in_(user_ids),
                mentions.c.seq == message.seq,
            )
        )


def _forget_links(connection: Connection, message: Message, extra: Extra, at_ms: int) -> None:
    file_ids = [attachment.id for attachment in extra.attachments if attachment.id is not None]
    if file_ids:
        connection.execute(
            delete(file_links).where(file_links.c.file_id.in_(file_ids), file_links.c.message_id == message.id)
        )
        make_due(connection, file_ids, at_ms)


PROJECTIONS: Projections = MappingProxyType(
    {
        MessageSent: _sent,
        MessageEdited: _edited,
        MessageDeleted: _deleted,
        MessageReacted: _reacted,
        MessagePinned: _pinned,
        MessageUnpinned: _pinned,
    }
)

# --- clearing many ----------------------------------------------------------------------------------------------------

_clearable: Select[Any] = select(
    messages.c.id,
    messages.c.conversation_id,
    messages.c.seq,
    messages.c.sender_id,
    messages.c.thread_id,
    messages.c.extra,
).where(messages.c.deleted_ms.is_(None))

_clear = update(messages).where(messages.c.id == bindparam("of_id")).values(**_CLEARED, deleted_ms=bindparam("now_ms"))
_uncount_replies = (
    update(messages)
    .where(messages.c.id == bindparam("root_id"))
    .values(reply_count=messages.c.reply_count - bindparam("gone"))
)
_drop_versions = delete(message_versions).where(message_versions.c.message_id == bindparam("of_id"))
_drop_reactions = delete(reactions).where(reactions.c.message_id == bindparam("of_id"))
_drop_mentions = delete(mentions).where(
    mentions.c.conversation_id == bindparam("of_conversation"),
    mentions.c.user_id == bindparam("of_user"),
    mentions.c.seq == bindparam("of_seq"),
)
_drop_links = delete(file_links).where(
    file_links.c.file_id == bindparam("of_file"), file_links.c.message_id == bindparam("of_id")
)


def clearable_between(connection: Connection, after_id: int, until_id: int) -> Sequence[Row[Any]]:
    """Returns the messages with `after_id` < id <= `until_id` that are no tombstones, for `clear_messages`."""
    return connection.execute(_clearable.where(messages.c.id > after_id, messages.c.id <= until_id)).all()


def clearable_in(
    connection: Connection, conversation_id: str, after_seq: int, limit: int, *conditions: ColumnElement[bool]
) -> Sequence[Row[Any]]:
    """Returns the first messages of a conversation behind `after_seq` that are no tombstones, for `clear_messages`."""
    found = _clearable.where(messages.c.conversation_id == conversation_id, messages.c.seq > after_seq, *conditions)
    return connection.execute(found.order_by(messages.c.seq).limit(limit)).all()


def clearable_in_run(connection: Connection, run: Row[Any], before_ms: int, limit: int) -> Sequence[Row[Any]]:
    """As `clearable_in`, of an imported run's messages from before a time."""
    of_run = messages.c.seq <= run.to_seq, messages.c.created_ms < before_ms
    return clearable_in(connection, run.conversation_id, run.from_seq - 1, limit, *of_run)


def oldest_clearable_ms(
    conversation_id: ColumnElement[str], from_seq: ColumnElement[int], to_seq: ColumnElement[int]
) -> ScalarSelect[int]:
    """Returns the time of the first message of a run that is no tombstone and not older than the parameter
    `before_ms`."""
    return (
        select(messages.c.created_ms)
        .where(
            messages.c.conversation_id == conversation_id,
            messages.c.seq >= from_seq,
            messages.c.seq <= to_seq,
            messages.c.created_ms >= bindparam("before_ms"),
            messages.c.deleted_ms.is_(None),
        )
        .order_by(messages.c.seq)
        .limit(1)
        .scalar_subquery()
    )


def clear_messages(connection: Connection, rows: Sequence[Row[Any]], now_ms: int) -> None:
    """Makes tombstones of messages, rows of `clearable_…`: the same that is left of a message that a user deleted."""
    if not rows:
        return
    ids = [{"of_id": row.id} for row in rows]
    connection.execute(_clear, [{"of_id": row.id, "now_ms": now_ms} for row in rows])
    counted = [
        {"conversation_id": row.conversation_id, "seq": row.seq, "sender_id": row.sender_id}
        for row in rows
        if not to_extra(row.extra).imported
    ]
    if counted:
        connection.execute(insert(tombstones), counted)
    connection.execute(_drop_versions, ids)
    connection.execute(_drop_reactions, ids)
    _clear_mentions_and_links(connection, rows, now_ms)
    roots = Counter(row.thread_id for row in rows if row.thread_id is not None)
    if roots:
        connection.execute(_uncount_replies, [{"root_id": id_, "gone": gone} for id_, gone in roots.items()])
    WordTable(connection.dialect).put(connection, {row.id: () for row in rows})


def _clear_mentions_and_links(connection: Connection, rows: Sequence[Row[Any]], now_ms: int) -> None:
    with_extra = [(row, to_extra(row.extra)) for row in rows if row.extra is not None]
    named = [
        {"of_conversation": row.conversation_id, "of_user": user_id, "of_seq": row.seq}
        for row, extra in with_extra
        for user_id in named_by(extra)
    ]
    if named:
        connection.execute(_drop_mentions, named)
    linked = [
        {"of_file": attachment.id, "of_id": row.id}
        for row, extra in with_extra
        for attachment in extra.attachments
        if attachment.id is not None
    ]
    if linked:
        connection.execute(_drop_links, linked)
        make_due(connection, {link["of_file"] for link in linked}, now_ms)
