"""Routes of receipts: mark messages as read, unread or delivered, and list who has received and read a message."""

from __future__ import annotations

from typing import Literal

from litestar import get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from talkwire.api.http.bodies import Body, ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.http.idempotency import GivenKey
from talkwire.core.commands.receipts import ListReceipts, MarkDelivered, MarkRead, MarkUnread, ReadMark
from talkwire.payloads.payload import Payload
from talkwire.payloads.receipts import ReceiptPayload, receipt_payload


class ReadBody(Body, frozen=True):
    """The messages to mark as read: all up to `messageId`, or all messages of the conversation if it is omitted. With
    `threads: "collapsed"`, notifications of replies in threads stay unread."""

    message_id: str | None = None
    threads: Literal["collapsed"] | None = None


class TolerantReadBody(ReadBody, frozen=True, forbid_unknown_fields=False):
    """The same for routes of dialects whose bodies may have unknown members."""


class UnreadBody(Body, frozen=True):
    """The messages to mark as unread: all from `messageId` on; if it is omitted, all from the newest message of another
    member on."""

    message_id: str | None = None


class DeliveredBody(Body, frozen=True):
    """The messages that the caller's device has received: all up to `messageId`, or all messages of the conversation if
    it is omitted."""

    message_id: str | None = None


class ReadAnswer(Payload, frozen=True, omit_defaults=False):
    """The caller's read position in a conversation: `seq` is the number of the last message read, `unreadCount` the
    number of unread messages, and `mentionCount` how many of these mention the caller."""

    conversation_id: str
    seq: int
    unread_count: int
    mention_count: int


def read_command(conversation_id: str, body: ReadBody | None) -> MarkRead:
    if body is None:
        return MarkRead(conversation_id)
    return MarkRead(conversation_id, body.message_id, without_replies=body.threads is not None)


def read_answer(mark: ReadMark) -> ReadAnswer:
    return ReadAnswer(mark.conversation_id, mark.seq, mark.unread.unread_count, mark.unread.mention_count)


@post(
    "/api/v1/conversations/{conversation_id:str}/read",
    status_code=HTTP_200_OK,
    operation_id="markConversationRead",
    summary="Mark a conversation as read",
    tags=["conversations"],
)
async def mark_read(
    conversation_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    key: GivenKey,
    data: JSONBody[ReadBody | None] = None,
) -> ReadAnswer:
    return read_answer(await chat.execute(caller.actor, read_command(conversation_id, data), key))


@post(
    "/api/v1/conversations/{conversation_id:str}/unread",
    status_code=HTTP_200_OK,
    summary="Mark a conversation as unread from a message on",
    tags=["conversations"],
)
async def mark_unread(
    conversation_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    key: GivenKey,
    data: JSONBody[UnreadBody | None] = None,
) -> ReadAnswer:
    message_id = None if data is None else data.message_id
    return read_answer(await chat.execute(caller.actor, MarkUnread(conversation_id, message_id), key))


@post(
    "/api/v1/conversations/{conversation_id:str}/delivered",
    status_code=HTTP_204_NO_CONTENT,
    summary="Mark messages as delivered to the caller's device",
    tags=["conversations"],
)
async def mark_delivered(
    conversation_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    key: GivenKey,
    data: JSONBody[DeliveredBody | None] = None,
) -> None:
    await chat.execute(caller.actor, MarkDelivered(conversation_id, None if data is None else data.message_id), key)


@get(
    "/api/v1/messages/{message_id:str}/receipts",
    operation_id="listMessageReceipts",
    summary="List who received and read a message",
    tags=["messages"],
)
async def list_receipts(message_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> ListAnswer[ReceiptPayload]:
    receipts = await chat.execute(caller.actor, ListReceipts(message_id))
    return ListAnswer(tuple(map(receipt_payload, receipts)), None)
