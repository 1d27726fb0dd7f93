"""The answers of the routes of threads: `/api/v1/messages/{message_id}/thread` and `/api/v1/threads`."""

from __future__ import annotations

from talkwire.api.http.bodies import ListAnswer
from talkwire.api.operation_routes import routes_of
from talkwire.core.commands.messages import FollowedThreads, Thread
from talkwire.operations.messages import threads
from talkwire.payloads.messages import MessagePayload, message_payload
from talkwire.payloads.threads import FollowedThreadPayload, followed_thread_payload


class ThreadAnswer(ListAnswer[MessagePayload], frozen=True, rename="camel"):
    """A thread, the replies to one message: its first message (`root`), and a page of its replies in ascending `seq`.
    `following` says whether the caller follows the thread; `readSeq` is the `seq` of the last reply that the caller has
    read, and `unreadCount` the number of unread replies."""

    root: MessagePayload
    following: bool
    read_seq: int
    unread_count: int


class FollowedThreadsAnswer(ListAnswer[FollowedThreadPayload], frozen=True):
    """A page of the threads that the caller follows. `unread` is the number of all followed threads with unread
    replies, on this page or not."""

    unread: int


async def _thread(thread: Thread, *_: object) -> ThreadAnswer:
    mark = thread.mark
    return ThreadAnswer(
        tuple(map(message_payload, thread.replies.items)),
        thread.replies.next,
        message_payload(thread.root),
        following=mark.following,
        read_seq=mark.read_seq,
        unread_count=mark.unread_count,
    )


async def _followed(page: FollowedThreads, *_: object) -> FollowedThreadsAnswer:
    return FollowedThreadsAnswer(tuple(map(followed_thread_payload, page.items)), page.next, page.unread)


thread_routes = routes_of(
    threads.OPERATIONS, answers={"GET /messages/{message_id}/thread": _thread, "GET /threads": _followed}
)
