"""Acknowledgements of events, and error payloads, which the dialects (client applications' vocabularies) share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from talkwire.core.commands.messages import ConversationChanged
from talkwire.core.domain.errors import ChatError, ErrorCode
from talkwire.payloads.messages import MessagePayload, message_payload
from talkwire.payloads.payload import Payload

_MEMBER = re.compile(r"[.\[]")
"""Pattern of the character after the first name in a path such as `memberIds[3]`."""


class Reply(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    success: bool = True


def done(_: object) -> Reply:
    """Returns the acknowledgement `{success: true}`, for commands whose result clients do not need."""
    return Reply()


class SettlingReply(Reply, frozen=True, kw_only=True):
    """`pending`: some memberships through teams are still being written; `team:settled` says when all are."""

    pending: bool | msgspec.UnsetType = msgspec.UNSET


class ErrorBody(Payload, frozen=True):
    code: ErrorCode
    message: str
    details: Any = None


class ConversationChangedPayload(Payload, frozen=True):
    """The details of the refusal of a message that was to be stored only if nothing new had come, or if a certain user
    handled the conversation."""

    reason: Literal["changed"]
    last_seq: int
    messages: tuple[MessagePayload, ...]
    handler: str | msgspec.UnsetType | None = msgspec.UNSET


def details_payload(error: ChatError) -> Any:  # noqa: ANN401 (JSON)
    """Returns the details of an error as clients receive them."""
    match error.details:
        case ConversationChanged(last_seq=last_seq, messages=messages, handler_id=handler):
            return ConversationChangedPayload("changed", last_seq, tuple(map(message_payload, messages)), handler)
        case details:
            return details


def error_payload(error: ChatError) -> ErrorBody:
    return ErrorBody(error.code, error.message, details_payload(error))


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    success: bool = False
    error: ErrorBody


class RefusalWithMessage(Refusal, frozen=True, kw_only=True):
    """An acknowledgement with an error, whose text is also in `message` beside `error`, where some clients expect
    it."""

    message: str


class ErrorEventPayload(Payload, frozen=True):
    code: ErrorCode
    message: str
    event: str
    details: Any = None


def refusal(error: ChatError) -> Refusal:
    return Refusal(error=error_payload(error))


def refusal_with_message(error: ChatError) -> RefusalWithMessage:
    return RefusalWithMessage(error=error_payload(error), message=error.message)


def with_renamed_members(error: ChatError, names: Mapping[str, str]) -> ChatError:
    """Returns an error with a dialect's names of members in its details and text. `names` maps the names in commands,
    such as `conversationId`, to the dialect's. Other members keep their names."""
    message, details = error.message, error.details
    if not isinstance(details, list):
        return error
    for number, detail in enumerate(details):
        match detail:
            case {"path": str() as path} if (member := _MEMBER.split(path, maxsplit=1)[0]) in names:
                new_path = names[member] + path.removeprefix(member)
                message = message.replace(f"{path}:", f"{new_path}:")
                details = [*details[:number], {**detail, "path": new_path}, *details[number + 1 :]]
    return error.reworded(message, details)


def error(refused: ChatError, event: str) -> tuple[str, ErrorEventPayload]:
    return "error", ErrorEventPayload(refused.code, refused.message, event, details_payload(refused))
