"""Payloads of threads: replies to one message, which are kept apart from the conversation's other messages."""

from __future__ import annotations

from talkwire.core.commands.messages import FollowedThread, ThreadMark
from talkwire.core.domain.events import ThreadMarked, ThreadUnreadChanged, ThreadUpdated
from talkwire.payloads.messages import MessagePayload, ThreadSummaryPayload, short_payload, thread_payload
from talkwire.payloads.payload import Payload


class ThreadMarkPayload(Payload, frozen=True, omit_defaults=False):
    """The user's read position in the thread of the message `messageId`: whether the user follows the thread, the `seq`
    up to which the user has read the thread, and the number of unread replies (at most 100)."""

    conversation_id: str
    message_id: str
    following: bool
    read_seq: int
    unread_count: int


class ThreadUpdatedPayload(Payload, frozen=True):
    """The new summary of a thread's replies, to show with its first message `messageId`. `thread` is missing if no
    replies are left."""

    conversation_id: str
    message_id: str
    thread: ThreadSummaryPayload | None = None


class FollowedThreadPayload(Payload, frozen=True, omit_defaults=False):
    """A thread that the user follows: its first message (`root`), the `seq` up to which the user has read it, and its
    number of unread replies."""

    root: MessagePayload
    following: bool
    read_seq: int
    unread_count: int


def thread_mark_payload(mark: ThreadMark | ThreadMarked) -> ThreadMarkPayload:
    return ThreadMarkPayload(mark.conversation_id, str(mark.root_id), mark.following, mark.read_seq, mark.unread_count)


def thread_unread_payload(event: ThreadUnreadChanged) -> ThreadMarkPayload:
    return ThreadMarkPayload(
        event.conversation_id,
        str(event.root_id),
        following=True,
        read_seq=event.read_seq,
        unread_count=event.unread_count,
    )


def thread_updated_payload(event: ThreadUpdated) -> ThreadUpdatedPayload:
    message = event.message
    return ThreadUpdatedPayload(message.conversation_id, str(message.id), thread_payload(message))


def followed_thread_payload(thread: FollowedThread) -> FollowedThreadPayload:
    mark = thread.mark
    return FollowedThreadPayload(short_payload(thread.root), mark.following, mark.read_seq, mark.unread_count)
