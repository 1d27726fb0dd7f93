"""The operations of saved messages: those that a user has saved for later, which nobody else sees."""

from __future__ import annotations

from talkwire.core.commands.messages import ListSaved, SaveMessage, UnsaveMessage
from talkwire.operations.operation import OWN, One, Operation, Paged
from talkwire.operations.shapes import InputMember, Shape
from talkwire.payloads.messages import saved_message_payload

_TAG = "messages"
_ROUTE = "/messages/{message_id}/saved"
_MESSAGE_ID = Shape("MessageIdPayload")

OPERATIONS = (
    Operation(
        SaveMessage,
        event="message:save",
        route=f"PUT {_ROUTE}",
        tag=_TAG,
        summary="Save a message for later",
        event_summary="Save a message for later. Only the user sees what they have saved.",
        answer=One(saved_message_payload),
        payload=_MESSAGE_ID,
        unaudited=OWN,
    ),
    Operation(
        UnsaveMessage,
        event="message:unsave",
        route=f"DELETE {_ROUTE}",
        tag=_TAG,
        summary="Remove a message from the caller's saved messages",
        event_summary="Remove a message from the user's saved messages.",
        payload=_MESSAGE_ID,
        unaudited=OWN,
    ),
    Operation(
        ListSaved,
        event="saved:list",
        route="GET /saved",
        tag=_TAG,
        summary="List the caller's saved messages, last saved first",
        event_summary="List the messages that the user has saved and may see now, last saved first.",
        answer=Paged(saved_message_payload),
        members={"conversation_id": InputMember(meaning="Only messages of this conversation")},
        payload=Shape(
            "ListSavedPayload",
            "Selects a page of the messages that the user has saved; with `conversationId`, only messages of that "
            "conversation.",
        ),
    ),
)
