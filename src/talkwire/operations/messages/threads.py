"""The operations of threads: the replies to one message, which are kept apart from the conversation's other
messages."""

from __future__ import annotations

from talkwire.core.commands.messages import FollowThread, GetThread, ListThreads, MarkThreadRead, UnfollowThread
from talkwire.operations.operation import OWN, One, Operation
from talkwire.operations.shapes import Shape
from talkwire.payloads.threads import thread_mark_payload

_TAG = "messages"
_THREAD = "/messages/{message_id}/thread"
_MARK = One(thread_mark_payload, "thread")
_THREAD_ID = Shape(
    "ThreadIdPayload", "The id of a thread's first message, or of one of its replies, which selects the thread."
)

OPERATIONS = (
    Operation(
        GetThread,
        route=f"GET {_THREAD}",
        tag=_TAG,
        summary="Get a thread: its first message and a page of replies",
    ),
    Operation(
        ListThreads,
        route="GET /threads",
        tag=_TAG,
        summary="List the threads that the caller follows, newest reply first",
    ),
    Operation(
        FollowThread,
        event="thread:follow",
        route=f"PUT {_THREAD}/following",
        tag=_TAG,
        summary="Follow a thread",
        answer=_MARK,
        payload=_THREAD_ID,
        unaudited=OWN,
    ),
    Operation(
        UnfollowThread,
        event="thread:unfollow",
        route=f"DELETE {_THREAD}/following",
        tag=_TAG,
        summary="Stop following a thread",
        answer=_MARK,
        payload=_THREAD_ID,
        unaudited=OWN,
    ),
    Operation(
        MarkThreadRead,
        event="thread:read",
        route=f"POST {_THREAD}/read",
        tag=_TAG,
        summary="Mark a followed thread as read",
        event_summary="Mark replies of a followed thread as read: all, or all up to one.",
        status=200,
        answer=_MARK,
        body=Shape(
            "ReadThreadBody", "The replies of a thread to mark as read: all up to `replyId`, or all if it is omitted."
        ),
        body_optional=True,
        payload=Shape(
            "ReadThreadPayload",
            "The replies to mark as read: all replies of the thread up to `replyId`, or all if it is omitted.",
        ),
        unaudited=OWN,
    ),
)
