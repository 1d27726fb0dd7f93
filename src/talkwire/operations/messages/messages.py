"""The operations of messages: sending, reading, editing, deleting and forwarding them, reactions and pins."""

from __future__ import annotations

from typing import Literal

from talkwire.core.commands.messages import (
    DeleteMessage,
    EditMessage,
    ForwardMessage,
    GetMessage,
    ListMessages,
    ListPins,
    ListVersions,
    PinMessage,
    React,
    RemoveLinkPreviews,
    SendMessage,
    UnpinMessage,
    Unreact,
)
from talkwire.core.domain.model import SEQ_MAX
from talkwire.core.domain.parts.message_parts import MessagePart
from talkwire.operations.operation import SENDS, SPEAKS, TAKES_PART, Listed, One, Operation, Paged
from talkwire.operations.shapes import InputMember, Shape
from talkwire.payloads.messages import (
    AttachmentBody,
    GeneratedBody,
    attachment_refs,
    given_generated,
    given_parts,
    message_payload,
    version_payload,
)

_TAG = "messages"
_MESSAGE = One(message_payload, "message")

_MESSAGE_ID = Shape("MessageIdPayload")
_EDIT = (
    "The new text of a message as `content` or `parts`, its new `metadata` or both. `parts` replace its text and all "
    "of its parts, `content` only its texts. Only callers with the role `service` set `senderId`, to the author of the "
    "message."
)
_REACTION = Shape(
    "ReactPayload",
    "A reaction to add to a message or to remove from it. Only callers with the role `service` set `senderId`, to the "
    "user who reacts.",
)

SEND = Operation(
    SendMessage,
    event="message:send",
    route="POST /messages",
    alias="/messages",
    tag=_TAG,
    summary="Send a message",
    event_summary="Send a message. A retry with the same `clientMessageId` returns the stored message.",
    answer=_MESSAGE,
    members={
        "content": InputMember(default=""),
        "attachments": InputMember(type=tuple[AttachmentBody, ...] | None, value=attachment_refs, default=None),
        "generated": InputMember(type=GeneratedBody | None, value=given_generated),
        "parts": InputMember(type=tuple[MessagePart, ...] | None, value=given_parts, default=None),
    },
    without=("sent_hash", "imported", "system", "stream"),
    payload=Shape(
        "SendPayload",
        "A message to send, with a `content` or `parts`. `content` may be empty if there are attachments. Only callers "
        "with the role `service` set `senderId`, to the user who sends the message. Callers with the role `service` or "
        "`admin` may set `createdAt` to import a message from another system, which was sent at that time. Only of "
        "agents' messages, `generated` says how the agent wrote it, and `onBehalfOf` names the agent's owner, in whose "
        "name it writes.",
        last=("sender_id", "created_ms"),
    ),
    unaudited=SENDS,
)

TEXTS = (
    SEND,
    Operation(
        GetMessage,
        route="GET /messages/{message_id}",
        tag=_TAG,
        summary="Get a message",
        answer=_MESSAGE,
    ),
    Operation(
        EditMessage,
        event="message:edit",
        route="PATCH /messages/{message_id}",
        alias="/messages/{message_id}",
        tag=_TAG,
        summary="Edit a message",
        event_summary="Edit a message, as its author: its text or parts, `metadata` or both. Its history keeps earlier "
        "ones.",
        answer=_MESSAGE,
        body=Shape("EditMessageBody", _EDIT),
        payload=Shape("EditPayload", _EDIT),
    ),
    Operation(
        DeleteMessage,
        event="message:delete",
        route="DELETE /messages/{message_id}",
        alias="/messages/{message_id}",
        tag=_TAG,
        summary="Delete a message",
        event_summary="Delete a message, as its author or a moderator. An empty placeholder remains in its place.",
        payload=_MESSAGE_ID,
    ),
    Operation(
        ListVersions,
        route="GET /messages/{message_id}/history",
        tag=_TAG,
        operation_id="listMessageVersions",
        summary="List the versions of an edited message",
        answer=Paged(version_payload),
    ),
)

MARKS = (
    Operation(
        ForwardMessage,
        event="message:forward",
        route="POST /messages/{message_id}/forward",
        tag=_TAG,
        summary="Forward a message to other conversations",
        event_summary="Forward a message to up to 20 conversations: to all of them, or to none on failure.",
        answer=Listed(message_payload),
        body=Shape(
            "ForwardMessageBody",
            "The conversations to copy a message to, at most 20. Only callers with the role `service` set `senderId`, "
            "to the user who forwards the message.",
        ),
        payload=Shape(
            "ForwardPayload",
            "A message to forward, and the conversations to copy it to. Only callers with the role `service` set "
            "`senderId`, to the user who forwards the message.",
        ),
        unaudited=SPEAKS,
    ),
    Operation(
        React,
        event="message:react",
        route="PUT /messages/{message_id}/reactions/{emoji}",
        tag=_TAG,
        operation_id="addReaction",
        summary="Add a reaction to a message",
        event_summary="Add a reaction to a message: an emoji, or a custom emoji as `:name:`.",
        answer=_MESSAGE,
        payload=_REACTION,
        unaudited=SPEAKS,
    ),
    Operation(
        Unreact,
        event="message:unreact",
        route="DELETE /messages/{message_id}/reactions/{emoji}",
        tag=_TAG,
        operation_id="removeReaction",
        summary="Remove a reaction from a message",
        answer=_MESSAGE,
        payload=_REACTION,
        unaudited=SPEAKS,
    ),
    Operation(
        PinMessage,
        event="message:pin",
        route="PUT /messages/{message_id}/pin",
        tag=_TAG,
        summary="Pin a message",
        event_summary="Pin a message, as a moderator; in a direct conversation, as either member.",
        answer=_MESSAGE,
        payload=_MESSAGE_ID,
        unaudited=TAKES_PART,
    ),
    Operation(
        UnpinMessage,
        event="message:unpin",
        route="DELETE /messages/{message_id}/pin",
        tag=_TAG,
        summary="Unpin a message",
        answer=_MESSAGE,
        payload=_MESSAGE_ID,
        unaudited=TAKES_PART,
    ),
    Operation(
        RemoveLinkPreviews,
        name="message:remove-previews",
        route="DELETE /messages/{message_id}/previews",
        tag=_TAG,
        summary="Remove the link previews of a message, as its author",
        answer=_MESSAGE,
    ),
    Operation(
        ListPins,
        route="GET /conversations/{conversation_id}/pins",
        tag=_TAG,
        summary="List a conversation's pinned messages, last pinned first",
        answer=Paged(message_payload),
    ),
)

LIST_MESSAGES = Operation(
    ListMessages,
    event="messages:list",
    route="GET /conversations/{conversation_id}/messages",
    tag="conversations",
    summary="List messages of a conversation, oldest first",
    event_summary="List messages of a conversation, oldest first: the newest ones, or those around a message or `seq`.",
    answer=Paged(message_payload),
    members={
        "around_seq": InputMember(meaning="List messages around this `seq`", least=0, most=SEQ_MAX),
        "without_replies": InputMember(
            "threads",
            Literal["collapsed"] | None,
            lambda threads: threads is not None,
            None,
            "`collapsed` leaves out the replies in threads",
        ),
    },
    payload=Shape(
        "ListMessagesPayload",
        "Selects a page of a conversation's messages: those `before`, `after` or `around` a message id or around the "
        'number `aroundSeq`, or the newest messages if none of these is set. With `threads: "collapsed"`, replies in '
        "threads are left out.",
    ),
    last_in_query=("limit", "without_replies"),
    without=("finished_only",),
)

OPERATIONS = (*TEXTS, *MARKS, LIST_MESSAGES)
