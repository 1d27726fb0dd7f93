"""Describes the error responses of each REST route in `/openapi.json`.

Litestar describes successful responses, and errors in a format that Talkwire does not use. This module replaces these
errors with references to `components.responses`. A route's errors follow from its form: whether it needs a signed-in
caller, takes a body, or changes something. A route declares further errors with `opt=may_refuse(410)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from types import MappingProxyType

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import (
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Reference,
    RequestBody,
    Schema,
)
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute

from talkwire.api.description.schemas import reference_to, schema_name
from talkwire.api.http.errors import STATUS
from talkwire.core.domain.errors import ErrorCode
from talkwire.payloads.replies import ErrorBody

_OPT = "refusals"

_CODES_OF_PROTOCOLS: Mapping[int, ErrorCode] = MappingProxyType(
    {
        400: "invalid_request",
        405: "invalid_request",
        408: "invalid_request",
        410: "not_found",
        412: "invalid_request",
        415: "invalid_request",
        416: "invalid_request",
        423: "conflict",
        460: "invalid_request",
    }
)
"""Error codes by status, for statuses that only a protocol over HTTP uses, such as the upload protocol tus (460:
checksum mismatch)."""

_CHECKSUM_MISMATCH = 460
"""A status of the upload protocol tus, which `http.HTTPStatus` does not have."""

_TEXT = Schema(type=OpenAPIType.STRING)
_COUNT = Schema(type=OpenAPIType.INTEGER, minimum=0)

_HEADERS: Mapping[int, Mapping[str, OpenAPIHeader]] = MappingProxyType(
    {
        401: {"WWW-Authenticate": OpenAPIHeader(schema=_TEXT, description="The authentication scheme")},
        429: {"Retry-After": OpenAPIHeader(schema=_COUNT, description="Seconds until a retry may succeed")},
    }
)


class ErrorAnswer(msgspec.Struct, frozen=True):
    """The body of every error response."""

    error: ErrorBody


def may_refuse(*statuses: int) -> dict[str, object]:
    """Returns a value for `opt=` in a route's decorator. It documents error statuses of the route in addition to the
    statuses that follow from its method, dependencies and body."""
    return {_OPT: statuses}


def refusal_responses() -> dict[str, OpenAPIResponse | Reference]:
    """Returns the description of every error response, for the document's `components.responses`."""
    return {_name(status): _response(status) for status in sorted({*STATUS.values(), *_CODES_OF_PROTOCOLS})}


class DescribeRefusals(ReceiveRoutePlugin):
    """A Litestar plugin that adds the error responses to each route's description, and marks optional bodies as
    optional."""

    def receive_route(self, route: BaseRoute) -> None:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                statuses = frozenset(_statuses(handler))
                handler.operation_class = _operation_class(statuses, _needs_caller(handler), _needs_body(handler))


def _statuses(handler: HTTPRouteHandler) -> set[int]:
    # Any route may fail validation, exceed a rate limit, or find the database unavailable.
    statuses = {422, 429, 503}
    if _needs_caller(handler):
        statuses |= {401, 403, 404}
    if handler.http_methods - {"GET", "HEAD"}:
        statuses |= {409}
    if {"data", "body"} & set(handler.parsed_fn_signature.parameters):
        statuses |= {413}
    return statuses | set(handler.opt.get(_OPT, ()))


def _needs_caller(handler: HTTPRouteHandler) -> bool:
    """Returns whether a route needs a signed-in user: whether it depends on `caller`, directly or through another
    dependency."""
    dependencies = handler.resolve_dependencies()
    asked, seen = list(handler.parsed_fn_signature.parameters), set[str]()
    while asked:
        name = asked.pop()
        if name == "caller":
            return True
        if name in dependencies and name not in seen:
            seen.add(name)
            asked += dependencies[name].parsed_fn_signature.parameters
    return False


def _needs_body(handler: HTTPRouteHandler) -> bool:
    data = handler.parsed_fn_signature.parameters.get("data")
    return data is not None and not data.has_default and not data.is_optional


@cache
def _operation_class(statuses: frozenset[int], needs_caller: bool, needs_body: bool) -> type[Operation]:  # noqa: FBT001
    @dataclass
    class RouteOperation(Operation):
        def __post_init__(self) -> None:
            described = self.responses or {}
            described.pop("400", None)  # Litestar's status for an invalid request; Talkwire uses 422
            for status, response in described.items():
                _shorten_description(int(status), response)
            described |= {str(status): _reference(status) for status in sorted(statuses)}
            self.responses = described
            if isinstance(self.request_body, RequestBody):
                self.request_body.required = needs_body
            if not needs_caller:
                self.security = []

    return RouteOperation


def _shorten_description(status: int, response: OpenAPIResponse | Reference) -> None:
    """Replaces Python's long description of an HTTP status in a documented response with its short phrase, such as
    "Created"."""
    if isinstance(response, OpenAPIResponse) and response.description == HTTPStatus(status).description:
        response.description = HTTPStatus(status).phrase


def _response(status: int) -> OpenAPIResponse:
    codes = sorted({code for code, its_status in STATUS.items() if its_status == status} | _protocol_codes(status))
    schema = Reference(ref=reference_to(schema_name(ErrorAnswer)))
    example = {"error": {"code": codes[0], "message": f"{codes[0].replace('_', ' ').capitalize()}."}}
    return OpenAPIResponse(
        description=_listed(codes),
        content={"application/json": OpenAPIMediaType(schema=schema, example=example)},
        headers=dict(_HEADERS.get(status, {})) or None,
    )


def _listed(codes: Iterable[str]) -> str:
    return "Refused: " + ", ".join(f"`{code}`" for code in codes)


def _protocol_codes(status: int) -> set[ErrorCode]:
    return {_CODES_OF_PROTOCOLS[status]} if status in _CODES_OF_PROTOCOLS else set()


def _reference(status: int) -> Reference:
    return Reference(ref=f"#/components/responses/{_name(status)}")


def _name(status: int) -> str:
    """Returns the name of an error response in `components.responses`: the first error code that has this status, such
    as `RateLimited`, or else HTTP's name of the status."""
    if status == _CHECKSUM_MISMATCH:
        return "ChecksumMismatch"
    words = next((code for code, its_status in STATUS.items() if its_status == status), HTTPStatus(status).name)
    return words.lower().title().replace("_", "")
