"""Routes of `/api/v1/messages`: send, edit, delete, forward, pin and save messages, reactions and threads. `/messages`
is a short path for sending, editing and deleting."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import delete, get, patch, post, put
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED
from litestar.types import ControllerRouterHandler

from talkwire.api.http.bodies import Body, ListAnswer
from talkwire.api.http.caller import ActingUserId
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.http.idempotency import GivenKey
from talkwire.api.resources.threads import thread_routes
from talkwire.core.commands.messages import (
    DeleteMessage,
    EditMessage,
    ForwardMessage,
    GetMessage,
    GivenReaction,
    ImportedParts,
    ListPins,
    ListSaved,
    ListVersions,
    PinMessage,
    React,
    RemoveLinkPreviews,
    SaveMessage,
    SendMessage,
    UnpinMessage,
    Unreact,
    UnsaveMessage,
)
from talkwire.core.domain.times import ms_of_datetime
from talkwire.payloads.messages import (
    AttachmentBody,
    MessagePayload,
    MessageType,
    SavedMessagePayload,
    VersionPayload,
    attachment_refs,
    message_payload,
    saved_message_payload,
    version_payload,
)

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The number of items in a page")]
SavedIn = Annotated[str | None, QueryParameter(name="conversationId", description="Only messages of this conversation")]
IdempotencyKey = Annotated[
    str | None, HeaderParameter(name="Idempotency-Key", description="Used as clientMessageId if the body has none")
]

_MESSAGES = "/api/v1/messages"
_MESSAGE = f"{_MESSAGES}/{{message_id:str}}"
_TAGS = ["messages"]


class GivenReactionBody(Body, frozen=True):
    """An existing reaction of an imported message: an emoji, and the users who reacted with it, in the order of their
    reactions."""

    emoji: str
    user_ids: tuple[str, ...]


class SendMessageBody(Body, frozen=True):
    """A message to send. `content` may be empty if there are attachments. Only callers with the role `service` set
    `senderId`, to the user who sends the message. Callers with the role `service` or `admin` may set `createdAt` to
    import a message that another system sent at that time, with `editedAt`, `reactions` and `pinned` as they were
    there. They may also send the `type` `system`, a notice of the application; without `senderId`, the caller is its
    sender. The other types follow from the content."""

    conversation_id: str
    content: str = ""
    client_message_id: str | None = None
    metadata: dict[str, Any] | None = None
    sender_id: str | None = None
    attachments: tuple[AttachmentBody, ...] | None = None
    reply_to_id: str | None = None
    thread_id: str | None = None
    created_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    edited_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    reactions: tuple[GivenReactionBody, ...] | None = None
    pinned: bool = False
    type: MessageType | None = None

    def imported(self) -> ImportedParts | None:
        """Returns the `editedAt`, the reactions and the pin of a message that is imported from another system; None if
        it has none of these."""
        if self.edited_at is None and not self.reactions and not self.pinned:
            return None
        return ImportedParts(
            None if self.edited_at is None else ms_of_datetime("editedAt", self.edited_at),
            tuple(GivenReaction(each.emoji, each.user_ids) for each in self.reactions or ()),
            self.pinned,
        )


class EditMessageBody(Body, frozen=True):
    """The new text of a message. Only callers with the role `service` set `senderId`, to the author of the message."""

    content: str
    sender_id: str | None = None


class ForwardMessageBody(Body, frozen=True):
    """The conversations to copy a message to, at most 20. Only callers with the role `service` set `senderId`, to the
    user who forwards the message."""

    conversation_ids: tuple[str, ...]
    sender_id: str | None = None


def to_send(data: SendMessageBody, key: str | None) -> SendMessage:
    """Returns the command that sends a message. If the body has no client message id, the message gets the request's
    idempotency key, `key`, as its id."""
    return SendMessage(
        conversation_id=data.conversation_id,
        content=data.content,
        client_message_id=key if data.client_message_id is None else data.client_message_id,
        metadata=data.metadata,
        sender_id=data.sender_id,
        attachments=attachment_refs(data.attachments),
        reply_to_id=data.reply_to_id,
        thread_id=data.thread_id,
        created_ms=None if data.created_at is None else ms_of_datetime("createdAt", data.created_at),
        imported=data.imported(),
        system=data.type == "system",
    )


@post([_MESSAGES, "/messages"], summary="Send a message", tags=_TAGS)
async def send_message(
    data: JSONBody[SendMessageBody], caller: GivenCaller, chat: GivenChat, idempotency_key: IdempotencyKey = None
) -> MessagePayload:
    return message_payload(await chat.execute(caller.actor, to_send(data, idempotency_key)))


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
    message_id: FromPath[str],
    emoji: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    sender_id: ActingUserId = None,
) -> MessagePayload:
    return message_payload(await chat.execute(caller.actor, React(message_id, emoji, sender_id)))


@delete(
    f"{_MESSAGE}/reactions/{{emoji:str}}",
    status_code=HTTP_200_OK,
    operation_id="removeReaction",
    summary="Remove a reaction from a message",
    tags=_TAGS,
)
async def unreact(
    message_id: FromPath[str],
    emoji: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    sender_id: ActingUserId = None,
) -> MessagePayload:
    return message_payload(await chat.execute(caller.actor, Unreact(message_id, emoji, sender_id)))


@put(f"{_MESSAGE}/pin", status_code=HTTP_200_OK, summary="Pin a message", tags=_TAGS)
async def pin_message(message_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> MessagePayload:
    return message_payload(await chat.execute(caller.actor, PinMessage(message_id)))


@delete(f"{_MESSAGE}/pin", status_code=HTTP_200_OK, summary="Unpin a message", tags=_TAGS)
async def unpin_message(message_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> MessagePayload:
    return message_payload(await chat.execute(caller.actor, UnpinMessage(message_id)))


@delete(
    f"{_MESSAGE}/previews",
    status_code=HTTP_200_OK,
    operation_id="removeLinkPreviews",
    summary="Remove the link previews of a message, as its author",
    tags=_TAGS,
)
async def remove_previews(message_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> MessagePayload:
    return message_payload(await chat.execute(caller.actor, RemoveLinkPreviews(message_id)))


@get(
    "/api/v1/conversations/{conversation_id:str}/pins",
    summary="List a conversation's pinned messages, last pinned first",
    tags=_TAGS,
)
async def list_pins(
    conversation_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    before: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[MessagePayload]:
    page = await chat.execute(caller.actor, ListPins(conversation_id, before, limit))
    return ListAnswer(tuple(map(message_payload, page.items)), page.next)


@put(
    f"{_MESSAGE}/saved",
    status_code=HTTP_200_OK,
    operation_id="saveMessage",
    summary="Save a message for later",
    tags=_TAGS,
)
async def save_message(message_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> SavedMessagePayload:
    return saved_message_payload(await chat.execute(caller.actor, SaveMessage(message_id)))


@delete(
    f"{_MESSAGE}/saved",
    operation_id="unsaveMessage",
    summary="Remove a message from the caller's saved messages",
    tags=_TAGS,
)
async def unsave_message(message_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> None:
    await chat.execute(caller.actor, UnsaveMessage(message_id))


@get("/api/v1/saved", summary="List the caller's saved messages, last saved first", tags=_TAGS)
async def list_saved(
    caller: GivenCaller,
    chat: GivenChat,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
    conversation_id: SavedIn = None,
) -> ListAnswer[SavedMessagePayload]:
    page = await chat.execute(caller.actor, ListSaved(cursor, limit, conversation_id))
    return ListAnswer(tuple(map(saved_message_payload, page.items)), page.next)


message_routes: tuple[ControllerRouterHandler, ...] = (
    send_message,
    get_message,
    edit_message,
    delete_message,
    list_versions,
    *thread_routes,
    forward_message,
    react,
    unreact,
    pin_message,
    unpin_message,
    remove_previews,
    list_pins,
    save_message,
    unsave_message,
    list_saved,
)
