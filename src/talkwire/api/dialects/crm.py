"""REST routes for clients of the `crm` dialect, which call a conversation a chat. Their paths are `/chat-messages…` at
the root instead of below `/api`, as these clients expect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

from litestar import delete, get, patch, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from msgspec.structs import replace

from talkwire.api.description.counterparts import executes
from talkwire.api.http.bodies import TolerantBody
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.operation_routes import Limit
from talkwire.core.commands.messages import DeleteMessage, EditMessage, ListMessages, SendMessage
from talkwire.core.commands.receipts import ListReaders
from talkwire.core.domain.errors import ChatError
from talkwire.dialects.crm.payloads import (
    WORDS,
    MessagePayload,
    SendPayload,
    message_payload,
    optional_text,
    read_message_payload,
    to_send,
)
from talkwire.payloads.numeral_ids import NumeralId, numeral
from talkwire.payloads.payload import Payload
from talkwire.payloads.replies import with_renamed_members

ChatId = Annotated[str, QueryParameter(name="chatId", description="The id of the chat")]
IdempotencyKey = Annotated[
    str | None, HeaderParameter(name="Idempotency-Key", description="Used as clientMessageId if the body has none")
]

_MESSAGES = "/chat-messages"
_MESSAGE = f"{_MESSAGES}/{{message_id:str}}"
_TAGS = ["crm"]


class UpdateBody(TolerantBody, frozen=True):
    """The new text of a message. Only callers with the role `service` set `senderId`, to the author of the message."""

    content: str
    sender_id: NumeralId | None = None


class MessagesAnswer(Payload, frozen=True, omit_defaults=False):
    """One page of a chat's messages. Pass `next` as the cursor to get the following page; it is null on the last
    one."""

    items: tuple[MessagePayload, ...]
    next: NumeralId | None


@contextmanager
def _crm_names_in_refusals() -> Iterator[None]:
    """A context manager for routes of the `crm` dialect: a ChatError raised in the block leaves it with the names of
    that dialect in its text and details, such as `chatId` instead of `conversationId`."""
    try:
        yield
    except ChatError as error:
        raise with_renamed_members(error, WORDS) from None


@post(_MESSAGES, summary="Send a message to a chat", tags=_TAGS, opt=executes(SendMessage))
async def send_message(
    data: JSONBody[SendPayload], caller: GivenCaller, chat: GivenChat, idempotency_key: IdempotencyKey = None
) -> MessagePayload:
    if data.client_message_id is None:
        data = replace(data, client_message_id=idempotency_key)
    with _crm_names_in_refusals():
        return message_payload(await chat.execute(caller.actor, to_send(data)), is_read=False)


@get(_MESSAGES, summary="List messages of a chat, oldest first", tags=_TAGS, opt=executes(ListMessages, ListReaders))
async def list_messages(  # noqa: PLR0913, PLR0917 (each is one query parameter)
    caller: GivenCaller,
    chat: GivenChat,
    chat_id: ChatId,
    before: FromQuery[str | None] = None,
    after: FromQuery[str | None] = None,
    around: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> MessagesAnswer:
    with _crm_names_in_refusals():
        page = await chat.execute(
            caller.actor, ListMessages(chat_id, before, after, around, limit=limit, finished_only=True)
        )
        readers = await chat.execute(caller.actor, ListReaders(chat_id))
    shown = (message for message in page.items if message.deleted_ms is None)
    next_id = None if page.next is None else numeral(page.next)
    return MessagesAnswer(tuple(read_message_payload(message, readers) for message in shown), next_id)


@patch(_MESSAGE, summary="Edit a message", tags=_TAGS, opt=executes(EditMessage, ListReaders))
async def update_message(
    message_id: FromPath[str], data: JSONBody[UpdateBody], caller: GivenCaller, chat: GivenChat
) -> MessagePayload:
    command = EditMessage(message_id, data.content, optional_text(data.sender_id))
    with _crm_names_in_refusals():
        message = await chat.execute(caller.actor, command)
        readers = await chat.execute(caller.actor, ListReaders(message.conversation_id))
    return read_message_payload(message, readers)


@delete(_MESSAGE, summary="Delete a message", tags=_TAGS, opt=executes(DeleteMessage))
async def delete_message(message_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> None:
    with _crm_names_in_refusals():
        await chat.execute(caller.actor, DeleteMessage(message_id))


ROUTES: Sequence[ControllerRouterHandler] = (send_message, list_messages, update_message, delete_message)
