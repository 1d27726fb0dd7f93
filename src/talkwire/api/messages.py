"""`/api/v1/messages`, and `/messages`, where the first seed sends."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, HeaderParameter, JSONBody

from talkwire.api.bodies import SendMessageBody
from talkwire.api.dependencies import GivenCaller, GivenChat
from talkwire.core.commands.messages import GetMessage, SendMessage
from talkwire.dialects.payloads.messages import MessagePayload, message_payload

IdempotencyKey = Annotated[
    str | None, HeaderParameter(name="Idempotency-Key", description="Stands for a clientMessageId that is not given")
]


@post(["/api/v1/messages", "/messages"], summary="Send a message", tags=["messages"])
async def send_message(
    data: JSONBody[SendMessageBody], caller: GivenCaller, chat: GivenChat, idempotency_key: IdempotencyKey = None
) -> MessagePayload:
    command = SendMessage(
        conversation_id=data.conversation_id,
        content=data.content,
        client_message_id=idempotency_key if data.client_message_id is None else data.client_message_id,
        metadata=data.metadata,
        sender_id=data.sender_id,
    )
    return message_payload(await chat.execute(caller.actor, command))


@get("/api/v1/messages/{message_id:str}", summary="One message", tags=["messages"])
async def get_message(message_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> MessagePayload:
    return message_payload(await chat.execute(caller.actor, GetMessage(message_id)))
