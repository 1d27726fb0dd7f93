"""What acknowledgements have in common, and how refusals look."""

from __future__ import annotations

from typing import Any

import msgspec

from talkwire.core.errors import ChatError, ErrorCode
from talkwire.dialects.payloads.payload import Payload


class Reply(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    success: bool = True


def done(_: object) -> Reply:
    """The acknowledgement that says nothing more."""
    return Reply()


class ErrorBody(Payload, frozen=True):
    code: ErrorCode
    message: str
    details: Any = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    success: bool = False
    error: ErrorBody


class ErrorPayload(Payload, frozen=True):
    code: ErrorCode
    message: str
    event: str
    details: Any = None


def refusal(error: ChatError) -> Refusal:
    return Refusal(error=ErrorBody(error.code, error.message, error.details))


def error(refused: ChatError, event: str) -> tuple[str, ErrorPayload]:
    return "error", ErrorPayload(refused.code, refused.message, event, refused.details)
