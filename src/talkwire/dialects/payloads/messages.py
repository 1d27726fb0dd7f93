"""Messages."""

from __future__ import annotations

from talkwire.core.model import Message
from talkwire.dialects.payloads.payload import Payload, iso


class PersonPayload(Payload, frozen=True):
    id: str
    name: str
    avatar: str | None = None


class MessagePayload(Payload, frozen=True):
    id: str
    conversation_id: str
    seq: int
    sender_id: str
    sender: PersonPayload
    type: str
    content: str
    created_at: str
    client_message_id: str | None = None
    metadata: dict[str, object] | None = None


def message_payload(message: Message) -> MessagePayload:
    return MessagePayload(
        id=str(message.id),
        conversation_id=message.conversation_id,
        seq=message.seq,
        sender_id=message.sender_id,
        sender=PersonPayload(message.sender_id, message.sender_name, message.sender_avatar),
        type="text",
        content=message.content,
        created_at=iso(message.created_ms),
        client_message_id=message.client_message_id,
        metadata=message.metadata,
    )
