"""`/api/v1/messages`, and `/messages`, where the first seed sends."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.params import Parameter

from talkwire.api.bodies import SendMessageBody
from talkwire.core.chat import Chat
from talkwire.core.commands import GetMessage, SendMessage
from talkwire.dialects.payloads import MessagePayload, message_payload
from talkwire.identity.callers import Caller

IdempotencyKey = Annotated[
    str | None, Parameter(header="Idempotency-Key", description="Stands for a clientMessageId that is not given")
]


@post(["/api/v1/messages", "/messages"], summary="Send a message", tags=["messages"])
async def send_message(
    data: SendMessageBody, caller: Caller, chat: Chat, idempotency_key: IdempotencyKey = None
) -> MessagePayload:
    command = SendMessage(
        conversation_id=data.conversation_id,
        content=data.content,
        client_message_id=data.client_message_id or idempotency_key,
        metadata=data.metadata,
        sender_id=data.sender_id,
    )
    return message_payload(await chat.execute(caller.actor, command))


@get("/api/v1/messages/{message_id:str}", summary="One message", tags=["messages"])
async def get_message(message_id: str, caller: Caller, chat: Chat) -> MessagePayload:
    return message_payload(await chat.execute(caller.actor, GetMessage(message_id)))
