"""The operations of receipts: how far members have received and read a conversation."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from talkwire.core.commands.receipts import GetUnread, ListReceipts, MarkDelivered, MarkRead, MarkUnread
from talkwire.operations.operation import OWN, Listed, One, Operation
from talkwire.operations.shapes import InputMember, Shape
from talkwire.payloads.receipts import receipt_payload, unread_total_payload

_READ = (
    "The messages to mark as read: all up to `messageId`, or all messages of the conversation if it is omitted. With "
    '`threads: "collapsed"`, notifications of replies in threads stay unread.'
)
_UNREAD = (
    "The messages to mark as unread: all from `messageId` on; if it is omitted, all from the newest message of another "
    "member on."
)

_TOLERANT_READ = Shape(
    "TolerantReadBody", "The same for routes of dialects whose bodies may have unknown members.", tolerant=True
)


def _is_given(threads: object) -> bool:
    return threads is not None


MARK_READ = Operation(
    MarkRead,
    event="message:read",
    route="POST /conversations/{conversation_id}/read",
    tag="conversations",
    operation_id="markConversationRead",
    summary="Mark a conversation as read",
    event_summary="Mark messages as read: all, or all up to a message.",
    status=200,
    members={"without_replies": InputMember("threads", Literal["collapsed"] | None, _is_given, None)},
    body=Shape("ReadBody", _READ),
    body_optional=True,
    payload=Shape("ReadMessagesPayload", _READ),
    unaudited=OWN,
)

UNREAD = Operation(
    MarkUnread,
    event="conversation:mark-unread",
    route="POST /conversations/{conversation_id}/unread",
    tag="conversations",
    summary="Mark a conversation as unread from a message on",
    event_summary="Mark messages as unread, from a message on.",
    status=200,
    body=Shape("UnreadBody", _UNREAD),
    body_optional=True,
    payload=Shape("MarkUnreadPayload", _UNREAD),
    unaudited=OWN,
)

OPERATIONS = (
    MARK_READ,
    UNREAD,
    Operation(
        MarkDelivered,
        event="message:delivered",
        route="POST /conversations/{conversation_id}/delivered",
        tag="conversations",
        summary="Mark messages as delivered to the caller's device",
        event_summary="Mark messages as delivered: all, or all up to a message.",
        body=Shape(
            "DeliveredBody",
            "The messages that the caller's device has received: all up to `messageId`, or all messages of the "
            "conversation if it is omitted.",
        ),
        body_optional=True,
        payload=Shape(
            "MarkPayload",
            "The messages to mark as delivered: all up to `messageId`, or all messages of the conversation if it is "
            "omitted.",
        ),
        unaudited=OWN,
    ),
    Operation(
        GetUnread,
        event="unread:get",
        route="GET /users/me/unread",
        tag="users",
        summary="Count the caller's unread messages and mentions in all conversations",
        event_summary="Count the user's unread messages and mentions in all conversations.",
        answer=One(unread_total_payload),
    ),
    Operation(
        ListReceipts,
        route="GET /messages/{message_id}/receipts",
        tag="messages",
        operation_id="listMessageReceipts",
        summary="List who received and read a message",
        answer=Listed(receipt_payload),
    ),
)


def read_of_dialect(route: str, tag: str, summary: str) -> Operation:
    """Returns the operation `MARK_READ` with the route of a dialect, in whose bodies unknown members are ignored."""
    return replace(MARK_READ, event=None, operation_id="", route=route, tag=tag, summary=summary, body=_TOLERANT_READ)
