"""REST routes for clients of the `whatsapp` dialect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from litestar import Router, get, patch, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody
from litestar.types import ControllerRouterHandler
from msgspec.structs import replace

from talkwire.api.description.counterparts import executes
from talkwire.api.http.bodies import ListAnswer, TolerantBody
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.operation_routes import Limit, routes_of
from talkwire.api.resources.receipts import read_answer
from talkwire.core.commands.messages import GetMessage, ListMessages, SendMessage
from talkwire.core.commands.receipts import GetMessageStatus, MarkDelivered, MarkRead
from talkwire.dialects.streams import must_be_whole
from talkwire.dialects.whatsapp.payloads import MessagePayload, SendBody, message_payload, to_send
from talkwire.operations.messages.receipts import read_of_dialect

IdempotencyKey = Annotated[
    str | None, HeaderParameter(name="Idempotency-Key", description="Used as clientMessageId if the body has none")
]


class StatusBody(TolerantBody, frozen=True):
    """The new status (`delivered` or `read`) of a message for the caller. It applies to all earlier messages of the
    conversation too. A status never moves back from `read` to `delivered`."""

    status: Literal["delivered", "read"]


@post("/messages", summary="Send a message", opt=executes(SendMessage, GetMessageStatus))
async def send_message(
    data: JSONBody[SendBody], caller: GivenCaller, chat: GivenChat, idempotency_key: IdempotencyKey = None
) -> MessagePayload:
    command = to_send(data)
    if command.client_message_id is None:
        command = replace(command, client_message_id=idempotency_key)
    message = await chat.execute(caller.actor, command)
    if command.client_message_id is None:
        return message_payload(message, "sent")
    # A retry gets the existing message, whose status may have changed since.
    found = await chat.execute(caller.actor, GetMessageStatus(str(message.id)))
    return message_payload(found.message, found.status)


@get("/messages/{message_id:str}", summary="Get a message with its status", opt=executes(GetMessageStatus))
async def get_message(message_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> MessagePayload:
    found = await chat.execute(caller.actor, GetMessageStatus(message_id))
    return message_payload(must_be_whole(found.message), found.status)


@get(
    "/conversations/{conversation_id:str}/messages",
    summary="List messages of a conversation, oldest first",
    opt=executes(ListMessages),
)
async def list_messages(  # noqa: PLR0913, PLR0917 (each is one query parameter)
    conversation_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    before: FromQuery[str | None] = None,
    after: FromQuery[str | None] = None,
    around: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[MessagePayload]:
    page = await chat.execute(
        caller.actor, ListMessages(conversation_id, before, after, around, limit=limit, finished_only=True)
    )
    return ListAnswer(tuple(map(message_payload, page.items)), page.next)


@patch(
    "/messages/{message_id:str}/status",
    summary="Mark a message as received or read",
    opt=executes(MarkRead, MarkDelivered, GetMessage, GetMessageStatus),
)
async def update_status(
    message_id: FromPath[str], data: JSONBody[StatusBody], caller: GivenCaller, chat: GivenChat
) -> MessagePayload:
    message = must_be_whole(await chat.execute(caller.actor, GetMessage(message_id)))
    mark = MarkRead if data.status == "read" else MarkDelivered
    await chat.execute(caller.actor, mark(message.conversation_id, message_id))
    found = await chat.execute(caller.actor, GetMessageStatus(message_id))
    return message_payload(found.message, found.status)


WHATSAPP_READ = "POST /whatsapp/conversations/{conversation_id}/read"

ROUTES: Sequence[ControllerRouterHandler] = (
    Router(
        "/api/v1/whatsapp",
        route_handlers=[send_message, get_message, list_messages, update_status],
        tags=["whatsapp"],
    ),
    *routes_of(
        [read_of_dialect(WHATSAPP_READ, "whatsapp", "Mark a conversation as read")],
        answers={WHATSAPP_READ: read_answer},
        module=__name__,
    ),
)
