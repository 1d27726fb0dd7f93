"""Turns the chat's errors (ChatError) and other exceptions into HTTP error responses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import ceil
from types import MappingProxyType
from typing import Any

import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, InternalServerException, ValidationException
from litestar.status_codes import HTTP_204_NO_CONTENT, HTTP_405_METHOD_NOT_ALLOWED, HTTP_413_REQUEST_ENTITY_TOO_LARGE
from litestar.typing import FieldDefinition

from talkwire.api.http.caller import ADDRESS, CALLER_USER_ID
from talkwire.api.http.json_request import body_problem, conversation_of, with_unknown_fields_of_body
from talkwire.core.domain.errors import ChatError, ErrorCode
from talkwire.core.engine.limits import RateLimited
from talkwire.observability.refusals import log_refusal
from talkwire.payloads.problems import plain
from talkwire.payloads.replies import details_payload

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
"""HTTP status of each error code."""

_CODE_BY_STATUS: Mapping[int, ErrorCode] = MappingProxyType(
    {401: "unauthenticated", 403: "forbidden", 404: "not_found", 413: "payload_too_large", 429: "rate_limited"}
)

_MISSING_PARAMETER = re.compile(r"Missing required \w+ parameter '([^']+)'")

_BODY_BROKE_OFF = "client disconnected prematurely"
"""Message of Litestar's error when the connection ends before the request's body does."""

_NO_ROUTE = "Not Found"
"""Message of Litestar's error for a path that has no route."""

_PATH_MAX = 200
"""Most characters of a request's path that are logged."""

_logger = structlog.get_logger(__name__)


def error_body(error: ChatError) -> dict[str, object]:
    """Returns the body of an error response: `{error: {code, message, details?}}`."""
    body: dict[str, object] = {"code": error.code, "message": error.message}
    if error.details is not None:
        body["details"] = details_payload(error)
    return {"error": body}


def _answer(
    error: ChatError, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response[dict[str, object]]:
    return Response(
        error_body(error),
        status_code=status or STATUS[error.code],
        media_type=MediaType.JSON,
        headers={**_headers(error), **(headers or {})},
    )


def _headers(error: ChatError) -> dict[str, str]:
    if STATUS[error.code] == 401:
        return {"WWW-Authenticate": "Bearer"}
    if error.code == "rate_limited" and isinstance(error.details, Mapping) and "retryAfterMs" in error.details:
        return {"Retry-After": str(ceil(error.details["retryAfterMs"] / 1000))}
    return {}


def on_chat_error(request: Request[Any, Any, Any], error: ChatError) -> Response[dict[str, object]]:
    _log(request, error)
    return _answer(with_unknown_fields_of_body(request, error))


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Returns the response to a request that Litestar refused, for example because of an invalid body, an unknown path,
    or a method that the path does not support."""
    if isinstance(error, InternalServerException) and error.detail == _BODY_BROKE_OFF:
        # The client has disconnected, so it never receives this response. The connection has counted the failure.
        return _answer(ChatError("invalid_request", "The connection ended before the request's body."))
    if error.status_code >= 500:
        return on_unexpected_error(request, error)
    if isinstance(error, ValidationException):
        return on_chat_error(request, body_problem(request) or _invalid(request, error))
    if error.status_code == 400:
        return on_chat_error(request, ChatError("invalid_request", error.detail))
    if error.status_code == HTTP_413_REQUEST_ENTITY_TOO_LARGE:
        return on_chat_error(request, ChatError("payload_too_large", "The request's body is too large."))
    if error.status_code == HTTP_405_METHOD_NOT_ALLOWED:
        return _no_such_method(request, error)
    code = _CODE_BY_STATUS.get(error.status_code, "invalid_request")
    message = "There is no such path; /docs lists the paths." if error.detail == _NO_ROUTE else error.detail
    return _answer(ChatError(code, message), error.status_code)


_READ_ELSEWHERE = {
    "members": "GET /api/v1/conversations/{id} returns the members.",
    "reactions": "GET /api/v1/messages/{id} returns the reactions.",
}
"""Routes that read what a path without GET changes, by a part of that path."""


def _no_such_method(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Returns the response to a request whose path exists, but has no route for the method: status 204 with the header
    `Allow` for OPTIONS, 405 for any other method (see `methods.py`)."""
    methods = {method.strip() for method in (error.headers or {}).get("allow", "").split(",")} | {"OPTIONS"}
    names = ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))
    allow = {"Allow": names}
    if request.method == "OPTIONS":
        return Response(None, status_code=HTTP_204_NO_CONTENT, headers=allow)
    message = f"This path does not have this method; it has {names}."
    if request.method == "GET":
        found = [text for part, text in _READ_ELSEWHERE.items() if part in request.url.path.split("/")]
        message = " ".join([message, *found])
    return _answer(ChatError("invalid_request", message), error.status_code, allow)


def on_unexpected_error(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, object]]:
    _logger.error("request_failed", method=request.method, path=request.url.path[:_PATH_MAX], exc_info=error)
    return _answer(ChatError("unavailable", "An internal error occurred."))


def on_unreadable_body(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, object]]:  # noqa: ARG001
    """Returns the error response for a request body that is not UTF-8, or is nested too deeply for the JSON decoder."""
    return on_chat_error(request, ChatError("invalid_request", "The body must be valid JSON in UTF-8."))


def _log(request: Request[Any, Any, Any], error: ChatError) -> None:
    """Logs a refused request with its route, error code, user and address. Logs nothing if the refusal was logged
    already, or if the caller is not signed in (status 401)."""
    if error.is_logged or STATUS[error.code] == 401:
        return
    user_id = request.state.get(CALLER_USER_ID)
    known = {
        "cause": error.cause,
        # Without a user, anybody could displace the refusals of others by inventing ids.
        "conversation_id": user_id and (error.conversation_id or conversation_of(request)),
        "user_id": user_id,
        "address": request.state.get(ADDRESS),
    }
    who = {name: value for name, value in known.items() if value}
    where = f"{request.method} {request.scope.get('path_template')}"
    if isinstance(error, RateLimited):
        log_refusal("rate_limited", limit=str(error.limit), command=where, **who)
    else:
        log_refusal("command_refused", command=where, code=error.code, **who)


def _invalid(request: Request[Any, Any, Any], error: ValidationException) -> ChatError:
    """Returns the error `invalid_request` for a request that Litestar found invalid, with the invalid members in its
    details. Litestar's own message is not used, since it contains the URL, which may contain a token."""
    extra = error.extra if isinstance(error.extra, list) else []
    details = [_detail(request, str(item.get("key", "")), str(item.get("message", ""))) for item in extra]
    missing = _MISSING_PARAMETER.match(error.detail)
    if missing is not None:
        details = [{"path": missing.group(1), "message": "is missing"}]
    if not details:
        return ChatError("invalid_request", "The request is invalid.")
    return ChatError(
        "invalid_request", "; ".join(f"{d['path']}: {d['message']}".lstrip(": ") for d in details), details
    )


def _detail(request: Request[Any, Any, Any], path: str, message: str) -> dict[str, str]:
    """Returns one item of an error's details: the path of an invalid member or parameter, and a message. Litestar names
    a missing body `data`, which becomes an empty path."""
    if path == "data":
        return {"path": "", "message": "must be a JSON object"}
    return {"path": _name_of(request, path), "message": _range_of(request, path) or plain(message)}


def _name_of(request: Request[Any, Any, Any], path: str) -> str:
    """Returns the name by which clients give the query parameter `path`, for which Litestar names the function's
    argument. Any other path stays the same."""
    parameter = _parameters(request).get(path)
    return path if parameter is None else getattr(parameter.kwarg_definition, "name", None) or path


def _parameters(request: Request[Any, Any, Any]) -> Mapping[str, FieldDefinition]:
    """Returns the parameters of the request's route and of what the route depends on, by the functions' arguments."""
    handler = request.route_handler
    dependencies = handler.resolve_dependencies()
    own = handler.parsed_fn_signature.parameters
    asked = [dependencies[name].parsed_fn_signature.parameters for name in own if name in dependencies]
    return {name: parameter for each in (*asked, own) for name, parameter in each.items()}


def _range_of(request: Request[Any, Any, Any], path: str) -> str | None:
    """Returns a message with the allowed range of the query parameter `path`, such as "must be between 1 and 100"; None
    if there is no such parameter, or if it has no minimum or no maximum."""
    for name, parameter in _parameters(request).items():
        given = parameter.kwarg_definition
        if path in {name, getattr(given, "alias", None), getattr(given, "name", None)}:
            least, greatest = getattr(given, "ge", None), getattr(given, "le", None)
            if least is not None and greatest is not None:
                return f"must be between {least} and {greatest}"
    return None
