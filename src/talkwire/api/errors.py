"""How a refusal looks over HTTP (contract, section 3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.status_codes import HTTP_413_REQUEST_ENTITY_TOO_LARGE

from talkwire.core.errors import ChatError, ErrorCode

STATUS: Mapping[ErrorCode, int] = MappingProxyType(
    {
        "unauthenticated": 401,
        "token_expired": 401,
        "forbidden": 403,
        "blocked": 403,
        "banned": 403,
        "muted": 403,
        "not_found": 404,
        "conflict": 409,
        "cursor_expired": 410,
        "cursor_epoch": 410,
        "payload_too_large": 413,
        "invalid_request": 422,
        "rate_limited": 429,
        "unavailable": 503,
    }
)

_CODE_BY_STATUS: Mapping[int, ErrorCode] = MappingProxyType(
    {401: "unauthenticated", 403: "forbidden", 404: "not_found", 413: "payload_too_large", 429: "rate_limited"}
)

_MISSING_FIELD = re.compile("required field `([^`]+)`")

_logger = structlog.get_logger(__name__)


def error_body(error: ChatError) -> dict[str, object]:
    """The body of every refusal: `{error: {code, message, details?}}`."""
    body: dict[str, object] = {"code": error.code, "message": error.message}
    if error.details is not None:
        body["details"] = error.details
    return {"error": body}


def _answer(error: ChatError, status: int | None = None) -> Response[dict[str, object]]:
    headers = {"WWW-Authenticate": "Bearer"} if STATUS[error.code] == 401 else {}
    return Response(
        error_body(error), status_code=status or STATUS[error.code], media_type=MediaType.JSON, headers=headers
    )


def on_chat_error(_: Request[Any, Any, Any], error: ChatError) -> Response[dict[str, object]]:
    return _answer(error)


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, object]]:
    """What Litestar refuses by itself: a body that does not fit, an unknown path, a method that is not there."""
    if error.status_code >= 500:
        return on_unexpected_error(request, error)
    if isinstance(error, ValidationException):
        return _answer(_invalid(error))
    if error.status_code == 400:
        return _answer(ChatError("invalid_request", error.detail))
    if error.status_code == HTTP_413_REQUEST_ENTITY_TOO_LARGE:
        return _answer(ChatError("payload_too_large", "The request's body is too large."))
    code = _CODE_BY_STATUS.get(error.status_code, "invalid_request")
    return _answer(ChatError(code, error.detail), error.status_code)


def on_unexpected_error(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, object]]:
    _logger.error("a request failed", method=request.method, path=request.url.path, exc_info=error)
    return _answer(ChatError("unavailable", "Something went wrong here. Try again."))


def on_unreadable_body(_: Request[Any, Any, Any], error: Exception) -> Response[dict[str, object]]:  # noqa: ARG001
    """What the JSON decoder raises for a body that is no UTF-8, or nested too deeply."""
    return _answer(ChatError("invalid_request", "The body is no JSON that can be read."))


def _invalid(error: ValidationException) -> ChatError:
    """Litestar's own text repeats the address with its query, and so a token that may be in it."""
    extra = error.extra if isinstance(error.extra, list) else []
    details = [_detail(str(item.get("key", "")), str(item.get("message", ""))) for item in extra]
    if not details:
        return ChatError("invalid_request", "The request is not valid.")
    return ChatError(
        "invalid_request", "; ".join(f"{d['path']}: {d['message']}".lstrip(": ") for d in details), details
    )


def _detail(path: str, message: str) -> dict[str, str]:
    """`data` is Litestar's name of the whole body."""
    if path == "data":
        missing = _MISSING_FIELD.search(message)
        path = "" if missing is None else missing.group(1)
        message = "a JSON object is needed" if message == "'data'" else message
    return {"path": path, "message": message}
