"""Following threads (replies to one message): which users follow one, up to where they have read it, and the list of
followed threads.

Replies also count as unread in their conversation like other messages. The read position in a thread is separate, for
clients that show replies only in their threads.
"""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.commands.messages import (
    CountThreads,
    FollowedThread,
    FollowedThreads,
    FollowThread,
    ListThreads,
    MarkThreadRead,
    ThreadMark,
    UnfollowThread,
)
from talkwire.core.domain.access import may_act, message_for_reader, must_be_visible, require
from talkwire.core.domain.errors import forbidden, invalid
from talkwire.core.domain.events import ThreadMarked
from talkwire.core.domain.model import Actor, Member, Message, message_number
from talkwire.core.domain.pages import PAGE_MAX, within_bytes
from talkwire.core.features.messages.messages import need_message, place_in_thread, size_of, visible_message
from talkwire.core.features.notifying.notifications import read_with_thread
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Prefetch, Snapshot, Transaction

ThreadChange = FollowThread | UnfollowThread | MarkThreadRead


def needs_of_thread(actor: Actor, command: ThreadChange, needs: Prefetch) -> None:
    """Adds the id of a message in the thread to `needs`, the keys of rows that the writer fetches for a whole batch of
    commands before it executes them."""
    need_message(needs, command.message_id)


def follow_thread(tx: Transaction, actor: Actor, command: FollowThread) -> ThreadMark:
    """Makes the actor follow a thread, and returns the actor's state in it: whether they follow it, and what is unread.
    For a new follower, all replies count as read."""
    root, member = _root(tx, actor, command.message_id)
    mark = tx.threads.mark(root.id, member.user_id)
    if mark is not None and mark.following:
        return mark
    return _record(tx, member, root, following=True, read_seq=tx.threads.newest_seq(root.id) or root.seq)


def unfollow_thread(tx: Transaction, actor: Actor, command: UnfollowThread) -> ThreadMark:
    """Ends the actor's following of a thread, and returns the actor's state in it: not following, with nothing
    unread."""
    root, member = _root(tx, actor, command.message_id)
    mark = tx.threads.mark(root.id, member.user_id)
    if mark is not None and not mark.following:
        return place_in_thread(root, mark)
    read_seq = root.seq if mark is None else mark.read_seq
    return _record(tx, member, root, following=False, read_seq=read_seq)


def mark_thread_read(tx: Transaction, actor: Actor, command: MarkThreadRead) -> ThreadMark:
    """Moves the actor's read position in a thread forward, marks notifications of the read replies as read, and returns
    the actor's state in the thread. If the actor does not follow the thread, only the notifications change."""
    root, member = _root(tx, actor, command.message_id)
    seq = _read_up_to(tx, root, member, command.reply_id)
    read_with_thread(tx, root, member.user_id, message_number(command.reply_id or ""))
    mark = tx.threads.mark(root.id, member.user_id)
    if mark is None or not mark.following:
        return place_in_thread(root, mark)
    if seq is None or seq <= mark.read_seq:
        return mark
    return _record(tx, member, root, following=True, read_seq=seq)


def _read_up_to(tx: Transaction, root: Message, member: Member, reply_id: str | None) -> int | None:
    """Returns the number (`seq`) of the reply `reply_id`, or of the thread's newest one for None. Returns None if the
    thread has no replies. Raises ChatError for a message outside of the thread or hidden from the member."""
    if reply_id is None:
        return tx.threads.newest_seq(root.id)
    number = message_number(reply_id)
    reply = None if number is None else tx.message(number)
    if reply is None or reply.conversation_id != root.conversation_id:
        raise forbidden("not_found")
    must_be_visible(reply, member.history)
    if root.id not in {reply.id, reply.thread_id}:
        raise invalid("replyId", "must be a message of this thread")
    return reply.seq


def _root(tx: Transaction, actor: Actor, message_id: str) -> tuple[Message, Member]:
    """Returns the first message (root) of the thread that a message belongs to, and the actor's membership in the
    conversation. A message outside of threads is its own root. Raises `forbidden` for a message that the actor may not
    see."""
    message, part = visible_message(tx, actor.user_id, message_id)
    if message.thread_id is not None:
        message, part = visible_message(tx, actor.user_id, str(message.thread_id))
    return message, part.member


def _record(tx: Transaction, member: Member, root: Message, *, following: bool, read_seq: int) -> ThreadMark:
    """Records whether a member follows a thread and up to where they have read it. Returns this state with the number
    of unread replies."""
    unread = tx.threads.unread_after(root.id, member.user_id, read_seq) if following else 0
    conversation_id, user_id = member.conversation_id, member.user_id
    tx.record(ThreadMarked(tx.next_pos(), tx.now_ms, conversation_id, user_id, root.id, following, read_seq, unread))
    return ThreadMark(conversation_id, root.id, following, read_seq, unread)


def list_threads(snapshot: Snapshot, actor: Actor, query: ListThreads) -> FollowedThreads:
    """Returns a page of the threads that the actor follows, the one with the newest reply first, and how many of all
    followed threads have unread replies."""
    require(may_act(snapshot.user(actor.user_id)))
    before = None if query.cursor is None else message_number(query.cursor)
    if query.cursor is not None and before is None:
        raise invalid("cursor", "must be `next` of a page of this list")
    limit = max(1, min(query.limit, PAGE_MAX))
    found = snapshot.threads.followed(actor.user_id, before, limit + 1)
    roots = snapshot.parts.messages_by_id([each.mark.root_id for each in found])
    memberships = snapshot.memberships(actor.user_id, {each.mark.conversation_id for each in found})
    shown = within_bytes(found[:limit], lambda each: size_of(roots[each.mark.root_id]))
    items = []
    for each in shown:
        member = memberships.get(each.mark.conversation_id)
        root = None if member is None else message_for_reader(roots[each.mark.root_id], member.history)
        if root is not None:
            items.append(FollowedThread(root, each.mark))
    following = str(shown[-1].last_id) if len(shown) < len(found) else None
    return FollowedThreads(tuple(items), following, snapshot.threads.count_unread(actor.user_id))


def count_threads(snapshot: Snapshot, actor: Actor, query: CountThreads) -> tuple[tuple[str, ThreadMark], ...]:
    """Returns (user id, state in the thread) for all users who follow one of these threads; the state has the read
    position and the number of unread replies."""
    return tuple(snapshot.threads.followers(query.root_ids))


CHANGES: Changes = MappingProxyType(
    {
        FollowThread: ChangeHandler(follow_thread, None, needs_of_thread),
        UnfollowThread: ChangeHandler(unfollow_thread, None, needs_of_thread),
        MarkThreadRead: ChangeHandler(mark_thread_read, None, needs_of_thread),
    }
)

QUERIES: Queries = MappingProxyType({ListThreads: list_threads, CountThreads: count_threads})
