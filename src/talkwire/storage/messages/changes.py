"""Changes messages in a transaction: looks messages up, stages new ones, and applies events to the tables of messages.

New messages are staged (collected in the transaction's `Workspace`) and written together. Functions that have to find
new messages in the database call `write_messages` first.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
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
    CardActed,
    CardDecided,
    CardReminded,
    LinkPreviewsChanged,
    MessageDeleted,
    MessageEdited,
    MessageMetadataChanged,
    MessagePinned,
    MessageReacted,
    MessageSent,
    MessageUnpinned,
    StreamStateChanged,
    ThreadMarked,
    ThreadUpdated,
)
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import REACTION_USERS_MAX, Conversation, Message, file_kind
from talkwire.storage.messages.attachments import PREVIEW, insert_links
from talkwire.storage.messages.cards import forget_cards, put_open
from talkwire.storage.messages.imports import write_run
from talkwire.storage.messages.messages import (
    Extra,
    add_replies,
    extra_of,
    extra_of_cleared,
    insert_messages,
    insert_texts,
    is_text,
    message_values,
    messages_by_id,
    messages_sent,
    metadata_of,
    named_by,
    newest_messages,
    places_by_id,
    sent_ms,
    text_values,
    to_extra,
)
from talkwire.storage.messages.ratings import forget_ratings
from talkwire.storage.messages.saved import forget_saved
from talkwire.storage.messages.search import WordTable
from talkwire.storage.messages.source_quotes import add_quotes, end_quotes, insert_quotes, quotes_of
from talkwire.storage.messages.threads import activity_with, find_partners, follow_writes, new_follows, put_follow
from talkwire.storage.schema import file_links, mentions, message_versions, messages, reactions, streams, tombstones
from talkwire.storage.sql.batch import Write, insert_rows, update_rows, write
from talkwire.storage.sql.keys import keys_parameter
from talkwire.storage.sql.values import to_json
from talkwire.storage.tables.conversations import find_conversation, take_moved_conversations
from talkwire.storage.tables.files import make_due
from talkwire.storage.tables.members import take_moved_members
from talkwire.storage.tables.moderation.reports import forget_messages
from talkwire.storage.tables.projection import Projections, nothing
from talkwire.storage.tables.users import write_new_users
from talkwire.storage.workspace import Changes, ImportedRun, MessagePlace, NewFollow, StagedMessages, Workspace

_complete_imported = update_rows(messages, ("edited_ms", "pinned_ms", "reaction_count"), ("id",))
_insert_reactions = insert_rows(reactions, ("message_id", "emoji", "user_id", "pos"))
_insert_mentions = insert_rows(mentions, ("conversation_id", "user_id", "seq", "sender_id"))

# --- looking up -------------------------------------------------------------------------------------------------------


class MessageLookups(Changes):
    """The methods of `core.ports.transaction.Transaction` that look up messages, with the transaction's uncommitted
    changes. `BatchTransaction` inherits them."""

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

    def newest_messages(
        self, conversation_id: str, *, after_seq: int, history_seq: int, limit: int
    ) -> Sequence[Message]:
        write_messages(self._workspace)
        return newest_messages(self._workspace.connection, conversation_id, max(after_seq, history_seq), limit)

    def newest_message_ms(self, conversation: Conversation) -> int | None:
        if not conversation.last_seq:
            return None
        for message in reversed(self._workspace.staged.messages):
            if message.conversation_id == conversation.id:
                return message.created_ms
        return sent_ms(self._workspace.connection, id_at(conversation.active_pos))


def fetch_messages(workspace: Workspace, message_ids: Collection[int]) -> None:
    """Reads messages by id from the database into `workspace.messages`, the transaction's cache; None for ids without a
    message. Writes the staged messages first."""
    write_messages(workspace)
    workspace.messages.update(dict.fromkeys(message_ids))
    workspace.messages.update(messages_by_id(workspace.connection, message_ids))


def fetch_marked(workspace: Workspace, asked: Collection[tuple[str, int]]) -> None:
    """Reads the conversation and `seq` of messages that receipts name into `workspace.places`, a cache of the
    transaction; None for ids without a message. `asked` has (conversation id, message id).

    Skips the newest message of each conversation: most receipts name that one, and the conversation's row has its
    `seq`.
    """
    known = ((find_conversation(workspace, conversation_id), id_) for conversation_id, id_ in asked)
    ids = {id_ for conversation, id_ in known if conversation is not None and not _is_newest(conversation, id_)}
    if ids:
        _fetch_places(workspace, ids)


def _is_newest(conversation: Conversation, message_id: int) -> bool:
    return bool(conversation.last_seq) and message_id == id_at(conversation.active_pos)


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
    """Reads messages by (conversation id, sender id, client message id) into `workspace.sent`, a cache of the
    transaction, to recognize messages that a client sends again; None for keys without a message."""
    write_messages(workspace)
    workspace.sent.update(dict.fromkeys(asked))
    for message in messages_sent(workspace.connection, asked):
        assert message.client_message_id is not None
        workspace.sent[message.conversation_id, message.sender_id, message.client_message_id] = message


# --- staging and writing ----------------------------------------------------------------------------------------------


def _sent(workspace: Workspace, event: MessageSent) -> None:
    """Applies a `MessageSent` event: stages the new message for writing, and updates its conversation's newest `seq`
    and positions and, unless it was imported, the number of messages that its sender has sent there."""
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
        member = workspace.members.get(key) or workspace.view.members.get(key)
        if member is not None:  # the sender of a system message may be no member
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
        if message.card is not None:
            put_open(workspace.connection, message)


def _stage_parts(workspace: Workspace, event: MessageSent) -> None:
    """Stages the rows of a new message that has more than a text: mentions, attachments, and for a reply in a thread
    the followers and counts of the thread."""
    message, staged = event.message, workspace.staged
    staged.only_texts = False
    _stage_mentions(staged, message)
    staged.links += [
        (attachment.id, message.id, message.conversation_id, message.seq, file_kind(attachment))
        for attachment in message.attachments
        if attachment.id is not None
    ]
    staged.quotes += quotes_of(message)
    if message.reply_to is not None or message.mentions or message.mentions_all or message.card is not None:
        staged.references.append(event)
    if message.thread_id is not None:
        staged.replies[message.thread_id] += 1
        root = workspace.messages.get(message.thread_id)
        _stage_follows(staged, new_follows(message, root, find_partners(workspace, message, root)))
        if root is not None:
            workspace.put_message(
                replace(root, reply_count=root.reply_count + 1, thread=activity_with(root.thread, message))
            )


def _stage_follows(staged: StagedMessages, follows: Iterable[NewFollow]) -> None:
    """Stages rows of users who follow threads, each with a read position in the thread. Of several rows for one user
    and thread, the read position of the first one is kept."""
    for follow in follows:
        key = (follow.user_id, follow.root_id)
        first = staged.follows.get(key)
        # The first row of a batch says from where on there is something to read.
        staged.follows[key] = follow if first is None else first._replace(again=first.again or follow.again)


def _stage_import(staged: StagedMessages, message: Message) -> None:
    """Stages the record that a message was imported. Consecutive imported messages of a conversation form one run, a
    range of `seq`."""
    if message.edited_ms is not None or message.reactions or message.pinned_ms is not None:
        staged.imported.append(message)
    runs = staged.runs.setdefault(message.conversation_id, [])
    if runs and runs[-1].to_seq == message.seq - 1:
        runs[-1] = runs[-1]._replace(to_seq=message.seq)
    else:
        runs.append(ImportedRun(message.conversation_id, message.seq, message.seq, message.created_ms))


def _stage_mentions(staged: StagedMessages, message: Message) -> None:
    """Stages the rows of the users that a message mentions; imported messages mention nobody."""
    if not message.imported:
        staged.mentions += [(message.conversation_id, id_, message.seq, message.sender_id) for id_ in named_by(message)]


def write_messages(workspace: Workspace) -> None:
    """Writes the staged messages and all rows that belong to them to the database; before them the new users, who may
    have sent them."""
    write_new_users(workspace)
    write(workspace.connection, _take_messages(workspace.staged))
    _write_what_follows(workspace)


def write_staged(workspace: Workspace, more: Sequence[Write] = ()) -> None:
    """Writes everything that the transaction has staged, together with the writes `more`."""
    write(workspace.connection, [*take_staged(workspace), *more])
    _write_what_follows(workspace)


def take_staged(workspace: Workspace) -> list[Write]:
    """Returns the writes of the staged messages and of the members and conversations whose positions and counts have
    changed, for the caller to run. New users are written by this call. Rows that may only follow the messages, such as
    counts of replies, stay staged."""
    write_new_users(workspace)
    moved = [*take_moved_members(workspace), *take_moved_conversations(workspace)]
    return [*_take_messages(workspace.staged), *moved]


def _write_what_follows(workspace: Workspace) -> None:
    """Writes the staged rows that change or refer to new messages, once these are in the database: imports, counts of
    replies, followers of threads."""
    staged = workspace.staged
    for runs in staged.runs.values():
        for run in runs:
            write_run(workspace.connection, run)
    staged.runs.clear()
    if staged.imported:
        write(workspace.connection, list(_imported_writes(staged.imported)))
        staged.imported.clear()
    if staged.replies or staged.follows:
        # Not together with the messages, as a reply may be to one of them.
        counts = [Write(add_replies, [(count, root_id) for root_id, count in staged.replies.items()])]
        write(workspace.connection, [*(counts if staged.replies else ()), *follow_writes(staged.follows.values())])
        staged.replies.clear()
        staged.follows.clear()


def _imported_writes(imported: Sequence[Message]) -> Iterable[Write]:
    """Yields the writes that add edit times, pins and reactions to the rows of imported messages.

    The positions of these reactions are negative: they are older than all reactions in the log.
    """
    values = [
        (message.edited_ms, message.pinned_ms, sum(each.count for each in message.reactions), message.id)
        for message in imported
    ]
    yield Write(_complete_imported, values)
    given = [
        (message.id, reaction.emoji, user_id, order - len(message.reactions) * REACTION_USERS_MAX)
        for message in imported
        for order, (reaction, user_id) in enumerate(
            (reaction, user_id) for reaction in message.reactions for user_id in reaction.user_ids
        )
    ]
    if given:
        yield Write(_insert_reactions, given)


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
    if staged.quotes:
        writes.append(Write(insert_quotes, staged.quotes))
        staged.quotes = []
    if staged.mentions:
        writes.append(Write(_insert_mentions, staged.mentions))
        staged.mentions = []
    return writes


# --- events -----------------------------------------------------------------------------------------------------------


def _edited(workspace: Workspace, event: MessageEdited) -> None:
    write_messages(workspace)
    _keep_version(workspace.connection, event.message)
    _rewrite(workspace, event)


def _stream_changed(workspace: Workspace, event: StreamStateChanged) -> None:
    write_messages(workspace)
    if event.message.state == "streaming":
        _change(workspace, event.message, extra=extra_of(event.message))
    else:
        _rewrite(workspace, event)


def _rewrite(workspace: Workspace, event: MessageEdited | StreamStateChanged) -> None:
    """Writes the new text of a message with everything that follows from it: mentions, attachments and quotes."""
    message = event.message
    before = _stored_extra(workspace.connection, message)
    _forget_mentions(workspace.connection, message, before)
    _forget_links(workspace.connection, message, _dropped(before, message), event.at_ms)
    added = [each for each in message.attachments if each.id not in before.file_ids]
    _link(workspace.connection, message, [(each.id, file_kind(each)) for each in added])
    add_quotes(workspace.connection, message)
    workspace.forget_message(message.id)
    _change(
        workspace,
        message,
        content=message.content,
        extra=extra_of(message),
        metadata=metadata_of(message),
        edited_ms=message.edited_ms,
    )
    _stage_mentions(workspace.staged, message)
    if message.thread_id is not None and message.mentions:
        # An edit makes users follow the thread that it mentions, but not its author again.
        _stage_follows(workspace.staged, [each for each in new_follows(message, None) if not each.again])


def _card_acted(workspace: Workspace, event: CardActed) -> None:
    write_messages(workspace)
    _change(workspace, event.message, extra=extra_of(event.message))


def _card_decided(workspace: Workspace, event: CardDecided) -> None:
    write_messages(workspace)
    message = event.message
    put_open(workspace.connection, message)
    _change(workspace, message, content=message.content, extra=extra_of(message))


def _metadata_changed(workspace: Workspace, event: MessageMetadataChanged) -> None:
    write_messages(workspace)
    _change(workspace, event.message, metadata=metadata_of(event.message))


def _keep_version(connection: Connection, message: Message) -> None:
    """Stores the text that a message has in the database, before an edit replaces it, as an earlier version, with the
    time at which that text was written. `message` is the edited message."""
    before = connection.execute(
        select(messages.c.content, messages.c.created_ms, messages.c.edited_ms, messages.c.extra).where(
            messages.c.id == message.id
        )
    ).one()
    last = connection.execute(
        select(func.max(message_versions.c.version)).where(message_versions.c.message_id == message.id)
    ).scalar()
    version = {
        "message_id": message.id,
        "version": (last or 0) + 1,
        "content": before.content,
        "written_ms": before.edited_ms or before.created_ms,
        "parts": to_json(to_extra(before.extra).parts or None),
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
"""Values of the columns of a tombstone, the remaining row of a deleted message."""


def _deleted(workspace: Workspace, event: MessageDeleted) -> None:
    """Applies a `MessageDeleted` event: removes the message's content from every table, and leaves a tombstone with its
    number and sender."""
    message, connection = event.message, workspace.connection
    write_messages(workspace)
    extra = _stored_extra(connection, message)
    workspace.forget_message(message.id)
    remaining = _CLEARED | {"extra": extra_of(message)}
    _change(workspace, message, **remaining, deleted_ms=message.deleted_ms, deleted_by=message.deleted_by)
    _forget_mentions(connection, message, extra)
    _forget_links(connection, message, extra.file_ids, event.at_ms)
    if not extra.imported:
        tombstone = {"conversation_id": message.conversation_id, "seq": message.seq, "sender_id": message.sender_id}
        connection.execute(insert(tombstones), tombstone)
    connection.execute(delete(message_versions).where(message_versions.c.message_id == message.id))
    connection.execute(_drop_streams, {"of_id": message.id})
    if end_quotes(connection, (message.id,)):
        workspace.forget_messages()
    connection.execute(delete(reactions).where(reactions.c.message_id == message.id))
    forget_saved(connection, (message.id,))
    forget_ratings(connection, (message.id,))
    if extra.card is not None:
        forget_cards(connection, (message.id,))
    if message.thread_id is not None:
        workspace.forget_message(message.thread_id)
        connection.execute(
            update(messages).where(messages.c.id == message.thread_id).values(reply_count=messages.c.reply_count - 1)
        )


def _previewed(workspace: Workspace, event: LinkPreviewsChanged) -> None:
    write_messages(workspace)
    connection, message = workspace.connection, event.message
    before, after = _stored_extra(connection, message), extra_of(message)
    _forget_links(connection, message, _dropped(before, message), event.at_ms)
    pictures = [preview.image for preview in message.previews if preview.image is not None]
    _link(connection, message, [(image.id, PREVIEW) for image in pictures if image.id not in before.file_ids])
    _change(workspace, message, extra=after)


def _link(connection: Connection, message: Message, files: Iterable[tuple[str | None, str]]) -> None:
    """Adds the links of files to a message; `files` has their ids and kinds."""
    place = message.id, message.conversation_id, message.seq
    links = [(file_id, *place, kind) for file_id, kind in files if file_id is not None]
    if links:
        write(connection, [Write(insert_links, links)])


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
    """Returns the rare fields (mentions, attachments, …) that a message has in the database before the change to
    `message`, to find the rows that the change removes."""
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


def _dropped(before: Extra, message: Message) -> list[str]:
    """Returns the ids of the files that a message showed before a change and does not show any more."""
    shown = to_extra(extra_of(message)).file_ids
    return [file_id for file_id in before.file_ids if file_id not in shown]


def _forget_links(connection: Connection, message: Message, file_ids: Sequence[str], at_ms: int) -> None:
    if file_ids:
        connection.execute(
            delete(file_links).where(file_links.c.file_id.in_(file_ids), file_links.c.message_id == message.id)
        )
        make_due(connection, file_ids, at_ms)


def _thread_updated(_: Workspace, __: ThreadUpdated) -> None:
    """Does nothing for a `ThreadUpdated` event: the `MessageDeleted` of the reply has changed the thread's root message
    already."""


def _thread_marked(workspace: Workspace, event: ThreadMarked) -> None:
    write_messages(workspace)
    put_follow(workspace.connection, event)


PROJECTIONS: Projections = MappingProxyType(
    {
        MessageSent: _sent,
        MessageEdited: _edited,
        MessageMetadataChanged: _metadata_changed,
        StreamStateChanged: _stream_changed,
        MessageDeleted: _deleted,
        LinkPreviewsChanged: _previewed,
        MessageReacted: _reacted,
        CardActed: _card_acted,
        CardDecided: _card_decided,
        CardReminded: nothing,
        MessagePinned: _pinned,
        MessageUnpinned: _pinned,
        ThreadUpdated: _thread_updated,
        ThreadMarked: _thread_marked,
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

_clear = (
    update(messages)
    .where(messages.c.id == bindparam("of_id"))
    .values(_CLEARED | {"extra": bindparam("left"), "deleted_ms": bindparam("now_ms")})
)
_uncount_replies = (
    update(messages)
    .where(messages.c.id == bindparam("root_id"))
    .values(reply_count=messages.c.reply_count - bindparam("gone"))
)
_drop_streams = delete(streams).where(streams.c.message_id == bindparam("of_id"))
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
    """Returns rows of the messages with `after_id` < id <= `until_id` that are not deleted yet, as arguments for
    `clear_messages`."""
    return connection.execute(_clearable.where(messages.c.id > after_id, messages.c.id <= until_id)).all()


def clearable_in(
    connection: Connection, conversation_id: str, after_seq: int, limit: int, *conditions: ColumnElement[bool]
) -> Sequence[Row[Any]]:
    """Returns rows of the first `limit` messages of a conversation with a `seq` above `after_seq` that are not deleted
    yet and meet the SQL `conditions` on `messages`, as arguments for `clear_messages`."""
    found = _clearable.where(messages.c.conversation_id == conversation_id, messages.c.seq > after_seq, *conditions)
    return connection.execute(found.order_by(messages.c.seq).limit(limit)).all()


def clearable_in_run(connection: Connection, run: Row[Any], before_ms: int, limit: int) -> Sequence[Row[Any]]:
    """Returns rows of the first `limit` messages of a run (a row of `imports`: consecutive imported messages) that were
    sent before `before_ms`, in milliseconds since 1970, and are not deleted yet, as arguments for `clear_messages`."""
    of_run = messages.c.seq <= run.to_seq, messages.c.created_ms < before_ms
    return clearable_in(connection, run.conversation_id, run.from_seq - 1, limit, *of_run)


def oldest_clearable_ms(
    conversation_id: ColumnElement[str], from_seq: ColumnElement[int], to_seq: ColumnElement[int]
) -> ScalarSelect[int]:
    """Returns a subquery for the time at which the oldest message that must still be kept was sent: the first one with
    `from_seq` <= `seq` <= `to_seq` that is not deleted and was sent at or after the statement's parameter `before_ms`.
    NULL if there is none."""
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
    """Deletes the content of messages and leaves tombstones, as when a user deletes a message. `rows` are results of
    the `clearable_…` functions, `now_ms` is the time of the deletion in milliseconds since 1970."""
    if not rows:
        return
    ids = [{"of_id": row.id} for row in rows]
    left = [{"of_id": row.id, "now_ms": now_ms, "left": extra_of_cleared(row.extra)} for row in rows]
    connection.execute(_clear, left)
    counted = [
        {"conversation_id": row.conversation_id, "seq": row.seq, "sender_id": row.sender_id}
        for row in rows
        if not to_extra(row.extra).imported
    ]
    if counted:
        connection.execute(insert(tombstones), counted)
    connection.execute(_drop_versions, ids)
    connection.execute(_drop_streams, ids)
    connection.execute(_drop_reactions, ids)
    forget_saved(connection, [row.id for row in rows])
    forget_ratings(connection, [row.id for row in rows])
    with_card = [row.id for row in rows if to_extra(row.extra).card is not None]
    if with_card:
        forget_cards(connection, with_card)
    forget_messages(connection, [row.id for row in rows])
    end_quotes(connection, [row.id for row in rows])
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
    linked = [{"of_file": file_id, "of_id": row.id} for row, extra in with_extra for file_id in extra.file_ids]
    if linked:
        connection.execute(_drop_links, linked)
        make_due(connection, {link["of_file"] for link in linked}, now_ms)
