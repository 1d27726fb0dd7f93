"""`/api/v1/messages`, and `/messages` as a short path for sending, editing and deleting."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import delete, get, patch, post, put
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED
from litestar.types import ControllerRouterHandler

from talkwire.api.http.bodies import Body, ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.http.idempotency import GivenKey
from talkwire.core.commands.messages import (
    DeleteMessage,
    EditMessage,
    ForwardMessage,
    GetMessage,
    GetThread,
    ListPins,
    ListVersions,
    PinMessage,
    React,
    SendMessage,
    UnpinMessage,
    Unreact,
)
from talkwire.core.domain.times import ms_of_datetime
from talkwire.dialects.payloads.messages import (
    AttachmentBody,
    MessagePayload,
    VersionPayload,
    attachment_refs,
    message_payload,
    version_payload,
)

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The number of items in a page")]
IdempotencyKey = Annotated[
    str | None, HeaderParameter(name="Idempotency-Key", description="Used as clientMessageId if the body has none")
]

_MESSAGES = "/api/v1/messages"
_MESSAGE = f"{_MESSAGES}/{{message_id:str}}"
_TAGS = ["messages"]


class SendMessageBody(Body, frozen=True):
    """A message to send. `content` may be empty if there are attachments. Only the role `service` sets `senderId`: the
    user who sends the message. The roles `service` and `admin` may set `createdAt` to import a message that was sent at
    that time."""

    conversation_id: str
    content: str = ""
    client_message_id: str | None = None
    metadata: dict[str, Any] | None = None
    sender_id: str | None = None
    attachments: tuple[AttachmentBody, ...] | None = None
    reply_to_id: str | None = None
    thread_id: str | None = None
    created_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class EditMessageBody(Body, frozen=True):
    """The new text of a message. Only the role `service` sets `senderId`: the author of the message."""

    content: str
    sender_id: str | None = None


class ForwardMessageBody(Body, frozen=True):
    """Up to 20 conversations to copy a message to. Only the role `service` sets `senderId`: the user who forwards."""

    conversation_ids: tuple[str, ...]
    sender_id: str | None = None


class ThreadAnswer(ListAnswer[MessagePayload], frozen=True):
    """A thread: its first message (`root`), and a page of its replies in ascending `seq`."""

    root: MessagePayload


@post([_MESSAGES, "/messages"], summary="Send a message", tags=_TAGS)
async def send_message(
    data: JSONBody[SendMessageBody], caller: GivenCaller, chat: GivenChat, idempotency_key: IdempotencyKey = None
) -> MessagePayload:
    command = SendMessage(
        conversation_id=data.conversation_id,
        content=data.content,
        client_message_id=idempotency_key if data.client_message_id is None else data.client_message_id,
        metadata=data.metadata,
        sender_id=data.sender_id,
        attachments=attachment_refs(data.attachments),
        reply_to_id=data.reply_to_id,
        thread_id=data.thread_id,
        created_ms=None if data.created_at is None else ms_of_datetime("createdAt", data.created_at),
    )
    return message_payload(await chat.execute(caller.actor, command))


@get(_MESSAGE, summary="Get a message", tags=_TAGS)
async def get_message(message_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> MessagePayload:
    return message_payload(await chat.execute(caller.actor, GetMessage(message_id)))


@patch([_MESSAGE, "/messages/{message_id:str}"], summary="Edit a message", tags=_TAGS)
async def edit_message(
    message_id: FromPath[str], data: JSONBody[EditMessageBody], caller: GivenCaller, chat: GivenChat
) -> MessagePayload:
    command = EditMessage(message_id, data.content, data.sender_id)
    return message_payload(await chat.execute(caller.actor, command))


@delete([_MESSAGE, "/messages/{message_id:str}"], summary="Delete a message", tags=_TAGS)
async def delete_message(message_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> None:
    await chat.execute(caller.actor, DeleteMessage(message_id))


@get(
    f"{_MESSAGE}/history",
    operation_id="listMessageVersions",
    summary="List the versions of an edited message",
    tags=_TAGS,
)
async def list_versions(
    message_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    before: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[VersionPayload]:
    page = await chat.execute(caller.actor, ListVersions(message_id, before, limit))
    return ListAnswer(tuple(map(version_payload, page.items)), page.next)


@get(f"{_MESSAGE}/thread", summary="Get a thread: its first message and a page of replies", tags=_TAGS)
async def get_thread(  # noqa: PLR0913, PLR0917 (each is one query parameter)
    message_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    before: FromQuery[str | None] = None,
    after: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ThreadAnswer:
    thread = await chat.execute(caller.actor, GetThread(message_id, before, after, limit))
    replies = tuple(map(message_payload, thread.replies.items))
    return ThreadAnswer(replies, thread.replies.next, message_payload(thread.root))


@post(
    f"{_MESSAGE}/forward", status_code=HTTP_201_CREATED, summary="Forward a message to other conversations", tags=_TAGS
)
async def forward_message(
    message_id: FromPath[str], data: JSONBody[ForwardMessageBody], caller: GivenCaller, chat: GivenChat, key: GivenKey
) -> ListAnswer[MessagePayload]:
    command = ForwardMessage(message_id, data.conversation_ids, data.sender_id)
    return ListAnswer(tuple(map(message_payload, await chat.execute(caller.actor, command, key))), None)


@put(
    f"{_MESSAGE}/reactions/{{emoji:str}}",
    status_code=HTTP_200_OK,
    operation_id="addReaction",
    summary="Add a reaction to a message",
    tags=_TAGS,
)
async def react(
    message_id: FromPath[str], emoji: FromPath[str], caller: GivenCaller, chat: GivenChat
) -> MessagePayload:
    return message_payload(await chat.execute(caller.actor, React(message_id, emoji)))


@delete(
    f"{_MESSAGE}/reactions/{{emoji:str}}",
    status_code=HTTP_200_OK,
    operation_id="removeReaction",
    summary="Remove a reaction from a message",
    tags=_TAGS,
)
async def unreact(
    message_id: FromPath[str], emoji: FromPath[str], caller: GivenCaller, chat: GivenChat
) -> MessagePayload:
    return message_payload(await chat.execute(caller.actor, Unreact(message_id, emoji)))


@put(f"{_MESSAGE}/pin", status_code=HTTP_200_OK, summary="Pin a message", tags=_TAGS)
async def pin_message(message_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> MessagePayload:
    return message_payload(await chat.execute(caller.actor, PinMessage(message_id)))


@delete(f"{_MESSAGE}/pin", status_code=HTTP_200_OK, summary="Unpin a message", tags=_TAGS)
async def unpin_message(message_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> MessagePayload:
    return message_payload(await chat.execute(caller.actor, UnpinMessage(message_id)))


@get("/api/v1/conversations/{conversation_id:str}/pins", summary="List pinned messages, newest pin first", tags=_TAGS)
async def list_pins(
    conversation_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    before: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[MessagePayload]:
    page = await chat.execute(caller.actor, ListPins(conversation_id, before, limit))
    return ListAnswer(tuple(map(message_payload, page.items)), page.next)


message_routes: tuple[ControllerRouterHandler, ...] = (
    send_message,
    get_message,
    edit_message,
    delete_message,
    list_versions,
    get_thread,
    forward_message,
    react,
    unreact,
    pin_message,
    unpin_message,
    list_pins,
)
