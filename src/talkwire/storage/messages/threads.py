"""Threads: replies to a root message. Reads the activity that root messages show (latest reply and participants), and
stores which users follow a thread, i.e. have a read position in it.

The activity of a root is read from its replies, by one statement for all roots of a page, so it cannot differ from
them. A user who wrote the root or a reply, or who was mentioned, has a row in `thread_follows`, and
so has each member of a direct conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    bindparam,
    exists,
    func,
    literal_column,
    select,
)

from talkwire.core.commands.messages import THREAD_UNREAD_MAX, ThreadMark
from talkwire.core.domain.events import ThreadMarked
from talkwire.core.domain.model import (
    PARTICIPANT_REPLIES,
    PARTICIPANTS_MAX,
    Message,
    Participant,
    ThreadActivity,
)
from talkwire.core.ports.stores import FollowedRoot
from talkwire.storage.schema import blocks, imports, members, messages, thread_follows, users
from talkwire.storage.sql.batch import Write, insert_rows, resolving, write
from talkwire.storage.sql.keys import KEYS, key_number, keys_parameter
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow, Values
from talkwire.storage.workspace import NewFollow, Workspace

# --- what a root shows ------------------------------------------------------------------------------------------------

_edge = messages.alias("edge")
_oldest_searched = (
    select(_edge.c.seq)
    .where(_edge.c.thread_id == key_number(0), _edge.c.deleted_ms.is_(None))
    .order_by(_edge.c.seq.desc())
    .limit(literal_column("1"))
    .offset(literal_column(str(PARTICIPANT_REPLIES - 1)))
    .correlate(KEYS)
    .scalar_subquery()
)
_newest_replies: Select[Any] = (
    select(messages.c.thread_id, messages.c.sender_id, messages.c.created_ms, users.c.name, users.c.avatar)
    .select_from(KEYS)
    .join(messages, messages.c.thread_id == key_number(0))
    .join(users, users.c.id == messages.c.sender_id)
    .where(messages.c.deleted_ms.is_(None), messages.c.seq >= func.coalesce(_oldest_searched, literal_column("0")))
    .order_by(messages.c.thread_id, messages.c.seq.desc())
)


def read_activity(connection: Connection, root_ids: Collection[int]) -> Mapping[int, ThreadActivity]:
    """Returns root message id -> thread activity (time of the newest reply, latest participants); roots without replies
    are missing."""
    found: dict[int, tuple[int, dict[str, Participant]]] = {}
    for row in connection.execute(_newest_replies, keys_parameter([(str(id_),) for id_ in root_ids])):
        _, participants = found.setdefault(row.thread_id, (row.created_ms, {}))
        participants.setdefault(row.sender_id, Participant(row.sender_id, row.name, row.avatar))
    return {
        id_: ThreadActivity(last_ms, tuple(participants.values())[:PARTICIPANTS_MAX])
        for id_, (last_ms, participants) in found.items()
    }


def activity_with(activity: ThreadActivity | None, reply: Message) -> ThreadActivity:
    """Returns a thread's activity (time of the newest reply, latest participants) after one more reply."""
    sender = Participant(reply.sender_id, reply.sender_name, reply.sender_avatar)
    others = () if activity is None else activity.participants
    participants = (sender, *(each for each in others if each.user_id != reply.sender_id))
    return ThreadActivity(reply.created_ms, participants[:PARTICIPANTS_MAX])


# --- following --------------------------------------------------------------------------------------------------------


_COLUMNS = ("user_id", "root_id", "conversation_id", "read_seq", "following")
_KEY = ("user_id", "root_id")
_inserted = insert_rows(thread_follows, _COLUMNS)
_follow_once = resolving(_inserted, _KEY)
_follow_again = resolving(_inserted, _KEY, "following = true")
_put = resolving(_inserted, _KEY, "following = excluded.following, read_seq = excluded.read_seq")


def new_follows(reply: Message, root: Message | None, partners: Iterable[str] = ()) -> list[NewFollow]:
    """Returns the users who follow a thread because of `reply`: its author, users whom it mentions, `partners` (the
    members of a direct conversation) and, unless `root` is None, the root message's author and the users mentioned
    there. Pass None as `root` if these are not to follow.

    For new followers all earlier replies count as read. The reply itself counts as read for its author, and for
    everybody if it was imported.
    """
    assert reply.thread_id is not None
    seq = reply.seq if reply.imported else reply.seq - 1
    named = () if root is None else (root.sender_id, *root.mentions)
    others = dict.fromkeys((*named, *reply.mentions, *partners))
    others.pop(reply.sender_id, None)
    place = reply.thread_id, reply.conversation_id
    return [
        NewFollow(reply.sender_id, *place, reply.seq, again=True),
        *(NewFollow(user_id, *place, seq, again=False) for user_id in others),
    ]


def find_partners(workspace: Workspace, reply: Message, root: Message | None) -> Sequence[str]:
    """Returns the members of a direct conversation, who both follow its threads. Returns none where the authors of the
    root and of the reply are these members, and in other conversations."""
    conversation = workspace.conversations[reply.conversation_id]
    if conversation.kind != "direct" or (root is not None and root.sender_id != reply.sender_id):
        return ()
    of_conversation = select(members.c.user_id).where(members.c.conversation_id == conversation.id)
    return workspace.connection.execute(of_conversation).scalars().all()


def follow_writes(follows: Iterable[NewFollow]) -> list[Write]:
    """Returns the database writes of new rows in `thread_follows`. Existing rows stay unchanged, except that with
    `NewFollow.again` a user who has stopped following the thread follows it again."""
    rows: dict[bool, list[Values]] = {False: [], True: []}
    for each in follows:
        rows[each.again].append((each.user_id, each.root_id, each.conversation_id, each.read_seq, True))
    return [Write(_follow_again if again else _follow_once, found) for again, found in rows.items() if found]


def put_follow(connection: Connection, mark: ThreadMarked) -> None:
    """Stores whether a user follows a thread and how far the user has read it, as the event says. Replaces an earlier
    row."""
    values = (mark.user_id, mark.root_id, mark.conversation_id, mark.read_seq, mark.following)
    write(connection, [Write(_put, [values])])


# --- reading ----------------------------------------------------------------------------------------------------------

_follow = thread_follows
_reply = messages.alias("reply")
_root = messages.alias("root")


def _newest(column: ColumnElement[Any]) -> ScalarSelect[Any]:
    """Returns a subquery for a column (of the alias `_reply`) of the newest reply in the thread of a `thread_follows`
    row; NULL without replies."""
    return (
        select(column)
        .where(_reply.c.thread_id == _follow.c.root_id, _reply.c.deleted_ms.is_(None))
        .order_by(_reply.c.seq.desc())
        .limit(literal_column("1"))
        .correlate(_follow)
        .scalar_subquery()
    )


_imported_to = (
    select(imports.c.to_seq)
    .where(imports.c.conversation_id == _reply.c.conversation_id, imports.c.from_seq <= _reply.c.seq)
    .order_by(imports.c.from_seq.desc())
    .limit(literal_column("1"))
    .correlate(_reply)
    .scalar_subquery()
)


def _unread_to(
    user_id: ColumnElement[str], root_id: ColumnElement[int], read_seq: ColumnElement[int]
) -> tuple[ColumnElement[bool], ...]:
    """Returns the SQL conditions that a row of the alias `_reply` is a reply in the thread of `root_id` and unread for
    the user, whose read position in the thread is `read_seq`."""
    blocked = exists().where(blocks.c.user_id == user_id, blocks.c.blocked_id == _reply.c.sender_id)
    return (
        _reply.c.thread_id == root_id,
        _reply.c.seq > read_seq,
        _reply.c.deleted_ms.is_(None),
        _reply.c.sender_id != user_id,
        ~blocked.correlate(_follow, _reply),
        _reply.c.seq > func.coalesce(_imported_to, literal_column("0")),
    )


_is_unread = _unread_to(_follow.c.user_id, _follow.c.root_id, _follow.c.read_seq)
_some_after = (
    select(literal_column("1").label("one"))
    .select_from(_reply)
    .where(*_unread_to(bindparam("of_user"), bindparam("of_root"), bindparam("after_seq")))
    .limit(literal_column(str(THREAD_UNREAD_MAX)))
    .subquery("unread")
)
_unread_after: Select[Any] = select(func.count()).select_from(_some_after)
_unread_count = (
    select(func.count())
    .select_from(
        select(literal_column("1").label("one"))
        .select_from(_reply)
        .where(*_is_unread)
        .limit(literal_column(str(THREAD_UNREAD_MAX)))
        .correlate(_follow)
        .subquery("unread")
    )
    .correlate(_follow)
    .scalar_subquery()
)
_has_unread = exists(select(literal_column("1")).select_from(_reply).where(*_is_unread).correlate(_follow))

_visible: Select[Any] = (
    select(_follow, _unread_count.label("unread_count"))
    .join(_root, _root.c.id == _follow.c.root_id)
    .join(
        members,
        (members.c.conversation_id == _follow.c.conversation_id) & (members.c.user_id == _follow.c.user_id),
    )
    # With "seq > …" SQLite would go through the whole conversation by the index of `seq`.
    .where(_root.c.seq - members.c.history_seq > 0)
)
"""Statement that selects users' follows of threads whose root messages the users may see now."""

_last_id = _newest(_reply.c.id)
_followed: Select[Any] = (
    _visible.add_columns(_last_id.label("last_id"))
    .where(_follow.c.user_id == bindparam("of_user"), _follow.c.following, _last_id.is_not(None))
    .order_by(_last_id.desc())
)
_followed_unread: Select[Any] = (
    select(func.count())
    .select_from(_follow)
    .join(_root, _root.c.id == _follow.c.root_id)
    .join(
        members,
        (members.c.conversation_id == _follow.c.conversation_id) & (members.c.user_id == _follow.c.user_id),
    )
    .where(
        _root.c.seq - members.c.history_seq > 0,
        _follow.c.user_id == bindparam("of_user"),
        _follow.c.following,
        _has_unread,
    )
)
_followers: Select[Any] = _visible.join(KEYS, _follow.c.root_id == key_number(0)).where(_follow.c.following)


class ThreadRows(Reads):
    """Reads which users follow which threads and how far they have read them. Implements `core.ports.stores.Threads`.
    `write_staged` is called before reads, to write the messages that a write transaction has only staged."""

    def __init__(self, connection: Connection, write_staged: Callable[[], None] = lambda: None) -> None:
        super().__init__(connection)
        self._write_staged = write_staged

    def mark(self, root_id: int, user_id: str) -> ThreadMark | None:
        self._write_staged()
        found = _visible.where(_follow.c.root_id == root_id, _follow.c.user_id == user_id)
        row: AnyRow | None = self._connection.execute(found).one_or_none()
        return None if row is None else _to_mark(row)

    def unread_after(self, root_id: int, user_id: str, seq: int) -> int:
        self._write_staged()
        asked = {"of_root": root_id, "of_user": user_id, "after_seq": seq}
        return int(self._connection.execute(_unread_after, asked).scalar_one())

    def newest_seq(self, root_id: int) -> int | None:
        self._write_staged()
        newest = select(func.max(messages.c.seq)).where(
            messages.c.thread_id == root_id, messages.c.deleted_ms.is_(None)
        )
        return self._connection.execute(newest).scalar()

    def followed(self, user_id: str, before_id: int | None, limit: int) -> Sequence[FollowedRoot]:
        statement = _followed if before_id is None else _followed.where(_last_id < before_id)
        rows = self._connection.execute(statement.limit(limit), {"of_user": user_id})
        return [FollowedRoot(_to_mark(row), row.last_id) for row in rows]

    def count_unread(self, user_id: str) -> int:
        return int(self._connection.execute(_followed_unread, {"of_user": user_id}).scalar_one())

    def followers(self, root_ids: Collection[int]) -> Sequence[tuple[str, ThreadMark]]:
        rows = self._connection.execute(_followers, keys_parameter([(str(id_),) for id_ in root_ids]))
        return [(row.user_id, _to_mark(row)) for row in rows]


def _to_mark(row: AnyRow) -> ThreadMark:
    return ThreadMark(row.conversation_id, row.root_id, bool(row.following), row.read_seq, row.unread_count)
